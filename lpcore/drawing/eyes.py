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
"""Openness from which on a photo shows the eyeball."""

_STRIP = 4.0
"""Crop units above the upper lid that move with it: the rest of its line and the lashes."""

_FRINGE = 1.5
"""Crop units above that strip whose ink, left over from lashes, goes when the skin beneath unfolds."""

_BELOW = 3.0
"""Crop units below the lower lid where what is left of an iris goes when the eye shuts."""

_STEPS = 25
_KNOTS = [8, 16]
"""Steps at which a lid's curve passes through its two middle landmarks."""
# A pen presses on the lid above the iris and lifts at the corners.
_PRESSURE = np.interp(np.linspace(0, 1, _STEPS), [0, 0.15, 0.5, 0.85, 1], [0.5, 1.3, 1.7, 1.3, 0.5])
_TAPER = np.sqrt(np.sin(np.linspace(0, np.pi, _STEPS)).clip(0))

_Places = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class _Opening:
    """An eye's lids as complex numbers, real to the right and imaginary down, in pixels.

    upper, lower: (25,) from corner to corner. down: a step at right angles to the way from corner to corner, as long
    as that way in the photo, larger or smaller with the head. Heads that turn narrow their eyes; that closes no lids.
    """

    upper: _Places
    lower: _Places
    down: complex

    @property
    def left(self) -> complex:
        return self.upper[0]

    @property
    def across(self) -> complex:
        """From the left corner to the right one."""
        return self.upper[-1] - self.upper[0]

    def framed(self, places: _Places) -> _Places:
        """Places in the eye's own frame: left corner 0, right corner 1, `down` 1j."""
        steps = places - self.left
        return (steps / self.across).real + 1j * (steps / self.down).real

    def placed(self, framed: _Places) -> _Places:
        """The inverse of `framed`."""
        return self.left + framed.real * self.across + framed.imag * self.down

    @property
    def openness(self) -> float:
        """Mean distance of the lids, 1 = `down`; negative when they have crossed."""
        return float(((self.lower - self.upper).mean() / self.down).real)

    def raised(self, by: float) -> _Places:
        """(25,) the upper lid, higher by this share of `down` between the corners."""
        return self.upper - by * _TAPER * self.down

    def uncrossed(self) -> _Opening:
        """The same with the lower lid nowhere above the upper one."""
        crossed = np.minimum(((self.lower - self.upper) / self.down).real, 0)
        return replace(self, lower=self.lower - crossed * self.down)


def _lids(points: np.ndarray) -> list[tuple[_Places, _Places]]:
    """Upper and lower lid of both eyes, (25,) each."""
    places, smooth = points[:, 0] + 1j * points[:, 1], spline((0, 1, 2, 3), _STEPS)
    return [(smooth @ places[list(upper)], smooth @ places[list(lower)]) for upper, lower in points68.LIDS]


def _nose(points: np.ndarray) -> float:
    """Length of the nose: how large the head is, whatever way it looks."""
    top, base = points68.NOSE_ENDS
    return float(np.linalg.norm(points[base, :2] - points[top, :2]))


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
        eyes = [_Opening(upper, lower, 1j * (upper[-1] - upper[0])) for upper, lower in _lids(points)]
        self._seen = [k for k, eye in enumerate(eyes) if eye.down and eye.openness > _SEEN]
        self._rest = [eyes[k] for k in self._seen]
        self._nose = max(_nose(points), 1e-6)
        self._widths = _PRESSURE * style.line * unit

    def _now(self, points: np.ndarray) -> list[tuple[_Opening, _Opening]]:
        """Each seen eye, at rest and in a frame with landmarks (68, 2 or 3); none if one is scaled to a point."""
        lids, size = _lids(points), _nose(points) / self._nose
        ways = [lids[k][0][-1] - lids[k][0][0] for k in self._seen]
        if not (size and all(ways)):
            return []
        return [
            (rest, _Opening(*lids[k], 1j * way / abs(way) * abs(rest.down) * size))
            for k, way, rest in zip(self._seen, ways, self._rest, strict=True)
        ]

    def blank(self) -> np.ndarray:
        """(h, w) the static drawing without the parts that `paint` draws in every frame."""
        logits = self._logits.copy()
        for eye in self._rest:
            strip = eye.raised(self._share(_STRIP, eye))
            where = window(_plane(np.concatenate([strip, eye.lower])), 2, logits.shape)
            if where is None:
                continue
            # Only where `paint` covers every bit of a pixel: at rest it shall put back what is taken here.
            whole = (Coverage(where).area(_plane(strip), _plane(eye.lower)) > 0.99).astype(np.float32)
            logits[where] += cv2.erode(whole, np.ones((3, 3))) * (PAPER_LOGIT - logits[where])
        return logits

    def _share(self, units: float, rest: _Opening) -> float:
        """Crop units as a share of `down`."""
        return units * self._layer_unit / abs(rest.down)

    def propped(self, points: np.ndarray) -> np.ndarray:
        """Landmarks (T, 68, 2 or 3) with no upper lid lower than in the photo: how the skin around the eyes moves."""
        propped = np.array(points, dtype=np.float64)
        for face in propped:
            for k, (rest, now) in zip(self._seen, self._now(face), strict=False):
                upper = list(points68.LIDS[k][0][1:-1])
                lids, risen = now.framed(now.upper[_KNOTS]), rest.framed(rest.upper[_KNOTS])
                held = lids.real + 1j * np.minimum(lids.imag, risen.imag)
                face[upper, :2] = _plane(now.placed(held))
        return propped

    def paint(self, ink: np.ndarray, points: np.ndarray, gain: float) -> None:
        """Paint the eyes into one frame, in place.

        ink: (H, W) float32 in [0, 1], 1 = black. points: (68, 2) landmarks in its pixels. gain: sharpness of strokes.
        """
        for rest, now in self._now(points):
            lids, strip = now.uncrossed(), now.raised(self._share(_STRIP, rest))
            fold = now.placed(rest.framed(rest.raised(self._share(_STRIP + _FRINGE, rest))))
            below = lids.lower + self._share(_BELOW, rest) * _TAPER * now.down
            where = window(_plane(np.concatenate([fold, strip, below])), 3 * self._unit, ink.shape)
            if where is None:
                continue
            patch, coverage = ink[where], Coverage(where)
            closed = 1 - now.openness / rest.openness
            if (unfolded := ramp(closed, 0.02, 0.15)) > 0:
                patch *= 1 - unfolded * coverage.area(_plane(fold), _plane(strip))
            if (shut := ramp(closed, 0.5, 1.0)) > 0:
                patch *= 1 - shut * coverage.area(_plane(lids.lower), _plane(below))
            drawn = 0.5 + 0.5 * np.tanh(0.5 * gain * self._moved(rest, now, where))
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
        ball = places.imag / max(1.0, now.openness / rest.openness)
        read = np.where(places.imag < now_lid, places.imag - now_lid + rest_lid, ball)
        source = rest.placed(places.real + 1j * read)
        x, y = source.real.astype(np.float32), source.imag.astype(np.float32)
        return cv2.remap(self._logits, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
