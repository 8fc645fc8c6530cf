"""Eyebrows that go up and down with the speech."""

from __future__ import annotations

import numpy as np

from ..points68 import BROWS

HEIGHT = 0.025
"""How far brows of height 1 are above those of the photo, in units of the normalised frame (ears 1.6 apart)."""


def brow_displacement(height: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(T, 68, 3) float32 displacement of the brows by height (T,) in [-1, 1] times the vector `up` (3,)."""
    moved = np.zeros((len(height), 68, 3), np.float32)
    moved[:, list(BROWS)] = (height[:, None] * up)[:, None]
    return moved
