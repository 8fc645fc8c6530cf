"""How long Blender takes to turn a predicted motion into keys on the rig, measured in Blender's Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

_CHILD = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
from lineportrait import adjust, motion, predictions, rig
prediction = predictions.read(Path(sys.argv[2]))
made = rig.build(bpy.context.scene, "Portrait", prediction.neutral)
times = [time.perf_counter()]
keys = adjust.fit(prediction, adjust.Adjustments())
times.append(time.perf_counter())
motion.lay_prediction(made, keys, 1, prediction)
times.append(time.perf_counter())
figures = {"curves_fit_s": times[1] - times[0], "curves_write_s": times[2] - times[1]}
figures["curves_keys"] = sum(len(part.frames) for part in keys)
sys.stdout.flush()
print(json.dumps(figures), flush=True)
import os
os._exit(0)  # bpy takes long to leave, or hangs
"""


def blender_python(root: Path) -> Path | None:
    """A Python that has `bpy`: that of `root`'s environments for the add-on tests, or this one; None without."""
    for folder in sorted(root.glob(".venv-bpy-*"), reverse=True):
        for python in (folder / "bin" / "python", folder / "Scripts" / "python.exe"):
            if python.exists():
                return python
    import importlib.util

    return Path(sys.executable) if importlib.util.find_spec("bpy") else None


def curve_cost(python: Path, root: Path, motion: Path) -> dict[str, float]:
    """Seconds to choose the keys of the motion file (curves_fit_s) and to write them (curves_write_s), and how many.

    python: has `bpy`. root: the project's folder. Raises subprocess.CalledProcessError where Blender's module fails.
    """
    with TemporaryDirectory() as folder:
        stage = [
            sys.executable,
            str(root / "scripts" / "build_extension.py"),
            "--stage",
            f"{folder}/lineportrait",
        ]
        subprocess.run(stage, check=True, stdout=subprocess.DEVNULL)
        command = [str(python), "-c", _CHILD, folder, str(motion)]
        environment = {**os.environ, "BLENDER_USER_RESOURCES": folder}
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout
    return json.loads(told.splitlines()[-1])
