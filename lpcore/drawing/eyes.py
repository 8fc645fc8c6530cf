"""Eyes that open and close: an upper lid slides over an eyeball that stays round.

The warp alone squeezes what lies between the lids, iris and all, leaves shreds of it on the closed eye, and drags
crease and brow down with the lid. Here each eye is cut out of the drawing in two parts, moved for themselves: the
eyeball, seen through the opening of the lids, and the strip of skin above it with the line of the upper lid. The skin
that unfolds between that strip and the crease is paper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import points68
from .brush import Coverage, ramp, spline, window
from .specks import PAPER_LOGIT
from .styles import Style

_SEEN = 0.1
"""Opening, as a share of the eye's width, from which on a photo shows the eyeball."""

_RIM = 2.0
"""Crop units above the lower lid that belong to it: half of the line that draws it."""

_STRIP = 4.0
"""Crop units above the upper lid that move with it: the rest of its line and the lashes."""

_FRINGE = 1.5
"""Crop units above that strip whose ink, left over from lashes, goes when the skin beneath unfolds."""

_STEPS = 25
_KNOTS = (8, 16)
"""Steps at which a lid's curve passes through its middle landmarks."""
# A pen presses on the lid above the iris and lifts at the corners.
_PRESSURE = np.interp(np.linspace(0, 1, _STEPS), [0, 0.15, 0.5, 0.85, 1], [0.5, 1.3, 1.7, 1.3, 0.5])
_TAPER = np.sqrt(np.sin(np.linspace(0, np.pi, _STEPS)).clip(0))


_Places = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class _Opening:
    """An eye's lids as complex numbers, real to the right and imaginary down, in pixels.

    upper, lower: (25,) from corner to corner.
    """

    upper: _Places
    lower: _Places

    @property
    def left(self) -> complex:
        return self.upper[0]

    @property
    def across(self) -> complex:
        """From the left corner to the right one."""
        return self.upper[-1] - self.upper[0]

    def framed(self, places: _Places) -> _Places:
        """Places in the eye's own frame: left corner 0, right corner 1."""
        return (places - self.left) / self.across

    def placed(self, framed: _Places) -> _Places:
        """The inverse of `framed`."""
        return self.left + framed * self.across

    @property
    def height(self) -> float:
        """Mean opening as a share of the eye's width; negative when the lids have crossed."""
        # An eye scaled to a point is neither open nor closed.
        return float(((self.lower - self.upper).mean() / self.across).imag) if self.across else 0.0

    def raised(self, by: float) -> _Places:
        """(25,) the upper lid, `by` pixels higher between the corners."""
        return self.upper - 1j * by * _TAPER * self.across / abs(self.across)

    def uncrossed(self) -> _Opening:
        """The same with the lower lid nowhere above the upper one."""
        crossed = np.minimum(((self.lower - self.upper) / self.across).imag, 0)
        return replace(self, lower=self.lower - 1j * crossed * self.across)


def _openings(points: np.ndarray) -> list[_Opening]:
    places, smooth = points[:, 0] + 1j * points[:, 1], spline((0, 1, 2, 3), _STEPS)
    return [_Opening(*(smooth @ places[list(lid)] for lid in eye)) for eye in points68.LIDS]


