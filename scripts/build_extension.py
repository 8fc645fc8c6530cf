"""Build the Blender extension: stage, validate and zip it, leaving the tree as it is.

python scripts/build_extension.py                        with the bpy module of this Python
python scripts/build_extension.py --blender /path/to/blender
python scripts/build_extension.py --stage DIR            stage only, for tests and type checks
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_LPCORE = (
    "__init__", "errors", "finish", "frame_keys", "messages", "png", "pointer", "points68", "protocol", "types",
    "version", "audio/__init__", "audio/level", "motion/__init__", "motion/blink", "motion/close", "motion/closure",
    "motion/smooth",
)  # fmt: skip
"""The modules of lpcore that the add-on needs: standard library and numpy alone."""


def version() -> str:
    """The version of lpcore; ends the program when the manifest states another."""
    stated: dict[str, str] = {}
    exec((ROOT / "lpcore" / "version.py").read_text("utf-8"), stated)  # noqa: S102 - our own one-line file
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    if manifest["version"] != stated["__version__"]:
        sys.exit(
            f"blender_manifest.toml says {manifest['version']}, lpcore/version.py {stated['__version__']}"
        )
    return stated["__version__"]


def stage(folder: Path) -> Path:
    """Lay the extension's files out in `folder`, replacing what an earlier staging left there.

    Ends the program where `folder` holds anything else.
    """
    if folder.exists():
        if not _is_ours(folder):
            sys.exit(f"{folder} holds something other than a staged extension; choose a new or empty folder")
        shutil.rmtree(folder)
    for pattern in ("*.py", "*.json"):
        for path in (ROOT / "addon").rglob(pattern):
            _copy(path, folder / path.relative_to(ROOT / "addon"))
    for name in SHIPPED_LPCORE:
        _copy(ROOT / "lpcore" / f"{name}.py", folder / "lpcore" / f"{name}.py")
    for name in ("blender_manifest.toml", "LICENSE"):
        _copy(ROOT / name, folder / name)
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether `folder` is empty or was staged; a checkout has the manifest too, but no ``__init__.py`` beside it."""
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    manifest = folder / "blender_manifest.toml"
    return (
        (folder / "__init__.py").is_file()
        and manifest.is_file()
        and 'id = "lineportrait"' in manifest.read_text("utf-8")
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def extension_command(blender: str | None) -> list[str]:
    """The command line of Blender's own extension tool: a Blender program's, or the bpy module's."""
    if blender:
        return [blender, "--command", "extension"]
    spec = importlib.util.find_spec("bpy")
    places = spec.submodule_search_locations if spec else None
    tools = [
        tool
        for place in places or ()
        for tool in Path(place).glob("*/scripts/addons_core/bl_pkg/cli/*_ext.py")
    ]
    if not tools:
        sys.exit("building needs Blender: give --blender PATH, or run with a Python that has the bpy module")
    return [sys.executable, str(tools[0])]


def build(output: Path, blender: str | None) -> Path:
    """The validated zip in `output`; ends the program with the tool's words where validation fails."""
    tool = extension_command(blender)
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"lineportrait-{version()}.zip"
    with tempfile.TemporaryDirectory(prefix="lineportrait-") as temporary:
        source = stage(Path(temporary) / "lineportrait")
        for arguments in (
            ["validate", str(source)],
            ["build", "--source-dir", str(source), "--output-filepath", str(archive)],
            ["validate", str(archive)],
        ):
            done = subprocess.run([*tool, *arguments], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(arguments[:1])} failed:\n{done.stdout}{done.stderr}")
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the Line Portrait extension for Blender.")
    parser.add_argument("--blender", metavar="PATH", help="Blender program to build with")
    parser.add_argument("--stage", metavar="DIR", type=Path, help="lay the files out in DIR and stop")
    parser.add_argument("--output", metavar="DIR", type=Path, default=ROOT / "dist", help="folder of the zip")
    options = parser.parse_args()
    if options.stage:
        version()
        print(stage(options.stage))
    else:
        print(build(options.output, options.blender))


if __name__ == "__main__":
    main()
