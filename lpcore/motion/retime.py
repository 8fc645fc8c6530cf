"""From the features' frame rate to the film's: pure functions of sampled signals."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, hypot

import numpy as np

from .smooth import gaussian, reach_of


def frame_count(duration: float, fps: Fraction) -> int:
    """Frames that show a span of `duration` seconds to its end: never shorter than the speech, at least 1."""
    # A thousandth of a frame is a rounding error of the duration, not speech.
    return max(1, ceil(duration * fps - 1e-3))


def frame_times(count: int, fps: Fraction, first: int = 0) -> np.ndarray:
    """(count,) float64 seconds from the span's start: frame k lies at k / fps exactly, however long the film."""
    return np.arange(first, first + count) * fps.denominator / fps.numerator


def retime(
    values: np.ndarray, rate: float, fps: Fraction, count: int, *, first: int = 0, sigma: float = 0.0
) -> np.ndarray:
    """A signal sampled at `rate` as it is at the film's frames.

    Below `rate` the signal is first smoothed so that what a film frame cannot show does not flicker in it; between
    samples a cubic (Catmull-Rom) runs through them; beyond the ends the end values hold.

    Args:
        values: (N, ...) samples, sample i at i / rate seconds.
        rate: samples per second.
        fps: the film's rate. count: frames wanted. first: number of the first of them; a film in pieces has no seams.
        sigma: standard deviation, in samples, of further smoothing.

    Returns:
        (count, ...) of the same type. At fps == rate and sigma 0 the samples themselves.
    """
    sigma = hypot(sigma, 0.3 * max(0.0, rate / float(fps) - 1))
    place = np.clip(_places(first, count, rate, fps), 0, len(values) - 1)
    margin = reach_of(sigma)
    low, high = max(0, int(place[0]) - 1 - margin), int(place[-1]) + 3 + margin
    near = gaussian(values[low:high], sigma)
    index = place.astype(int)
    t = (place - index).reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    a, b, c, d = (near[np.clip(index - low + k, 0, len(near) - 1)] for k in (-1, 0, 1, 2))
    return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def retime_peaks(values: np.ndarray, rate: float, fps: Fraction, count: int, *, first: int = 0) -> np.ndarray:
    """Like `retime`, but each frame takes the largest value within half a frame of it, so that no peak is missed.

    values (N,) at `rate` -> (count,) of the same type.
    """
    place = _places(first, count, rate, fps)
    reach = max(rate / float(fps) / 2, 0.5)
    low = np.clip(np.ceil(place - reach).astype(int), 0, len(values) - 1)
    high = np.clip(np.floor(place + reach).astype(int), low, len(values) - 1)
    result = values[low]
    for step in range(1, int((high - low).max(initial=0)) + 1):
        result = np.maximum(result, values[np.minimum(low + step, high)])
    return result


def _places(first: int, count: int, rate: float, fps: Fraction) -> np.ndarray:
    """(count,) float64 sample numbers at which the frames lie; whole numbers come out exact."""
    step = Fraction(rate) / fps
    return np.arange(first, first + count) * step.numerator / step.denominator