def _plane(places: _Places) -> np.ndarray:
    """(n, 2) from complex (n,)."""
    return np.stack([places.real, places.imag], axis=-1)


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
        self._logits, self._layer_unit, self._unit = logits, layer_unit, unit
        self._rest = [eye if eye.height > _SEEN else None for eye in _openings(points)]
        self._widths = _PRESSURE * style.line * unit

    def blank(self) -> np.ndarray:
        """(h, w) the static drawing without the parts that `paint` draws in every frame."""
        logits = self._logits.copy()
        for eye in filter(None, self._rest):
            strip = eye.raised(_STRIP * self._layer_unit)
            where = window(_plane(np.concatenate([strip, eye.lower])), 2, logits.shape)
            if where is None:
                continue
            rim = 1j * _RIM * self._layer_unit * eye.across / abs(eye.across)
            lids, coverage = replace(eye, lower=eye.lower - rim).uncrossed(), Coverage(where)
            # Only where `paint` covers every bit of a pixel: at rest it shall put back what is taken here.
            whole = (coverage.area(_plane(strip), _plane(eye.lower)) > 0.99).astype(np.float32)
            share = cv2.erode(whole, np.ones((3, 3))) * coverage.area(_plane(strip), _plane(lids.lower))
            logits[where] += share * (PAPER_LOGIT - logits[where])
        return logits

    def propped(self, points: np.ndarray) -> np.ndarray:
        """Landmarks (T, 68, 2 or 3) with no upper lid lower than in the photo: how the skin around the eyes moves."""
        points = np.array(points, dtype=np.float64)
        for rest, (upper, _) in zip(self._rest, points68.LIDS, strict=True):
            if rest is None:
                continue
            left, *lids, right = (points[:, k, 0] + 1j * points[:, k, 1] for k in upper)
            across = np.where(left == right, 1, right - left)
            for k, (place, lid) in enumerate(zip(upper[1:-1], lids, strict=True)):
                framed = (lid - left) / across
                risen = rest.framed(rest.upper)[_KNOTS[k]].imag
                lid = left + (framed.real + 1j * np.minimum(framed.imag, risen)) * across
                points[:, place, 0], points[:, place, 1] = lid.real, lid.imag
        return points

    def paint(self, ink: np.ndarray, points: np.ndarray, gain: float) -> None:
        """Paint the eyes into one frame, in place.

        ink: (H, W) float32 in [0, 1], 1 = black. points: (68, 2) landmarks in its pixels. gain: sharpness of strokes.
        """
        for rest, now in zip(self._rest, _openings(points), strict=True):
            if rest is None or not now.across:
                continue
            lids, strip = now.uncrossed(), now.raised(_STRIP * self._unit)
            fold = now.placed(rest.framed(rest.raised((_STRIP + _FRINGE) * self._layer_unit)))
            where = window(_plane(np.concatenate([fold, strip, lids.lower])), 3 * self._unit, ink.shape)
            if where is None:
                continue
            patch, coverage = ink[where], Coverage(where)
            closed = 1 - now.height / rest.height
            if (unfolded := ramp(closed, 0.02, 0.15)) > 0:
                patch *= 1 - unfolded * coverage.area(_plane(fold), _plane(strip))
            drawn = 1 / (1 + np.exp(-gain * self._moved(rest, now, where)))
            patch += coverage.area(_plane(strip), _plane(lids.lower)) * (drawn - patch)
            # The lower half of the upper lid's line stays behind on the eyeball.
            if (closing := ramp(closed, 0.05, 0.5)) > 0:
                patch += closing * coverage.stroke(_plane(lids.upper), self._widths) * (1 - patch)

    def _moved(self, rest: _Opening, now: _Opening, where: tuple[slice, slice]) -> np.ndarray:
        """Ink logits of the eye at rest in a window of the frame, the strip moved with its lid."""
        rows, columns = (np.arange(s.start, s.stop) for s in where)
        places = now.framed(columns[None, :] + 1j * rows[:, None])
        lids = [(lid.real, lid.imag) for lid in (now.framed(now.upper), rest.framed(rest.upper))]
        now_lid, rest_lid = (np.interp(places.real, *lid) for lid in lids)
        # Lids that open wider than in the photo stretch what they have no drawing of.
        ball = places.imag / max(1.0, now.height / rest.height)
        read = np.where(places.imag < now_lid, places.imag - now_lid + rest_lid, ball)
        source = rest.left + (places.real + 1j * read) * rest.across
        x, y = source.real.astype(np.float32), source.imag.astype(np.float32)
        return cv2.remap(self._logits, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
