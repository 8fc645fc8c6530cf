"""The person's matte: MediaPipe's selfie segmentation, its edges led to the photo's own by a guided filter."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..types import CROP, CropTransform
from .nets import net
from .window import cut, to_photo, window

INPUT = 256
"""Side of the segmentation network's input in pixels."""

WORKING_SIDE = 1024
"""Longer side, in pixels, at which the whole photo's matte is computed."""

LOOK = 1.5
"""Side of the network's window around the head over the crop's: it knows hair and shoulders better when it sees
them whole."""


def mattes(
    photo: np.ndarray, crop: CropTransform, image: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The person's matte in the photo, (H, W), and in the crop, (512, 512): float32 in [0, 1], 1 = person.

    photo: (H, W, 3) uint8. image: (512, 512, 3) uint8, its crop. points: (68, 2 or 3) crop units, the landmarks
    of the person; others are left out where they do not touch. The crop's matte ends where the photo ends.
    """
    look = window(crop.centre, LOOK * CROP / crop.scale, crop.roll)
    head = _segment(cut(photo, look, INPUT))
    return _photo_matte(photo, look, head, to_photo(points, crop)), _crop_matte(
        photo, crop, image, head, points
    )


def _crop_matte(
    photo: np.ndarray, crop: CropTransform, image: np.ndarray, head: np.ndarray, points: np.ndarray
) -> np.ndarray:
    middle = (INPUT - 1) / 2
    coarse = cut(head, window((middle, middle), INPUT / LOOK), CROP)
    grey = _grey(image)
    matte = _finish(*_guided(grey, _person(coarse, points), LOOK * CROP / INPUT), grey)
    units = np.stack(np.meshgrid(np.arange(CROP), np.arange(CROP)), axis=-1)
    x, y = np.moveaxis(to_photo(units, crop), -1, 0)
    matte[(x < 0) | (y < 0) | (x > photo.shape[1] - 1) | (y > photo.shape[0] - 1)] = 0
    return matte


def _photo_matte(photo: np.ndarray, look: CropTransform, head: np.ndarray, points: np.ndarray) -> np.ndarray:
    """As seen from afar; around the head, where this shows more, as seen by `look`."""
    height, width = photo.shape[:2]
    shrink = min(1.0, WORKING_SIDE / max(height, width))
    wide, high = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(photo, (wide, high), interpolation=cv2.INTER_AREA)
    # Turned like the head: the network knows people upright only.
    c, s = abs(math.cos(look.roll)), abs(math.sin(look.roll))
    extent = max(wide * c + high * s, wide * s + high * c)
    whole = window(((wide - 1) / 2, (high - 1) / 2), extent, look.roll)
    coarse = _spread(_segment(cut(small, whole, INPUT)), whole, (wide, high))
    side = shrink * CROP / look.scale
    if side < max(wide, high):
        near = window((look.centre[0] * shrink, look.centre[1] * shrink), side, look.roll)
        weight = _spread(_fading(INPUT), near, (wide, high))
        coarse += weight * (_spread(head, near, (wide, high)) - coarse)
    slope, base = _guided(_grey(small), _person(coarse, points * shrink), extent / INPUT)
    slope, base = (cv2.resize(plane, (width, height)) for plane in (slope, base))
    return _finish(slope, base, _grey(photo))


def _fading(size: int) -> np.ndarray:
    """(size, size) float32: 1 in the middle, falling to 0 over the outer sixth."""
    ramp = np.clip(6 * np.minimum(np.arange(size), np.arange(size)[::-1]) / size, 0, 1)
    return np.minimum.outer(ramp, ramp).astype(np.float32)


def _segment(image: np.ndarray) -> np.ndarray:
    """(256, 256) float32 in [0, 1]: how much each pixel of the (256, 256, 3) uint8 image belongs to a person."""
    return net("selfie", "activation_10")(image / np.float32(255))[0][0, 0]


def _spread(mask: np.ndarray, place: CropTransform, size: tuple[int, int]) -> np.ndarray:
    """The window's mask laid back onto a photo of `size` (width, height), 0 outside the window."""
    per_unit = len(mask) / CROP
    matrix = place.matrix() * per_unit
    matrix[:, 2] += (per_unit - 1) / 2
    return cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _person(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`mask` with everybody but the person of the face removed: only the connected part under the face stays."""
    _, labels = cv2.connectedComponents((mask > 0.5).astype(np.uint8))
    columns, rows = np.rint(points[:, :2]).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < mask.shape[1]) & (rows < mask.shape[0])
    votes = np.bincount(labels[rows[inside], columns[inside]])
    if not votes[1:].any():
        return mask
    kept = (labels == 1 + np.argmax(votes[1:])).astype(np.uint8)
    reach = 2 * max(3, round(max(mask.shape) / 64)) + 1
    return mask * cv2.dilate(kept, np.ones((reach, reach), np.uint8))


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _guided(grey: np.ndarray, mask: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Guided filter (He et al. 2010): slope and base such that matte = slope * grey / 255 + base.

    grey: uint8 guide of the mask's size. cell: pixels that one pixel of the network's mask covers.
    """
    reach = 2 * max(2, round(2.5 * cell)) + 1

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.blur(plane, (reach, reach), borderType=cv2.BORDER_REPLICATE)

    guide = grey / np.float32(255)
    mean_guide, mean_mask = mean(guide), mean(mask)
    variance = mean(guide * guide) - mean_guide**2
    slope = (mean(guide * mask) - mean_guide * mean_mask) / (variance + 1e-3)
    return mean(slope), mean(mean_mask - slope * mean_guide)


def _finish(slope: np.ndarray, base: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """The matte, its filter haze cut off. Works in place: the photo may have fifty million pixels."""
    matte = cv2.multiply(slope, grey, dst=slope, scale=1 / 255, dtype=cv2.CV_32F)
    matte += base
    matte -= 0.05
    matte /= 0.9
    return np.clip(matte, 0, 1, out=matte)
