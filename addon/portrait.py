"""One portrait of a scene: what was chosen, what Analyze found, what its rig was made from.

The functions take the scene, whose property group `lineportrait` (`properties`) holds the values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from . import speech
from .lpcore.errors import LpError

SETTINGS = ("lips", "jaw", "head", "blink_rate", "seed")
"""The fields of `SpeakSettings` that the user can choose."""


def values(scene: bpy.types.Scene) -> Any:
    """The scene's property group."""
    return scene.lineportrait  # pyright: ignore[reportAttributeAccessIssue] - ours, unknown to the stubs


def photo_path(scene: bpy.types.Scene) -> Path:
    """The photo's absolute path. Raises LpError ``NO_PHOTO`` or ``PHOTO_MISSING``."""
    chosen = values(scene).photo
    if not chosen:
        raise LpError("NO_PHOTO")
    path = Path(bpy.path.abspath(chosen))
    if not path.is_file():
        raise LpError("PHOTO_MISSING", str(path))
    return path


def analysis(scene: bpy.types.Scene) -> dict[str, Any]:
    """Analyze's result for the photo and face now chosen. Raises LpError ``NO_PHOTO`` or ``NOT_ANALYZED``."""
    chosen = values(scene)
    if not chosen.photo:
        raise LpError("NO_PHOTO")
    found = json.loads(chosen.found) if chosen.found else {}
    if (found.get("photo"), found.get("wanted")) != (chosen.photo, chosen.face):
        raise LpError("NOT_ANALYZED")
    return found


def remember_found(scene: bpy.types.Scene, result: Mapping[str, Any], photo: str, face: int) -> None:
    """Keep Analyze's result and what it was asked for."""
    values(scene).found = json.dumps({**result, "photo": photo, "wanted": face})


def settings(scene: bpy.types.Scene) -> dict[str, Any]:
    """The chosen values of `SpeakSettings`."""
    return {name: getattr(values(scene), name) for name in SETTINGS}


def rig_in(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The rig, unless it was deleted; a deleted object may live on in the file, but in no scene."""
    rig = values(scene).rig
    return rig if rig and scene.objects.get(rig.name) == rig else None


def remember_spoken(scene: bpy.types.Scene, heard: speech.Speech) -> None:
    """Keep what the rig's motion was made from."""
    values(scene).spoken = json.dumps(asdict(heard) | {"fps": str(heard.fps)})


def spoken(scene: bpy.types.Scene) -> speech.Speech:
    """The speech as it lay when the rig's motion was made. Raises LpError ``NOT_SPOKEN``."""
    if not (values(scene).spoken and rig_in(scene)):
        raise LpError("NOT_SPOKEN")
    kept = json.loads(values(scene).spoken)
    return speech.Speech(**kept | {"fps": Fraction(kept["fps"])})
