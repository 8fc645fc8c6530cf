"""Two layers of motion on a rig: the prediction, and the animator's corrections added on top.

The prediction is an action in an NLA track of its own; corrections are the active action, which adds. Blender
keys the difference to the layers below, so what the animator keys survives every new prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from . import adjust, compat, curves, predictions, sampling
from .keyfit import Keys
from .lpcore.points68 import REGION_OF
from .regions import FACE, landmarks_of
from .rig import COLOURS, UNIT, pose_bones

TRACK = "Prediction"
KEY_ERROR = adjust.KEY_ERROR
HOLD = "lineportrait_hold"
"""Custom property of a rig: frames that each pose lasts."""


def lay_prediction(
    rig: bpy.types.Object,
    keys: list[Keys],
    first_frame: int,
    prediction: adjust.Prediction | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Let the rig play `keys`, one entry per landmark, crop units of displacement (x right, y down).

    Corrections stay, and so do muted regions and the frames a pose lasts. With the `prediction` that the keys were
    made from, the motion is kept as a take (see `predictions`); without, an older such motion is replaced.
    """
    action = bpy.data.actions.new(f"{rig.name} {TRACK}")
    _write(rig, compat.channels(action, rig), keys, range(len(keys)), first_frame)
    if prediction:
        predictions.keep(rig, action, prediction, {"first": first_frame, **(about or {}), **_made_with(rig)})
    play(rig, action, first_frame)


def play(rig: bpy.types.Object, action: Any, first_frame: int) -> None:
    """Let the prediction's track play `action`, whose keys begin at `first_frame`."""
    data: Any = rig.animation_data or rig.animation_data_create()
    muted = muted_regions(rig)
    data.use_tweak_mode = False
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
    for region in FACE:
        mute(rig, region, region in muted)
    set_hold(rig, hold(rig))


def take_of(rig: bpy.types.Object) -> Any | None:
    """The action that the prediction's track plays."""
    track = _track(rig)
    return track.strips[0].action if track and len(track.strips) else None


def first_frame(rig: bpy.types.Object) -> int:
    """The frame at which the prediction begins."""
    track: Any = _track(rig)
    return round(track.strips[0].frame_start)


def frames_of(rig: bpy.types.Object) -> np.ndarray:
    """(T,) the frames that the prediction covers."""
    track: Any = _track(rig)
    return np.arange(first_frame(rig), round(track.strips[0].frame_end) + 1, dtype=np.float64)


def choose_take(rig: bpy.types.Object, action: Any, first_frame: int) -> None:
    """Play another take from `first_frame` on, its curves made anew where they were adjusted otherwise."""
    about, prediction = predictions.about_of(action), predictions.prediction_of(action)
    made = {"first": first_frame, **_made_with(rig)}
    if prediction and any(about.get(name) != value for name, value in made.items()):
        channels = compat.channels(action, rig)
        _clear(channels, [_location(bone) for bone in pose_bones(rig)])
        _write(rig, channels, adjust.fit(prediction, predictions.adjustments_of(rig)), range(68), first_frame)
        predictions.note(action, made)
    play(rig, action, first_frame)


def refit(rig: bpy.types.Object, regions: Iterable[str]) -> None:
    """Make the predicted curves of these regions anew from the prediction, as the rig's adjustments have it."""
    action, landmarks = take_of(rig), landmarks_of(regions)
    prediction = predictions.prediction_of(action)
    if prediction is None or not landmarks:
        return
    track: Any = _track(rig)
    channels, muted = compat.channels_of(track.strips[0], rig), muted_regions(rig)
    bones = pose_bones(rig)
    _clear(channels, [_location(bones[index]) for index in landmarks])
    keys = adjust.fit(prediction, predictions.adjustments_of(rig), landmarks)
    _write(rig, channels, keys, landmarks, first_frame(rig))
    predictions.note(action, _made_with(rig))
    for region in muted:
        mute(rig, region, True)
    set_hold(rig, hold(rig))


def _made_with(rig: bpy.types.Object) -> dict[str, Any]:
    return {"adjusted": predictions.adjustments_of(rig).to_json()}


def _write(
    rig: bpy.types.Object, channels: compat.Channels, keys: list[Keys], landmarks: Sequence[int], first: int
) -> None:
    bones = pose_bones(rig)
    for index, landmark in zip(landmarks, keys, strict=True):
        bone = bones[index]
        scaled = landmark._replace(
            values=landmark.values * [UNIT, -UNIT], slopes=landmark.slopes * [UNIT, -UNIT]
        )
        curves.write(channels, _location(bone), scaled, first, bone.name)
        group = channels.groups.get(bone.name)
        if group:
            group.color_set = "CUSTOM"
            group.colors.normal = COLOURS[REGION_OF[index]]


def _clear(channels: compat.Channels, paths: Iterable[str]) -> None:
    paths = set(paths)
    for curve in [curve for curve in channels.fcurves if curve.data_path in paths]:
        channels.fcurves.remove(curve)


