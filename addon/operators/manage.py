"""The small buttons: cancel, choose speech and style, show curves, fix the view, live preview."""

from typing import Any

from bpy.props import StringProperty
from bpy.types import Operator

from .. import compat, jobs, measured, motion, order, pieces, portrait, preview, rig
from ..compat import Context
from ..lpcore.errors import LpError
from .base import Returned

MOUTH = (48, 51, 54, 57)
"""The landmarks that tell most of the mouth: corners, upper and lower lip."""

EXACT_VIEW = "Standard"


class LINEPORTRAIT_OT_cancel(Operator):
    bl_idname = "lineportrait.cancel"
    bl_label = "Cancel"
    bl_description = "Stop what Line Portrait is doing; frames already drawn are kept"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return jobs.current() is not None

    def execute(self, context: Context) -> Returned:
        job = jobs.current()
        if job:
            job.cancel()
        return {"FINISHED"}


class LINEPORTRAIT_OT_choose_speech(Operator):
    bl_idname = "lineportrait.choose_speech"
    bl_label = "Choose Speech"
    bl_description = "Take this sound strip as the speech, alone where it is a piece"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Strip")

    def execute(self, context: Context) -> Returned:
        scene = compat.sequencer_scene(context)
        chosen = portrait.values(scene)
        pieces.release(scene, chosen.uid)
        chosen.speech = self.name
        return {"FINISHED"}


class LINEPORTRAIT_OT_choose_style(Operator):
    bl_idname = "lineportrait.choose_style"
    bl_label = "Choose Style"
    bl_description = "Draw in this style"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Style")

    @classmethod
    def description(cls, context: Context, properties: Any) -> str:
        return measured.style(properties.name)["about"] or cls.bl_description

    def execute(self, context: Context) -> Returned:
        portrait.values(compat.sequencer_scene(context)).style = self.name
        return {"FINISHED"}


class LINEPORTRAIT_OT_show_prediction(Operator):
    bl_idname = "lineportrait.show_prediction"
    bl_label = "Predicted Curves"
    bl_description = (
        "Show the predicted curves of the mouth in the Graph Editor; Speak replaces changes made to these. "
        "Press again to go back to your corrections, which Speak keeps"
    )
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        scene = compat.sequencer_scene(context)
        try:
            body = portrait.rig_in(scene)
        except LpError:
            body = None
        if body is None or not motion.has_prediction(body):
            cls.poll_message_set(str(LpError("NOT_SPOKEN")))
            return False
        if body.name not in context.view_layer.objects:
            cls.poll_message_set(
                f"The rig is in the scene {scene.name}: show that scene in this window first"
            )
            return False
        return True

    def execute(self, context: Context) -> Returned:
        body: Any = portrait.rig_in(compat.sequencer_scene(context))
        motion.show_prediction(body, not motion.shows_prediction(body))
        try:
            rig.show(context, body, MOUTH)
        except LpError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LINEPORTRAIT_OT_exact_view(Operator):
    bl_idname = "lineportrait.exact_view"
    bl_label = "Use Standard View"
    bl_description = "Set the scene's view transform to Standard, so that white paper stays white"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> Returned:
        view: Any = compat.sequencer_scene(context).view_settings
        view.view_transform = EXACT_VIEW
        return {"FINISHED"}


class LINEPORTRAIT_OT_live_preview(Operator):
    bl_idname = "lineportrait.live_preview"
    bl_label = "Live Preview"
    bl_description = "Draw the current frame in the background, small, behind the rig, as you move the rig"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            order.of(compat.sequencer_scene(context))
        except LpError as error:
            cls.poll_message_set(str(error))
            return False
        return True

    def execute(self, context: Context) -> Returned:
        scene = compat.sequencer_scene(context)
        try:
            preview.switch(scene, not preview.is_on(scene))
        except LpError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    LINEPORTRAIT_OT_cancel,
    LINEPORTRAIT_OT_choose_speech,
    LINEPORTRAIT_OT_choose_style,
    LINEPORTRAIT_OT_show_prediction,
    LINEPORTRAIT_OT_exact_view,
    LINEPORTRAIT_OT_live_preview,
)
