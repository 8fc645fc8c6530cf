"""Drawn moments of a film: a camera that pans over a photo."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from lpcore.train.film_pairs import film_pairs

pytestmark = pytest.mark.weights
STEP = 3
"""Pixels by which the picture moves from frame to frame."""


def write_film(path, pictures):
    height, width = pictures[0].shape[:2]
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (width, height))
    assert film.isOpened()
    for picture in pictures:
        film.write(np.ascontiguousarray(picture[..., ::-1]))
    film.release()
    return path


def test_the_second_drawing_is_the_first_one_moved_as_the_face(tmp_path):
    photo = np.ascontiguousarray(astronaut()[..., :3])
    frames = [photo[:, STEP * k : STEP * k + 480] for k in range(4)]
    pairs = film_pairs(write_film(tmp_path / "pan.avi", frames), ("ink", "pen"), count=2)
    assert len(pairs) == 2
    for pair in pairs:
        assert pair.shape == (2, 2, 512, 512) and pair.dtype == np.uint8
        for before, after in pair.astype(np.float32):
            assert (before > 127).mean() > 0.02
            # The face is about half as large again in the crop, and goes to the left.
            (dx, dy), _ = cv2.phaseCorrelate(before[100:400, 150:350], after[100:400, 150:350])
            assert -12 < dx < -3 and abs(dy) < 2


def test_moments_without_a_face_are_missing(tmp_path):
    blank = [np.full((120, 160, 3), 40 * k, np.uint8) for k in range(4)]
    assert film_pairs(write_film(tmp_path / "blank.avi", blank), ("ink",), count=3) == []
    assert film_pairs(tmp_path / "absent.avi", ("ink",), count=3) == []
