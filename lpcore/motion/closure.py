"""When the lips must be together: during p, b and m, and while nobody speaks."""

from __future__ import annotations

import numpy as np

from .smooth import ramp

BEGIN = 0.0
"""Seconds from the recogniser's first sign of p, b or m to closed lips."""
END = 0.06
"""Seconds from the last sign to the lips' parting."""
TRAVEL = 0.07
"""Seconds that the lips take to meet before and to part after."""

SETTLE = 0.12
"""Seconds before a silence in which the mouth comes to rest, and after it in which it wakes."""


def bilabial_closure(posterior: np.ndarray, rate: float) -> np.ndarray:
    """How far p, b and m close the lips.

    A CTC recogniser marks a phone by a short spike near its onset; the closure is that spike held for as long as
    such a consonant lasts, with the way there and back.

    Args:
        posterior: (T,) probability in [0, 1] that the frame begins p, b or m.
        rate: frames per second.

    Returns:
        (T,) in [0, 1], 1 = lips together.
    """
    strength = np.clip(posterior / 0.5, 0, 1)
    closure = np.zeros(len(strength))
    reach = int(np.ceil((max(-BEGIN, END) + TRAVEL) * rate)) + 1
    for shift in range(-reach, reach + 1):
        seconds = shift / rate
        share = ramp(np.array(1 - max(BEGIN - seconds, seconds - END, 0.0) / TRAVEL))
        if share > 0:
            low, high = max(0, shift), len(strength) + min(0, shift)
            closure[low:high] = np.maximum(closure[low:high], share * strength[low - shift : high - shift])
    return closure


def rest(silent: np.ndarray, rate: float) -> np.ndarray:
    """How far the mouth is at rest.

    Args:
        silent: (T,) bool, True = nobody speaks.
        rate: frames per second.

    Returns:
        (T,) in [0, 1]: 1 throughout every silence, falling to 0 over `SETTLE` seconds of the speech beside it.
    """
    if silent.all():
        return np.ones(len(silent))
    speech = ~silent
    away = np.full(len(silent), np.inf)
    for frames in (range(len(silent)), range(len(silent) - 1, -1, -1)):
        distance = np.inf
        for k in frames:
            distance = 0 if silent[k] else distance + 1
            away[k] = min(away[k], distance)
    return np.where(speech, 1 - ramp(away / rate / SETTLE), 1.0)
