"""End to end with the real worker: a sound strip and a photo in, frames that talk out."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from worlds import World, part

pytestmark = pytest.mark.engine

PYTHON = os.environ.get("LPCORE_PYTHON", "")
MAKE_PHOTO = "import sys, skimage.data, skimage.io; skimage.io.imsave(sys.argv[1], skimage.data.astronaut())"


def ask(code: str, *arguments: str) -> str:
    """What `code` prints in the engine's Python; skips where the engine cannot do it."""
    done = subprocess.run([PYTHON, "-I", "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the engine's Python lacks something: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


@pytest.fixture
def real_world(blender, tmp_path):
    if not PYTHON:
        pytest.skip("LPCORE_PYTHON does not name the engine's Python")
    listing = ask(
        "import json; from lpcore import weights; print(json.dumps([dict(w) for w in weights.listing()], default=str))"
    )
    missing = [
        weight["name"]
        for weight in json.loads(listing)
        if not weight["present"] and not weight.get("optional")
    ]
    if missing:
        pytest.skip(f"weights are missing: {', '.join(missing)}")
    world = World(tmp_path)
    photo, speech = os.environ.get("LINEPORTRAIT_PHOTO"), os.environ.get("LINEPORTRAIT_SPEECH")
    if photo:
        world.photo.write_bytes(Path(photo).read_bytes())
    else:
        ask(MAKE_PHOTO, str(world.photo))
    if speech:
        (tmp_path / "speech.wav").write_bytes(Path(speech).read_bytes())
    yield world
    part("engine").shared.stop()


def test_photo_and_speech_become_a_talking_strip(real_world, blender):
    for verb in ("analyze", "speak", "draw"):
        assert getattr(blender.ops.lineportrait, verb)() == {"FINISHED"}
    lies = part("compat").handles(real_world.drawing)
    assert (lies.start, lies.end) == (11, 29)
    files = real_world.frames()
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    points = part("motion").sample(real_world.scene, real_world.rig, np.arange(11.0, 29.0))
    opening = points[:, 66, 1] - points[:, 62, 1]
    assert np.ptp(opening) > 1
    assert len(hashes) > len(files) / 2
