"""The drawn mouth: the photo's line while closed, dark with teeth when open, never outside the lips."""

import itertools

import cv2
import numpy as np
import pytest
from conftest import drop_jaw
from scipy.special import expit, logit

from lpcore.drawing.lips import inner_lip_gap, parted
from lpcore.drawing.mouth import Mouth
from lpcore.drawing.styles import STYLES


def mouth(face, style="ink", unit=1.0, ink=None, was_open=False):
    """The mouth of a photo with landmarks `face`, whose drawing is (512, 512) `ink`, else an empty sheet."""
    drawn = np.zeros((512, 512), np.float32) if ink is None else ink
    logits = logit(np.clip(drawn, 1e-3, 1 - 1e-3)) / STYLES[style].gain
    return Mouth(logits, face, 1.0, was_open, STYLES[style], unit)


def painted(face, amount, style="ink", unit=1.0, **drawn):
    ink = np.zeros((int(512 * unit), int(512 * unit)), np.float32)
    points = drop_jaw(face, amount)[:, :2] * unit
    mouth(face, style, unit, **drawn).paint(ink, points)
    return ink


def lip_line(face, below, width=3):
    """(512, 512) ink with a line between the outer corners, in the middle so far below the upper lip's landmarks."""
    page = np.zeros((512, 512), np.uint8)
    course = face[[48, 60, 61, 62, 63, 64, 54], :2].copy()
    course[:, 1] += below * np.array([0, 0.2, 1, 1, 1, 0.2, 0])
    cv2.polylines(page, [np.round(16 * course).astype(np.int32)], False, 255, width, cv2.LINE_AA, 4)
    return page.astype(np.float32) / 255


def dark_runs(column):
    """How many separate dark stretches a column has."""
    return int((np.diff(np.concatenate([[0], column > 0.5]).astype(int)) == 1).sum())


def test_gap_is_the_distance_of_the_inner_lips(face):
    assert inner_lip_gap(drop_jaw(face, 20)) == pytest.approx(inner_lip_gap(face) + 20, abs=1e-4)


def test_closed_mouth_of_a_closed_photo_is_left_alone(face):
    assert painted(face, 0).max() == 0


@pytest.mark.parametrize(
    ("dropped", "below", "width"), [(5, -4, 3), (5, 1, 3), (5, 2.5, 3), (5, 8, 3), (5, 2.5, 11), (-3, -1, 3)]
)
def test_the_line_between_closed_lips_is_taken_out_and_painted_where_it_was(face, dropped, below, width):
    apart, line = drop_jaw(face, dropped), lip_line(face, below, width)
    found, page = mouth(apart, ink=line), np.zeros((512, 512), np.float32)
    left = expit(STYLES["ink"].gain * found.blank(logit(line.clip(1e-3, 1 - 1e-3)).astype(np.float32)))
    assert line.sum() > 200 and left[:, 210:300].max() < 0.3
    found.paint(page, apart[:, :2])
    assert np.abs(page - line).sum() < 0.3 * line.sum()


@pytest.mark.parametrize(
    ("gap", "between", "is_open"),
    [
        (12, (150, 85, 80), False),  # lips
        (12, (120, 60, 60), False),  # the other lip's colour
        (12, (235, 225, 210), True),  # teeth
        (12, (35, 15, 15), True),  # dark
        (5, (35, 15, 15), False),  # a line
    ],
)
def test_an_open_mouth_shows_other_colours_than_its_lips(face, gap, between, is_open):
    points = drop_jaw(face, gap - 1)
    image = np.full((512, 512, 3), (200, 160, 140), np.uint8)
    upper = points[[*range(48, 55), *range(64, 59, -1)], :2]
    for outline, colour in (
        (points[48:60, :2], (150, 85, 80)),
        (upper, (120, 60, 60)),
        (points[60:68, :2], between),
    ):
        cv2.fillPoly(image, [outline.round().astype(np.int32)], colour)
    assert parted(image, points) == is_open


def test_lips_that_are_found_apart_are_closed_and_part_at_their_line(face):
    apart, line = drop_jaw(face, 5), lip_line(face, 2.5)
    heights = []
    for amount in (0, 5, 8, 20):
        page = np.zeros((512, 512), np.float32)
        mouth(apart, ink=line).paint(page, drop_jaw(face, amount)[:, :2])
        heights.append(int((page[:, 256] > 0.5).sum()))
        assert amount == 20 or dark_runs(page[:, 256]) == 1
    shut, rest, parted, wide = heights
    thick = int((line[:, 256] > 0.5).sum())
    assert shut <= thick + 1 and rest <= thick + 1 and rest < parted < wide


def test_the_teeth_of_the_photo_stay_and_the_dark_opens_below_them(face):
    smiling = drop_jaw(face, 25)
    at_rest, opened = (np.zeros((512, 512), np.float32) for _ in range(2))
    mouth(smiling, was_open=True).paint(at_rest, smiling[:, :2])
    mouth(smiling, was_open=True).paint(opened, drop_jaw(face, 40)[:, :2])
    teeth = slice(364, 379)
    assert at_rest[teeth, 256].max() < 0.1 and opened[teeth, 256].max() < 0.1
    assert opened[390:396, 256].min() > 0.9


def test_a_mouth_that_is_dark_in_the_photo_is_dark(face):
    open_mouth = drop_jaw(face, 25)
    page = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(page, [open_mouth[60:68, :2].round().astype(np.int32)], 255)
    at_rest = np.zeros((512, 512), np.float32)
    mouth(open_mouth, ink=page.astype(np.float32) / 255, was_open=True).paint(at_rest, open_mouth[:, :2])
    assert (at_rest[360:386, 256] > 0.9).mean() > 0.5


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
    mouth(face).paint(ink, crossed[:, :2])
    dark_in_each_column = (ink > 0.5).sum(axis=0)
    assert dark_in_each_column[225:290].min() >= 1 and dark_in_each_column.max() <= 4


def test_a_mouth_scaled_to_a_point_is_drawn_without_it(face):
    collapsed = face.copy()
    collapsed[48:68] = face[48:68].mean(axis=0)
    ink = np.zeros((512, 512), np.float32)
    mouth(face).paint(ink, collapsed[:, :2])
    assert np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1
