"""*Follow Speech*: after the sound strip was moved, trimmed, split or muted, put drawing and motion back in step."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from . import compat, portrait, speech, strips
from . import motion as layers
from .lpcore.errors import LpError

EXACT = 0.01  # frames


def strip(scene: bpy.types.Scene, uid: str = "") -> str:
    """Lay the drawing strip as its sound strip lies; returns a sentence for the user.

    Raises LpError ``NO_SPEECH``, ``NOTHING_DRAWN``, or ``NOT_DRAWN_THERE`` where the frames at hand do not fit.
    """
    chosen = portrait.values(scene, uid)
    sound = speech.find(scene, chosen.speech)
    heard = speech.describe(scene, sound)
    drawn = strips.find(scene, chosen.uid)
    recipe = strips.recipe_of(drawn) if drawn else {}
    if drawn is None or not recipe:
        raise LpError("NOTHING_DRAWN", f"no strip shows {chosen.name}")
    if Fraction(recipe["fps"]) != heard.fps:
        raise LpError(
            "NOT_DRAWN_THERE", f"it was drawn at {float(Fraction(recipe['fps'])):g} frames a second"
        )
    skipped = (heard.start - recipe["start"]) * float(heard.fps)
    if abs(skipped - round(skipped)) > EXACT:
        raise LpError("NOT_DRAWN_THERE", "the speech now starts between two drawn frames")
    begin = heard.first - round(skipped)
    lag = round(compat.content_start(drawn)) - drawn[strips.FIRST]
    shown = max(heard.first, begin), min(heard.first + heard.frames, begin + len(drawn.elements))
    if shown[0] >= shown[1]:
        raise LpError("NOT_DRAWN_THERE", "the speech now plays a part that was not drawn")
    compat.lay(drawn, begin + lag, shown[0] + lag, shown[1] + lag)
    drawn.mute = sound.mute
    drawn[strips.FIRST] = begin
    drawn[strips.TRIMMED] = True
    moved = motion(scene, heard, uid)
    missing = heard.frames - (shown[1] - shown[0])
    told = "Drawing and motion are" if moved else "The drawing is"
    told += " in step with the speech."
    return f"{told} {missing} frames were never drawn: press Redraw." if missing else told


def motion(scene: bpy.types.Scene, heard: speech.Speech, uid: str = "") -> bool:
    """Shift the rig's motion, corrections included, to where the speech is now heard; whether that could be done."""
    try:
        spoken, made_from = portrait.spoken(scene, uid), portrait.made_from(scene, uid)
    except LpError:
        return False
    shift = heard.first - spoken.frame_at(heard.start)
    if spoken.fps != heard.fps or abs(shift - round(shift)) > EXACT:
        return False
    if round(shift):
        _shift_animation(portrait.rig_in(scene, uid), round(shift))
        shifted = dataclasses.replace(spoken, first=spoken.first + round(shift))
        portrait.remember_spoken(scene, shifted, made_from, uid)
    return True


def _shift_animation(rig: Any, frames: int) -> None:
    data = rig.animation_data
    data.use_tweak_mode = False
    owners = [strip for track in data.nla_tracks for strip in track.strips if strip.action]
    for owner in [*owners, *([data] if data.action else [])]:
        _shift_curves(compat.channels_of(owner, rig).fcurves, frames)
    for owner in owners:
        _shift_strip(owner, frames)
    layers.set_hold(rig, layers.hold(rig))  # poses are held from the first frame of the prediction on


def _shift_strip(strip: Any, frames: int) -> None:
    # The action's range first, because Blender fits the strip's to it; and no start may ever pass its end.
    names = ("action_frame_start", "action_frame_end", "frame_start", "frame_end")
    if frames > 0:
        names = (names[1], names[0], names[3], names[2])
    for name, value in [(name, getattr(strip, name) + frames) for name in names]:
        setattr(strip, name, value)


def _shift_curves(fcurves: Any, frames: int) -> None:
    for curve in fcurves:
        points = curve.keyframe_points
        for part in ("co", "handle_left", "handle_right"):
            flat = np.zeros(2 * len(points), np.float32)
            points.foreach_get(part, flat)
            flat[::2] += frames
            points.foreach_set(part, flat)
        curve.update()
