"""The landmark rig: one armature, one bone per landmark, resting on the photo's landmarks.

The face crop (512 units, x right, y down, z negative towards the viewer) maps to the armature's own space by
x right, y up, z towards the viewer, centred, `UNIT` Blender units a crop unit. The object stands upright, so
the face looks along -Y and fills the front view. Bones have no rest rotation: a pose bone's location is its
landmark's displacement. Motion is flat: curves exist for x and y, depth stays that of the photo.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import bpy
import numpy as np

from . import compat
from .lpcore.errors import LpError
from .lpcore.points68 import COUNT, NAMES, REGION_OF, REGIONS
from .lpcore.types import CROP

UNIT = 2 / CROP
"""Blender units a crop unit: the face crop is 2 units wide."""

LANDMARK = "landmark"
"""Custom property of a bone: its landmark's index. Names are the user's to change."""

COLOURS = {
    "jaw": (0.35, 0.55, 0.95),
    "brow.R": (0.95, 0.65, 0.15),
    "brow.L": (0.95, 0.65, 0.15),
    "nose": (0.65, 0.65, 0.65),
    "eye.R": (0.25, 0.80, 0.45),
    "eye.L": (0.25, 0.80, 0.45),
    "lips_outer": (0.95, 0.30, 0.35),
    "lips_inner": (0.95, 0.45, 0.75),
}
HANDLE = "Line Portrait Handle"
HANDLE_SIZE = 3.0  # crop units from the centre to a tip: handles of neighbouring lip landmarks stay apart


def to_rig(points: np.ndarray) -> np.ndarray:
    """Crop units (..., 3) to the armature's space."""
    centre = (CROP - 1) / 2
    return (np.asarray(points, np.float64) - [centre, centre, 0]) * [UNIT, -UNIT, -UNIT]


def to_crop(points: np.ndarray) -> np.ndarray:
    """The armature's space (..., 3) to crop units."""
    centre = (CROP - 1) / 2
    return np.asarray(points, np.float64) / [UNIT, -UNIT, -UNIT] + [centre, centre, 0]


def region_label(region: str) -> str:
    """`lips_outer` -> ``Lips Outer``, `brow.R` -> ``Brow.R``: names of bone collections and curve groups."""
    return region.replace("_", " ").title()


def build(scene: bpy.types.Scene, name: str, landmarks: np.ndarray) -> bpy.types.Object:
    """A new rig in `scene`, resting on `landmarks` (68, 3) crop units."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    rig = bpy.data.objects.new(name, armature)
    rig.rotation_euler = (math.pi / 2, 0, 0)
    rig.show_in_front = True
    with _edit_bones(rig) as bones:
        for index, bone_name in enumerate(NAMES):
            bone = bones.new(bone_name)
            bone[LANDMARK] = index
            bone.use_deform = False
        _rest_on(bones, landmarks)
    _dress(rig)
    scene.collection.objects.link(rig)
    return rig


def set_rest(rig: bpy.types.Object, landmarks: np.ndarray) -> None:
    """Let an existing rig rest on `landmarks` (68, 3) crop units; poses, keys and corrections stay.

    Raises LpError ``RIG_INCOMPLETE`` when a landmark's bone was deleted.
    """
    if np.abs(rest(rig) - landmarks).max() > 1e-3:
        with _edit_bones(rig) as bones:
            _rest_on(bones, landmarks)


def rest(rig: bpy.types.Object) -> np.ndarray:
    """(68, 3) crop units: where the landmarks lie without any motion. May raise LpError ``RIG_INCOMPLETE``."""
    return to_crop(np.array([bone.bone.head_local for bone in pose_bones(rig)]))


def pose_bones(rig: bpy.types.Object) -> list[Any]:
    """The pose bones in landmark order, found by index. May raise LpError ``RIG_INCOMPLETE``."""
    found = {bone.bone[LANDMARK]: bone for bone in rig.pose.bones if LANDMARK in bone.bone}
    missing = [NAMES[index] for index in range(COUNT) if index not in found]
    if missing:
        raise LpError("RIG_INCOMPLETE", ", ".join(missing[:3]))
    return [found[index] for index in range(COUNT)]


def show(context: compat.Context, rig: bpy.types.Object, landmarks: Sequence[int]) -> None:
    """Make the rig the active object in pose mode, with the bones of `landmarks` selected."""
    layer = context.view_layer
    if context.object and context.object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for selected in layer.objects.selected:
        selected.select_set(False)
    rig.select_set(True)
    layer.objects.active = rig
    bpy.ops.object.mode_set(mode="POSE")
    for index, bone in enumerate(pose_bones(rig)):
        compat.select_bone(bone, index in landmarks)


@contextmanager
def _edit_bones(rig: bpy.types.Object) -> Iterator[Any]:
    """The rig's edit bones. Edit mode is entered in a scene of its own, so the user's selection and mode stay."""
    armature: Any = rig.data
    workshop = bpy.data.scenes.new("Line Portrait workshop")
    try:
        workshop.collection.objects.link(rig)
        layer = workshop.view_layers[0]
        layer.objects.active = rig
        with bpy.context.temp_override(scene=workshop, view_layer=layer, active_object=rig, object=rig):
            mode = rig.mode
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield armature.edit_bones
            finally:
                bpy.ops.object.mode_set(mode=mode)
    finally:
        bpy.data.scenes.remove(workshop)


def _rest_on(bones: Any, landmarks: np.ndarray) -> None:
    by_landmark = {bone[LANDMARK]: bone for bone in bones if LANDMARK in bone}
    for index, head in enumerate(to_rig(landmarks)):
        bone = by_landmark[index]
        bone.head = head
        bone.tail = head + np.array([0, 2 * HANDLE_SIZE * UNIT, 0])
        bone.roll = 0


def _dress(rig: bpy.types.Object) -> None:
    """Bone collections and colours by region, handles to grab, and locks that keep the motion flat."""
    handle, armature = _handle(), cast(Any, rig.data)
    collections = {region: armature.collections.new(region_label(region)) for region in REGIONS}
    for index, pose_bone in enumerate(pose_bones(rig)):
        region = REGION_OF[index]
        collections[region].assign(pose_bone.bone)
        colour = pose_bone.bone.color
        colour.palette = "CUSTOM"
        colour.custom.normal = COLOURS[region]
        colour.custom.select = [min(1.0, part + 0.3) for part in COLOURS[region]]
        colour.custom.active = (1, 1, 1)
        pose_bone.custom_shape = handle
        pose_bone.use_custom_shape_bone_size = False
        pose_bone.custom_shape_scale_xyz = [HANDLE_SIZE * UNIT] * 3
        pose_bone.lock_location = (False, False, True)
        pose_bone.lock_rotation = pose_bone.lock_scale = (True, True, True)
        pose_bone.lock_rotation_w = True


def _handle() -> bpy.types.Object:
    """The diamond drawn for every bone; shared, and in no scene."""
    shape = bpy.data.objects.get(HANDLE)
    if shape is None:
        mesh = bpy.data.meshes.new(HANDLE)
        mesh.from_pydata([(0, 1, 0), (1, 0, 0), (0, -1, 0), (-1, 0, 0)], [(0, 1), (1, 2), (2, 3), (3, 0)], [])
        shape = bpy.data.objects.new(HANDLE, mesh)
    return shape
