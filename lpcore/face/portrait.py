"""`analyze`: from a photo to everything known of one face in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import LpError
from ..types import CROP, FaceBox, Portrait, Progress, no_progress
from .crop import crop_window
from .detect import Detection, detect
from .fan import fan_landmarks
from .landmarks import Landmarks, landmarks, upright
from .load import load
from .matte import mattes
from .window import cut, to_window

MIN_FACE = 60
"""Narrowest face, in photo pixels, that can be drawn."""

MAX_LOST = 0.12
"""Share of the face's size that may lie beyond the picture's edge."""

DETECTORS = ("mediapipe", "fan")
"""Whose landmarks a portrait may have."""

MAX_FACES = 20
"""Finds per round that are looked at closely."""


def analyze(
    photo: Path | str | np.ndarray,
    face: int | None = None,
    point: tuple[float, float] | None = None,
    progress: Progress = no_progress,
    detector: str = "mediapipe",
) -> Portrait:
    """Find the face in `photo`: its landmarks, crop and matte.

    Args:
        photo: image file, or array as `load.load` takes it.
        face: index into the faces found, largest first; None = decide by `point`.
        point: a place on the wanted face in pixels of the upright photo; None = the largest face.
        detector: whose landmarks, "mediapipe" or the paper's "fan" (see `fan.fan_landmarks`).
        progress: called with phases "read the photo", "find the face" and "cut out the person".

    Landmark depth: crop units, negative towards the viewer, zero near the head's middle.

    Raises LpError: ``PHOTO_MISSING``, ``PHOTO_UNREADABLE``, ``PHOTO_TOO_LARGE``, ``NO_FACE``, ``FACE_CHOICE``,
    ``PHOTO_TOO_SMALL``, ``FACE_CUT_OFF``, ``WEIGHTS_MISSING``, ``WEIGHTS_DAMAGED``, ``BAD_VALUE`` (detector),
    ``FAN_NOT_INSTALLED``, ``FAN_FILES_MISSING``.
    """
    if detector not in DETECTORS:
        raise LpError("BAD_VALUE", f"the landmarks must be by {' or '.join(DETECTORS)}, not {detector!r}")
    progress("read the photo", 0.0)
    pixels, digest, name = load(photo)
    found = _faces(pixels, name, progress)
    boxes = tuple(face.box for face in found)
    chosen = _choice(boxes, face, point)
    marks = landmarks(pixels, found[chosen])
    _check_size(marks)
    _check_inside(marks, pixels.shape[1], pixels.shape[0])

    crop = crop_window(marks.points, marks.roll)
    image = cut(pixels, crop, CROP)
    points, confidence = to_window(marks.points, crop).astype(np.float32), marks.confidence.astype(np.float32)
    if detector == "fan":
        points, confidence = fan_landmarks(image, points)
    progress("cut out the person", 0.6)
    whole_matte, matte = mattes(pixels, crop, image, points)
    portrait = Portrait(
        photo_sha256=digest,
        photo=pixels,
        photo_matte=whole_matte,
        faces=boxes,
        face=chosen,
        crop=crop,
        image=image,
        matte=matte,
        landmarks=points,
        confidence=confidence,
    )
    progress("cut out the person", 1.0)
    return portrait


def _faces(photo: np.ndarray, name: str, progress: Progress) -> list[Detection]:
    """The real faces of the first detection round that has any, largest first."""
    for number, finds in enumerate(detect(photo)):
        progress("find the face", 0.2 + 0.1 * number)
        looked_at = [upright(photo, find) for find in finds[:MAX_FACES]]
        faces = [find for find, belief in looked_at if belief > 0.5]
        if faces:
            return faces
    raise LpError("NO_FACE", name)


def _choice(boxes: Sequence[FaceBox], face: int | None, point: tuple[float, float] | None) -> int:
    if face is not None:
        if 0 <= face < len(boxes):
            return face
        raise LpError("FACE_CHOICE", f"there is no face number {face}; found are {_listed(boxes)}")
    if point is None:
        return 0
    x, y = point
    hit = [
        number
        for number, box in enumerate(boxes)
        if 0 <= x - box.left <= box.width and 0 <= y - box.top <= box.height
    ]
    if not hit:
        raise LpError("FACE_CHOICE", f"there is no face at ({x:.0f}, {y:.0f}); found are {_listed(boxes)}")
    return hit[-1]  # the smallest of faces that cover each other lies in front


def _listed(boxes: Sequence[FaceBox]) -> str:
    return ", ".join(
        f"{number}: {box.width:.0f}x{box.height:.0f} at ({box.left:.0f}, {box.top:.0f})"
        for number, box in enumerate(boxes)
    )


def _check_size(marks: Landmarks) -> None:
    width = marks.outline[2] - marks.outline[0]
    if width < MIN_FACE:
        raise LpError("PHOTO_TOO_SMALL", f"{width:.0f}")


def _check_inside(marks: Landmarks, width: int, height: int) -> None:
    left, top, right, bottom = marks.outline
    lost = {"left": -left, "top": -top, "right": right - width + 1, "bottom": bottom - height + 1}
    side = max(lost, key=lambda side: lost[side])
    if lost[side] > MAX_LOST * max(right - left, bottom - top):
        raise LpError("FACE_CUT_OFF", side)
