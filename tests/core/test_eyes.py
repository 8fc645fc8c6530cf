"""The drawn eyes: as in the photo at rest, one clean line when shut, the iris round in between."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpcore.drawing.eyes import Eyes
from lpcore.drawing.stream import FrameStream
from lpcore.drawing.styles import STYLES
from lpcore.points68 import EYES, LID_PAIRS, LIDS

IRIS = (182, 204)
"""Middle of the right iris in the schematic face, in crop units; it is 7 units wide to either side."""


@pytest.fixture
def logits(face) -> np.ndarray:
    """Ink logits of two irises between two lines each, 10 = black."""
    ink = np.zeros((512, 512), np.uint8)
    for x in (IRIS[0], 511 - IRIS[0]):
        cv2.circle(ink, (x, IRIS[1]), 7, 255, -1, cv2.LINE_AA)
    for eye in LIDS:
        for lid in eye:
            cv2.polylines(ink, [face[list(lid), :2].round().astype(np.int32)], False, 255, 2, cv2.LINE_AA)
    return 20 * ink.astype(np.float32) / 255 - 10


def shut(face: np.ndarray, amount: float) -> np.ndarray:
    """The face with lids that have gone `amount` of their way to each other."""
    moved = face.copy()
    for upper, lower in LID_PAIRS:
        meeting = 0.25 * face[upper] + 0.75 * face[lower]
        moved[[upper, lower]] += amount * (meeting - face[[upper, lower]])
    return moved


def black(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def painted(logits: np.ndarray, face: np.ndarray, points: np.ndarray, unit: float = 1.0) -> np.ndarray:
    """Only what `Eyes` paints, on an empty sheet."""
    ink = np.zeros((int(512 * unit), int(512 * unit)), np.float32)
    Eyes(logits, face, 1.0, STYLES["ink"], unit).paint(ink, points[:, :2] * unit, 1.0)
    return ink


def test_eyes_at_rest_are_as_drawn(face, logits):
    eyes = Eyes(logits, face, 1.0, STYLES["ink"], 1.0)
    ink = black(eyes.blank())
    assert ink[IRIS[1], IRIS[0]] < 0.01
    eyes.paint(ink, face[:, :2], 1.0)
    assert np.abs(ink - black(logits)).max() < 0.01


def test_the_lower_lid_keeps_its_line_when_the_eyeball_goes(face, logits):
    blank = Eyes(logits, face, 1.0, STYLES["ink"], 1.0).blank()
    middle = face[list(LIDS[0][1][1:3]), :2].mean(axis=0).round().astype(int)
    assert black(blank)[middle[1], middle[0]] > 0.9
    outside = np.ones((512, 512), bool)
    outside[190:220, 150:215] = outside[190:220, 297:362] = False
    assert np.array_equal(blank[outside], logits[outside])


def test_an_iris_behind_sinking_lids_stays_round(face, logits):
    # The lids have covered the upper half of the iris; below, it is as wide as ever.
    row = IRIS[1] + 2
    rest = black(logits)[row, 165:200].sum()
    assert painted(logits, face, shut(face, 0.4))[row, 165:200].sum() == pytest.approx(rest, abs=0.3)


def test_a_shut_eye_is_one_line(face, logits):
    ink = painted(logits, face, shut(face, 1.0))
    thickness = ink[185:225, 165:200].sum(axis=0)
    assert thickness.min() > 1 and thickness.max() < 4
    along = (ink[185:225, 165:200] * np.arange(185, 225)[:, None]).sum(axis=0) / thickness
    assert np.abs(np.diff(along)).max() < 0.7


def test_a_wider_eye_shows_no_gap_between_iris_and_lids(face, logits):
    wide = painted(logits, face, shut(face, -0.5))
    middle = wide[190:220, IRIS[0]]
    assert middle[np.flatnonzero(middle > 0.5)[0] :][:20].min() > 0.5


def test_lashes_sink_with_the_lid_and_leave_nothing_behind(face, logits):
    # Above the middle of the upper lid: a lash in the strip that moves with it, one that reaches beyond.
    for height, stays in ((3, False), (8, True)):
        marked = logits.copy()
        y = 195 - height
        marked[y - 1 : y + 1, IRIS[0] - 1 : IRIS[0] + 1] = 10
        eyes = Eyes(marked, face, 1.0, STYLES["ink"], 1.0)
        ink = black(eyes.blank())
        eyes.paint(ink, shut(face, 0.6)[:, :2], 1.0)
        assert (ink[y - 1 : y + 1, IRIS[0] - 1 : IRIS[0] + 1].max() > 0.9) == stays
        below = ink[y + 6 : y + 10, IRIS[0] - 1 : IRIS[0] + 1]
        assert (below.max() > 0.9) != stays


def test_no_iris_shows_below_a_shut_eye(face, logits):
    cv2.circle(logits, (IRIS[0], IRIS[1] + 7), 8, 10, -1)
    eyes = Eyes(logits, face, 1.0, STYLES["ink"], 1.0)
    ink = black(eyes.blank())
    assert ink[218, IRIS[0]] > 0.9
    asleep = face.copy()
    for upper, lower in LID_PAIRS:
        asleep[upper] = face[lower]
    eyes.paint(ink, asleep[:, :2], 1.0)
    assert ink[218, IRIS[0]] < 0.3


@pytest.mark.parametrize("narrower", [0.7, 1.35])
def test_a_turning_head_does_not_close_its_eyes(face, logits, narrower):
    turned = face.copy()
    turned[:, 0] = 256 + narrower * (face[:, 0] - 256)
    ink = painted(logits, face, turned)
    x = round(256 + narrower * (IRIS[0] - 256))
    assert ink[198:211, x].min() > 0.5 and ink[:, x].sum() < 21
    eyes = Eyes(logits, face, 1.0, STYLES["ink"], 1.0)
    assert np.allclose(eyes.propped(turned[None])[0], turned, atol=1)


def test_blinks_have_no_jump(face, logits):
    frames = [painted(logits, face, shut(face, amount)) for amount in np.linspace(0, 1, 101)]
    steps = np.abs(np.diff(frames, axis=0)).sum(axis=(1, 2))
    # The lids pass 0.2 pixels a step: over two eyes 60 pixels wide, that changes some 25 pixels.
    assert steps.max() < 40


def test_lids_are_propped_only_where_they_sink(face, logits):
    eyes = Eyes(logits, face, 1.0, STYLES["ink"], 1.0)
    turned = (face[:, :2] - 256) @ np.array([[0.8, 0.6], [-0.6, 0.8]]) * 1.2 + 250
    asleep, awake = turned.copy(), turned.copy()
    for upper, lower in LID_PAIRS:
        asleep[upper] = turned[lower]
        awake[upper] += 0.5 * (turned[upper] - turned[lower])
    propped = eyes.propped(np.stack([turned, asleep, awake]))
    assert np.allclose(propped[0], turned, atol=0.1)
    lids = [37, 38, 43, 44]
    sunk = np.linalg.norm(propped[1] - turned, axis=-1)[lids]
    assert (sunk < 0.3 * np.linalg.norm(asleep - turned, axis=-1)[lids]).all()
    assert np.allclose(propped[2], awake)
    assert np.array_equal(np.delete(propped[1], lids, axis=0), np.delete(asleep, lids, axis=0))


def test_skin_beside_the_eyes_is_not_dragged_by_a_blink(portrait, small_drawer, face):
    still, shutting = FrameStream(portrait, "ink", 512).frames(np.stack([face, shut(face, 0.7)]))
    above = slice(130, 188)
    assert np.abs(still[above].astype(int) - shutting[above]).max() <= 5


def test_eyes_follow_the_head(face, logits):
    points = shut(face, 0.3)
    moved = painted(logits, face, points + np.float32([7, 4, 0]))
    assert np.abs(np.roll(painted(logits, face, points), (4, 7), axis=(0, 1)) - moved).max() < 0.02


def test_size_scales_the_eyes(face, logits):
    points = shut(face, 0.4)
    small, large = painted(logits, face, points), painted(logits, face, points, unit=2.0)
    assert large.sum() == pytest.approx(4 * small.sum(), rel=0.05)


def test_eyes_shut_in_the_photo_are_left_alone(face, logits):
    asleep = shut(face, 0.95)
    assert np.array_equal(Eyes(logits, asleep, 1.0, STYLES["ink"], 1.0).blank(), logits)
    assert painted(logits, asleep, face).max() == 0


@pytest.mark.parametrize(("size", "canvas"), [(512, "crop"), (1024, "crop"), (0, "photo")])
def test_films_at_rest_are_as_drawn(portrait, small_drawer, monkeypatch, size, canvas):
    drawn = FrameStream(portrait, "ink", size, canvas).static
    blinking = next(FrameStream(portrait, "ink", size, canvas).frames(shut(portrait.landmarks, 0.5)[None]))
    monkeypatch.setattr(Eyes, "blank", lambda eyes: eyes._logits)
    monkeypatch.setattr(Eyes, "paint", lambda *args: None)
    assert np.abs(FrameStream(portrait, "ink", size, canvas).static.astype(int) - drawn).max() <= 8
    undrawn = next(FrameStream(portrait, "ink", size, canvas).frames(shut(portrait.landmarks, 0.5)[None]))
    assert np.abs(undrawn.astype(int) - blinking).max() > 100


@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.0, 1e-6, 5.0, 60.0]))
def test_any_eyes_can_be_painted(seed, spread):
    from conftest import frontal_face

    face = frontal_face()
    rng = np.random.default_rng(seed)
    points = face.copy()
    points[list(EYES)] = points[list(EYES)].mean(axis=0) + rng.normal(0, 1, (12, 3)) * spread
    ink = np.zeros((512, 512), np.float32)
    logits = rng.choice(np.float32([-36, 36]), (512, 512))
    Eyes(logits, face, 1.0, STYLES["ink"], 1.0).paint(ink, points[:, :2], 5.0)
    assert np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1
