"""The photo's landmarks where a hand has put right what Analyze found.

Kept with the portrait as displacements from what was found, for each face of each photo, so that another Analyze,
another photo and the way back lose nothing.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import bpy
import numpy as np

from . import portrait, rig
from .lpcore.errors import LpError

SMALLEST = 1 / 16
"""Crop units; a landmark that was moved by less lies as it was found."""


def found(scene: bpy.types.Scene, uid: str = "") -> np.ndarray:
    """(68, 3) float32 crop units, as detected. Raises LpError ``NO_PHOTO`` or ``NOT_ANALYZED``."""
    return np.array(portrait.analysis(scene, uid)["landmarks"], np.float32)


def moves(scene: bpy.types.Scene, uid: str = "") -> dict[int, list[float]]:
    """Landmark -> displacement [x, y] in crop units, for those put right. Raises LpError like `found`."""
    kept = _all(scene, uid).get(_face(scene, uid), {})
    return {int(index): move for index, move in kept.items()}


def landmarks(scene: bpy.types.Scene, uid: str = "") -> np.ndarray:
    """(68, 3) float32 crop units, as put right. Raises LpError like `found`."""
    points = found(scene, uid)
    for index, move in moves(scene, uid).items():
        points[index, :2] += np.array(move, np.float32)
    return points


def for_engine(scene: bpy.types.Scene, uid: str = "") -> list[list[float]] | None:
    """The `landmarks` of requests: None as long as nothing was put right. Raises LpError like `found`."""
    return landmarks(scene, uid).tolist() if moves(scene, uid) else None


def keep(scene: bpy.types.Scene, points: np.ndarray, uid: str = "") -> int:
    """Take `points` (68, 2 or 3) crop units as the photo's landmarks; the rig rests on them at once.

    Returns how many differ from what was found. Raises LpError like `found`.
    """
    shift = (np.asarray(points, np.float64)[:, :2] - found(scene, uid)[:, :2]).round(3)
    moved = {str(index): shift[index].tolist() for index in np.flatnonzero(np.abs(shift).max(1) >= SMALLEST)}
    portrait.values(scene, uid).corrected = json.dumps(_all(scene, uid) | {_face(scene, uid): moved})
    body = portrait.rig_in(scene, uid)
    if body:
        with contextlib.suppress(LpError):  # a rig that lacks a bone is made anew by Speak
            rig.set_rest(body, landmarks(scene, uid))
    return len(moved)


def reset(scene: bpy.types.Scene, uid: str = "") -> None:
    """Back to the landmarks as found. Raises LpError like `found`."""
    keep(scene, found(scene, uid), uid)


def _all(scene: bpy.types.Scene, uid: str) -> dict[str, Any]:
    return json.loads(portrait.values(scene, uid).corrected or "{}")


def _face(scene: bpy.types.Scene, uid: str) -> str:
    seen = portrait.analysis(scene, uid)
    return f"{seen['photo_sha256'][:32]} {seen['face']}"
