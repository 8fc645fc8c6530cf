"""Where a rig's landmarks are at any frames: from the curves at once, or, where that does not tell, from the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from . import compat, controls, curves
from .rig import pose_bones, to_crop

Layer = tuple[compat.Channels, np.ndarray]
"""Curves of one layer, and the frames at which they are to be read."""


def is_plain(rig: bpy.types.Object, track: Any | None) -> bool:
    """Whether the bones move by the two layers' curves and our controls alone; `track` is the prediction's."""
    data = rig.animation_data
    if not (data and data.use_nla and track and len(track.strips) == 1) or len(data.drivers):
        return False
    strip = track.strips[0]
    unchanged = (
        strip.blend_type == "REPLACE"
        and strip.extrapolation == "HOLD"
        and strip.scale == strip.repeat == 1
        and strip.blend_in == strip.blend_out == 0
        and strip.frame_start == strip.action_frame_start
        and not (strip.use_reverse or strip.mute or len(strip.modifiers) or track.mute)
        and not (strip.use_animated_influence or strip.use_animated_time)
    )
    others = any(len(other.strips) and not other.mute for other in data.nla_tracks if other != track)
    solo = any(other.is_solo for other in data.nla_tracks)
    adds = data.action is None or (
        data.action_blend_type == "ADD" and data.action_extrapolation == "HOLD" and data.action_influence == 1
    )
    return unchanged and adds and not (others or solo) and _moves_freely(rig)


def _moves_freely(rig: bpy.types.Object) -> bool:
    """Whether no bone has a parent or a constraint but those of the controls."""
    head = controls.bones_of(rig).get(controls.HEAD)
    if head and (head.parent or head.rotation_mode != "XYZ" or tuple(head.scale) != (1, 1, 1)):
        return False
    landmarks = pose_bones(rig)
    if any(bone.parent != head or controls.pulls(rig, bone) is None for bone in landmarks):
        return False
    return not any(len(bone.constraints) for bone in controls.bones_of(rig).values())


def from_curves(rig: bpy.types.Object, track: Any, frames: np.ndarray) -> np.ndarray:
    """(len(frames), 68, 3) crop units: the sum of the layers' curves, where `is_plain`."""
    data: Any = rig.animation_data
    strip = track.strips[0]
    layers: list[Layer] = [
        (compat.channels_of(strip, rig), np.clip(frames, strip.frame_start, strip.frame_end))
    ]
    own = compat.own_channels(data, rig)
    if own:
        layers.append((own, np.asarray(frames)))
    bones = pose_bones(rig)
    heads = np.array([bone.bone.head_local for bone in bones], np.float64)
    points = np.repeat(heads[None], len(frames), axis=0)
    moved = {
        bone.name: _vector(layers, bone, "location", len(frames)) for bone in controls.bones_of(rig).values()
    }
    for landmark, bone in enumerate(bones):
        points[:, landmark] += _vector(layers, bone, "location", len(frames))
        for pull in controls.pulls(rig, bone) or ():
            points[:, landmark, pull.axis] += pull.gain * moved[pull.control][:, pull.source]
    head = bones[0].parent
    if head:
        pivot = np.array(head.bone.head_local, np.float64)
        turned = _rotations(_vector(layers, head, "rotation_euler", len(frames)))
        points = (points - pivot) @ np.swapaxes(turned, 1, 2) + pivot + moved[head.name][:, None]
    return to_crop(points)


def _vector(layers: Sequence[Layer], bone: Any, name: str, count: int) -> np.ndarray:
    """(count, 3) the bone's property `name` at the layers' frames."""
    path, posed = bone.path_from_id(name), getattr(bone, name)
    values = np.empty((count, 3))
    for axis in range(3):
        read = [curves.read(channels, path, axis, frames) for channels, frames in layers]
        moved = [layer for layer in read if layer is not None]
        values[:, axis] = sum(moved) if moved else posed[axis]
    return values


def _rotations(angles: np.ndarray) -> np.ndarray:
    """(T, 3, 3) from Euler angles (T, 3) about x, then y, then z."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles).T, np.cos(angles).T
    rows = [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [-sy, sx * cy, cx * cy],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def from_scene(scene: bpy.types.Scene, rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(len(frames), 68, 3) crop units: what Blender makes of the rig, frame by frame."""
    here, subframe = scene.frame_current, scene.frame_subframe
    names = [bone.name for bone in pose_bones(rig)]
    depsgraph: Any = scene.view_layers[0].depsgraph
    points = np.empty((len(frames), len(names), 3))
    for row, frame in enumerate(frames):
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame - whole))
        bones = rig.evaluated_get(depsgraph).pose.bones
        points[row] = [bones[name].matrix.translation for name in names]
    scene.frame_set(here, subframe=subframe)
    return to_crop(points)
