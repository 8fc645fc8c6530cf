"""End to end with the real worker: a sound strip and a photo in, frames that talk out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from worlds import World, part

pytestmark = pytest.mark.engine

PYTHON = os.environ.get("LPCORE_PYTHON", "")
MAKE_PHOTO = "import sys, skimage.data, skimage.io; skimage.io.imsave(sys.argv[1], skimage.data.astronaut())"
BROWS_TO_EYES, MOUTH = slice(17, 48), slice(48, 68)
UPPER_LIP, LOWER_LIP = 62, 66


@pytest.fixture
def real_world(blender, tmp_path):
    """A world with a photo of a face and, where the environment names a file, real speech."""
    if not PYTHON:
        pytest.skip("LPCORE_PYTHON does not name the engine's Python")
    world = World(tmp_path)
    photo, speech = os.environ.get("LINEPORTRAIT_PHOTO"), os.environ.get("LINEPORTRAIT_SPEECH")
    if photo:
        world.photo.write_bytes(Path(photo).read_bytes())
    else:
        subprocess.run([PYTHON, "-I", "-c", MAKE_PHOTO, str(world.photo)], check=True)
    if speech:
        (tmp_path / "speech.wav").write_bytes(Path(speech).read_bytes())
    yield world
    part("engine").shared.stop()


def grey(blender, path: Path) -> np.ndarray:
    """(H, W) grey values in [0, 1] of an image file, the top row first."""
    image = blender.data.images.load(str(path))
    width, height = image.size
    return np.array(image.pixels[:]).reshape(height, width, -1)[::-1, :, :3].mean(-1)


def around(points: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the picture that `points` cover, crop units being pixels at the default size."""
    (left, top), (right, bottom) = (
        points[..., :2].reshape(-1, 2).min(0),
        points[..., :2].reshape(-1, 2).max(0),
    )
    return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)


def test_photo_and_speech_become_a_talking_strip(real_world, blender):
    for part_that_rests in ("head", "brows", "blink_rate"):
        setattr(real_world.portrait, part_that_rests, 0)
    for verb in ("analyze", "speak", "draw"):
        assert getattr(blender.ops.lineportrait, verb)() == {"FINISHED"}
    lies = part("compat").handles(real_world.drawing)
    assert (lies.start, lies.end) == (11, 29)

    points = part("motion").sample(real_world.scene, real_world.rig, np.arange(11.0, 29.0))
    opening = points[:, LOWER_LIP, 1] - points[:, UPPER_LIP, 1]
    assert np.ptp(opening) > 5
    assert np.ptp(points[:, BROWS_TO_EYES], axis=0).max() < 0.1

    files = real_world.frames()
    assert len(files) == 18
    opened, shut = (grey(blender, files[frame]) for frame in (opening.argmax(), opening.argmin()))
    changed = np.abs(opened - shut)
    brows = int(points[0, BROWS_TO_EYES, 1].min())
    assert changed[:brows].max() < 0.05
    assert changed[around(points[:, BROWS_TO_EYES])].mean() < 0.01
    assert changed[around(points[:, MOUTH])].mean() > 0.1