def show_prediction(rig: bpy.types.Object, state: bool) -> None:
    """Show the prediction's curves for editing (NLA tweak mode) or, again, the corrections'."""
    data, track = rig.animation_data, _track(rig)
    if state == shows_prediction(rig) or track is None:
        return  # to set what is so already would undo a pose that is not keyed yet
    if state:
        for other in data.nla_tracks:
            other.select = False
        track.lock, track.select = False, True
        track.strips[0].select = True
        data.nla_tracks.active = track
    data.use_tweak_mode = state
    track.lock = not state


def shows_prediction(rig: bpy.types.Object) -> bool:
    """Whether the Graph Editor shows the prediction's curves instead of the corrections'."""
    return bool(rig.animation_data and rig.animation_data.use_tweak_mode)


def has_prediction(rig: bpy.types.Object) -> bool:
    """Whether there is motion to draw."""
    return take_of(rig) is not None


def predicted_curves(rig: bpy.types.Object) -> dict[int, list[Any]]:
    """Landmark -> its predicted curves, x before y."""
    track = _track(rig)
    if track is None or not len(track.strips):
        return {}
    landmarks = {_location(bone): index for index, bone in enumerate(pose_bones(rig))}
    found: dict[int, list[Any]] = {}
    for curve in compat.channels_of(track.strips[0], rig).fcurves:
        index = landmarks.get(curve.data_path)
        if index is not None:
            found.setdefault(index, []).append(curve)
    return {index: sorted(curves, key=lambda curve: curve.array_index) for index, curves in found.items()}


def mute(rig: bpy.types.Object, region: str, state: bool) -> None:
    """Let the prediction of a region of the face have no say, or have it again; corrections stay."""
    predicted, bones = predicted_curves(rig), pose_bones(rig)
    for index in FACE[region].landmarks:
        for curve in predicted.get(index, ()):
            curve.mute = state
        if state:
            bones[index].location = (0, 0, 0)  # where no curve has a say, Blender leaves the bone as it was


def muted_regions(rig: bpy.types.Object) -> set[str]:
    """The regions whose prediction is muted."""
    predicted = predicted_curves(rig)
    found = {
        name: [curve.mute for index in region.landmarks for curve in predicted.get(index, ())]
        for name, region in FACE.items()
    }
    return {name for name, mutes in found.items() if mutes and all(mutes)}


def keys_a_landmark(rig: bpy.types.Object, region: str) -> float:
    """Mean number of keys of the region's predicted landmarks; 0 where there are none."""
    predicted = predicted_curves(rig)
    counts = [
        len(predicted[index][0].keyframe_points) for index in landmarks_of([region]) if index in predicted
    ]
    return float(np.mean(counts)) if counts else 0.0


def hold(rig: bpy.types.Object) -> int:
    """Frames that each pose lasts: 1, on twos 2, on threes 3."""
    return max(int(rig.get(HOLD, 1)), 1)


def set_hold(rig: bpy.types.Object, frames: int) -> None:
    """Let every pose last `frames` frames, counted from the first of the prediction: all curves become steps.

    Keys stay as they are, so that 1 brings the smooth motion back.
    """
    rig[HOLD] = frames
    data, track = rig.animation_data, _track(rig)
    if not (data and track and len(track.strips)):
        return
    shown = shows_prediction(rig)
    show_prediction(rig, False)
    for owner in (track.strips[0], data):
        if owner.action:
            for curve in compat.channels_of(owner, rig).fcurves:
                curves.set_steps(curve, frames, track.strips[0].frame_start)
    show_prediction(rig, shown)


def sample(scene: bpy.types.Scene, rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """(len(frames), 68, 3) crop units: the landmarks at scene `frames`, fractions allowed.

    Read from the curves where nothing but them and our controls moves the bones, which leaves a pose that is not keyed
    yet alone; otherwise the scene is evaluated frame by frame. May raise LpError ``RIG_INCOMPLETE``.
    """
    if is_plain(rig):
        return sampling.from_curves(rig, _track(rig), _held(rig, frames))
    was_shown = shows_prediction(rig)
    show_prediction(rig, False)
    try:
        return sampling.from_scene(scene, rig, _held(rig, frames))
    finally:
        show_prediction(rig, was_shown)


def is_plain(rig: bpy.types.Object) -> bool:
    """Whether the layers are as `lay_prediction` left them and nothing but our controls moves a bone besides."""
    return sampling.is_plain(rig, _track(rig))


def _held(rig: bpy.types.Object, frames: np.ndarray) -> np.ndarray:
    """The frames whose pose is shown at `frames`: also for corrections keyed since the poses were held."""
    step, track = hold(rig), _track(rig)
    if step == 1 or track is None:
        return frames
    return curves.stepped(np.asarray(frames, np.float64), step, track.strips[0].frame_start)


def _track(rig: bpy.types.Object) -> Any | None:
    data = rig.animation_data
    return data.nla_tracks.get(TRACK) if data else None


def _location(bone: Any) -> str:
    return bone.path_from_id("location")
