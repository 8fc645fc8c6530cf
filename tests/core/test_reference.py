"""The published script's pipeline: it does all its steps, and leaves nine pictures."""

from dataclasses import replace

import cv2
import numpy as np
from conftest import drop_jaw

from lpcore.drawing.generator import PAPER, Generator
from lpcore.evaluate.reference import reference


def test_every_frame_leaves_nine_pictures_and_follows_the_landmarks(portrait, tmp_path):
    small = replace(PAPER, widths=(8, 8, 8), landmark_widths=(2, 2, 2), blocks=1)
    pipeline = replace(reference(), static=lambda x: x.mean(1, keepdim=True), generator=Generator(small))
    shown = []
    for name, points in (("still", portrait.landmarks), ("open", drop_jaw(portrait.landmarks, 40))):
        folder = tmp_path / name
        folder.mkdir()
        pipeline.frame(portrait, points, folder)
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == [f"{k}.png" for k in range(9)]
        shown.append([cv2.imread(str(file)) for file in files])
    assert all(picture.shape == (256, 256, 3) for picture in shown[0])
    changed = [bool(np.any(a != b)) for a, b in zip(*shown, strict=True)]
    # Photo, its landmarks, its matte and its static drawing are found anew, and are the same.
    assert changed == [False, False, True, True, True, False, False, True, True]
