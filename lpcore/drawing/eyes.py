"""Eyes that open and close: the lids move, the eyeball behind them stays round.

The warp alone squeezes what lies between the lids, iris and all, and leaves shreds of it on the closed eye. Here the
eyeball is cut out of the drawing, moved as a whole and seen through the opening of the lids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .. import points68
from .brush import Coverage, ramp, spline, window
from .specks import PAPER_LOGIT
from .styles import Style

_SEEN = 0.1
"""Opening, as a share of the eye's width, from which on a photo shows the eyeball."""

_RIM = 2.0
"""Crop units inside the opening that move with the lids: half of the lines that draw them."""

_STEPS = 25
# A pen presses on the lid above the iris and lifts at the corners.
_PRESSURE = np.interp(np.linspace(0, 1, _STEPS), [0, 0.15, 0.5, 0.85, 1], [0.4, 1.1, 1.5, 1.1, 0.4])


@dataclass(frozen=True, eq=False)
class _Opening:
    """The curves (25, 2) of an eye's lids from corner to corner, in pixels."""

    upper: np.ndarray
    lower: np.ndarray

    @property
    def corners(self) -> tuple[complex, complex]:
        (left, right) = self.upper[[0, -1]] @ [1, 1j]
        return left, right

    @property
    def height(self) -> float:
        """Mean opening as a share of the eye's width; negative when the lids have crossed."""
        left, right = self.corners
        gap = (self.lower - self.upper).mean(0) @ [1, 1j]
        # An eye scaled to a point is neither open nor closed.
        return (gap / (right - left)).imag if left != right else 0.0

    def uncrossed(self) -> _Opening:
        """The same with the lower lid nowhere above the upper one."""
        left, right = self.corners
        down = 1j * (right - left) / max(abs(right - left), 1e-6)
        down = np.array([down.real, down.imag])
        crossed = np.minimum((self.lower - self.upper) @ down, 0)
        return replace(self, lower=self.lower - crossed[:, None] * down)


def _openings(points: np.ndarray) -> list[_Opening]:
    smooth = spline((0, 1, 2, 3), _STEPS)
    return [_Opening(*(smooth @ points[list(lid), :2] for lid in eye)) for eye in points68.LIDS]


class Eyes:
    """The eyes of one portrait in one style; those that are shut in the photo stay as the warp draws them.

    Args:
        logits: (h, w) float32 ink logits of the static drawing.
        points: (68, 2 or 3) the photo's landmarks in its pixels.
        layer_unit: its pixels per crop unit.
        unit: output pixels per crop unit.
    """

    def __init__(
        self, logits: np.ndarray, points: np.ndarray, layer_unit: float, style: Style, unit: float
    ) -> None:
        self._logits, self._layer_unit = logits, layer_unit
        self._rest = [eye if eye.height > _SEEN else None for eye in _openings(points)]
        self._widths = _PRESSURE * style.line * unit
        self._pad = 6 * unit

    def blank(self) -> np.ndarray:
        """(h, w) the static drawing without the eyeballs: `paint` draws them in every frame."""
        logits = self._logits.copy()
        for eye in filter(None, self._rest):
            where = window(np.concatenate([eye.upper, eye.lower]), 2, logits.shape)
            if where is None:
                continue
            inside = (Coverage(where).area(eye.upper, eye.lower) > 0.99).astype(np.uint8)
            reach = 2 * max(1, round(_RIM * self._layer_unit)) + 1
            rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
            share = cv2.GaussianBlur(cv2.erode(inside, rim).astype(np.float32), (3, 3), 0)
            logits[where] += share * (PAPER_LOGIT - logits[where])
        return logits

    def paint(self, ink: np.ndarray, points: np.ndarray, gain: float) -> None:
        """Paint the eyes into one frame, in place.

        ink: (H, W) float32 in [0, 1], 1 = black. points: (68, 2) landmarks in its pixels. gain: sharpness of strokes.
        """
        for rest, now in zip(self._rest, _openings(points), strict=True):
            where = window(np.concatenate([now.upper, now.lower]), self._pad, ink.shape)
            if rest is None or where is None or now.corners[0] == now.corners[1]:
                continue
            patch, coverage = ink[where], Coverage(where)
            opened = now.height / rest.height
            logits = self._eyeball(rest, now, max(1.0, opened), where)
            seen = now.uncrossed()
            patch += coverage.area(seen.upper, seen.lower) * (1 / (1 + np.exp(-gain * logits)) - patch)
            # The line of the upper lid is half gone, with the skin that folds away.
            closing = ramp(1 - opened, 0.05, 0.6)
            if closing > 0:
                patch += closing * coverage.stroke(seen.upper, self._widths) * (1 - patch)

    def _eyeball(
        self, rest: _Opening, now: _Opening, stretch: float, where: tuple[slice, slice]
    ) -> np.ndarray:
        """Ink logits in a window of the frame of the eye at rest, brought there by its corners.

        stretch: how much taller it is made, for lids that open wider than in the photo.
        """
        (left, right), (rest_left, rest_right) = now.corners, rest.corners
        rows, columns = where
        start = complex(columns.start, rows.start)
        # Where the window's first pixel and its neighbours to the right and below read the drawing.
        along = (np.array([start, start + 1, start + 1j]) - left) / (right - left)
        read = rest_left + (along.real + 1j * along.imag / stretch) * (rest_right - rest_left)
        steps = np.array([read[1] - read[0], read[2] - read[0], read[0]])
        size = (columns.stop - columns.start, rows.stop - rows.start)
        return cv2.warpAffine(
            self._logits,
            np.stack([steps.real, steps.imag]),
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
