"""The inside of an open mouth, drawn: dark interior, upper teeth, lip edge.

A photo taken with the lips closed has no pixels for it, so the warp alone would stretch the lip line over the gap.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from .. import points68
from .specks import PAPER_LOGIT
from .styles import Style

_UPPER = [60, 61, 62, 63, 64]
_LOWER = [60, 67, 66, 65, 64]
_SUPERSAMPLE = 4
_LIP_RIM = 2.5
"""Crop units around the open mouth in which the photo's teeth still show in its drawing."""
_STEPS = np.linspace(0, 4, 25)

# The lip line runs on into the corners; its knots are spaced as on a face, the corners being close together.
_LIP_KNOTS = np.array([0.0, 0.35, 1.5, 2.5, 3.5, 4.65, 5.0])
_LIP_STEPS = np.linspace(0, 5, 41)
# A pen presses at the corners and under the middle of the lip, and lifts at the ends.
_LIP_PRESSURE = np.interp(_LIP_STEPS, [0, 0.45, 1.4, 2.5, 3.6, 4.55, 5], [0.3, 1.7, 0.8, 1.3, 0.8, 1.7, 0.3])


@functools.cache
def _splines() -> tuple[np.ndarray, np.ndarray]:
    """Of inner lips and lip line. Evaluating a spline is linear in its knots: one matrix serves every frame."""
    from scipy.interpolate import CubicSpline

    inner = CubicSpline(np.arange(5), np.eye(5), bc_type="natural")(_STEPS)
    line = CubicSpline(_LIP_KNOTS, np.eye(len(_LIP_KNOTS)), bc_type="natural")(_LIP_STEPS)
    return inner, line


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


def _ramp(x: float, low: float, high: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


class MouthInterior:
    """Paints the mouth of one portrait in one style.

    Args:
        neutral: (68, 2 or 3) the photo's landmarks in crop units.
        unit: output pixels per crop unit.
    """

    def __init__(self, neutral: np.ndarray, style: Style, unit: float) -> None:
        self.style, self.unit = style, unit
        self.was_open = _ramp(float(inner_lip_gap(neutral)), 3, 8)

    def blank(self, logits: np.ndarray, points: np.ndarray, unit: float) -> np.ndarray:
        """The static drawing without the teeth and shadows of an open mouth: `paint` draws them in every frame.

        logits: (H, W) float32 ink logits. points: (68, 2) the photo's landmarks in its pixels. unit: its pixels per
        crop unit. A photo with closed lips keeps its lip line.
        """
        if self.was_open == 0:
            return logits
        mask = np.zeros(logits.shape, np.uint8)
        upper, lower = self._curves(points)
        outline = np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)
        cv2.fillPoly(mask, [outline], 255)
        grown = cv2.dilate(mask, np.ones((3, 3), np.uint8), iterations=max(1, round(_LIP_RIM * unit)))
        share = self.was_open * cv2.GaussianBlur(grown, (0, 0), max(unit, 0.3)).astype(np.float32) / 255
        return logits + share * (PAPER_LOGIT - logits)

    def paint(self, ink: np.ndarray, points: np.ndarray) -> None:
        """Paint the mouth into one frame, in place.

        ink: (H, W) float32 in [0, 1], 1 = black. points: (68, 2) landmarks in its pixels.
        """
        gap = float(inner_lip_gap(points)) / self.unit
        opening = _ramp(gap, 1.0, 4.0)
        edge = max(opening, 0.9 * self.was_open)
        if edge < 0.02:
            return
        box = self._box(points, ink.shape)
        if box is None:
            return
        left, top, right, bottom = box
        upper, lower = self._curves(points)
        patch = ink[top:bottom, left:right]
        layers = _Layers((left, top), patch.shape)

        inside = layers.area(upper, lower)
        patch += opening * inside * (self.style.mouth - patch)
        teeth = _ramp(gap, 5.0, 10.0)
        if teeth > 0.02:
            width = np.linalg.norm(upper[-1] - upper[0])
            # Who shows teeth in the photo shows more of them in speech.
            depth = min((0.4 + 0.35 * self.was_open) * gap * self.unit, (0.1 + 0.1 * self.was_open) * width)
            profile = np.sin(np.pi * np.linspace(0.06, 0.94, len(upper))) ** 0.6
            biting = upper + depth * profile[:, None] * _down(points)
            # Teeth are paper: the edge towards the dark interior is their line.
            patch *= 1 - teeth * inside * layers.area(upper, biting)
            if self.style.mouth < 1:
                line = layers.stroke(biting, np.full(len(biting), 0.7 * self.style.line * self.unit))
                patch += teeth * inside * line * (1 - patch)
        # Between teeth and lower lip the dark runs out towards the corners; its edge goes on as a line.
        rim = layers.stroke(lower, np.full(len(lower), 0.6 * self.style.line * self.unit))
        patch += opening * rim * (1 - patch)
        line = layers.stroke(self._lip_line(points), _LIP_PRESSURE * self.style.line * self.unit)
        patch += edge * line * (1 - patch)

    def _lip_line(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) edge of the upper lip from outer corner to outer corner, in pixels."""
        return _splines()[1] @ points[[48, *_UPPER, 54], :2]

    def _curves(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower inner-lip curve, (25, 2) each in pixels; the lower never rises above the upper."""
        spline = _splines()[0]
        upper, lower = spline @ points[_UPPER, :2], spline @ points[_LOWER, :2]
        down = _down(points)
        crossed = np.minimum(((lower - upper) * down).sum(-1, keepdims=True), 0)
        return upper, lower - crossed * down

    def _box(self, points: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
        lips = points[[48, *points68.INNER_LIPS, 54], :2]
        pad = 6 * self.unit
        left, top = np.maximum(np.floor(lips.min(0) - pad), 0).astype(int)
        right, bottom = np.minimum(np.ceil(lips.max(0) + pad), (shape[1], shape[0])).astype(int)
        return (left, top, right, bottom) if left < right and top < bottom else None


class _Layers:
    """Anti-aliased coverage masks (h, w) float32 in [0, 1] of areas and lines in one window of the frame."""

    def __init__(self, origin: tuple[int, int], shape: tuple[int, ...]) -> None:
        self.origin, self.shape = np.array(origin), shape

    def area(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        canvas = self._canvas()
        cv2.fillPoly(canvas, [self._fixed(np.concatenate([upper, lower[::-1]]))], 255, cv2.LINE_8, 4)
        return self._reduce(canvas)

    def stroke(self, curve: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """A line along `curve` (n, 2) as wide as `widths` (n,) pixels at each of its points."""
        along = np.gradient(curve, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
        aside = np.stack([-along[:, 1], along[:, 0]], axis=-1) * widths[:, None] / 2
        return self.area(curve - aside, curve + aside)

    def _canvas(self) -> np.ndarray:
        return np.zeros((self.shape[0] * _SUPERSAMPLE, self.shape[1] * _SUPERSAMPLE), np.uint8)

    def _fixed(self, curve: np.ndarray) -> np.ndarray:
        # Pixel centres at integers in the frame, at k + 0.5 in units of whole pixels on the finer canvas.
        fine = (curve - self.origin + 0.5) * _SUPERSAMPLE - 0.5
        return np.round(fine * 16).astype(np.int32)

    def _reduce(self, canvas: np.ndarray) -> np.ndarray:
        small = cv2.resize(canvas, self.shape[1::-1], interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / 255
