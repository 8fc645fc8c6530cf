"""The landmark rig: one armature, one bone per landmark, resting on the photo's landmarks.

The face crop (512 units, x right, y down, z negative towards the viewer) maps to the armature's own space by
x right, y up, z towards the viewer, centred, `UNIT` Blender units a crop unit. The object stands upright, so
the face looks along -Y and fills the front view. Landmark bones have no rest rotation: a pose bone's location is
its landmark's displacement. Motion is flat: curves exist for x and y, depth stays that of the photo. Above them are
the bones of `controls`, which add to what the landmarks do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import bpy
import numpy as np

from . import compat, controls
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
SELECTED, ACTIVE = (0.0, 0.65, 1.0), (0.0, 0.2, 1.0)
"""Told apart from every region, on white paper as on a photo."""

REGION_COLOURS = {
    "mouth": COLOURS["lips_outer"],
    **{name: COLOURS[name] for name in ("jaw", "eye.R", "eye.L", "brow.R", "brow.L", "nose")},
    "head": (0.85, 0.85, 0.85),
}
"""Colours of the controls, by the region that they belong to."""

CONTROLS = "Controls"
"""The bone collection of the controls."""

HANDLE_SIZE = 3.0  # crop units from the centre to a tip: handles of neighbouring lip landmarks stay apart
CONTROL_LINE = 2.0  # pixels
HEAD_RING = (
    0.16  # of the face's width: how far the head's ring lies above the point about which the head turns
)


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
        _add_controls(bones)
        _rest_on(bones, landmarks)
    _dress(rig)
    _dress_controls(rig, landmarks)
    scene.collection.objects.link(rig)
    return rig


def set_rest(rig: bpy.types.Object, landmarks: np.ndarray) -> None:
    """Let an existing rig rest on `landmarks` (68, 3) crop units; poses, keys and corrections stay.

    Raises LpError ``RIG_INCOMPLETE`` when a landmark's bone was deleted.
    """
    if np.abs(rest(rig) - landmarks).max() > 1e-3:
        with _edit_bones(rig) as bones:
            _rest_on(bones, landmarks)
        controls.bind(rig, pose_bones(rig), landmarks)


def is_rig(block: Any) -> bool:
    """Whether an object is a landmark rig."""
    return bool(block and block.type == "ARMATURE" and any(LANDMARK in bone for bone in block.data.bones))


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
    select(context, rig, [bone for index, bone in enumerate(pose_bones(rig)) if index in landmarks])


def select(
    context: compat.Context, rig: bpy.types.Object, bones: Sequence[Any], extend: bool = False
) -> None:
    """Make the rig the active object in pose mode, with these pose bones selected, beside others if `extend`."""
    layer = context.view_layer
    if context.object != rig or rig.mode != "POSE":
        if context.object and context.object.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for selected in layer.objects.selected:
            selected.select_set(False)
        rig.select_set(True)
        layer.objects.active = rig
        bpy.ops.object.mode_set(mode="POSE")
    names = {bone.name for bone in bones}
    for bone in rig.pose.bones:
        if bone.name in names or not extend:
            compat.select_bone(bone, bone.name in names)
    if bones:
        cast(Any, rig.data).bones.active = bones[0].bone


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
    for bone in bones:
        control = controls.CONTROLS.get(bone.get(controls.CONTROL, ""))
        if control:
            head = to_rig(control.place(landmarks))
            bone.head = head
            bone.tail = head + np.array([1, 0, 0] if control.turned else [0, 1, 0]) * 4 * HANDLE_SIZE * UNIT
            bone.roll = 0


def _add_controls(bones: Any) -> None:
    """Edit bones of the controls; the head becomes the parent of all others."""
    for name in controls.CONTROLS:
        bone = bones.new(name)
        bone[controls.CONTROL] = name
        bone.use_deform = False
    for bone in bones:
        if bone.name != controls.HEAD:
            bone.parent = bones[controls.HEAD]


def _dress(rig: bpy.types.Object) -> None:
    """Bone collections and colours by region, handles to grab, and locks that keep the motion flat."""
    handle, armature = _shape("handle"), cast(Any, rig.data)
    collections = {region: armature.collections.new(region_label(region)) for region in REGIONS}
    for index, pose_bone in enumerate(pose_bones(rig)):
        region = REGION_OF[index]
        collections[region].assign(pose_bone.bone)
        _colour(pose_bone.bone, COLOURS[region])
        _show_as(pose_bone, handle, HANDLE_SIZE)
        _lock(pose_bone, "xy")


def _dress_controls(rig: bpy.types.Object, landmarks: np.ndarray) -> None:
    """Shapes, colours and locks of the controls, and the constraints by which they move the landmarks."""
    collection = cast(Any, rig.data).collections.new(CONTROLS)
    width = controls.width_of(landmarks)
    for name, pose_bone in controls.bones_of(rig).items():
        control = controls.CONTROLS[name]
        collection.assign(pose_bone.bone)
        _colour(pose_bone.bone, REGION_COLOURS[control.region])
        _show_as(pose_bone, _shape(control.shape), control.size * width / controls.FACE)
        compat.set_wire_width(pose_bone, CONTROL_LINE)
        _lock(pose_bone, control.free)
    head = rig.pose.bones[controls.HEAD]
    head.custom_shape_translation = (0, HEAD_RING * width * UNIT, 0)
    head.lock_rotation = (False, False, False)
    head.rotation_mode = "XYZ"
    controls.bind(rig, pose_bones(rig), landmarks)


def _colour(bone: Any, colour: tuple[float, float, float]) -> None:
    bone.color.palette = "CUSTOM"
    bone.color.custom.normal = colour
    bone.color.custom.select, bone.color.custom.active = SELECTED, ACTIVE


def _show_as(bone: Any, shape: bpy.types.Object, size: float) -> None:
    bone.custom_shape = shape
    bone.use_custom_shape_bone_size = False
    bone.custom_shape_scale_xyz = [size * UNIT] * 3


def _lock(bone: Any, free: str) -> None:
    """Let a pose bone move along the `free` axes and do nothing else."""
    bone.lock_location = [axis not in free for axis in "xyz"]
    bone.lock_rotation = bone.lock_scale = (True, True, True)
    bone.lock_rotation_w = True


_RING = [(math.cos(angle), math.sin(angle), 0.0) for angle in np.linspace(0, 2 * math.pi, 33)[:-1]]
_SHAPES: dict[str, list[tuple[float, float, float]]] = {
    "handle": [(0, 1, 0), (1, 0, 0), (0, -1, 0), (-1, 0, 0)],
    "ring": _RING,
    "bar": [(-1, 0.2, 0), (1, 0.2, 0), (1, -0.2, 0), (-1, -0.2, 0)],
    "arrows": [
        (0, 1, 0), (0.4, 0.55, 0), (0.15, 0.55, 0), (0.15, -0.55, 0), (0.4, -0.55, 0),
        (0, -1, 0), (-0.4, -0.55, 0), (-0.15, -0.55, 0), (-0.15, 0.55, 0), (-0.4, 0.55, 0),
    ],
}  # fmt: skip
"""Closed outlines; the arrows point along the bone."""


def _shape(kind: str) -> bpy.types.Object:
    """The outline drawn for bones; shared by all rigs, and in no scene."""
    name = f"Line Portrait {kind.title()}"
    shape = bpy.data.objects.get(name)
    if shape is None:
        outline = _SHAPES[kind]
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(outline, [(i, (i + 1) % len(outline)) for i in range(len(outline))], [])
        shape = bpy.data.objects.new(name, mesh)
    return shape
