"""The *Line Portrait* tab in the sequencer's sidebar: photo, speech, drawing, in the order of the work.

Progress and outcome of a job stand at the button that started it.
"""

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.types import Menu, Panel, Scene, UILayout

from .. import compat, jobs, motion, portrait, speech, strips
from ..compat import Context
from ..lpcore.errors import LpError
from ..operators.analyze import LINEPORTRAIT_OT_analyze
from ..operators.base import JobOperator
from ..operators.draw import LINEPORTRAIT_OT_draw
from ..operators.manage import EXACT_VIEW
from ..operators.speak import LINEPORTRAIT_OT_speak
from ..preferences import BASE

CHARACTER = 6.5
"""Average width in pixels of a character of the interface font at scale 1."""

FOLLOW_SELECTION = "Selected Sound Strip"
ENGINE_TROUBLE = ("NO_ENGINE", "ENGINE_DIED", "ENGINE_VERSION", "WEIGHTS_MISSING", "WEIGHTS_DAMAGED")


class SequencerPanel:
    """Where the panels live."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"


class LINEPORTRAIT_PT_photo(SequencerPanel, Panel):
    bl_label = "Photo"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), _characters(context)
        draw_photo(_column(self.layout), scene, width)


class LINEPORTRAIT_PT_speech(SequencerPanel, Panel):
    bl_label = "Speech"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), _characters(context)
        draw_speech(_column(self.layout), scene, width)


class LINEPORTRAIT_PT_motion(SequencerPanel, Panel):
    bl_label = "Motion"
    bl_parent_id = "LINEPORTRAIT_PT_speech"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = _column(self.layout)
        for name in portrait.SETTINGS:
            column.prop(portrait.values(compat.sequencer_scene(context)), name)


class LINEPORTRAIT_PT_drawing(SequencerPanel, Panel):
    bl_label = "Drawing"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), _characters(context)
        draw_drawing(_column(self.layout), scene, width)


class LINEPORTRAIT_MT_speech(Menu):
    bl_label = "Speech"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator("lineportrait.choose_speech", text=FOLLOW_SELECTION).name = ""
        layout.separator()
        for strip in speech.candidates(compat.sequencer_scene(context)):
            choice = layout.operator("lineportrait.choose_speech", text=strip.name, icon="SOUND")
            choice.name = strip.name


def draw_photo(column: UILayout, scene: Scene, width: int) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "photo", text="", icon="IMAGE_DATA", placeholder="Photo of a face")
    _draw_button(column, LINEPORTRAIT_OT_analyze, "VIEWZOOM", width)
    try:
        faces = len(portrait.analysis(scene)["faces"])
    except LpError:
        return
    column.label(text="Face found" if faces == 1 else f"{faces} faces found", icon="CHECKMARK")
    if faces > 1:
        column.prop(chosen, "face")


def draw_speech(column: UILayout, scene: Scene, width: int) -> None:
    name = portrait.values(scene).speech
    column.menu("LINEPORTRAIT_MT_speech", text=name or FOLLOW_SELECTION, icon="SOUND")
    _draw_button(column, LINEPORTRAIT_OT_speak, "PLAY_SOUND", width)
    try:
        spoken = portrait.spoken(scene)
    except LpError:
        return
    column.label(text=f"Motion for {spoken.frames} frames", icon="CHECKMARK")
    if _has_moved(scene, spoken):
        column.label(text="Speech moved: Speak again", icon="INFO")
    body: Any = portrait.rig_in(scene)
    column.operator("lineportrait.show_prediction", icon="FCURVE", depress=motion.shows_prediction(body))


def draw_drawing(column: UILayout, scene: Scene, width: int) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "style")
    column.prop(chosen, "canvas")
    column.prop(chosen, "size" if chosen.canvas == "crop" else "photo_limit")
    strip = strips.find(scene, chosen.name)
    _draw_button(column, LINEPORTRAIT_OT_draw, "GREASEPENCIL", width, "Redraw" if strip else "Draw")
    if strip:
        column.label(text=f"{len(strip.elements)} frames in {strips.folder_of(strip).name}", icon="CHECKMARK")
        if scene.view_settings.view_transform != EXACT_VIEW:
            view = scene.view_settings.view_transform
            _draw_text(column, f"{view} view turns white paper grey", width, "ERROR")
            column.operator("lineportrait.exact_view")
    if not bpy.data.is_saved:
        _draw_text(column, "File not saved: frames go to the user folder", width, "INFO")


def _draw_button(
    column: UILayout, operator: type[JobOperator], icon: Any, width: int, text: str = ""
) -> None:
    """The operator's button; while its job runs, the progress instead; afterwards how the job ended."""
    job, last = jobs.current(), jobs.last()
    if job and job.title == operator.title:
        row = column.row(align=True)
        row.progress(factor=job.fraction, type="BAR", text=f"{job.phase}  {job.fraction:.0%}")
        row.operator("lineportrait.cancel", text="", icon="X")
        return
    column.operator(operator.bl_idname, text=text or operator.bl_label, icon=icon)
    if last and last.title == operator.title and last.state is not jobs.State.DONE:
        _draw_text(column, last.outcome, width, "ERROR" if last.error else "INFO")
        if last.error and last.error.code in ENGINE_TROUBLE:
            shown = column.operator("preferences.addon_show", text="Set Up Engine", icon="PREFERENCES")
            shown.module = BASE


def _has_moved(scene: Scene, spoken: speech.Speech) -> bool:
    """Whether the rig in the viewport no longer moves in step with the speech strip."""
    try:
        heard = speech.describe(scene, speech.find(scene, portrait.values(scene).speech))
    except LpError:
        return False
    return abs(spoken.frame_at(heard.start) - heard.first) > 0.01 or heard.fps != spoken.fps


def _column(layout: Any) -> UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


def _draw_text(column: UILayout, text: str, width: int, icon: Any) -> None:
    """A sentence broken into rows that fit the sidebar."""
    rows = column.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        rows.label(text=line, icon=icon if number == 0 else "BLANK1")


def _characters(context: Context) -> int:
    """How many characters fit into a row of the sidebar, beside icon and margins."""
    scale = context.preferences.system.ui_scale
    return max(int((context.region.width / scale - 60) / CHARACTER), 16)


CLASSES = (
    LINEPORTRAIT_MT_speech,
    LINEPORTRAIT_PT_photo,
    LINEPORTRAIT_PT_speech,
    LINEPORTRAIT_PT_motion,
    LINEPORTRAIT_PT_drawing,
)
