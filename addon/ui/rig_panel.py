"""The *Line Portrait* tab in the 3D View's sidebar: the rig, what stands behind it, its layers and regions."""

from __future__ import annotations

from typing import Any

from bpy.types import Panel, UILayout

from .. import jobs, pictures
from ..compat import Context
from ..lpcore import protocol
from ..lpcore.errors import LpError
from ..operators.rig_base import owner_of, rig_of
from ..rig import CONTROLS
from .graph_panel import NeedsRig, draw_layers, draw_regions, draw_timing


class ViewPanel:
    """Where the panels live."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Line Portrait"


class LINEPORTRAIT_PT_rig(ViewPanel, Panel):
    bl_label = "Rig"

    def draw(self, context: Context) -> None:
        column = self.layout.column()
        column.operator("lineportrait.front_view", icon="VIEW_ORTHO")
        try:
            body = rig_of(context)
        except LpError:
            return
        draw_rig(column, body)


class LINEPORTRAIT_PT_rig_layers(NeedsRig, ViewPanel, Panel):
    bl_label = "Layers"

    def draw(self, context: Context) -> None:
        draw_layers(self.layout.column(), context)


class LINEPORTRAIT_PT_rig_regions(NeedsRig, ViewPanel, Panel):
    bl_label = "Regions"

    def draw(self, context: Context) -> None:
        draw_regions(self.layout.column(align=True), rig_of(context))


class LINEPORTRAIT_PT_rig_timing(NeedsRig, ViewPanel, Panel):
    bl_label = "Timing"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        draw_timing(self.layout.column(), rig_of(context))


class LINEPORTRAIT_PT_exchange(NeedsRig, ViewPanel, Panel):
    bl_label = "Take Along"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = self.layout.column()
        column.operator("lineportrait.drive", icon="SHAPEKEY_DATA")
        column.operator("lineportrait.trace_grease", icon="OUTLINER_OB_GREASEPENCIL")
        column.operator("lineportrait.trace_svg", icon="FILE_IMAGE")
        job = jobs.current()
        if job and isinstance(job.request, protocol.Trace):
            row = column.row(align=True)
            row.progress(factor=job.fraction, type="BAR", text=f"{job.phase}  {job.fraction:.0%}")
            row.operator("lineportrait.cancel", text="", icon="X")


def draw_rig(column: UILayout, body: Any) -> None:
    """Which bones are seen, mirrored posing, and the pictures behind."""
    collections = body.data.collections
    row = column.row(align=True)
    row.operator("lineportrait.select_bones", text="Controls").kind = "controls"
    row.operator("lineportrait.select_bones", text="Landmarks").kind = "landmarks"
    if CONTROLS in collections:
        column.prop(collections[CONTROLS], "is_visible", text="Show Controls")
    column.prop(body.pose, "use_mirror_x", text="Mirror Left and Right")
    try:
        scene, uid = owner_of(body)
    except LpError:
        return
    for kind, text in ((pictures.PHOTO, "Photo"), (pictures.DRAWING, "Drawing")):
        shown = pictures.empty_of(scene, kind, uid)
        if shown:
            row = column.row(align=True)
            row.prop(shown, "color", index=3, text=text, slider=True)
            row.prop(shown, "hide_viewport", text="")


CLASSES = (
    LINEPORTRAIT_PT_rig,
    LINEPORTRAIT_PT_rig_layers,
    LINEPORTRAIT_PT_rig_regions,
    LINEPORTRAIT_PT_rig_timing,
    LINEPORTRAIT_PT_exchange,
)
