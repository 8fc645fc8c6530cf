"""The *Line Portrait* tab in the sequencer's sidebar: photo, speech, drawing, in the order of the work.

Progress and outcome of a job stand at the button that started it.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.types import Menu, Panel, Scene, UILayout, UIList

from .. import (
    compat,
    corrected,
    follow,
    jobs,
    measured,
    motion,
    order,
    plan,
    portrait,
    preview,
    speech,
    strips,
)
from ..compat import Context
from ..lpcore.errors import LpError
from ..operators.analyze import LINEPORTRAIT_OT_analyze
from ..operators.draw import LINEPORTRAIT_OT_draw
from ..operators.manage import EXACT_VIEW
from ..operators.speak import LINEPORTRAIT_OT_speak
from . import rows

FOLLOW_SELECTION = "Selected Sound Strip"
FIRST_WORDS = "Choose a photo of a face: it becomes a line drawing that speaks."


class SequencerPanel:
    """Where the panels live."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"


class NeedsPortrait(SequencerPanel):
    """A panel that has nothing to say before there is a portrait."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        return len(portrait.every(compat.sequencer_scene(context))) > 0


class LINEPORTRAIT_UL_portraits(UIList):
    def draw_item(
        self, context: Context, layout: UILayout, data: Any, item: Any, icon: int, active: Any, name: str
    ) -> None:
        layout.prop(item, "name", text="", emboss=False, icon="USER")


class LINEPORTRAIT_PT_photo(SequencerPanel, Panel):
    bl_label = "Photo"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), rows.characters(context)
        draw_photo(rows.column(self.layout), scene, width)


class LINEPORTRAIT_PT_speech(NeedsPortrait, Panel):
    bl_label = "Speech"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), rows.characters(context)
        draw_speech(rows.column(self.layout), scene, width)


class LINEPORTRAIT_PT_motion(NeedsPortrait, Panel):
    bl_label = "Motion"
    bl_parent_id = "LINEPORTRAIT_PT_speech"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = rows.column(self.layout)
        chosen = portrait.values(compat.sequencer_scene(context))
        for name in portrait.SETTINGS:
            if name != "emotion_strength" or chosen.emotion != "neutral":
                column.prop(chosen, name)


class LINEPORTRAIT_PT_fine_motion(NeedsPortrait, Panel):
    bl_label = "Fine"
    bl_parent_id = "LINEPORTRAIT_PT_motion"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        column = rows.column(self.layout)
        chosen = portrait.values(compat.sequencer_scene(context))
        for name in portrait.FINE_SETTINGS:
            column.prop(chosen, name, placeholder="The speech's own" if name == "style_audio" else "")


class LINEPORTRAIT_PT_drawing(NeedsPortrait, Panel):
    bl_label = "Drawing"

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), rows.characters(context)
        draw_drawing(rows.column(self.layout), scene, width)


class LINEPORTRAIT_PT_finish(NeedsPortrait, Panel):
    bl_label = "Ink and Paper"
    bl_parent_id = "LINEPORTRAIT_PT_drawing"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        draw_finish(rows.column(self.layout), compat.sequencer_scene(context))


class LINEPORTRAIT_PT_output(NeedsPortrait, Panel):
    bl_label = "Frames"
    bl_parent_id = "LINEPORTRAIT_PT_drawing"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        scene, width = compat.sequencer_scene(context), rows.characters(context)
        draw_output(rows.column(self.layout), scene, width)


class LINEPORTRAIT_MT_speech(Menu):
    bl_label = "Speech"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator("lineportrait.choose_speech", text=FOLLOW_SELECTION).name = ""
        layout.separator()
        for strip in speech.candidates(compat.sequencer_scene(context)):
            choice = layout.operator("lineportrait.choose_speech", text=strip.name, icon="SOUND")
            choice.name = strip.name


class LINEPORTRAIT_MT_style(Menu):
    bl_label = "Style"

    def draw(self, context: Context) -> None:
        for style in measured.styles():
            self.layout.operator("lineportrait.choose_style", text=style["title"]).name = style["name"]


def draw_photo(column: UILayout, scene: Scene, width: int) -> None:
    portraits = portrait.every(scene)
    if not len(portraits):
        rows.draw_text(column, FIRST_WORDS, width, "INFO")
        column.operator("lineportrait.choose_photo", text="Choose Photo…", icon="IMAGE_DATA")
        return
    chosen = portrait.values(scene)
    row = column.row()
    row.template_list(
        "LINEPORTRAIT_UL_portraits",
        "",
        portrait.of_scene(scene),
        "portraits",
        portrait.of_scene(scene),
        "active",
        rows=2,
    )
    buttons = row.column(align=True)
    buttons.operator("lineportrait.choose_photo", text="", icon="ADD").new = True
    buttons.operator("lineportrait.remove_portrait", text="", icon="REMOVE")
    row = column.row(align=True)
    row.prop(chosen, "photo", text="", icon="IMAGE_DATA", placeholder="Photo of a face")
    row.operator("lineportrait.choose_photo", text="", icon="FILE_FOLDER")
    rows.draw_button(column, LINEPORTRAIT_OT_analyze, "VIEWZOOM", width)
    faces = len(portrait.faces(scene))
    if faces > 1:
        column.label(text=f"{faces} faces found", icon="CHECKMARK")
        row = column.row(align=True)
        row.operator("lineportrait.choose_face", icon="RESTRICT_SELECT_OFF")
        row.prop(chosen, "face", text="")
    elif faces:
        column.label(text="Face found", icon="CHECKMARK")
    try:
        moved = len(corrected.moves(scene))
    except LpError:
        return
    row = column.row(align=True)
    row.operator(
        "lineportrait.correct_landmarks",
        text=f"Landmarks: {moved} Corrected" if moved else "Correct Landmarks",
        icon="SNAP_VERTEX",
    )
    if moved:
        row.operator("lineportrait.reset_landmarks", text="", icon="LOOP_BACK")


def draw_speech(column: UILayout, scene: Scene, width: int) -> None:
    name = portrait.values(scene).speech
    column.menu("LINEPORTRAIT_MT_speech", text=name or FOLLOW_SELECTION, icon="SOUND")
    rows.draw_button(column, LINEPORTRAIT_OT_speak, "PLAY_SOUND", width)
    try:
        spoken = portrait.spoken(scene)
    except LpError:
        return
    column.label(text=f"Motion for {spoken.frames} frames", icon="CHECKMARK")
    if spoken.fps != compat.frame_rate(scene):
        rows.draw_text(column, "The frame rate has changed: Speak and Redraw", width, "INFO")
    elif follow.is_due(scene):
        column.label(text="The speech was moved or cut", icon="INFO")
        column.operator("lineportrait.follow_speech", icon="UV_SYNC_SELECT")
    body: Any = portrait.rig_in(scene)
    column.operator("lineportrait.show_prediction", icon="FCURVE", depress=motion.shows_prediction(body))


def draw_drawing(column: UILayout, scene: Scene, width: int) -> None:
    chosen = portrait.values(scene)
    style = measured.style(chosen.style)
    split = column.split(factor=0.4)
    label = split.column()
    label.alignment = "RIGHT"
    label.label(text="Style")
    split.menu("LINEPORTRAIT_MT_style", text=style["title"])
    if len(style["drawn_by"]) > 1:
        column.prop(chosen, "engine")
    column.prop(chosen, "canvas")
    column.prop(chosen, "size" if chosen.canvas == "crop" else "photo_limit")
    column.prop(chosen, "background")
    live = column.row()
    live.operator("lineportrait.live_preview", icon="HIDE_OFF", depress=preview.is_on(scene))
    if preview.trouble:
        rows.draw_text(column, preview.trouble, width, "ERROR")
    strip = strips.find(scene, chosen.uid)
    _draw_plan(column, scene, width)
    rows.draw_button(column, LINEPORTRAIT_OT_draw, "GREASEPENCIL", width, "Redraw" if strip else "Draw")
    if strip:
        folder = strips.folder_of(strip)
        if not folder.is_dir():
            rows.draw_text(
                column, f"The frames in {folder} are missing: Redraw, or bring them back", width, "ERROR"
            )
        column.operator("lineportrait.why_different", icon="QUESTION")
        if scene.view_settings.view_transform != EXACT_VIEW:
            view = scene.view_settings.view_transform
            rows.draw_text(column, f"{view} view turns white paper grey", width, "ERROR")
            column.operator("lineportrait.exact_view")


def draw_finish(column: UILayout, scene: Scene) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "line_weight")
    column.prop(chosen, "ink")
    paper = column.row()
    paper.active = not chosen.alpha
    paper.prop(chosen, "paper")
    column.prop(chosen, "alpha")
    column.prop(chosen, "mark")


def draw_output(column: UILayout, scene: Scene, width: int) -> None:
    chosen = portrait.values(scene)
    column.prop(chosen, "folder", placeholder="Beside the .blend file")
    column.prop(chosen, "exr")
    strip = strips.find(scene, chosen.uid)
    if strip:
        column.label(text=f"{len(strip.elements)} frames in {strips.folder_of(strip).name}", icon="CHECKMARK")
    if not (bpy.data.is_saved or chosen.folder):
        rows.draw_text(column, "File not saved: frames go to the user folder", width, "INFO")
    column.operator("lineportrait.follow_speech", icon="UV_SYNC_SELECT")
    column.operator("lineportrait.copy_settings", icon="COPYDOWN")
    column.operator("lineportrait.clean_up", icon="TRASH")


def _draw_plan(column: UILayout, scene: Scene, width: int) -> None:
    """What a Draw would cost, or what the last one did."""
    last = jobs.last()
    if jobs.current():
        return
    try:
        wanted = order.of(scene)
    except LpError:
        return  # the button says why
    known = plan.glance(scene, wanted)
    rows.draw_text(column, known.sentence if known else "Counting the frames to draw…", width, "TIME")
    if last and last.title == LINEPORTRAIT_OT_draw.title and last.state is jobs.State.DONE:
        rows.draw_text(column, last.outcome, width, "CHECKMARK")


CLASSES = (
    LINEPORTRAIT_UL_portraits,
    LINEPORTRAIT_MT_speech,
    LINEPORTRAIT_MT_style,
    LINEPORTRAIT_PT_photo,
    LINEPORTRAIT_PT_speech,
    LINEPORTRAIT_PT_motion,
    LINEPORTRAIT_PT_fine_motion,
    LINEPORTRAIT_PT_drawing,
    LINEPORTRAIT_PT_finish,
    LINEPORTRAIT_PT_output,
)
