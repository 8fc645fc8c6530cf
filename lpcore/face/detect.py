"""Face detection with MediaPipe's two BlazeFace detectors: which faces are there, and where are their eyes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..types import CROP, CropTransform, FaceBox
from .nets import net
from .window import BLACK, cut, to_photo, window

WORKING_SIDE = 1536
"""Longer side, in pixels, to which large photos are reduced for detection."""

MIN_SCORE = 0.5
ROLLS = tuple(math.radians(angle) for angle in (90, -90, 180, 45, -45, 135, -135))


@dataclass(frozen=True, eq=False)
class Detection:
    """One face found. box: photo pixels, upright. eyes: (2, 2) photo pixels, the image-left eye of an upright
    face first.
    """

    box: FaceBox
    eyes: np.ndarray


@dataclass(frozen=True)
class _Detector:
    """A single-shot detector: anchors of `per_cell` boxes in each cell of a grid, for each of its grids."""

    weights: str
    outputs: tuple[str, str]
    size: int
    grids: tuple[tuple[int, int], ...]

    def anchors(self) -> np.ndarray:
        """(N, 2) anchor centres, as shares of the input's side."""
        centres = []
        for cells, per_cell in self.grids:
            axis = (np.arange(cells) + 0.5) / cells
            x, y = np.meshgrid(axis, axis)
            centres.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), per_cell, axis=0))
        return np.concatenate(centres)


SHORT = _Detector("face_detection_short", ("regressors", "classificators"), 128, ((16, 2), (8, 6)))
FULL = _Detector(
    "face_detection_full", ("reshaped_regressor_face_4", "reshaped_classifier_face_4"), 192, ((48, 1),)
)


def detect(photo: np.ndarray) -> Iterator[list[Detection]]:
    """Faces in `photo` (H, W, 3) uint8, in rounds of growing effort, each largest first without duplicates.

    First the photo as it is, by the short-range and the full-range detector (the second sees small faces); then
    parts of it, for faces smaller still, and a view from farther off, for faces that fill the picture; last, the
    photo turned in steps of 45 degrees. The caller stops taking rounds when one holds a real face.
    """
    height, width = photo.shape[:2]
    shrink = min(1.0, WORKING_SIDE / max(height, width))
    wide, high = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(photo, (wide, high), interpolation=cv2.INTER_AREA) if shrink < 1 else photo
    middle, side = ((wide - 1) / 2, (high - 1) / 2), max(wide, high)
    for views in _rounds(middle, side, math.hypot(wide, high)):
        found = [face for view, detectors in views for kind in detectors for face in _look(small, view, kind)]
        yield [_enlarged(face, width / wide, height / high) for face in _distinct(found)]


def _rounds(
    middle: tuple[float, float], side: float, diagonal: float
) -> Iterator[list[tuple[CropTransform, tuple[_Detector, ...]]]]:
    yield [(window(middle, side), (SHORT, FULL))]
    steps = (-0.3, 0.0, 0.3)
    parts = [(middle[0] + x * side, middle[1] + y * side) for y in steps for x in steps]
    yield [(window(middle, 1.6 * side), (SHORT,)), *((window(part, 0.4 * side), (FULL,)) for part in parts)]
    yield [(window(middle, diagonal, roll), (SHORT, FULL)) for roll in ROLLS]


def _look(photo: np.ndarray, view: CropTransform, detector: _Detector) -> list[Detection]:
    """The detector's raw finds in one view, in photo pixels."""
    image = cut(photo, view, detector.size, BLACK)
    values, logits = net(detector.weights, *detector.outputs)(image / np.float32(127.5) - 1)
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
    kept = scores >= MIN_SCORE
    # Each row: centre, extent, then six points (eyes, nose, mouth, ears), in input pixels off the anchor.
    numbers = values[0][kept].reshape(-1, 8, 2) / detector.size
    anchors = detector.anchors()[kept]
    return [
        _detection(
            view, (row[0] + at) * CROP - 0.5, row[1] * CROP, (row[2:4] + at) * CROP - 0.5, float(score)
        )
        for row, at, score in zip(numbers, anchors, scores[kept], strict=True)
    ]


def _detection(
    view: CropTransform, centre: np.ndarray, extent: np.ndarray, eyes: np.ndarray, score: float
) -> Detection:
    x, y = to_photo(centre, view)
    width, height = np.abs(extent) / view.scale
    box = FaceBox(float(x - width / 2), float(y - height / 2), float(width), float(height), score)
    return Detection(box, to_photo(eyes, view))


def _distinct(found: list[Detection]) -> list[Detection]:
    """Non-maximum suppression: the best of finds that cover each other, largest first."""
    kept: list[Detection] = []
    for face in sorted(found, key=lambda face: -face.box.score):
        if all(_overlap(face.box, other.box) < 0.4 for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.box.width * face.box.height)


def _overlap(a: FaceBox, b: FaceBox) -> float:
    """Shared area as a share of the smaller box, so that a box inside another counts as the same face."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return max(0.0, width) * max(0.0, height) / max(1e-9, min(a.width * a.height, b.width * b.height))


def _enlarged(face: Detection, x: float, y: float) -> Detection:
    box = face.box
    # Pixel centres are integers, so positions (not lengths) move by half a pixel.
    left, top = (box.left + 0.5) * x - 0.5, (box.top + 0.5) * y - 0.5
    enlarged = FaceBox(left, top, box.width * x, box.height * y, box.score)
    return Detection(enlarged, (face.eyes + 0.5) * (x, y) - 0.5)
