"""Line Portrait's commands in any Blender: with `blender -b`, or with the bpy module.

    blender -b shot.blend -P scripts/headless.py -- render --all
    python scripts/headless.py shot.blend -- render --all      with a Python that has the bpy module
    python scripts/headless.py -- doctor

Uses the installed extension, or this checkout where none is enabled. `-- --help` lists the verbs and exit codes.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

ROOT = Path(__file__).resolve().parent.parent
NAME = "lineportrait"


def commands(workshop: str) -> ModuleType:
    """The extension's module of commands; staged into `workshop` and enabled where no installed one is."""
    preferences: Any = bpy.context.preferences
    enabled = [addon.module for addon in preferences.addons if addon.module.split(".")[-1] == NAME]
    if not enabled:
        import addon_utils

        build = [
            sys.executable,
            str(ROOT / "scripts" / "build_extension.py"),
            "--stage",
            f"{workshop}/{NAME}",
        ]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        preferences.extensions.repos.new(name="Line Portrait", module=NAME, custom_directory=workshop)
        enabled = [f"bl_ext.{NAME}.{NAME}"]
        if addon_utils.enable(enabled[0], default_set=True) is None:
            raise SystemExit(3)
    return importlib.import_module(f"{enabled[0]}.commands")


def main() -> int:
    """Open the .blend file that is named before ``--``, if any, and run what stands behind it."""
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    blends = [word for word in sys.argv[1:split] if word.endswith(".blend")]
    with tempfile.TemporaryDirectory(prefix="lineportrait-") as workshop:
        run = commands(workshop).main
        if blends and not bpy.app.binary_path:  # the Blender program has opened it already
            bpy.ops.wm.open_mainfile(filepath=str(Path(blends[0]).absolute()))
        return run(sys.argv[split + 1 :])


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The bpy modules of 4.2 and 4.5 crash or hang at exit while an extension is registered.
    os._exit(code)
