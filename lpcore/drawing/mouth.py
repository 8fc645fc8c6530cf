"""The inside of an open mouth, drawn: dark interior, upper teeth, lip edge.

A photo taken with the lips closed has no pixels for it, so the warp alone would stretch the lip line over the gap.
"""

from __future__ import annotations

import cv2
import numpy as np

from .. import points68
from .brush import Coverage, ramp, spline, window
from .specks import PAPER_LOGIT
from .styles import Style

_UPPER = [60, 61, 62, 63, 64]
_LOWER = [60, 67, 66, 65, 64]
_LIP_RIM = 2.5
"""Crop units around the open mouth in which the photo's teeth still show in its drawing."""

# The lip line runs on into the corners; its knots are spaced as on a face, the corners being close together.
_LIP_KNOTS = (0.0, 0.35, 1.5, 2.5, 3.5, 4.65, 5.0)
_LIP_STEPS = np.linspace(0, 5, 41)
# A pen presses at the corners and under the middle of the lip, and lifts at the ends.
_LIP_PRESSURE = np.interp(_LIP_STEPS, [0, 0.45, 1.4, 2.5, 3.6, 4.55, 5], [0.3, 1.7, 0.8, 1.3, 0.8, 1.7, 0.3])


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


class MouthInterior:
    """Paints the mouth of one portrait in one style.

    Args:
        neutral: (68, 2 or 3) the photo's landmarks in crop units.
        unit: output pixels per crop unit.
    """

    def __init__(self, neutral: np.ndarray, style: Style, unit: float) -> None:
        self.style, self.unit = style, unit
        self._rest = float(inner_lip_gap(neutral))
        self.was_open = ramp(self._rest, 3, 8)
        # Closed lips are found a little apart: from there on they open.
        self._parting = max(0.7, (1 - self.was_open) * min(self._rest, 3))

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
        # Within a pixel or so: what is half open is narrow, not grey.
        opening = ramp(gap, self._parting, self._parting + 1.5)
        # Lips that are pressed together fold the photo's own lip line away.
        pressed = ramp(self._rest - gap, 0.3, 1.5)
        edge = max(opening, 0.9 * self.was_open, (1 - self.was_open) * pressed)
        if edge < 0.02:
            return
        where = window(points[[48, *points68.INNER_LIPS, 54], :2], 6 * self.unit, ink.shape)
        if where is None:
            return
        upper, lower = self._curves(points)
        patch, layers = ink[where], Coverage(where)

        inside = layers.area(upper, lower)
        patch += opening * inside * (self.style.mouth - patch)
        teeth = ramp(gap, 5.0, 10.0)
        if teeth > 0.02:
            width = np.linalg.norm(upper[-1] - upper[0])
            # Who shows teeth in the photo shows more of them in speech.
            depth = min((0.4 + 0.35 * self.was_open) * gap * self.unit, (0.1 + 0.1 * self.was_open) * width)
            depth *= teeth
            profile = np.sin(np.pi * np.linspace(0.06, 0.94, len(upper))) ** 0.6
            biting = upper + depth * profile[:, None] * _down(points)
            # Teeth are paper: the edge towards the dark interior is their line.
            patch *= 1 - inside * layers.area(upper, biting)
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
        return spline(_LIP_KNOTS, len(_LIP_STEPS)) @ points[[48, *_UPPER, 54], :2]

    def _curves(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower inner-lip curve, (25, 2) each in pixels; the lower never rises above the upper."""
        smooth = spline((0, 1, 2, 3, 4), 25)
        upper, lower = smooth @ points[_UPPER, :2], smooth @ points[_LOWER, :2]
        down = _down(points)
        crossed = np.minimum(((lower - upper) * down).sum(-1, keepdims=True), 0)
        return upper, lower - crossed * down
