"""Landmarks put right by hand: taken over when they are a face."""

import numpy as np
import pytest

from lpcore.errors import LpError


def test_landmarks_take_the_place_of_those_found(portrait):
    moved = portrait.landmarks + 3
    assert np.array_equal(portrait.with_landmarks(moved.tolist()).landmarks, moved)


@pytest.mark.parametrize(
    "points",
    [
        [],
        [[1.0, 2.0]] * 68,
        [[1.0, 2.0, 3.0]] * 67,
        [[1.0, 2.0, 3.0]] * 68,
        [[float("nan")] * 3] * 68,
        [[1], [2, 3]],
    ],
    ids=["none", "flat", "one missing", "one place", "no numbers", "ragged"],
)
def test_what_is_no_face_is_refused(portrait, points):
    with pytest.raises(LpError) as caught:
        portrait.with_landmarks(points)
    assert caught.value.code == "BAD_VALUE"
