"""Training pairs of the drawing stage: a packed face somewhere in the picture, and a moved state of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .. import points68
from ..types import CROP
from .expressions import random_expression, random_turn
from .head import FaceState, Head, landmark_motion
from .pack import Faces

_MIRROR = list(points68.MIRROR)
_TILT, _ZOOM, _SHIFT = 6.0, 0.2, 0.06
"""Spread of degrees, greatest logarithm of the scale, greatest share of the crop."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A face of a pack and where it goes; all in crop units after the face was placed in the picture.

    place: (2, 3) from the packed pictures to the placed ones, perhaps mirrored. start, end: states of one person.
    source: (68, 2) landmarks of the photo. target: (68, 2) those of the moved face.
    """

    index: int
    place: np.ndarray
    start: FaceState
    end: FaceState
    source: np.ndarray
    target: np.ndarray

    def picture(self, image: np.ndarray, side: int, border: int) -> np.ndarray:
        """`image` (512, 512[, C]) placed, at side x side pixels; border: value beyond it."""
        shrunk = min(1.0, 1.5 * side / CROP)
        if shrunk < 1:
            # Bilinear reading skips pixels when it shrinks the picture.
            image = cv2.resize(image, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
        matrix = compose(to_side(side), self.place, from_side(image.shape[0]))
        value = (border,) * 3
        return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=value)


def random_pair(
    faces: Faces,
    head: Head,
    index: int,
    rng: np.random.Generator,
    *,
    level: float = 1.0,
    place: np.ndarray | None = None,
) -> Pair:
    """Face `index` placed at random (or by `place`) with a random expression and turn of strength `level`."""
    place = random_place(rng) if place is None else place
    photo = faces.states[index]
    corners = faces.landmarks[index][list(points68.OUTER_EYE_CORNERS)]
    eyes = float(np.linalg.norm(corners[0] - corners[1]))
    changed = replace(photo, expression=random_expression(head.names, rng, level))
    changed = random_turn(changed, eyes, rng, level)
    landmarks = placed_landmarks(faces.landmarks[index], place)
    start, end = photo.moved(place), changed.moved(place)
    motion = landmark_motion(head, start, end)[:, :2]
    target = landmarks + (motion[_MIRROR] if np.linalg.det(place[:, :2]) < 0 else motion)
    return Pair(index, place, start, end, landmarks, target)


def random_place(rng: np.random.Generator, *, covering: bool = False) -> np.ndarray:
    """(2, 3) random similarity of the picture about its centre, mirrored half of the time; crop units.

    covering: only enlarge and move as far as no border of the picture comes into view.
    """
    angle, zoom, reach = np.deg2rad(rng.normal(0, _TILT)), np.exp(rng.uniform(-_ZOOM, _ZOOM)), _SHIFT
    cos, sin = np.cos(angle), np.sin(angle)
    if covering:
        spare = zoom if zoom > 1 else 1 / zoom
        reach = min((spare - 1) / 2, _SHIFT)
        zoom = spare * (cos + abs(sin))
    linear = zoom * np.array([[cos, -sin], [sin, cos]])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    centre = np.full(2, (CROP - 1) / 2)
    shift = centre - linear @ centre + rng.uniform(-reach, reach, 2) * CROP
    return np.column_stack([linear, shift]).astype(np.float32)


def placed_landmarks(landmarks: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(68, 2) float32 landmarks moved by `place` (2, 3); a mirrored face gets its landmarks renumbered."""
    moved = landmarks @ place[:, :2].T + place[:, 2]
    return (moved[_MIRROR] if np.linalg.det(place[:, :2]) < 0 else moved).astype(np.float32)


def to_side(side: int) -> np.ndarray:
    """(2, 3) from crop units to pixels of the whole crop at side x side pixels."""
    return np.array([[1, 0, 0.5], [0, 1, 0.5]]) * (side / CROP) - [[0, 0, 0.5], [0, 0, 0.5]]


def from_side(side: int) -> np.ndarray:
    """(2, 3), the inverse of `to_side`."""
    return cv2.invertAffineTransform(to_side(side))


def compose(*matrices: np.ndarray) -> np.ndarray:
    """(2, 3) float32 affine map that applies the last of `matrices` (2, 3) first."""
    whole = np.eye(3)
    for matrix in matrices:
        whole = whole @ np.vstack([matrix, [0, 0, 1]])
    return whole[:2].astype(np.float32)
