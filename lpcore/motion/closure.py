"""When the lips must be together: during p, b and m, and while nobody speaks."""

from __future__ import annotations

import numpy as np

from .smooth import ramp

TRAVEL = 0.025
"""Seconds that the lips take to meet before the recogniser's sign of p, b or m and to part after it, at most.

The content branch closes them more slowly by itself; this makes sure that they meet. Held for longer it would keep
short vowels between two such consonants shut.
"""

SETTLE, WAKE = 0.1, 0.05
"""Seconds before a silence in which the mouth comes to rest, and after it in which it is free again."""


def bilabial_closure(posterior: np.ndarray, rate: float) -> np.ndarray:
    """How far p, b and m close the lips.

    A CTC recogniser marks a phone by a short spike near its onset, which lies in the closure.

    Args:
        posterior: (T,) probability in [0, 1] that the frame begins p, b or m.
        rate: frames per second.

    Returns:
        (T,) in [0, 1], 1 = lips together.
    """
    strength = np.clip(posterior / 0.5, 0, 1)
    reach = int(np.ceil(TRAVEL * rate))
    shape = ramp(1 - np.abs(np.arange(-reach, reach + 1)) / (TRAVEL * rate))
    padded = np.pad(strength, reach)
    return np.max([share * padded[2 * reach - k :][: len(strength)] for k, share in enumerate(shape)], axis=0)


def rest(silent: np.ndarray, rate: float) -> np.ndarray:
    """How far the mouth is at rest.

    Args:
        silent: (T,) bool, True = nobody speaks.
        rate: frames per second.

    Returns:
        (T,) in [0, 1]: 1 throughout every silence, rising to it over `SETTLE` seconds of the speech before and
        falling over `WAKE` seconds of the speech after.
    """
    frames = np.arange(len(silent))
    since = frames - np.maximum.accumulate(np.where(silent, frames, -np.inf))
    until = np.minimum.accumulate(np.where(silent, frames, np.inf)[::-1])[::-1] - frames
    return 1 - np.minimum(ramp(since / rate / WAKE), ramp(until / rate / SETTLE))
