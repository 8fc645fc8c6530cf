"""Lips as curves, and the line between them as a drawing has it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .. import points68
from .brush import spline

# Along `points68.LIP_EDGES`; spaced as on a face, the corners being close together.
_KNOTS = (0.0, 0.35, 1.5, 2.5, 3.5, 4.65, 5.0)
STEPS = np.linspace(0, 5, 81)
"""Where on the way from outer corner (0) to outer corner (5) curves have their points, see `Lips`."""
INSIDE = (STEPS >= 0.35) & (STEPS <= 4.65)
"""Which of them lie between the inner corners."""
MIDDLE = (STEPS >= 1.5) & (STEPS <= 3.5)
"""Which of them lie between the pairs of inner landmarks."""
CORNERS = np.interp(STEPS, [0.35, 1.0, 4.0, 4.65], [1, 0, 0, 1])
"""1 in the corners, 0 between them."""

_PARTED = 8.0
"""Mean crop units between the inner landmarks up to which lips are closed: those of closed lips are found up to so far
apart, and further where lips are full."""

_FOREIGN, _SHARE = 15.0, 0.25
"""Colour difference (CIELAB) from both lips that tells teeth and dark from lips, and their share in an open mouth."""

_BESIDE = 6.0
"""Crop units beyond the inner landmarks where the line between the lips is looked for."""

_INK = 0.3
"""Ink that belongs to a line."""


def inner_lip_gap(points: np.ndarray) -> np.ndarray:
    """(...,) mean opening of the inner lips in the unit of `points` (..., 68, 2 or 3); negative when crossed."""
    upper, lower = (
        np.asarray(points)[..., list(side), :2] for side in zip(*points68.INNER_LIP_PAIRS, strict=True)
    )
    return ((lower - upper) * _down(points)[..., None, :]).sum(-1).mean(-1)


def _down(points: np.ndarray) -> np.ndarray:
    """(..., 2) unit vector across the mouth, towards the chin."""
    along = np.asarray(points)[..., 54, :2] - np.asarray(points)[..., 48, :2]
    # A mouth scaled to a point has no direction; any will do.
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    return np.stack([-along[..., 1], along[..., 0]], axis=-1)


@dataclass(frozen=True, eq=False)
class Lips:
    """Landmarks of the lips as curves from outer corner to outer corner, in pixels.

    upper: (81, 2) the upper lip's inner landmarks. gap: (81,) from there to the lower lip's, negative where crossed.
    down: (2,) unit vector across the mouth.
    """

    upper: np.ndarray
    gap: np.ndarray
    down: np.ndarray

    @classmethod
    def at(cls, points: np.ndarray) -> Lips:
        """The lips of landmarks (68, 2 or 3) in pixels."""
        smooth, down = spline(_KNOTS, len(STEPS)), _down(points)
        upper, lower = (smooth @ points[list(edge), :2] for edge in points68.LIP_EDGES)
        return cls(upper, (lower - upper) @ down, down)

    def below(self, away: np.ndarray) -> np.ndarray:
        """(81, 2) the upper lip's curve, `away` (81,) pixels further down."""
        return self.upper + away[:, None] * self.down


def parted(image: np.ndarray, points: np.ndarray) -> bool:
    """Whether a mouth is open: its inner landmarks lie apart, and what lies between them has not the lips' colours.

    image: (H, W, 3) uint8 RGB. points: (68, 2 or 3) landmarks in its pixels, which are crop units.
    """
    points = points[:, :2]
    if inner_lip_gap(points) <= _PARTED:
        return False
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)

    def colours(one: np.ndarray, other: np.ndarray, start: float, end: float) -> np.ndarray:
        """(n, 3) between two rows of places (m, 2), from the share `start` to the share `end` of the way."""
        places = one[:, None] + (other - one)[:, None] * np.linspace(start, end, 11)[:, None]
        return _sampled(lab, places).reshape(-1, 3)

    lips = Lips.at(points)
    between = colours(lips.upper[MIDDLE], lips.below(lips.gap)[MIDDLE], 0.15, 0.85)
    # The rims of upper and lower lip in their middle, and the edges across.
    rims, edges = (
        zip(*points68.OUTER_LIP_PAIRS[1:4], strict=True),
        zip(*points68.INNER_LIP_PAIRS, strict=True),
    )
    lip_colours = (
        np.median(colours(points[list(rim)], points[list(edge)], 0.3, 0.7), axis=0)
        for rim, edge in zip(rims, edges, strict=True)
    )
    differences = [np.linalg.norm(between - colour, axis=1) for colour in lip_colours]
    return float((np.minimum(*differences) > _FOREIGN).mean()) > _SHARE


