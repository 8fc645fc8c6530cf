"""Corrections for a moment: what is keyed at the playhead alone would otherwise last from end to end."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, motion


def around(rig: bpy.types.Object, frame: int, reach: int) -> int:
    """Let the corrections keyed at `frame` rise from nothing `reach` frames before and fade as long after.

    Where a curve has other keys within that reach, that side stays. Returns the number of curves changed.
    """
    motion.show_prediction(rig, False)
    data: Any = rig.animation_data
    if not (data and data.action):
        return 0
    changed = 0
    for curve in compat.channels_of(data, rig).fcurves:
        frames = [point.co[0] for point in curve.keyframe_points]
        if not any(abs(at - frame) < 0.5 for at in frames):
            continue
        free = [
            frame + side * reach
            for side in (-1, 1)
            if not any(0.5 <= side * (at - frame) <= reach + 0.5 for at in frames)
        ]
        for at in free:
            point = curve.keyframe_points.insert(at, 0.0)
            point.interpolation = "BEZIER"
            point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
        curve.update()
        changed += bool(free)
    return changed
