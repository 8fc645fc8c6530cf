"""The mouth, drawn anew in every frame: the line between the lips, the dark interior of an open mouth, upper teeth.

A photo taken with the lips closed has no pixels for the interior, so the warp alone would stretch the line over the
gap. That line is traced, taken out of the drawing, and painted where the lips part or meet.
"""

from __future__ import annotations

import cv2
import numpy as np

from .. import points68
from .brush import Coverage, ramp, window
from .lips import CORNERS, INSIDE, MIDDLE, STEPS, Lips, inner_lip_gap, paper_between, trace
from .specks import PAPER_LOGIT
from .styles import Style

# A pen presses at the corners and under the middle of the lip, and lifts at the ends.
_PRESSURE = np.interp(STEPS, [0, 0.45, 1.4, 2.5, 3.6, 4.55, 5], [0.3, 1.7, 0.8, 1.3, 0.8, 1.7, 0.3])

_OPEN = (8.0, 12.0)
"""Mean crop units between the inner landmarks of a photo's lips below which they are closed and above which open:
landmarks of closed lips are found up to so far apart."""

_LIP_RIM = 2.5
"""Crop units around the open mouth in which the photo's teeth still show in its drawing."""

_BARED = 0.8
"""Share of an opening that teeth take at most: without dark below them a mouth would not look open."""

_REACH = 12.0
"""Crop units around the landmarks of the lips within which their lines stay."""


class MouthInterior:
    """Paints the mouth of one portrait in one style.

    Args:
        logits: (H, W) float32 ink logits of the static drawing.
        rest: (68, 2 or 3) the photo's landmarks in its pixels.
        rest_unit: its pixels per crop unit.
        unit: output pixels per crop unit.
    """

    def __init__(
        self, logits: np.ndarray, rest: np.ndarray, rest_unit: float, style: Style, unit: float
    ) -> None:
        self.style, self.unit = style, unit
        self._rest_unit = rest_unit
        self._rest = Lips.at(rest)
        self.was_open = ramp(float(inner_lip_gap(rest)) / rest_unit, *_OPEN)
        self._traced = trace(logits, self._rest, rest_unit, style.gain)
        closed = (1 - self.was_open) / rest_unit
        # In crop units: what lies between the landmarks of lips that touch, and the line where they do.
        self._slack = closed * self._rest.gap.clip(min=0)
        self._meeting = closed * self._traced.middle
        self._width = closed * self._traced.width
        # (n, 1) in crop units: the teeth that an open mouth shows in the photo.
        bared = self.was_open * ramp(paper_between(logits, self._rest, style.gain), 0.3, 0.8)
        self._teeth = bared * self._rest.gap[INSIDE, None] / rest_unit

    def blank(self, logits: np.ndarray) -> np.ndarray:
        """`logits`, those of the static drawing, without what `paint` draws in every frame: the line between the lips,
        teeth and shadows of an open mouth.
        """
        if self.was_open < 1:
            margin = 0.7 * self._rest_unit * (self._traced.width > 0)
            top, bottom = self._traced.top - margin, self._traced.bottom + margin
            logits = self._without(logits, top, bottom, 1 - self.was_open, 0)
        if self.was_open > 0:
            rim = max(1, round(_LIP_RIM * self._rest_unit))
            logits = self._without(logits, 0 * self._rest.gap, self._rest.gap, self.was_open, rim)
        return logits

    def _without(
        self, logits: np.ndarray, top: np.ndarray, bottom: np.ndarray, share: float, rim: int
    ) -> np.ndarray:
        """Paper between two curves, given in pixels below the upper lip's, and `rim` pixels around."""
        curves = [self._rest.below(away)[INSIDE if rim else slice(None)] for away in (top, bottom)]
        where = window(np.concatenate(curves), 4 * self._rest_unit + 2 * rim, logits.shape)
        if where is None:
            return logits
        mask = Coverage(where).area(*curves)
        if rim:
            mask = cv2.dilate((mask > 0.5).astype(np.float32), np.ones((3, 3), np.uint8), iterations=rim)
            mask = cv2.GaussianBlur(mask, (0, 0), max(self._rest_unit, 0.3))
        logits = logits.copy()
        logits[where] += share * mask * (PAPER_LOGIT - logits[where]).clip(max=0)
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
        share = (self._meeting / np.maximum(self._slack, 1e-6)).clip(0, 1)
        line = lips.below(self._meeting * self.unit - share * folded)
        height = (lips.gap - slack).clip(min=0)
        gap = float(height[MIDDLE].mean()) / self.unit
        # Within a pixel or so: what is half open is narrow, not grey.
        opening = ramp(gap, 0.6, 2.4)
        pressed = ramp(float(folded[MIDDLE].mean()) / self.unit, 0.3, 1.5)
        patch, layers = ink[where], Coverage(where)

        if opening > 0:
            self._paint_inside(patch, layers, line[INSIDE], height[INSIDE, None], opening, lips.down)
        edge = max(opening, 0.9 * self.was_open, pressed)
        # A thick line is the dark between lips that hardly touch: it closes with them, and goes over into the interior
        # when they part. Corners stay.
        parted = (1 - (1 - self.was_open) * CORNERS) * (height / self.unit - self._width / 2).clip(min=0)
        between = lips.gap.clip(min=0) / self.unit
        left = np.minimum(self._width, 1.5 * self.style.line + between) - parted
        # They overlap what the drawing has of the line beyond the corners.
        line = np.concatenate([2 * line[:1] - line[1:2], line, 2 * line[-1:] - line[-2:-1]])
        for share, width in ((edge, _PRESSURE * self.style.line), (1.0, left)):
            if share > 0.02:
                stroke = layers.stroke(line, self.unit * np.pad(width, 1, mode="edge"))
                patch += share * stroke * (1 - patch)

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
        patch += opening * inside * (self.style.mouth - patch)
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
            if self.style.mouth < 1:
                line = layers.stroke(biting, np.full(len(biting), 0.7 * self.style.line * self.unit))
                patch += teeth * inside * line * (1 - patch)
        # Between teeth and lower lip the dark runs out towards the corners; its edge goes on as a line, which is all
        # there is of the lower lip where teeth fill the mouth.
        filled = float(depths.sum() / max(height.sum(), 1e-6))
        width = (0.6 + 0.4 * filled) * self.style.line * self.unit
        rim = layers.stroke(lower, np.full(len(lower), width))
        patch += opening * rim * (1 - patch)
