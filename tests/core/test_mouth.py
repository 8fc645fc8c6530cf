"""The drawn mouth: nothing while closed, dark with teeth when open, never outside the lips."""

import itertools

import numpy as np
import pytest
from conftest import drop_jaw

from lpcore.drawing.mouth import MouthInterior, inner_lip_gap
from lpcore.drawing.styles import STYLES


def painted(face, amount, style="ink", unit=1.0):
    ink = np.zeros((int(512 * unit), int(512 * unit)), np.float32)
    points = drop_jaw(face, amount)[:, :2] * unit
    MouthInterior(face, STYLES[style], unit).paint(ink, points)
    return ink


def test_gap_is_the_distance_of_the_inner_lips(face):
    assert inner_lip_gap(drop_jaw(face, 20)) == pytest.approx(inner_lip_gap(face) + 20, abs=1e-4)


def test_closed_mouth_of_a_closed_photo_is_left_alone(face):
    assert painted(face, 0).max() == 0


def test_lips_that_are_found_a_little_apart_are_closed(face):
    apart = drop_jaw(face, 2)
    for amount, dark in ((2, False), (7, True)):
        ink = np.zeros((512, 512), np.float32)
        MouthInterior(apart, STYLES["ink"], 1.0).paint(ink, drop_jaw(face, amount)[:, :2])
        assert (ink.max() > 0.5) == dark


def test_open_mouth_is_dark_below_and_teeth_are_paper(face):
    ink = painted(face, 40)
    assert ink[395, 256] == 1.0
    assert ink[364, 256] < 0.1
    assert ink[358:362, 256].max() > 0.9  # the edge of the upper lip


def test_paint_stays_at_the_lips(face):
    ink = painted(face, 40)
    ys, xs = np.nonzero(ink > 0.01)
    assert ys.min() > 350 and ys.max() < 405 and xs.min() > 203 and xs.max() < 309


def test_opening_fades_in_without_a_jump(face):
    amounts = np.linspace(0, 12, 61)
    sums = [painted(face, a).sum() for a in amounts]
    frames = [painted(face, a) for a in amounts]
    steps = [np.abs(a - b).max() for a, b in itertools.pairwise(frames)]
    # A thin line that moves by a fifth of a pixel changes a pixel by up to about that much, twice.
    assert sums[-1] > 0 and max(steps) < 0.45


def test_size_scales_the_drawing(face):
    small, large = painted(face, 40), painted(face, 40, unit=2.0)
    assert large.sum() == pytest.approx(4 * small.sum(), rel=0.05)


def test_crossed_lips_are_drawn_as_pressed_together(face):
    crossed = face.copy()
    crossed[[65, 66, 67], 1] -= 15
    ink = np.zeros((512, 512), np.float32)
    MouthInterior(face, STYLES["ink"], 1.0).paint(ink, crossed[:, :2])
    dark_in_each_column = (ink > 0.5).sum(axis=0)
    assert dark_in_each_column[225:290].min() >= 1 and dark_in_each_column.max() <= 4


def test_a_mouth_scaled_to_a_point_is_drawn_without_it(face):
    collapsed = face.copy()
    collapsed[48:68] = face[48:68].mean(axis=0)
    ink = np.zeros((512, 512), np.float32)
    MouthInterior(face, STYLES["ink"], 1.0).paint(ink, collapsed[:, :2])
    assert np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1
