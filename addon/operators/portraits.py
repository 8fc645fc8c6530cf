"""The buttons of the portrait list: choose a photo, forget a portrait."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Event, Operator, Scene

from .. import compat, portrait
from ..compat import Context
from .base import Returned, WaitingOperator

CONSENT = (
    "Choose only portraits of people",
    "who agreed to be drawn and",
    "made to speak, or pictures",
    "that are free for such use.",
)
PICTURES = "*.jpg;*.jpeg;*.png;*.webp"


class LINEPORTRAIT_OT_choose_photo(WaitingOperator, Operator):
    bl_idname = "lineportrait.choose_photo"
    bl_label = "Choose Photo"
    bl_description = "Choose the picture of a face to draw, and find the face in it"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=PICTURES, options={"HIDDEN"})
    new: BoolProperty(name="Another Portrait", options={"SKIP_SAVE", "HIDDEN"})

    def invoke(self, context: Context, event: Event) -> Returned:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: Context) -> None:
        box = self.layout.box()
        for number, line in enumerate(CONSENT):
            box.label(text=line, icon="INFO" if number == 0 else "BLANK1")

    def execute(self, context: Context) -> Returned:
        scene = compat.sequencer_scene(context)
        chosen = _relative(self.filepath)
        if self.new or not len(portrait.every(scene)):
            portrait.add(scene, chosen)
        else:
            portrait.values(scene).photo = chosen
        if not bpy.app.background and context.window:
            bpy.ops.lineportrait.analyze("INVOKE_DEFAULT")  # pyright: ignore[reportAttributeAccessIssue]
        return {"FINISHED"}


class LINEPORTRAIT_OT_remove_portrait(WaitingOperator, Operator):
    bl_idname = "lineportrait.remove_portrait"
    bl_label = "Remove Portrait"
    bl_description = "Take the portrait out of this list; its rig, strip and frames stay"
    bl_options = {"UNDO"}

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.values(scene)

    def execute(self, context: Context) -> Returned:
        scene = compat.sequencer_scene(context)
        portrait.remove(scene, portrait.values(scene).uid)
        return {"FINISHED"}


def _relative(path: str) -> str:
    try:
        return bpy.path.relpath(path) if bpy.data.filepath else path
    except ValueError:  # another drive
        return path


CLASSES = (LINEPORTRAIT_OT_choose_photo, LINEPORTRAIT_OT_remove_portrait)
