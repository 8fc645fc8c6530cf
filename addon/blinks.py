"""Blinks at the playhead: keys of the lids' controls to add one, an adjustment of the prediction to take one out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy

from . import adjust, compat, controls, motion, predictions
from .lpcore.errors import LpError
from .lpcore.motion.blink import CLOSE, HOLD, OPEN
from .rig import UNIT

LIDS = ("lids.R", "lids.L")
SHUT = -controls.LID_TRAVEL * UNIT
"""Location of a lids' control at which the eye is shut."""

EYES = ("eye.R", "eye.L")


def add(rig: bpy.types.Object, frame: int, fps: float) -> None:
    """Key a blink that is shut at `frame` into the corrections. Raises LpError ``RIG_INCOMPLETE``."""
    close, hold, opening = (max(1, round(seconds * fps)) for seconds in (CLOSE, HOLD, OPEN))
    for curve in _lid_curves(rig, make=True):
        rest = [_value(curve, at) for at in (frame - close, frame + hold + opening)]
        for at, value in (
            (frame - close, rest[0]),
            (frame, SHUT),
            (frame + hold, SHUT),
            (frame + hold + opening, rest[1]),
        ):
            point = curve.keyframe_points.insert(at, value)
            point.interpolation = "BEZIER"
            point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
            point.type = "EXTREME" if value == SHUT else "KEYFRAME"
        curve.update()
    motion.set_hold(rig, motion.hold(rig))


def remove(rig: bpy.types.Object, frame: int) -> bool:
    """Take out the blink at `frame`, keyed or predicted; whether there was one. May raise ``RIG_INCOMPLETE``."""
    removed = [
        _remove_keys(rig, curve, frame) for curve in _lid_curves(rig)
    ]  # both eyes, hence no `any` of calls
    if any(removed):
        return True
    action = motion.take_of(rig)
    prediction, adjustments = predictions.prediction_of(action), predictions.adjustments_of(rig)
    if prediction is None:
        return False
    span = adjust.blink_at(prediction, adjustments, frame - motion.first_frame(rig))
    if span is None:
        return False
    predictions.set_adjustments(rig, replace(adjustments, waking=(*adjustments.waking, span)))
    motion.refit(rig, EYES)
    return True


def _remove_keys(rig: bpy.types.Object, curve: Any, frame: int) -> bool:
    """Remove the keys of the blink around `frame`: from the open key before it to the open key after it."""
    points = curve.keyframe_points
    shut = [point.co[1] < 0.6 * SHUT for point in points]
    inside = [
        index
        for index, point in enumerate(points)
        if shut[index]
        and points[max(index - 1, 0)].co[0] <= frame <= points[min(index + 1, len(points) - 1)].co[0]
    ]
    if not inside:
        return False
    first, last = inside[0], inside[-1]
    while first > 0 and shut[first]:
        first -= 1
    while last < len(points) - 1 and shut[last]:
        last += 1
    for index in range(last, first - 1, -1):
        points.remove(points[index])
    if not len(points):
        compat.channels_of(rig.animation_data, rig).fcurves.remove(curve)
        for name in LIDS:
            controls.bones_of(rig)[name].location[1] = 0
    else:
        curve.update()
    return True


def _lid_curves(rig: bpy.types.Object, make: bool = False) -> list[Any]:
    """The corrections' curves of the lids' controls, up and down."""
    motion.show_prediction(rig, False)
    bones, found = controls.bones_of(rig), []
    for name in LIDS:
        if name not in bones:
            raise LpError("RIG_INCOMPLETE", name)
        path = bones[name].path_from_id("location")
        channels = compat.channels_of(rig.animation_data, rig)
        curve = channels.fcurves.find(path, index=1)
        if curve is None and make:
            curve = channels.new(path, 1, bones[name].name)
        found += [curve] if curve is not None else []
    return found


def _value(curve: Any, frame: float) -> float:
    return curve.evaluate(frame) if len(curve.keyframe_points) else 0.0
