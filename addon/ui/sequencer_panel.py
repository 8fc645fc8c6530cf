"""The *Line Portrait* tab in the sequencer's sidebar: photo, speech, drawing, in the order of the work."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.types import Menu, Panel, Scene, UILayout

from .. import compat, jobs, motion, portrait, speech, strips
from ..compat import Context
from ..lpcore.errors import LpError
from ..operators.manage import EXACT_VIEW
from ..preferences import BASE

CHARACTER = 6.5
"""Average width in pixels of a character of the interface font at scale 1."""

FOLLOW_SELECTION = "Selected Sound Strip"


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


class LINEPORTRAIT_MT_speech(Menu):
    bl_label = "Speech"
    bl_idname = "LINEPORTRAIT_MT_speech"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator("lineportrait.choose_speech", text=FOLLOW_SELECTION).name = ""
        layout.separator()
        for strip in speech.candidates(compat.sequencer_scene(context)):
            choice = layout.operator("lineportrait.choose_speech", text=strip.name, icon="SOUND")
            choice.name = strip.name


class LINEPORTRAIT_PT_motion(Panel):
    bl_label = "Motion"
    bl_idname = "LINEPORTRAIT_PT_motion"
    bl_parent_id = "LINEPORTRAIT_PT_sequencer"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, chosen = self.layout, portrait.values(compat.sequencer_scene(context))
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in portrait.SETTINGS:
            layout.prop(chosen, name)


def _draw_photo(column: UILayout, scene: Scene) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "photo", text="", icon="IMAGE_DATA", placeholder="Photo of a face")
    column.operator("lineportrait.analyze", icon="VIEWZOOM")
    try:
        faces = len(portrait.analysis(scene)["faces"])
    except LpError:
        return
    column.label(text="Face found" if faces == 1 else f"{faces} faces found", icon="CHECKMARK")
    if faces > 1:
        column.prop(chosen, "face")


def _draw_speech(column: UILayout, scene: Scene) -> None:
    chosen = portrait.values(scene)
    column.menu(LINEPORTRAIT_MT_speech.bl_idname, text=chosen.speech or FOLLOW_SELECTION, icon="SOUND")
    column.operator("lineportrait.speak", icon="PLAY_SOUND")
    try:
        spoken = portrait.spoken(scene)
    except LpError:
        return
    column.label(text=f"Motion for {spoken.frames} frames", icon="CHECKMARK")
    if _has_moved(scene, spoken):
        column.label(text="Speech moved: Speak again", icon="INFO")
    body: Any = portrait.rig_in(scene)
    shown = motion.shows_prediction(body)
    column.operator("lineportrait.show_prediction", icon="FCURVE", depress=shown)


def _draw_drawing(column: UILayout, scene: Scene, width: int) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "style")
    column.prop(chosen, "canvas")
    column.prop(chosen, "size" if chosen.canvas == "crop" else "photo_limit")
    strip = strips.find(scene, chosen.name)
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
            column.operator("preferences.addon_show", text="Set Up Engine", icon="PREFERENCES").module = BASE
    elif last and last.outcome:
        _draw_text(column, last.outcome, width, "INFO")


def _has_moved(scene: Scene, spoken: speech.Speech) -> bool:
    """Whether the rig in the viewport no longer moves in step with the speech strip."""
    try:
        heard = speech.describe(scene, speech.find(scene, portrait.values(scene).speech))
    except LpError:
        return False
    return abs(spoken.frame_at(heard.start) - heard.first) > 0.01 or heard.fps != spoken.fps


def _draw_text(column: UILayout, text: str, width: int, icon: Any) -> None:
    """A sentence broken into rows that fit the sidebar."""
    rows = column.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        rows.label(text=line, icon=icon if number == 0 else "BLANK1")


def _characters(context: Context) -> int:
    """How many characters fit into a row of the sidebar, beside icon and margins."""
    scale = context.preferences.system.ui_scale
    return max(int((context.region.width / scale - 60) / CHARACTER), 16)


CLASSES = (LINEPORTRAIT_MT_speech, LINEPORTRAIT_PT_sequencer, LINEPORTRAIT_PT_motion)
