"""The face crop: which window of the photo it is."""

from __future__ import annotations

import math

import numpy as np

from ..types import CropTransform
from .window import window

LEVEL = math.radians(15)
"""Heads tilted by less keep their tilt in the crop."""

BOX_SIDE = 0.70
BOX_BOTTOM = 0.90
"""The face box inside the crop: x in [0.15, 0.85], y in [0.20, 0.90] of its side (paper, face alignment)."""


def crop_window(points: np.ndarray, roll: float) -> CropTransform:
    """The crop of a face with `points` (68, 2 or 3) in photo pixels and its eye line turned by `roll`.

    The paper takes the box from its detector: a square 1.2 times as wide as the face. Here it is taken from the
    landmarks, which are steadier: 1.2 times the jaw's width, or the height from brows to chin where that is more
    because the head is turned aside (from the front both are alike), with the chin near its lower edge.
    """
    turn = roll if abs(roll) > LEVEL else 0.0
    axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    flat = points[:, :2] @ axes.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    width, height = high - low
    box = 1.2 * max(width, height)
    side = box / BOX_SIDE
    bottom = high[1] + 0.03 * box
    centre = axes.T @ ((low[0] + high[0]) / 2, bottom + (0.5 - BOX_BOTTOM) * side)
    return window((centre[0], centre[1]), side, turn)
