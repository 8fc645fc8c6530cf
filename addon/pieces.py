"""The speech of a portrait: one strip, or the pieces into which it was cut, wherever they lie now.

*Speak* and *Draw* mark the strip with the portrait's uid. Blender copies the mark when it splits or duplicates a strip,
so the pieces are known by it, whatever they are called and whichever of them is deleted.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import bpy

from . import cuts, portrait, speech
from .lpcore.errors import LpError

MARK = "lineportrait_speaks"
"""Custom property of a sound strip: the uids of the portraits that speak it, separated by spaces."""

EXACT = 0.01
"""What lies fewer frames apart than this is in step."""


def main(scene: bpy.types.Scene, uid: str = "") -> Any:
    """The strip chosen as the speech or, where that is gone, another piece of it. Raises LpError ``NO_SPEECH``."""
    chosen = portrait.values(scene, uid)
    try:
        return speech.find(scene, chosen.speech)
    except LpError:
        marked = _marked(scene, chosen.uid) if chosen.speech else []
        if not marked:
            raise
        return marked[0]


def every(scene: bpy.types.Scene, uid: str = "") -> list[Any]:
    """All pieces in timeline order; one where the speech was never cut. Raises LpError ``NO_SPEECH``."""
    first = main(scene, uid)
    marked = _marked(scene, portrait.values(scene, uid).uid)
    return [strip for strip in marked if _same_sound(strip, first)] if first in marked else [first]


def speaks(scene: bpy.types.Scene, name: str, uid: str = "") -> bool:
    """Whether the strip `name`, or what is left of it, is the portrait's speech. Raises LpError ``NO_SPEECH``."""
    strip = main(scene, uid)
    return strip.name == name or portrait.values(scene, uid).uid in _speakers(strip)


def mark(scene: bpy.types.Scene, uid: str = "") -> None:
    """Mark the speech of the portrait, and let what was its speech before go.

    A strip that another portrait chose stays that one's too; a mere piece of another's speech goes over to this one.
    """
    chosen, strip = portrait.values(scene, uid), main(scene, uid)
    if chosen.uid in _speakers(strip):
        return
    release(scene, chosen.uid)
    others = {one.uid for one in portrait.every(scene) if one.speech == strip.name}
    strip[MARK] = " ".join(sorted((_speakers(strip) & others) | {chosen.uid}))


def release(scene: bpy.types.Scene, uid: str) -> None:
    """Let no strip be the speech of the portrait `uid` any more."""
    for strip in _marked(scene, uid):
        strip[MARK] = " ".join(sorted(_speakers(strip) - {uid}))


def whole(scene: bpy.types.Scene, uid: str = "", by: Any | None = None) -> speech.Speech:
    """The speech as one, from the first to the last that any piece plays, as if it lay in one with the piece `by`.

    Without `by`, with the piece that the rig's motion is in step with, else with the chosen one. Raises LpError
    ``NO_SPEECH``.
    """
    chosen = main(scene, uid)
    heard = {strip.name: speech.describe(scene, strip) for strip in every(scene, uid)}
    reference = heard[by.name] if by else _in_step(scene, uid, heard) or heard[chosen.name]
    if len(heard) == 1:
        return reference
    fps = reference.fps
    before = max(round((reference.start - one.start) * fps) for one in heard.values())
    end = max(round((one.start - reference.start) * fps) + one.frames for one in heard.values())
    return dataclasses.replace(
        reference,
        strip=chosen.name,
        first=reference.first - before,
        frames=before + end,
        start=reference.start - float(before / fps),
        mixed=next((one.mixed for one in heard.values() if one.mixed), ""),
        pieces=len(heard),
    )


def in_step(scene: bpy.types.Scene, uid: str = "") -> bool:
    """Whether the rig's motion is in step with a piece. Raises LpError ``NO_SPEECH`` or ``NOT_SPOKEN``."""
    portrait.spoken(scene, uid)
    heard = {strip.name: speech.describe(scene, strip) for strip in every(scene, uid)}
    return _in_step(scene, uid, heard) is not None


def of_take(scene: bpy.types.Scene, start: float, fps: Fraction, uid: str = "") -> list[cuts.Piece]:
    """What the pieces play, in frames of a take whose first picture is heard at `start` seconds of the sound."""
    told = []
    for strip in every(scene, uid):
        heard = speech.describe(scene, strip)
        first = round((heard.start - start) * fps)
        told.append(cuts.Piece(first, first + heard.frames, heard.first - first, strip.mute))
    return told


def _in_step(scene: bpy.types.Scene, uid: str, heard: dict[str, speech.Speech]) -> speech.Speech | None:
    try:
        spoken = portrait.spoken(scene, uid)
    except LpError:
        return None
    for one in heard.values():
        if one.fps == spoken.fps and abs(spoken.frame_at(one.start) - one.first) <= EXACT:
            return one
    return None


def _marked(scene: bpy.types.Scene, uid: str) -> list[Any]:
    return [strip for strip in speech.candidates(scene) if uid in _speakers(strip)]


def _speakers(strip: Any) -> set[str]:
    return set(strip.get(MARK, "").split())


def _same_sound(a: Any, b: Any) -> bool:
    return a.type == b.type and getattr(a, "sound", None) == getattr(b, "sound", None)
