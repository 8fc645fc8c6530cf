"""What stands still behind the person (paper section 3.3.2): a photo without them, and equation 1.

The authors' still background is the drawing of the whole photo; where the head moves aside, its old contour shows
as a ghost. Here the person is painted out of the photo before the background is drawn.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from torch import Tensor

Picture = TypeVar("Picture", Tensor, np.ndarray)

_REACH = 0.035
"""By how much the painted-out region exceeds the matte, as a share of the picture's shorter side."""

_FILL_SIDE = 160
"""Shorter side in pixels at which the hole is filled: finer would paint streaks that are then drawn as lines."""


def blend(drawn: Picture, person: Picture, background: Picture) -> Picture:
    """Paper equation 1: `drawn` where the moved matte `person` in [0, 1] is, `background` elsewhere."""
    return drawn * person + background * (1 - person)


def without_person(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The photo (H, W, 3) uint8 with the person painted out smoothly from what surrounds them.

    matte: (H, W) float32 in [0, 1], 1 = person, or whatever else shall go. A picture full of it becomes plain grey.
    """
    height, width = matte.shape
    hole = _grown(matte, _REACH * min(height, width))
    shrink = min(1.0, _FILL_SIDE / min(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small_hole = cv2.resize(hole, size, interpolation=cv2.INTER_AREA) > 0
    if small_hole.all():
        return np.full_like(image, 128)
    small = _reduced(image, 1 - hole, size)
    filled = cv2.inpaint(small, small_hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    # Blurred inside the hole only, and wider than the streaks that inpainting leaves.
    soft = cv2.GaussianBlur(filled, (0, 0), 0.03 * min(size))
    share = cv2.GaussianBlur(small_hole.astype(np.float32), (0, 0), 2)[..., None]
    share = np.where(small_hole[..., None], share, 0)
    filled = cv2.resize((filled + share * (soft - filled.astype(np.float32))), (width, height))
    edge = cv2.GaussianBlur(hole, (0, 0), max(1.0, 0.25 * _REACH * min(height, width)))
    return np.clip(np.rint(blend(filled, edge[..., None], image.astype(np.float32))), 0, 255).astype(np.uint8)


def _reduced(image: np.ndarray, weight: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`image` at `size` (width, height), each pixel the mean of the original pixels with weight 1."""
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)[..., None]
    total = cv2.resize(image.astype(np.float32) * weight[..., None], size, interpolation=cv2.INTER_AREA)
    return np.rint(total / np.maximum(share, 1e-6)).clip(0, 255).astype(np.uint8)


def _grown(matte: np.ndarray, reach: float) -> np.ndarray:
    """(H, W) float32, 1 where the person or its surroundings within `reach` pixels are, else 0."""
    apart = cv2.distanceTransform((matte < 0.05).astype(np.uint8), cv2.DIST_L2, 5)
    return (apart <= reach).astype(np.float32)
