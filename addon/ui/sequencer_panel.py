"""The *Line Portrait* tab in the sequencer's sidebar: photo, speech, drawing, in the order of the work."""

from __future__ import annotations

import textwrap

import bpy
from bpy.types import Context, Panel, Scene, UILayout

from .. import __package__ as base
from .. import compat, jobs, motion, speech, strips
from ..lpcore.errors import LpError
from ..operators.manage import EXACT_VIEW

CHARACTER = 6.5
"""Average width in pixels of a character of the interface font at scale 1."""


class LINEPORTRAIT_PT_sequencer(Panel):
    bl_label = "Line Portrait"
    bl_idname = "LINEPORTRAIT_PT_sequencer"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"

    def draw(self, context: Context) -> None:
        layout, scene = self.layout, compat.sequencer_scene(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        width = _characters(context)
        _draw_photo(layout.box().column(), scene)
        _draw_speech(layout.box().column(), scene)
        _draw_drawing(layout.box().column(), scene, width)
        _draw_job(layout.column(), width)


class LINEPORTRAIT_PT_motion(Panel):
    bl_label = "Motion"
    bl_idname = "LINEPORTRAIT_PT_motion"
    bl_parent_id = "LINEPORTRAIT_PT_sequencer"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, portrait = self.layout, compat.sequencer_scene(context).lineportrait
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("lips", "jaw", "head", "blink_rate", "seed"):
            layout.prop(portrait, name)


def _draw_photo(column: UILayout, scene: Scene) -> None:
    portrait = scene.lineportrait
    column.prop(portrait, "photo", text="", icon="IMAGE_DATA", placeholder="Photo of a face")
    column.operator("lineportrait.analyze", icon="VIEWZOOM")
    try:
        faces = len(portrait.analysis()["faces"])
    except LpError:
        return
    column.label(text="Face found" if faces == 1 else f"{faces} faces found", icon="CHECKMARK")
    if faces > 1:
        column.prop(portrait, "face")


def _draw_speech(column: UILayout, scene: Scene) -> None:
    portrait = scene.lineportrait
    row = column.row(align=True)
    row.prop(portrait, "speech", text="", icon="SOUND", placeholder="Selected sound strip")
    row.operator("lineportrait.use_active_strip", text="", icon="EYEDROPPER")
    column.operator("lineportrait.speak", icon="PLAY_SOUND")
    try:
        spoken = portrait.spoken_speech()
    except LpError:
        return
    column.label(text=f"Motion for {spoken.frames} frames", icon="CHECKMARK")
    if _has_moved(scene, spoken):
        column.label(text="Speech moved: Speak again", icon="INFO")
    shown = motion.shows_prediction(portrait.rig_in_scene())
    column.operator("lineportrait.show_prediction", icon="FCURVE", depress=shown)


def _draw_drawing(column: UILayout, scene: Scene, width: int) -> None:
    portrait = scene.lineportrait
    column.prop(portrait, "style")
    column.prop(portrait, "canvas")
    column.prop(portrait, "size" if portrait.canvas == "crop" else "photo_limit")
    strip = strips.find(scene, portrait.name)
    column.operator("lineportrait.draw", text="Redraw" if strip else "Draw", icon="GREASEPENCIL")
    if strip:
        column.label(text=f"{len(strip.elements)} frames in {strips.folder_of(strip).name}", icon="CHECKMARK")
    if scene.view_settings.view_transform != EXACT_VIEW:
        _draw_text(
            column, f"{scene.view_settings.view_transform} view turns white paper grey", width, "ERROR"
        )
        column.operator("lineportrait.exact_view")
    if not bpy.data.is_saved:
        _draw_text(column, "File not saved: frames go to the user folder", width, "INFO")


def _draw_job(column: UILayout, width: int) -> None:
    job, last = jobs.current(), jobs.last()
    if job:
        column.progress(factor=job.fraction, type="BAR", text=f"{job.phase}, {job.fraction:.0%}")
        column.operator("lineportrait.cancel", icon="X")
    elif last and last.error:
        _draw_text(column, last.outcome, width, "ERROR")
        if last.error.code in ("NO_ENGINE", "ENGINE_DIED", "ENGINE_VERSION", "WEIGHTS_MISSING"):
            column.operator("preferences.addon_show", text="Set Up Engine", icon="PREFERENCES").module = base
    elif last and last.outcome:
        _draw_text(column, last.outcome, width, "INFO")


def _has_moved(scene: Scene, spoken: speech.Speech) -> bool:
    """Whether the rig in the viewport no longer moves in step with the speech strip."""
    try:
        heard = speech.describe(scene, speech.find(scene, scene.lineportrait.speech))
    except LpError:
        return False
    return abs(spoken.frame_at(heard.start) - heard.first) > 0.01 or heard.fps != spoken.fps


def _draw_text(column: UILayout, text: str, width: int, icon: str) -> None:
    """A sentence broken into rows that fit the sidebar."""
    rows = column.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        rows.label(text=line, icon=icon if number == 0 else "BLANK1")


def _characters(context: Context) -> int:
    """How many characters fit into a row of the sidebar, beside icon and margins."""
    scale = context.preferences.system.ui_scale
    return max(int((context.region.width / scale - 60) / CHARACTER), 16)


CLASSES = (LINEPORTRAIT_PT_sequencer, LINEPORTRAIT_PT_motion)
