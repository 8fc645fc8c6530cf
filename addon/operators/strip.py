"""The buttons for what has been drawn: follow the speech, explain, copy settings, clean up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.types import Event, Operator, Scene

from .. import compat, follow, order, plan, portrait, strips, takes
from ..compat import Context
from ..lpcore.errors import LpError
from .base import Returned, WaitingOperator

WIDTH = 460
"""Pixels of the dialogs at scale 1."""


class StripOperator(WaitingOperator):
    """Base of the buttons that need the active portrait's drawing strip."""

    @staticmethod
    def require(scene: Scene) -> None:
        drawn(scene)


def drawn(scene: Scene) -> Any:
    """The active portrait's strip. Raises LpError ``NO_PHOTO`` or ``NOTHING_DRAWN``."""
    chosen = portrait.values(scene)
    strip = strips.find(scene, chosen.uid)
    if strip is None:
        raise LpError("NOTHING_DRAWN", f"no strip shows {chosen.name}")
    return strip


class LINEPORTRAIT_OT_follow_speech(StripOperator, Operator):
    bl_idname = "lineportrait.follow_speech"
    bl_label = "Follow Speech"
    bl_description = (
        "Split, move, trim, mute and remove the drawing as the pieces of the sound strip now lie, and shift the rig's "
        "motion along with the active piece, without drawing anything"
    )
    bl_options = {"UNDO"}

    @staticmethod
    def require(scene: Scene) -> None:
        follow.require(scene)

    def execute(self, context: Context) -> Returned:
        try:
            told = follow.strip(compat.sequencer_scene(context))
        except LpError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        plan.forget()
        self.report({"INFO"}, told)
        return {"FINISHED"}


class LINEPORTRAIT_OT_why_different(StripOperator, Operator):
    bl_idname = "lineportrait.why_different"
    bl_label = "Why Is This Different?"
    bl_description = "Say what has changed since the strip was drawn"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> Returned:
        for line in why(compat.sequencer_scene(context)):
            self.report({"INFO"}, line)
        return {"FINISHED"}

    def invoke(self, context: Context, event: Event) -> Returned:
        if bpy.app.background:
            return self.execute(context)
        self._lines = why(compat.sequencer_scene(context))
        return context.window_manager.invoke_popup(self, width=WIDTH)

    def draw(self, context: Context) -> None:
        column = self.layout.column(align=True)
        column.label(text="Since this strip was drawn:", icon="QUESTION")
        for line in self._lines:
            column.label(text=line, icon="DOT")


def why(scene: Scene) -> list[str]:
    """What sets the strip apart from what Draw would make now, a sentence each."""
    try:
        strip, wanted = drawn(scene), order.of(scene)
        told = order.differences(strips.recipe_of(strip), wanted.recipe())
        keys = takes.read_recipe(strips.folder_of(strip)).get("keys", [])
        if keys and not told:
            moved = order.moved_frames(keys, wanted.keys(order.sample(scene, wanted)))
            if moved:
                where = order.as_ranges(moved, wanted.heard.first)
                told = [f"The landmarks moved in {len(moved)} of {wanted.heard.frames} frames: {where}."]
    except LpError as error:
        return [str(error)]
    return told or ["Nothing: Draw would make the same frames."]


class LINEPORTRAIT_OT_copy_settings(StripOperator, Operator):
    bl_idname = "lineportrait.copy_settings"
    bl_label = "Settings of the Strip"
    bl_description = (
        "Set style, size, finish and motion settings back to those with which the strip was drawn"
    )
    bl_options = {"UNDO"}

    def execute(self, context: Context) -> Returned:
        scene = compat.sequencer_scene(context)
        apply_recipe(portrait.values(scene), strips.recipe_of(drawn(scene)))
        self.report({"INFO"}, "The settings are those of the strip.")
        return {"FINISHED"}


def apply_recipe(chosen: Any, recipe: dict[str, Any]) -> None:
    """Give a portrait the settings of a recipe."""
    look, finish = recipe.get("look", {}), recipe.get("finish", {})
    for name in ("style", "canvas", "background"):
        if name in look:
            setattr(chosen, name, look[name])
    if "size" in look:
        setattr(chosen, "size" if look.get("canvas") == "crop" else "photo_limit", look["size"])
    chosen.engine = recipe.get("method", chosen.engine)
    for name in ("alpha", "mark"):
        setattr(chosen, name, finish.get(name, getattr(chosen, name)))
    chosen.line_weight = finish.get("weight", chosen.line_weight)
    for name in ("ink", "paper"):
        if name in finish:
            setattr(chosen, name, [part / 255 for part in finish[name]])
    for name, value in recipe.get("settings", {}).items():
        if name in portrait.SETTINGS or name in portrait.FINE_SETTINGS:
            setattr(chosen, name, "" if value is None else value)


class LINEPORTRAIT_OT_clean_up(WaitingOperator, Operator):
    bl_idname = "lineportrait.clean_up"
    bl_label = "Clean Up Unused Takes"
    bl_description = "Delete the frames of this portrait's takes that no strip of this file shows"
    bl_options = {"INTERNAL"}

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.values(scene)

    def invoke(self, context: Context, event: Event) -> Returned:
        if bpy.app.background:
            return self.execute(context)
        self._takes = unused_takes(compat.sequencer_scene(context))
        return context.window_manager.invoke_props_dialog(self, width=WIDTH)

    def draw(self, context: Context) -> None:
        column = self.layout.column(align=True)
        if not self._takes:
            column.label(text="Every take is shown by a strip.", icon="CHECKMARK")
            return
        size = plan.in_megabytes(sum(takes.size_of(take) for take in self._takes))
        column.label(
            text=f"{_takes(len(self._takes))} will be deleted, {size}. There is no undo.", icon="TRASH"
        )
        column.label(text=", ".join(take.name for take in self._takes[:8]), icon="BLANK1")
        others = other_files()
        if others:
            column.label(text="Other files in this folder may show them:", icon="ERROR")
            column.label(text=", ".join(others[:4]), icon="BLANK1")

    def execute(self, context: Context) -> Returned:
        unused = unused_takes(compat.sequencer_scene(context))
        try:
            for take in unused:
                takes.remove(take)
        except LpError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{_takes(len(unused))} deleted.")
        return {"FINISHED"}


def _takes(count: int) -> str:
    return f"{count} unused take{'' if count == 1 else 's'}"


def unused_takes(scene: Scene) -> list[Path]:
    """The active portrait's takes that no strip of this file shows."""
    shown = strips.shown_folders()
    return [take for take in takes.all_of(portrait.values(scene)) if take.resolve() not in shown]


def other_files() -> list[str]:
    """The .blend files that lie beside this one."""
    here = Path(bpy.data.filepath)
    return (
        sorted(path.name for path in here.parent.glob("*.blend") if path != here) if bpy.data.filepath else []
    )


CLASSES = (
    LINEPORTRAIT_OT_follow_speech,
    LINEPORTRAIT_OT_why_different,
    LINEPORTRAIT_OT_copy_settings,
    LINEPORTRAIT_OT_clean_up,
)
