"""Loading libraries beside other work."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, threading
from lpcore.preload import preload
preload("no_such_module", "colorsys", "lpcore.no_such_room")
[thread.join() for thread in threading.enumerate() if thread.name == "preload"]
print("colorsys" in sys.modules, "torch" in sys.modules)
"""

ANALYZE = """
import sys
import lpcore.session, lpcore.worker, lpcore.production, lpcore.face
import lpcore.drawing.styles, lpcore.motion.files, lpcore.frame_store
print("torch" in sys.modules, "scipy" in sys.modules)
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_what_is_missing_stops_nothing():
    assert run(CODE) == "True False"


def test_finding_a_face_waits_for_neither_torch_nor_scipy():
    assert run(ANALYZE) == "False False"
