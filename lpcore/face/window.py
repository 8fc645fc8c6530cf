"""Square windows of a photo: where they lie, and their pixels.

A window is a `types.CropTransform`, whatever it is for: a detector's view, the region around a face, the crop
itself. Positions inside it are in crop units, so one affine map leads back to the photo.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import CROP, CropTransform

REPEAT = cv2.BORDER_REPLICATE
BLACK = cv2.BORDER_CONSTANT


def window(centre: tuple[float, float], side: float, roll: float = 0.0) -> CropTransform:
    """The window of `side` photo pixels around `centre` (photo pixels), turned by `roll` radians."""
    return CropTransform((float(centre[0]), float(centre[1])), CROP / float(side), float(roll))


def to_photo(points: np.ndarray, place: CropTransform) -> np.ndarray:
    """Crop units (..., 2 or 3) to photo pixels, z (if any) scaled alike; float64."""
    return _mapped(points, place.inverse_matrix(), 1 / place.scale)


def to_window(points: np.ndarray, place: CropTransform) -> np.ndarray:
    """Photo pixels (..., 2 or 3) to crop units, z (if any) scaled alike; float64."""
    return _mapped(points, place.matrix(), place.scale)


def _mapped(points: np.ndarray, matrix: np.ndarray, depth: float) -> np.ndarray:
    flat = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([flat, points[..., 2:] * depth], axis=-1)


def cut(photo: np.ndarray, place: CropTransform, size: int, border: int = REPEAT) -> np.ndarray:
    """The window's pixels at (size, size), free of aliasing; `border` says what lies outside the photo.

    photo: (H, W) or (H, W, C), uint8 or float32; the result has its type.
    """
    part, matrix = _shrunk(photo, place, size)
    return cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)


def _shrunk(photo: np.ndarray, place: CropTransform, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo that the window shows, reduced to about twice the wanted resolution, and the
    (2, 3) map from its pixels to the window's. Linear interpolation alone would skip pixels of large photos.
    """
    per_unit = size / CROP
    matrix = place.matrix() * per_unit
    matrix[:, 2] += (per_unit - 1) / 2
    factor = min(1.0, 2 * place.scale * per_unit)
    if factor > 0.75:
        return photo, matrix

    height, width = photo.shape[:2]
    corners = to_photo(np.array([[0, 0], [CROP, 0], [CROP, CROP], [0, CROP]]) - 0.5, place)
    margin = 2 / factor
    left, top = (max(0, int(low - margin)) for low in corners.min(axis=0))
    right, bottom = (int(high + margin) + 1 for high in corners.max(axis=0))
    left, top = min(left, width - 1), min(top, height - 1)
    part = photo[top : max(bottom, top + 1), left : max(right, left + 1)]

    wide, high = (max(1, round(length * factor)) for length in part.shape[1::-1])
    ratio = np.array([part.shape[1] / wide, part.shape[0] / high])
    small = cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA)
    # Pixel centres are integers: small pixel s covers the part's pixels around (s + 0.5) * ratio - 0.5.
    offset = (ratio - 1) / 2 + (left, top)
    return small, np.column_stack([matrix[:, :2] * ratio, matrix[:, :2] @ offset + matrix[:, 2]])
