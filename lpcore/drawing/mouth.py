"""The mouth, drawn anew in every frame: the line between the lips, the dark interior of an open mouth, upper teeth.

A photo taken with the lips closed has no pixels for the interior, so the warp alone would stretch the line over the
gap. That line is traced, taken out of the drawing, and painted where the lips part or meet.
"""

from __future__ import annotations

import cv2
import numpy as np

from .. import points68
from .brush import Coverage, ramp, window
from .lips import CORNERS, INSIDE, MIDDLE, STEPS, Lips, paper_between, trace
from .specks import PAPER_LOGIT
from .styles import Style

# A pen presses at the corners and under the middle of the lip, and lifts at the ends.
_PRESSURE = np.interp(STEPS, [0, 0.45, 1.4, 2.5, 3.6, 4.55, 5], [0.3, 1.7, 0.8, 1.3, 0.8, 1.7, 0.3])

_LIP_RIM = 2.5
"""Crop units around the open mouth in which the photo's teeth still show in its drawing."""

_BARED = 0.8
"""Share of an opening that teeth take at most: without dark below them a mouth would not look open."""

_REACH = 12.0
"""Crop units around the landmarks of the lips within which their lines stay."""


class Mouth:
    """Paints the mouth of one portrait in one style.

    Args:
        logits: (H, W) float32 ink logits of the static drawing.
        rest: (68, 2 or 3) the photo's landmarks in its pixels.
        rest_unit: its pixels per crop unit.
        was_open: whether the mouth is open in the photo, see `lips.parted`.
        style: what it is painted in.
        unit: output pixels per crop unit.
    """

    def __init__(
        self,
        logits: np.ndarray,
        rest: np.ndarray,
        rest_unit: float,
        was_open: bool,
        style: Style,
        unit: float,
    ) -> None:
        self.style, self.unit, self.was_open = style, unit, was_open
        self._rest_unit, self._rest = rest_unit, Lips.at(rest)
        gap = self._rest.gap / rest_unit
        self._traced = trace(logits, self._rest, rest_unit, style.gain)
        # In crop units: what lies between the landmarks of lips that touch, the line where they do, and its width.
        self._slack, self._meeting, self._width = np.zeros((3, len(gap)))
        # (n, 1) in crop units: the teeth that an open mouth shows in the photo.
        self._teeth = np.zeros_like(gap[INSIDE, None])
        if was_open:
            self._teeth = ramp(paper_between(logits, self._rest, style.gain), 0.3, 0.8) * gap[INSIDE, None]
        else:
            self._slack = gap
            self._meeting, self._width = self._traced.middle / rest_unit, self._traced.width / rest_unit

    def blank(self, logits: np.ndarray) -> np.ndarray:
        """`logits`, those of the static drawing, without what `paint` draws in every frame: the line between the lips,
        or teeth and shadows of an open mouth.
        """
        if self.was_open:
            upper, lower = self._rest.upper[INSIDE], self._rest.below(self._rest.gap)[INSIDE]
            margin = max(1, round(_LIP_RIM * self._rest_unit))
        else:
            rim = 0.7 * self._rest_unit * (self._traced.width > 0)
            upper = self._rest.below(self._traced.top - rim)
            lower = self._rest.below(self._traced.bottom + rim)
            margin = 0
        where = window(np.concatenate([upper, lower]), 4 * self._rest_unit + 2 * margin, logits.shape)
        if where is None:
            return logits
        mask = Coverage(where).area(upper, lower)
        if margin:
            grown = cv2.dilate((mask > 0.5).astype(np.float32), np.ones((3, 3), np.uint8), iterations=margin)
            mask = cv2.GaussianBlur(grown, (0, 0), max(self._rest_unit, 0.3))
        logits = logits.copy()
        logits[where] += mask * (PAPER_LOGIT - logits[where]).clip(max=0)
        return logits

    def paint(self, ink: np.ndarray, points: np.ndarray) -> None:
        """Paint the mouth into one frame, in place.

        ink: (H, W) float32 in [0, 1], 1 = black. points: (68, 2) landmarks in its pixels.
        """
        lips = Lips.at(points)
        where = window(points[list(points68.LIPS), :2], _REACH * self.unit, ink.shape)
        if where is None:
            return
        slack = self._slack * self.unit
        folded = (slack - lips.gap).clip(min=0)
        # Lips that are pressed together take the line along as far as it lies between them.
        share = ((self._meeting + 1) / (self._slack.clip(min=0) + 2)).clip(0, 1)
        line = lips.below(self._meeting * self.unit - share * folded)
        height = (lips.gap - slack).clip(min=0)
        gap = float(height[MIDDLE].mean()) / self.unit
        # Within a pixel or so: what is half open is narrow, not grey.
        opening = ramp(gap, 0.6, 2.4)
        pressed = ramp(float(folded[MIDDLE].mean()) / self.unit, 0.3, 1.5)
        patch, layers = ink[where], Coverage(where)

        if opening > 0:
            self._paint_inside(patch, layers, line[INSIDE], height[INSIDE, None], opening, lips.down)
        edge = max(opening, pressed, 0.9 if self.was_open else 0)
        # A thick line is the dark between lips that hardly touch: it closes with them, and goes over into the interior
        # when they part. Corners stay.
        closing = (folded / (slack.clip(min=0) + self.unit)).clip(0, 1)
        closed = closing * (self._width - 1.5 * self.style.line).clip(min=0)
        passed = (1 - CORNERS) * (height / self.unit - self._width / 2).clip(min=0)
        left = self._width - closed - passed
        # They overlap what the drawing has of the line beyond the corners.
        line = np.concatenate([2 * line[:1] - line[1:2], line, 2 * line[-1:] - line[-2:-1]])
        for strength, width in ((edge, _PRESSURE * self.style.line), (1.0, left)):
            if strength > 0.02:
                stroke = layers.stroke(line, self.unit * np.pad(width, 1, mode="edge"))
                patch += strength * stroke * (1 - patch)

    def _paint_inside(
        self,
        patch: np.ndarray,
        layers: Coverage,
        upper: np.ndarray,
        height: np.ndarray,
        opening: float,
        down: np.ndarray,
    ) -> None:
        """Dark interior and teeth of a mouth `height` (n, 1) pixels open below the curve `upper` (n, 2)."""
        lower = upper + height * down
        inside = layers.area(upper, lower)
        patch += opening * inside * (1 - patch)
        gap = float(np.median(height)) / self.unit
        teeth = ramp(gap, 4.0, 9.0)
        depth = teeth * min(0.4 * gap * self.unit, 0.1 * float(np.linalg.norm(upper[-1] - upper[0])))
        profile = np.sin(np.pi * np.linspace(0.06, 0.94, len(upper)))[:, None] ** 0.6
        # Who shows teeth in the photo shows as much of them in speech.
        depths = np.maximum(depth * profile, np.minimum(self._teeth * self.unit, _BARED * height))
        if depths.max() > 0.02:
            biting = upper + depths * down
            # Teeth are paper: the edge towards the dark interior is their line.
            patch *= 1 - inside * layers.area(upper, biting)
        # Between teeth and lower lip the dark runs out towards the corners; its edge goes on as a line, which is all
        # there is of the lower lip where teeth fill the mouth.
        filled = float(depths.sum() / max(height.sum(), 1e-6))
        width = (0.6 + 0.4 * filled) * self.style.line * self.unit
        rim = layers.stroke(lower, np.full(len(lower), width))
        patch += opening * rim * (1 - patch)
