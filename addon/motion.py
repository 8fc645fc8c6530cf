"""Two layers of motion on a rig: the prediction, and the animator's corrections added on top.

The prediction is an action in an NLA track of its own; corrections are the active action, which adds. Blender
keys the difference to the layers below, so what the animator keys survives every new prediction.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import compat, curves
from .keyfit import Keys
from .lpcore.points68 import REGION_OF
from .rig import UNIT, pose_bones, region_label, to_crop

TRACK = "Prediction"
KEY_ERROR = 0.5
"""Default bound in crop px between the predicted and the keyed landmark at every frame."""


def lay_prediction(rig: bpy.types.Object, keys: list[Keys], first_frame: int) -> None:
    """Let the rig play `keys`, one entry per landmark, crop units of displacement (x right, y down).

    An older prediction is replaced; corrections stay.
    """
    data = rig.animation_data or rig.animation_data_create()
    data.use_tweak_mode = False
    action = bpy.data.actions.new(f"{rig.name} {TRACK}")
    channels = compat.channels(action, rig)
    for bone, region, landmark in zip(pose_bones(rig), REGION_OF, keys, strict=True):
        scaled = landmark._replace(
            values=landmark.values * [UNIT, -UNIT], slopes=landmark.slopes * [UNIT, -UNIT]
        )
        curves.write(channels, _location(bone), scaled, first_frame, region_label(region))
    track = _track(rig) or data.nla_tracks.new()
    track.name = TRACK
    track.lock = False
    for old in list(track.strips):
        former = old.action
        track.strips.remove(old)
        if former and former.users == 0:
            bpy.data.actions.remove(former)
    strip = track.strips.new(TRACK, first_frame, action)
    compat.assign_action(strip, action, rig)
    strip.blend_type, strip.extrapolation = "REPLACE", "HOLD"
    track.lock = True
    if data.action is None:
        compat.assign_action(data, bpy.data.actions.new(f"{rig.name} Corrections"), rig)
        data.action_blend_type = "ADD"


def show_prediction(rig: bpy.types.Object, state: bool) -> None:
    """Show the prediction's curves for editing (NLA tweak mode) or, again, the corrections'."""
    data: Any = rig.animation_data
    if state and not data.use_tweak_mode:
        track = _track(rig)
        for other in data.nla_tracks:
            other.select = False
        track.lock, track.select = False, True
        track.strips[0].select = True
        data.nla_tracks.active = track
        data.use_tweak_mode = True
    elif not state:
        data.use_tweak_mode = False
    track = _track(rig)
    if track:
        track.lock = not data.use_tweak_mode


def shows_prediction(rig: bpy.types.Object) -> bool:
    """Whether the Graph Editor shows the prediction's curves instead of the corrections'."""
    return bool(rig.animation_data and rig.animation_data.use_tweak_mode)


def has_prediction(rig: bpy.types.Object) -> bool:
    """Whether there is motion to draw."""
    track = _track(rig)
    return bool(track and len(track.strips))


def sample(scene: bpy.types.Scene, rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(len(frames), 68, 3) crop units: the landmarks at scene `frames`, fractions allowed.

    The sum of the two layers' curves where nothing else moves the bones; otherwise the scene is evaluated frame
    by frame. May raise LpError ``RIG_INCOMPLETE``.
    """
    was_shown = shows_prediction(rig)
    show_prediction(rig, False)
    try:
        plain = is_plain(rig)
        return _sample_curves(rig, frames) if plain else _sample_scene(scene, rig, frames)
    finally:
        show_prediction(rig, was_shown)


def _track(rig: bpy.types.Object) -> Any | None:
    data = rig.animation_data
    return data.nla_tracks.get(TRACK) if data else None


def _location(bone: Any) -> str:
    return bone.path_from_id("location")


def is_plain(rig: bpy.types.Object) -> bool:
    """Whether the layers are as `lay_prediction` left them and nothing else moves a bone."""
    data, track = rig.animation_data, _track(rig)
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
    free = not any(bone.parent or len(bone.constraints) for bone in rig.pose.bones)
    return unchanged and adds and free and not (others or solo)


def _sample_curves(rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    data: Any = rig.animation_data
    strip = _track(rig).strips[0]
    layers = [(compat.channels_of(strip, rig), np.clip(frames, strip.frame_start, strip.frame_end))]
    if data.action:
        layers.append((compat.channels_of(data, rig), np.asarray(frames)))
    heads = np.array([bone.bone.head_local for bone in pose_bones(rig)], np.float64)
    points = np.repeat(heads[None], len(frames), axis=0)
    for landmark, bone in enumerate(pose_bones(rig)):
        for axis in range(3):
            read = [curves.read(layer, _location(bone), axis, at) for layer, at in layers]
            moved = [values for values in read if values is not None]
            points[:, landmark, axis] += sum(moved) if moved else bone.location[axis]
    return to_crop(points)


def _sample_scene(scene: bpy.types.Scene, rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
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