@dataclass(frozen=True, eq=False)
class LipLine:
    """The line between the lips of a drawing, in pixels below the upper lip's curve, (81,) each.

    middle: of its ink. top, bottom: its edges; all three run on where it is interrupted. width: of its ink, 0 there.
    """

    middle: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    width: np.ndarray


def paper_between(logits: np.ndarray, lips: Lips, gain: float) -> float:
    """Share of paper between the inner landmarks of lips; the drawing's `logits` and `gain` as for `trace`."""
    between = (
        lips.upper[INSIDE, None] + (lips.gap[INSIDE, None] * np.linspace(0.1, 0.9, 17))[..., None] * lips.down
    )
    ink = _ink(logits, between, gain)
    weights = np.repeat(lips.gap[INSIDE, None].clip(min=0), ink.shape[1], axis=1)
    return 1 - float((weights * ink).sum() / max(weights.sum(), 1e-6))


def _ink(logits: np.ndarray, places: np.ndarray, gain: float) -> np.ndarray:
    """Ink in [0, 1] of `logits` (H, W) at `places` (n, m, 2)."""
    return 1 / (1 + np.exp(-gain * _sampled(logits, places)))


def _sampled(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, m) or (n, m, C) float32 of `picture` (H, W) or (H, W, C) at `places` (n, m, 2), bilinear."""
    x, y = places.astype(np.float32).transpose(2, 0, 1)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def trace(logits: np.ndarray, lips: Lips, unit: float, gain: float) -> LipLine:
    """The line of ink between lips at rest; half-way between them and without width where there is none.

    logits: (H, W), `gain` as in `Style`. unit: its pixels per crop unit.
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

    half = lips.gap.clip(min=0) / 2
    reach = half + _BESIDE * unit
    across = np.linspace(-1, 1, 61)
    away = half[:, None] + reach[:, None] * across
    ink = _ink(logits, lips.upper[:, None] + away[..., None] * lips.down, gain)
    best = _course(ink * (1 - 0.6 * np.abs(across)), away / unit)
    rows = np.arange(len(ink))
    drawn = ink[rows, best] > _INK
    # Of the ink in a column what is in one piece with it.
    breaks = np.cumsum(ink <= _INK, axis=1)
    ink = np.where((breaks == breaks[rows, best][:, None]) & (ink > _INK), ink, 0)
    if not drawn.any():
        return LipLine(half, half, half, np.zeros_like(half))
    total = np.maximum(ink.sum(axis=1), 1e-6)
    step = 2 * reach / (len(across) - 1)
    first, last = (ink > 0).argmax(axis=1), ink.shape[1] - 1 - (ink > 0)[:, ::-1].argmax(axis=1)
    courses = ((ink * away).sum(axis=1) / total, away[rows, first], away[rows, last])
    middle, top, bottom = (np.interp(rows, rows[drawn], course[drawn]) for course in courses)
    # What is left of a line at its edges would show as a double.
    top, bottom = minimum_filter1d(top, 5), maximum_filter1d(bottom, 5)
    middle, top, bottom = (gaussian_filter1d(course, 2.5, mode="nearest") for course in (middle, top, bottom))
    return LipLine(
        middle, top, bottom, gaussian_filter1d(np.where(drawn, total * step, 0), 1, mode="nearest")
    )


def _course(worth: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n,) which of m places in each of n columns make the smooth course of the greatest worth (Viterbi, 1967).

    worth: (n, m) of each. places: (n, m) in crop units; a step of two from column to column costs as much as full ink
    is worth.
    """
    before, total = [], worth[0]
    for k in range(1, len(worth)):
        reached = total[:, None] - 0.25 * (places[k - 1][:, None] - places[k]) ** 2
        before.append(reached.argmax(axis=0))
        total = reached.max(axis=0) + worth[k]
    course = [int(total.argmax())]
    for came_from in reversed(before):
        course.append(int(came_from[course[-1]]))
    return np.array(course[::-1])
