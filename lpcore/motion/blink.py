"""Eye blinks: when they happen and what they do to the lids."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from ..points68 import LID_PAIRS
from .smooth import ramp

CLOSE, HOLD, OPEN = 0.1, 0.04, 0.2
"""Seconds in which lids fall, stay shut and rise."""
EARLIEST = 0.5
"""Seconds at a film's beginning without a blink."""
MEETING = 1 / 3
"""Height over the lower lid, as a share of the eye's opening, at which the lids meet."""


def blink_times(duration: float, per_minute: float, seed: int) -> np.ndarray:
    """Moments at which the lids are first shut.

    Args:
        duration: seconds of the film.
        per_minute: mean rate; 0 = no blinks. Beyond what fits without overlap, blinks follow one another closely.
        seed: decides the times, which are the same for every frame rate and for longer films from the same seed.

    Returns:
        (B,) float64 seconds, ascending; no blink starts before `EARLIEST` and none overlaps another.
    """
    if per_minute <= 0:
        return np.zeros(0)
    rng = np.random.default_rng(seed)
    mean, shortest = 60 / per_minute, CLOSE + HOLD + OPEN + 0.05
    times, now = [], EARLIEST + CLOSE + mean * rng.uniform(0.1, 0.6)
    while now < duration:
        times.append(now)
        # Between regular and purely random: intervals spread by half the mean to either side.
        now += max(shortest, mean * rng.uniform(0.5, 1.5))
    return np.array(times)


def blink_envelope(count: int, fps: Fraction, times: np.ndarray) -> np.ndarray:
    """How far the lids are shut in each frame.

    Args:
        count: frames; frame k lies at k / fps.
        times: (B,) seconds from `blink_times`; each moves to the next frame, which therefore shows the eye shut.

    Returns:
        (count,) float64 in [0, 1]. Lids fall fast and rise slowly.
    """
    envelope = np.zeros(count)
    before, after = ceil(CLOSE * fps), ceil((HOLD + OPEN) * fps)
    for moment in times:
        shut = ceil(moment * fps - 1e-9)
        frames = np.arange(max(0, shut - before), min(count, shut + after + 1))
        since = (frames - shut) * fps.denominator / fps.numerator
        falling = ramp(1 + since / CLOSE)
        rising = 1 - ramp((since - HOLD) / OPEN) ** 0.75
        envelope[frames] = np.maximum(envelope[frames], np.where(since < 0, falling, rising))
    return envelope


def close_lids(points: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Displacement that shuts the eyes.

    Args:
        points: (T, 68, 3) landmarks.
        amount: (T,) in [0, 1]; 1 = upper and lower lid coincide, at `MEETING` above the lower lid.

    Returns:
        (T, 68, 3) of the same type, zero but for the lids.
    """
    moved = np.zeros_like(points)
    share = amount[:, None].astype(points.dtype)
    for upper, lower in LID_PAIRS:
        opening = points[:, upper] - points[:, lower]
        moved[:, upper] = -(1 - MEETING) * share * opening
        moved[:, lower] = MEETING * share * opening
    return moved
