"""Does what lies behind the person stay still? A photo with writing behind it, as in the paper's Fig. 7."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..drawing.flow import sample
from ..drawing.mesh_flow import MeshFlow
from ..types import CROP, Portrait

_LINE, _WALL, _LETTERS = 46, (226, 222, 210), (40, 40, 60)
_AWAY = 12
"""Pixels from the person at which the background begins."""


def before_a_wall(portrait: Portrait, words: str = "LINE PORTRAIT * ") -> Portrait:
    """The same person before a wall that is written over."""
    wall = np.full((CROP, CROP, 3), _WALL, np.uint8)
    for row, y in enumerate(range(_LINE // 2, CROP + _LINE, _LINE)):
        cv2.putText(
            wall, 3 * words, (-60 * (row % 3), y), cv2.FONT_HERSHEY_DUPLEX, 0.9, _LETTERS, 2, cv2.LINE_AA
        )
    matte = portrait.matte[..., None]
    image = np.rint(portrait.image * matte + wall * (1 - matte)).astype(np.uint8)
    return replace(portrait, image=image, photo=image)


def background(portrait: Portrait, points: np.ndarray) -> np.ndarray:
    """(512, 512) bool: places that the person covers in none of the moments `points` (T, 68, 3), nor comes near to."""
    import torch

    positions = MeshFlow(portrait.landmarks, np.eye(3), (CROP, CROP)).positions(points)
    person = sample(torch.from_numpy(portrait.matte)[None, None], positions)[:, 0].amax(0).numpy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _AWAY + 1,) * 2)
    return cv2.dilate((person > 0.05).astype(np.uint8), kernel) == 0


def change(first: np.ndarray, last: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute change of two (H, W) uint8 pictures, black to white = 1, at the places `where`; NaN for none."""
    changes = np.abs(first.astype(np.int16) - last)[where]
    return float(changes.mean()) / 255 if changes.size else float("nan")
