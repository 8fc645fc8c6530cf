"""Eyebrows that rise a little on stressed syllables."""

from __future__ import annotations

from math import ceil

import numpy as np

from ..points68 import BROWS
from .smooth import gaussian, ramp

RISE, FALL = 0.16, 0.4
"""Seconds in which the brows go up and come down."""
HEIGHT = 0.025
"""Highest rise in units of the normalised frame (ears 1.6 apart)."""
CHANCE = 0.5
"""Share of the stresses that the brows follow."""

_APART = 0.7


def stresses(levels: np.ndarray, silent: np.ndarray, rate: float) -> np.ndarray:
    """Times of stressed syllables: the loudest peaks of the smoothed level, at least 0.7 s apart.

    levels (T,) dB and silent (T,) bool at `rate` -> (S,) ascending seconds; empty without speech.
    """
    curve = gaussian(levels.astype(np.float64), 0.06 * rate)
    inner = curve[1:-1]
    peaks = 1 + np.flatnonzero((inner >= curve[:-2]) & (inner > curve[2:]) & ~silent[1:-1])
    if not len(peaks):
        return np.zeros(0)
    peaks = peaks[curve[peaks] >= np.median(curve[peaks])]
    reach = ceil(_APART * rate) - 1
    free = np.ones(len(curve), bool)
    chosen: list[int] = []
    for peak in peaks[np.argsort(-curve[peaks], kind="stable")]:
        if free[peak]:
            chosen.append(peak)
            free[max(0, peak - reach) : peak + reach + 1] = False
    return np.sort(chosen) / rate


def brow_raise(times: np.ndarray, stressed: np.ndarray, seed: int) -> np.ndarray:
    """(T,) in [0, 1] how high the brows are at ascending `times` (s); `seed` decides which stresses they follow."""
    rng = np.random.default_rng(seed)
    height = np.zeros(len(times))
    for moment in stressed:
        taken, share = rng.random() < CHANCE, rng.uniform(0.4, 1.0)
        if taken:
            near = slice(*np.searchsorted(times, (moment - RISE, moment + FALL)))
            since = times[near] - moment
            shape = np.where(since < 0, ramp(1 + since / RISE), 1 - ramp(since / FALL))
            height[near] = np.maximum(height[near], share * shape)
    return height


def brow_displacement(height: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(T, 68, 3) float32 displacement of the brows by height (T,) in [0, 1] times the vector `up` (3,)."""
    moved = np.zeros((len(height), 68, 3), np.float32)
    moved[:, list(BROWS)] = (height[:, None] * up)[:, None]
    return moved
