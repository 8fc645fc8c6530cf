"""Sets Line Portrait up on this machine, and shows or tests it. Needs Python 3.11 or newer with pip; nothing else.

    python3 scripts/up.py demo     a talking line drawing of a public-domain portrait, into out/demo
    python3 scripts/up.py test     the tests, those of the Blender add-on included
    python3 scripts/up.py setup    only what both need

Everything goes into `.venv` (and `.venv-bpy-*` for the add-on tests) beside this project's files; deleting these
folders undoes it. Model files go into the user's cache folder. A second run finds everything done and is quick.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
BLENDERS = ("4.2.23", "5.0.1")
BLENDER_PYTHON = (3, 11)
EXTRAS = {"demo": ["demo"], "test": ["dev", "evaluate"], "setup": ["demo", "dev", "evaluate"]}
SPEECH = ROOT / "examples" / "hello.flac"

SAVE_PORTRAIT = """
import sys
from PIL import Image
from skimage.data import astronaut
Image.fromarray(astronaut()[..., :3]).save(sys.argv[1])
"""


class Trouble(Exception):
    """What stands in the way, in a sentence for the user."""


def main() -> int:
    """Runs the wanted verb; the exit code is 0 when all went well, 1 otherwise."""
    arguments = _parser().parse_args()
    try:
        python = set_up(arguments)
        run = {"demo": demo, "test": test, "setup": lambda python: print(f"Ready: {python}") or 0}
        return run[arguments.verb](python)
    except Trouble as trouble:
        print(f"\nStopped: {trouble}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped by the keyboard; run the same command again to go on.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("verb", choices=tuple(EXTRAS))
    parser.add_argument(
        "--torch",
        default="auto",
        metavar="cpu|cuda|SPEC",
        help="build of PyTorch: by default the one that is here, at first cuda where nvidia-smi answers, else cpu; "
        "or a version such as 2.10.0, ==2.9.* or ==2.13.0+cu130",
    )
    parser.add_argument(
        "--index-url",
        metavar="URL",
        help="package index to take PyTorch from, instead of pip's own. The PyTorch project runs one for CPU "
        "builds and one for each CUDA version; its installation page names them. Linux without an NVIDIA card: "
        "the CPU index saves a download of several gigabytes",
    )
    parser.add_argument("--extra-index-url", metavar="URL", help="the same, besides pip's own")
    return parser


# Setting up


def set_up(arguments: argparse.Namespace) -> Path:
    """Make `.venv` and fill it as far as that is not done; the path of its Python."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where older ones are turned away
        raise Trouble(f"this is Python {platform.python_version()}; Line Portrait needs 3.11 or newer.")
    venv = ROOT / ".venv"
    choice = "cuda" if arguments.torch == "auto" and has_nvidia() else arguments.torch
    torch = torch_requirement(choice)
    index = index_options(arguments.index_url, arguments.extra_index_url)
    old = read_stamp(venv)
    if old and arguments.torch == "auto" and not index:
        torch, index = old["torch"], old["index"]
    new = stamp(ROOT / "pyproject.toml", torch, index, EXTRAS[arguments.verb], old)
    if new == old and venv_python(venv).exists():
        say(f"{venv.name} is up to date")
    else:
        python = make_venv(venv)
        old = read_stamp(venv)  # none, where the environment was made anew
        if old is None or (old["torch"], old["index"]) != (new["torch"], new["index"]):
            say(f"Installing PyTorch ({new['torch']})")
            for note in torch_notes(platform.system(), platform.machine(), choice, bool(index)):
                print(f"    {note}")
            # Without its stamp, an environment that is left half changed is filled anew.
            remove_stamp(venv)
            if old:
                pip(python, "uninstall", "--yes", "torch")
            pip(python, "install", *index, new["torch"])
        # PyTorch is as wanted from here on; what stands for the rest stays open until that is done.
        write_stamp(venv, {**new, "pyproject": None})
        say(f"Installing lpcore with {' and '.join(new['extras'])}")
        pip(python, "install", "--quiet", "--editable", f"{ROOT}[{','.join(new['extras'])}]")
        write_stamp(venv, new)
    python = venv_python(venv)
    say("Model files")
    if call(python, "-m", "lpcore", "weights", "fetch"):
        raise Trouble("the model files are not complete; see the message above.")
    if call(python, "-m", "lpcore", "register"):
        print("    Blender will not find this engine by itself; choose it in the add-on's preferences.")
    return python


def has_nvidia() -> bool:
    """Whether an NVIDIA driver answers on this machine."""
    found = shutil.which("nvidia-smi")
    return found is not None and subprocess.run([found, "-L"], capture_output=True).returncode == 0


def torch_requirement(choice: str) -> str:
    """What pip is asked for. cpu and cuda ask for the same version: the index decides which build that is, and
    pip prefers a labelled one (2.13.0+cpu) wherever it finds it.
    """
    if choice in ("auto", "cpu", "cuda"):
        return TORCH
    specifier = choice.removeprefix("torch").strip()
    return "torch" + (specifier if specifier[:1] in "=<>!~" else f"=={specifier}")


def torch_notes(system: str, machine: str, choice: str, has_index: bool) -> list[str]:
    """What the user should know before a long download."""
    if system == "Darwin" and machine == "x86_64":
        return ["PyTorch has no builds for Intel Macs any more; the next step is likely to fail."]
    if has_index:
        return []
    if system == "Linux" and machine == "x86_64" and choice in ("auto", "cpu"):
        return [
            "No NVIDIA card is used. pip's standard build for Linux brings several gigabytes of CUDA all the same;",
            "to avoid them, stop here and add --index-url with the PyTorch project's CPU index (see --help).",
        ]
    if system == "Windows" and choice == "cuda":
        return ["pip's standard build for Windows runs on the CPU; for CUDA add --index-url (see --help)."]
    return []


