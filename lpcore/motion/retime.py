"""From the features' frame rate to the film's: pure functions of sampled signals."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from .smooth import gaussian


def frame_count(duration: float, fps: Fraction) -> int:
    """Frames that show a span of `duration` seconds to its end: never shorter than the speech, at least 1."""
    # A thousandth of a frame is a rounding error of the duration, not speech.
    return max(1, ceil(duration * fps - 1e-3))


def frame_times(count: int, fps: Fraction) -> np.ndarray:
    """(count,) float64 seconds from the span's start: frame k lies at k / fps exactly, however long the film."""
    return np.arange(count) * fps.denominator / fps.numerator


def retime(values: np.ndarray, rate: float, fps: Fraction, count: int) -> np.ndarray:
    """A signal sampled at `rate` as it is at the film's frames.

    Below `rate` the signal is first smoothed so that what a film frame cannot show does not flicker in it; between
    samples a cubic (Catmull-Rom) runs through them; beyond the ends the end values hold.

    Args:
        values: (N, ...) samples, sample i at i / rate seconds.
        rate: samples per second.
        fps: the film's rate. count: frames wanted.

    Returns:
        (count, ...) of the same type. At fps == rate the samples themselves.
    """
    if fps < rate:
        values = gaussian(values, 0.3 * (rate / float(fps) - 1))
    place = np.clip(_places(count, rate, fps), 0, len(values) - 1)
    index = place.astype(int)
    t = (place - index).reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    a, b, c, d = (values[np.clip(index + k, 0, len(values) - 1)] for k in (-1, 0, 1, 2))
    return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def retime_peaks(values: np.ndarray, rate: float, fps: Fraction, count: int) -> np.ndarray:
    """Like `retime`, but each frame takes the largest value within half a frame of it, so that no peak is missed.

    values (N,) at `rate` -> (count,) of the same type.
    """
    place = _places(count, rate, fps)
    reach = max(rate / float(fps) / 2, 0.5)
    low = np.clip(np.ceil(place - reach).astype(int), 0, len(values) - 1)
    high = np.clip(np.floor(place + reach).astype(int), low, len(values) - 1)
    result = values[low]
    for step in range(1, int((high - low).max(initial=0)) + 1):
        result = np.maximum(result, values[np.minimum(low + step, high)])
    return result


def _places(count: int, rate: float, fps: Fraction) -> np.ndarray:
    """(count,) float64 sample numbers at which the frames lie; whole numbers come out exact."""
    step = Fraction(rate) / fps
    return np.arange(count) * step.numerator / step.denominator
