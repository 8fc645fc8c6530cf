"""The portraits of a scene: what was chosen, what Analyze found, what the rig was made from.

The functions take the scene, whose property group `lineportrait` (`properties`) holds the values, and the `uid` of a
portrait; without one they mean the portrait that the panels show.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from . import speech
from .lpcore.errors import LpError
from .lpcore.finish import Finish
from .lpcore.types import SpeakSettings

SETTINGS = ("lips", "jaw", "brows", "head", "blink_rate", "emotion", "emotion_strength", "seed")
"""The fields of `SpeakSettings` that are wanted often, in the order of the panel."""

FINE_SETTINGS = (
    "yaw",
    "pitch",
    "roll",
    "shift",
    "blinks",
    "smoothing",
    "silence_db",
    "style_audio",
    "module",
)
"""Those wanted now and then. Poses are held by the rig and blinks thrown with the one seed, so these two lack."""

LOOK = ("style", "engine", "background", "canvas", "size", "photo_limit")


def of_scene(scene: bpy.types.Scene) -> Any:
    """The scene's property group."""
    return scene.lineportrait  # pyright: ignore[reportAttributeAccessIssue] - ours, unknown to the stubs


def every(scene: bpy.types.Scene) -> Any:
    """The property groups of all portraits of the scene."""
    return of_scene(scene).portraits


def values(scene: bpy.types.Scene, uid: str = "") -> Any:
    """One portrait's property group. Raises LpError ``NO_PHOTO`` where there is none, ``PORTRAIT_GONE``."""
    portraits = every(scene)
    if uid:
        for one in portraits:
            if one.uid == uid:
                return one
        raise LpError("PORTRAIT_GONE")
    if not len(portraits):
        raise LpError("NO_PHOTO")
    return portraits[min(max(of_scene(scene).active, 0), len(portraits) - 1)]


def find(scene: bpy.types.Scene, name: str) -> Any:
    """The portrait called `name`. Raises LpError ``NO_PORTRAIT``."""
    for one in every(scene):
        if one.name == name:
            return one
    names = ", ".join(one.name for one in every(scene)) or "none"
    raise LpError("NO_PORTRAIT", f"there is no portrait {name} in the scene {scene.name}; it has: {names}")


def activate(scene: bpy.types.Scene, uid: str) -> None:
    """Let the panels show the portrait."""
    for index, one in enumerate(every(scene)):
        if one.uid == uid:
            of_scene(scene).active = index


def add(scene: bpy.types.Scene, photo: str) -> Any:
    """A new portrait of the file `photo`, named after it; the panels show it."""
    stem = Path(bpy.path.abspath(photo)).stem or "Portrait"
    taken = {one.name for one in every(scene)}
    names = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(taken) + 2))
    one = every(scene).add()
    one.name, one.uid, one.photo = (
        next(name for name in names if name not in taken),
        secrets.token_hex(6),
        photo,
    )
    of_scene(scene).active = len(every(scene)) - 1
    return one


def remove(scene: bpy.types.Scene, uid: str) -> None:
    """Forget a portrait; its rig, strip and frames stay."""
    every(scene).remove([one.uid for one in every(scene)].index(uid))
    of_scene(scene).active = max(0, min(of_scene(scene).active, len(every(scene)) - 1))


def photo_path(scene: bpy.types.Scene, uid: str = "") -> Path:
    """The photo's absolute path. Raises LpError ``NO_PHOTO`` or ``PHOTO_MISSING``."""
    chosen = values(scene, uid).photo
    if not chosen:
        raise LpError("NO_PHOTO")
    path = Path(bpy.path.abspath(chosen))
    if not path.is_file():
        raise LpError("PHOTO_MISSING", str(path))
    return path


def analysis(scene: bpy.types.Scene, uid: str = "") -> dict[str, Any]:
    """Analyze's result for the photo and face now chosen. Raises LpError ``NO_PHOTO`` or ``NOT_ANALYZED``."""
    chosen = values(scene, uid)
    if not chosen.photo:
        raise LpError("NO_PHOTO")
    found = json.loads(chosen.found) if chosen.found else {}
    if (found.get("photo"), found.get("wanted")) != (chosen.photo, chosen.face):
        raise LpError("NOT_ANALYZED")
    return found


