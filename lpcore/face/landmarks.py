"""The 68 landmarks of one face, from MediaPipe's 468-point face mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..points68 import EYE_LEFT, EYE_RIGHT, MEDIAPIPE_478_TO_68, MIRROR
from ..types import CROP, CropTransform
from .detect import Detection
from .nets import net
from .window import cut, to_photo, window

INPUT = 192
"""Side of the mesh network's input in pixels."""

MARGIN = 1.5
"""Side of the network's window over the face's extent, as the mesh was trained with."""

MAX_PASSES = 8

_TABLE = np.array(MEDIAPIPE_478_TO_68)
_MIRROR = np.array(MIRROR)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of one face.

    points: (68, 3) float64 photo pixels; z in pixels too, negative towards the viewer, zero near the head's
        middle.
    outline: (4,) left, top, right, bottom of the whole mesh, forehead included, photo pixels.
    confidence: (68,) in [0, 1]: the network's own belief that its window holds a face, times how well the
        landmark found in the window and the one found in its mirror image agree (1 = same place, 0.37 = 8 % of
        the distance between the eyes apart). It tells hidden and doubtful points apart from clear ones; it is
        no calibrated probability and cannot see an error that both looks share.
    roll: radians by which the eye line is turned from image-left-to-right towards y.
    """

    points: np.ndarray
    outline: np.ndarray
    confidence: np.ndarray
    roll: float


def upright(photo: np.ndarray, face: Detection) -> tuple[Detection, float]:
    """The detection with its eyes in the right order, and the network's belief in [0, 1] that it is a face.

    The detectors may take an upside-down face for an upright one; the mesh network knows better.
    """
    turned = Detection(face.box, face.eyes[::-1])
    beliefs = [(_mesh(photo, _first_window(look))[1], look) for look in (face, turned)]
    logit, better = max(beliefs, key=lambda belief: belief[0])
    return better, _sigmoid(logit)


def landmarks(photo: np.ndarray, face: Detection) -> Landmarks:
    """Landmarks of the upright detection: the mesh in the window that the mesh before asked for, until that
    window stays (two or three passes as a rule, more for tilted heads), averaged with that of its mirror image.
    """
    place = _first_window(face)
    for _ in range(MAX_PASSES):
        before, place = place, _mesh_window(_mesh(photo, place)[0])
        if _alike(before, place):
            break
    mesh, logit = _mesh(photo, place)
    mirrored, _ = _mesh(photo, place, mirrored=True)
    points, other = mesh[_TABLE], mirrored[_TABLE][_MIRROR]
    eyes = _eye_centres(points)
    apart = np.linalg.norm((points - other)[:, :2], axis=1) / np.linalg.norm(eyes[1] - eyes[0])
    both = np.concatenate([mesh, mirrored])[:, :2]
    return Landmarks(
        points=(points + other) / 2,
        outline=np.concatenate([both.min(axis=0), both.max(axis=0)]),
        confidence=_sigmoid(logit) * np.exp(-((apart / 0.08) ** 2)),
        roll=_roll(eyes),
    )


def _first_window(face: Detection) -> CropTransform:
    box = face.box
    centre = (box.left + box.width / 2, box.top + box.height / 2)
    return window(centre, MARGIN * max(box.width, box.height), _roll(face.eyes))


def _mesh_window(mesh: np.ndarray) -> CropTransform:
    """Upright square window around a mesh in photo pixels."""
    roll = _roll(_eye_centres(mesh[_TABLE]))
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = turn.T @ (low + high) / 2
    return window((centre[0], centre[1]), MARGIN * float((high - low).max()), roll)


def _alike(a: CropTransform, b: CropTransform) -> bool:
    """Whether both windows show the face at nearly the same place, size and tilt."""
    turned = abs(math.remainder(a.roll - b.roll, math.tau))
    moved = math.dist(a.centre, b.centre) * b.scale / CROP
    return turned < math.radians(2) and moved < 0.02 and abs(a.scale / b.scale - 1) < 0.02


def _mesh(photo: np.ndarray, place: CropTransform, mirrored: bool = False) -> tuple[np.ndarray, float]:
    """(468, 3) photo pixels and the logit of the network's belief that the window holds a face."""
    image = cut(photo, place, INPUT)
    if mirrored:
        image = image[:, ::-1]
    values, logit = net("face_mesh", "conv2d_21", "conv2d_31")(image / np.float32(255))
    mesh = values.reshape(468, 3).astype(np.float64)
    if mirrored:
        mesh[:, 0] = INPUT - mesh[:, 0]
    units = mesh * (CROP / INPUT)
    units[:, :2] -= 0.5
    return to_photo(units, place), float(logit.item())


def _eye_centres(points: np.ndarray) -> np.ndarray:
    """(2, 2): the subject's right eye, which lies at image left, and the left."""
    return np.stack([points[list(eye), :2].mean(axis=0) for eye in (EYE_RIGHT, EYE_LEFT)])


def _roll(eyes: np.ndarray) -> float:
    across = eyes[1] - eyes[0]
    return math.atan2(across[1], across[0])


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-80.0, logit)))
