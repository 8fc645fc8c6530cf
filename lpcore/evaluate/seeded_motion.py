"""Head and brows without a network, to measure the speaker-aware branch by: seeded waves and raised brows.

The head sways in slow sine waves, wider where the speech is loud, and nods with its loudness; the brows rise on every
other stressed syllable.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from ..motion.smooth import gaussian, ramp

LIMITS = np.array([*np.radians([3.0, 2.0, 1.5]), 0.012, 0.012])
"""Largest yaw, pitch and roll in radians, shift x and y in ear distances."""
RISE, FALL = 0.16, 0.4
"""Seconds in which the brows go up and come down."""
CHANCE = 0.5
"""Share of the stresses that the brows follow."""

_WAVES = 4
_SLOWEST, _FASTEST = 0.08, 0.45
_STILL = 0.4
_APART = 0.7


def seeded_head(times: np.ndarray, energy: np.ndarray, seed: int) -> np.ndarray:
    """(T, 5) pose at (T,) seconds, as `gesture.Gesture` has it; energy (T,) liveliness of the speech in [0, 1]."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(_SLOWEST, _FASTEST, (_WAVES, 5))
    phase = rng.uniform(0, 2 * np.pi, (_WAVES, 5))
    weight = 1 / frequency
    weight /= weight.sum(axis=0)
    waves = (weight * np.sin(2 * np.pi * frequency * times[:, None, None] + phase)).sum(axis=1)
    pose = waves * (_STILL + (1 - _STILL) * energy)[:, None]
    pose[:, 1] = np.clip(pose[:, 1] + 0.35 * (energy - 0.5), -1, 1)
    return pose * LIMITS


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


def seeded_brows(times: np.ndarray, stressed: np.ndarray, seed: int) -> np.ndarray:
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
