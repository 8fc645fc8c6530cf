"""*Follow Speech*: after the sound strip was moved, trimmed, split or muted, put drawing and motion back in step."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import bpy
import numpy as np

from . import compat, cuts, pictures, pieces, portrait, speech, strips
from . import motion as layers
from .arrange import Take, arrange, is_arranged
from .lpcore.errors import LpError
from .pieces import EXACT


class Drawn(NamedTuple):
    """The drawing of a portrait: its strips, the takes they show, and the pieces of its speech in frames of `take`."""

    strips: list[Any]
    shown: list[Take]
    pieces: list[cuts.Piece]
    take: Take

    def seen(self) -> list[cuts.Piece]:
        """The pieces as far as they were drawn."""
        return strips.within(self.pieces, self.take.frames)


def strip(scene: bpy.types.Scene, uid: str = "") -> str:
    """Lay the drawing as its speech lies, a strip for each piece; returns a sentence for the user.

    The rig's motion, which is one, goes along with the piece that is the active strip, else with the one it is in step
    with, else with the chosen one. Raises LpError ``NO_SPEECH``, ``NOTHING_DRAWN``, or ``NOT_DRAWN_THERE`` where the
    frames at hand do not fit.
    """
    require(scene, uid)
    drawn = _drawn(scene, uid)
    active, sounds = scene.sequence_editor.active_strip, pieces.every(scene, uid)
    heard = pieces.whole(scene, uid, active if active in sounds else None)
    skipped = (heard.start - drawn.take.start) * float(heard.fps)
    if abs(skipped - round(skipped)) > EXACT:
        raise LpError("NOT_DRAWN_THERE", "the speech now starts between two drawn frames")
    seen = drawn.seen()
    if not seen:
        raise LpError("NOT_DRAWN_THERE", "the speech now plays a part that was not drawn")
    arrange(scene, drawn.strips, drawn.shown, seen, drawn.take)
    told = "Drawing and motion are" if motion(scene, heard, uid) else "The drawing is"
    pieces.mark(scene, uid)
    pictures.place_drawing(scene, uid)
    told += " in step with the speech" + (f", in {len(seen)} pieces." if len(seen) > 1 else ".")
    missing = sum(piece.end - piece.first for piece in drawn.pieces) - sum(
        piece.end - piece.first for piece in seen
    )
    return f"{told} {missing} frames were never drawn: press Redraw." if missing else told


def is_due(scene: bpy.types.Scene, uid: str = "") -> bool:
    """Whether the speech was moved or cut since the motion and the drawing were laid beside it."""
    try:
        if not pieces.in_step(scene, uid):
            return True
        drawn = _drawn(scene, uid)
    except LpError:
        return False
    seen = drawn.seen()
    return bool(seen) and not is_arranged(drawn.strips, drawn.shown, seen, drawn.take)


def require(scene: bpy.types.Scene, uid: str = "") -> None:
    """Raise the LpError that says why there is nothing that could follow, or nothing to follow."""
    drawn, now = _drawn(scene, uid).take.fps, compat.frame_rate(scene)
    if drawn != now:
        raise LpError(
            "NOT_DRAWN_THERE",
            f"it was drawn at {float(drawn):g} frames a second and the scene now has {float(now):g}",
        )


def _drawn(scene: bpy.types.Scene, uid: str) -> Drawn:
    """Raises LpError ``NOTHING_DRAWN`` or ``NO_SPEECH``."""
    chosen = portrait.values(scene, uid)
    found = strips.find_all(scene, chosen.uid)
    takes = [strips.take_of(one) for one in found]
    take = takes[0] if takes else None
    if take is None:
        raise LpError("NOTHING_DRAWN", f"no strip shows {chosen.name}")
    wanted = pieces.of_take(scene, take.start, take.fps, uid)
    return Drawn(found, [one or take for one in takes], wanted, take)


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
        _retime(compat.channels_of(owner, rig).fcurves, 1.0, frames)
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


def carry_corrections(rig: Any, before: speech.Speech, now: speech.Speech) -> None:
    """Move the corrections, keyed to a speech as it lay `before`, to where the same is heard `now`."""
    data = rig.animation_data
    if not (data and data.action) or data.use_tweak_mode:
        return
    scale = float(now.fps / before.fps)
    shift = now.frame_at(before.start) - scale * before.first
    if scale != 1 or abs(shift) > EXACT:
        _retime(compat.channels_of(data, rig).fcurves, scale, shift)


def _retime(fcurves: Any, scale: float, shift: float) -> None:
    for curve in fcurves:
        points = curve.keyframe_points
        for part in ("co", "handle_left", "handle_right"):
            flat = np.zeros(2 * len(points), np.float32)
            points.foreach_get(part, flat)
            flat[::2] = flat[::2] * scale + shift
            points.foreach_set(part, flat)
        curve.update()
