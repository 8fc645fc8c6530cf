"""Closing lips: they meet, never cross, keep their thickness; when they must be closed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lpcore.motion.close import close_lips, closed_mouth, keep_apart, lip_gap
from lpcore.motion.closure import bilabial_closure, rest
from lpcore.points68 import INNER_LIP_PAIRS, INNER_LIPS, LIPS

faces = hnp.arrays(np.float32, (3, 68, 3), elements=st.floats(0, 512, width=32))
UPPER, LOWER = ([pair[k] for pair in INNER_LIP_PAIRS] for k in (0, 1))


@given(faces)
def test_lips_never_cross(points):
    apart = keep_apart(points)
    assert (apart[:, LOWER, 1] >= apart[:, UPPER, 1]).all()
    others = [i for i in range(68) if i not in LIPS]
    np.testing.assert_array_equal(apart[:, others], points[:, others])


@given(faces)
def test_lips_that_do_not_cross_stay(points):
    low, high = points[:, UPPER, 1].copy(), points[:, LOWER, 1].copy()
    points[:, UPPER, 1], points[:, LOWER, 1] = np.minimum(low, high), np.maximum(low, high)
    np.testing.assert_array_equal(keep_apart(points), points)


@settings(max_examples=50)
@given(faces, st.floats(0, 1))
def test_closing_shrinks_the_gap_in_proportion(points, amount):
    np.testing.assert_allclose(lip_gap(close_lips(points, amount)), (1 - amount) * lip_gap(points), atol=1e-3)


def test_amounts_are_per_frame(face):
    face[LOWER, 1] += 20
    closed = close_lips(np.stack([face] * 3), np.array([0.0, 0.5, 1.0], np.float32))
    np.testing.assert_allclose(lip_gap(closed) / lip_gap(face), [1, 0.5, 0], atol=1e-5)
    assert closed.dtype == np.float32


def test_lips_keep_their_thickness(face):
    face[LOWER, 1] += 20
    closed = close_lips(face, 1.0)
    for outer, inner in ((51, 62), (57, 66)):
        np.testing.assert_allclose(closed[outer] - closed[inner], face[outer] - face[inner], atol=1e-3)
    np.testing.assert_array_equal(closed[[48, 54, 60, 64]], face[[48, 54, 60, 64]])


def test_an_open_mouth_shuts_and_takes_the_chin_along(face):
    face[LOWER, 1] += 30
    shut = closed_mouth(face)
    assert lip_gap(shut) == pytest.approx(0, abs=1e-3)
    assert -20 < shut[8, 1] - face[8, 1] < -5
    np.testing.assert_allclose(shut[[0, 16]], face[[0, 16]], atol=1e-3)
    still = [i for i in range(17, 68) if i not in LIPS]
    np.testing.assert_array_equal(shut[still], face[still])
    assert set(INNER_LIPS) < set(LIPS)


def test_a_spike_closes_the_lips_and_lets_go_for_the_next_vowel():
    posterior = np.zeros(100)
    posterior[50] = 1.0
    closure = bilabial_closure(posterior, 50)
    assert closure[50] == 1 and 0 < closure[49] < 0.5 and closure[48] == closure[52] == 0
    assert (np.diff(closure[:50]) >= 0).all() and (np.diff(closure[51:]) <= 0).all()


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1)))
def test_closure_is_a_share_and_covers_every_spike(posterior):
    closure = bilabial_closure(posterior, 50)
    assert closure.shape == posterior.shape
    assert (closure >= np.clip(posterior / 0.5, 0, 1)).all() and (closure <= 1).all()


@given(hnp.arrays(bool, st.integers(1, 120)))
def test_rest_covers_silence_and_leaves_speech(silent):
    resting = rest(silent, 50)
    assert (resting[silent] == 1).all() and (resting >= 0).all()
    for k, value in enumerate(resting):
        free = not silent[max(0, k - 2) : k + 5].any()
        assert (value == 0) == free