def index_options(index_url: str | None, extra_index_url: str | None) -> list[str]:
    """pip's options for the indices to take PyTorch from."""
    given = {"--index-url": index_url, "--extra-index-url": extra_index_url}
    return [word for name, url in given.items() if url for word in (name, url)]


def make_venv(folder: Path, base: str = sys.executable) -> Path:
    """The Python of the virtual environment in `folder`, made by the Python `base` where it does not exist."""
    python = venv_python(folder)
    if not python.exists() or call(python, "-m", "pip", "--version", quiet=True):
        say(f"Making {folder.name}")
        if call(base, "-m", "venv", "--clear", folder):
            raise Trouble(
                "this Python cannot make virtual environments (its parts venv and ensurepip are missing). "
                "On Debian and Ubuntu: sudo apt install python3-venv"
            )
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    return python


def venv_python(folder: Path, system: str = os.name) -> Path:
    """Where a virtual environment has its Python."""
    return folder / "Scripts" / "python.exe" if system == "nt" else folder / "bin" / "python"


# The stamp: what an environment was filled with, so that a second run can leave it alone


def stamp(pyproject: Path, torch: str, index: list[str], extras: list[str], old: dict | None) -> dict:
    """The stamp of an environment made as asked; extras that are installed already stay."""
    return {
        "pyproject": hashlib.sha256(pyproject.read_bytes()).hexdigest(),
        "torch": torch,
        "index": index,
        "extras": sorted({*extras, *(old or {}).get("extras", [])}),
    }


def read_stamp(venv: Path) -> dict | None:
    """The stamp in `venv`; None where there is none that can be read."""
    try:
        return json.loads((venv / "up.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def remove_stamp(venv: Path) -> None:
    (venv / "up.json").unlink(missing_ok=True)


def write_stamp(venv: Path, values: dict) -> None:
    (venv / "up.json").write_text(json.dumps(values, indent=2), encoding="utf-8")


# The verbs


def demo(python: Path) -> int:
    """Draw the astronaut speaking the example speech."""
    out = ROOT / "out" / "demo"
    out.mkdir(parents=True, exist_ok=True)
    photo = out / "astronaut.png"
    if not photo.exists() and call(python, "-c", SAVE_PORTRAIT, photo):
        raise Trouble("the demo's portrait could not be written.")
    say(f"Drawing {photo.name} speaking {SPEECH.name}")
    if call(python, "-m", "lpcore", "animate", photo, SPEECH, "-o", out):
        raise Trouble("the demo did not finish; see the message above.")
    print(f"\nThe film:   {out / 'film.mp4'}\nIts frames: {out / 'frames'}")
    return 0


def test(python: Path) -> int:
    """Run the core tests here, and the add-on tests in each Blender."""
    say("Tests of the core")
    results = {"core": _verdict(call(python, "-m", "pytest", "tests/core"))}
    base = blender_python()
    for version in BLENDERS:
        say(f"Tests of the add-on in Blender {version}")
        if base is None:
            wanted = ".".join(map(str, BLENDER_PYTHON))
            results[f"Blender {version}"] = f"skipped (its module needs Python {wanted}, which is not here)"
        else:
            results[f"Blender {version}"] = _test_addon(version, base, python)
    print("\n" + "; ".join(f"{name}: {result}" for name, result in results.items()))
    return int(any(result.startswith("FAILED") for result in results.values()))


def blender_python() -> str | None:
    """A Python that Blender's modules load in: this one if it fits, else one on the PATH."""
    if sys.version_info[:2] == BLENDER_PYTHON:
        return sys.executable
    return shutil.which("python" + ".".join(map(str, BLENDER_PYTHON)))


def _test_addon(version: str, base: str, engine: Path) -> str:
    venv = ROOT / f".venv-bpy-{version}"
    wanted = {"packages": [f"bpy=={version}", "numpy>=1.26,<2", "pytest", "hypothesis"]}
    try:
        python = make_venv(venv, base)
        if read_stamp(venv) != wanted:
            pip(python, "install", "--quiet", *wanted["packages"])
            write_stamp(venv, wanted)
    except Trouble as trouble:
        return f"FAILED ({trouble})"
    if call(python, "-c", "import bpy"):
        return "FAILED (Blender's module does not load; the message above names what this system lacks)"
    return _verdict(call(python, "-m", "pytest", "tests/addon", LPCORE_PYTHON=str(engine)))


def _verdict(code: int) -> str:
    nothing_collected = 5
    return (
        "passed" if code == 0 else "no tests" if code == nothing_collected else f"FAILED (pytest code {code})"
    )


# Running programs


def say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def call(program: str | Path, *words: str | Path, quiet: bool = False, **environment: str) -> int:
    """Run a program in the project's folder; its exit code."""
    command = [str(word) for word in (program, *words)]
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=sink, stderr=sink
    ).returncode


def pip(python: Path, *words: str) -> None:
    """Run pip in an environment."""
    if call(python, "-m", "pip", "--disable-pip-version-check", *words):
        raise Trouble(f"`pip {' '.join(words)}` failed; see above. Is this machine online?")


if __name__ == "__main__":
    sys.exit(main())