def faces(scene: bpy.types.Scene, uid: str = "") -> list[list[float]]:
    """[left, top, width, height, score] in photo pixels of every face that Analyze found, the largest first.

    Empty where this photo has not been analysed yet; whichever face is chosen makes no difference.
    """
    chosen = values(scene, uid)
    seen = json.loads(chosen.found) if chosen.found else {}
    return seen["faces"] if chosen.photo and seen.get("photo") == chosen.photo else []


def pictures(scene: bpy.types.Scene, uid: str = "") -> tuple[Path, Path]:
    """The photo made small, and its face crop, as Analyze wrote them. Raises LpError ``PICTURES_GONE``."""
    chosen = values(scene, uid)
    seen = json.loads(chosen.found) if chosen.found else {}
    paths = Path(seen.get("photo_image", "")), Path(seen.get("crop_image", ""))
    if not all(path.is_file() for path in paths):
        raise LpError("PICTURES_GONE")
    return paths


def photo_size(scene: bpy.types.Scene, uid: str = "") -> tuple[int, int]:
    """(width, height) of the upright photo in pixels. Raises LpError like `analysis`."""
    chosen = values(scene, uid)
    if not chosen.found:
        raise LpError("NOT_ANALYZED")
    width, height = json.loads(chosen.found)["photo_size"]
    return width, height


def remember_found(
    scene: bpy.types.Scene, result: Mapping[str, Any], photo: str, face: int, uid: str = ""
) -> None:
    """Keep Analyze's result and what it was asked for."""
    values(scene, uid).found = json.dumps({**result, "photo": photo, "wanted": face})


def settings(scene: bpy.types.Scene, uid: str = "") -> dict[str, Any]:
    """The values of all `SpeakSettings`, as chosen."""
    chosen = values(scene, uid)
    said = {name: getattr(chosen, name) for name in (*SETTINGS, *FINE_SETTINGS)}
    said["style_audio"] = bpy.path.abspath(chosen.style_audio) or None
    return asdict(SpeakSettings.from_dict(said))


def finish(scene: bpy.types.Scene, uid: str = "") -> Finish:
    """The chosen finish of the drawing."""
    chosen = values(scene, uid)
    ink, paper = (tuple(round(255 * part) for part in colour) for colour in (chosen.ink, chosen.paper))
    return Finish(round(chosen.line_weight, 4), ink, paper, chosen.alpha, chosen.mark)


def size(chosen: Any) -> int:
    """The size to ask the engine for: side of the crop, or limit of the photo's longer side."""
    return chosen.size if chosen.canvas == "crop" else chosen.photo_limit


def rig_in(scene: bpy.types.Scene, uid: str = "") -> bpy.types.Object | None:
    """The rig, unless it was deleted; a deleted object may live on in the file, but in no scene."""
    rig = values(scene, uid).rig
    return rig if rig and scene.objects.get(rig.name) == rig else None


def remember_spoken(
    scene: bpy.types.Scene, heard: speech.Speech, made_from: Mapping[str, Any], uid: str = ""
) -> None:
    """Keep the speech of the rig's motion, and `made_from`: settings and hashes for the recipe."""
    kept = asdict(heard) | {"fps": str(heard.fps), "made_from": dict(made_from)}
    values(scene, uid).spoken = json.dumps(kept)


def spoken(scene: bpy.types.Scene, uid: str = "") -> speech.Speech:
    """The speech as it lay when the rig's motion was made. Raises LpError ``NOT_SPOKEN``."""
    kept = _kept_speech(scene, uid)
    kept.pop("made_from", None)
    kept["fps"] = Fraction(kept["fps"])
    return speech.Speech(**kept)


def made_from(scene: bpy.types.Scene, uid: str = "") -> dict[str, Any]:
    """What the rig's motion was made from. Raises LpError ``NOT_SPOKEN``."""
    return _kept_speech(scene, uid).get("made_from", {})


def _kept_speech(scene: bpy.types.Scene, uid: str) -> dict[str, Any]:
    if not (values(scene, uid).spoken and rig_in(scene, uid)):
        raise LpError("NOT_SPOKEN")
    return json.loads(values(scene, uid).spoken)
