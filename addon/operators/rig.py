"""The buttons for the rig in the 3D View: look at it from the front, the pictures behind it; select its bones."""

from __future__ import annotations

import math
from typing import Any

import bpy
from bpy.props import EnumProperty
from bpy.types import Object, Operator

from .. import controls, pictures, rig
from ..compat import Context
from ..lpcore.errors import LpError
from ..lpcore.types import CROP
from .rig_base import RigOperator, owner_of

VIEW_DISTANCE = 1.3
"""Widths of the face crop from which a 3D View shows just the whole crop."""

KINDS = (
    ("controls", "Controls", "The few bones that move many landmarks"),
    ("landmarks", "Landmarks", "The bones of the 68 landmarks"),
)


class LINEPORTRAIT_OT_front_view(RigOperator, Operator):
    bl_idname = "lineportrait.front_view"
    bl_label = "Front View"
    bl_description = (
        "Look at the rig from the front, with the photo and the drawing behind it, ready to pose its controls"
    )
    bl_options = {"UNDO"}
    changes_motion = False

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        if body.name not in context.view_layer.objects:
            raise LpError("RIG_ELSEWHERE", body.name)
        if view_of(context) is None:
            raise LpError("NO_VIEW")

    def work(self, context: Context, body: Any) -> str:
        area: Any = view_of(context)
        _face_front(context, area, body)
        try:
            scene, uid = owner_of(body)
            pictures.place_photo(scene, uid)
            pictures.place_drawing(scene, uid)
        except LpError:
            pass  # a rig without a portrait has no pictures
        if body.mode != "POSE" or context.object != body:
            rig.select(context, body, list(controls.bones_of(body).values())[1:2])
        return ""


class LINEPORTRAIT_OT_select_bones(RigOperator, Operator):
    bl_idname = "lineportrait.select_bones"
    bl_label = "Select Bones"
    bl_description = "Select all bones of this kind"
    changes_motion = False

    kind: EnumProperty(name="Kind", items=KINDS)

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        if body.name not in context.view_layer.objects:
            raise LpError("RIG_ELSEWHERE", body.name)

    def work(self, context: Context, body: Any) -> str:
        every = controls.bones_of(body).values() if self.kind == "controls" else rig.pose_bones(body)
        rig.select(context, body, list(every))
        return ""


def view_of(context: Context) -> Any | None:
    """The 3D View that the button is in, else the largest of the window."""
    if context.area and context.area.type == "VIEW_3D":
        return context.area
    areas = [area for area in context.screen.areas if area.type == "VIEW_3D"] if context.screen else []
    return max(areas, key=lambda area: area.width * area.height, default=None)


def _face_front(context: Context, area: Any, body: Any) -> None:
    """Turn the 3D View to the rig's front, orthographic, the face filling it."""
    space, view = area.spaces.active, area.spaces.active.region_3d
    space.overlay.show_relationship_lines = False  # every bone has the head as its parent
    space.overlay.show_ortho_grid = False
    if not bpy.app.background:
        region = next(region for region in area.regions if region.type == "WINDOW")
        smooth, context.preferences.view.smooth_view = context.preferences.view.smooth_view, 0
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_axis(type="FRONT")
        context.preferences.view.smooth_view = smooth
    view.view_perspective = "ORTHO"
    view.view_rotation = (math.sqrt(0.5), math.sqrt(0.5), 0, 0)
    view.view_location = body.matrix_world.translation
    view.view_distance = VIEW_DISTANCE * rig.UNIT * CROP * body.scale.x


CLASSES = (LINEPORTRAIT_OT_front_view, LINEPORTRAIT_OT_select_bones)
