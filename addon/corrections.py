"""What the animator keyed on a rig, region by region of the face."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, controls, motion
from .regions import FACE
from .rig import pose_bones


def reset(rig: bpy.types.Object, region: str) -> int:
    """Forget what the animator keyed for a region, controls included; returns how many curves that were."""
    motion.show_prediction(rig, False)
    data: Any = rig.animation_data
    gone = 0
    for bone in bones_of(rig, region):
        channels = compat.channels_of(data, rig) if data and data.action else None
        owned = (
            [curve for curve in channels.fcurves if curve.data_path.startswith(f"{bone.path_from_id()}.")]
            if channels
            else []
        )
        for curve in owned:
            channels.fcurves.remove(curve)
        gone += len(owned)
        bone.location = (0, 0, 0)
        bone.rotation_euler = (0, 0, 0)
    return gone


def regions_of(rig: bpy.types.Object) -> set[str]:
    """The regions in which the animator keyed something."""
    data: Any = rig.animation_data
    if not (data and data.action) or data.use_tweak_mode:
        return set()
    paths = {curve.data_path.rpartition(".")[0] for curve in compat.channels_of(data, rig).fcurves}
    return {name for name in FACE if any(bone.path_from_id() in paths for bone in bones_of(rig, name))}


def bones_of(rig: bpy.types.Object, region: str) -> list[Any]:
    """The pose bones of a region: its landmarks and its controls."""
    landmarks, every = pose_bones(rig), controls.bones_of(rig)
    return [landmarks[index] for index in FACE[region].landmarks] + [
        every[name] for name in FACE[region].controls if name in every
    ]
