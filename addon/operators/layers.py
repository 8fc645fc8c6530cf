"""The buttons for layers: regions, corrections and prediction, takes."""

from __future__ import annotations

import contextlib
import dataclasses
from fractions import Fraction
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty
from bpy.types import Event, Object, Operator

from .. import corrections, fade, motion, portrait, predictions, rig, speech
from ..compat import Context
from ..lpcore.errors import LpError
from ..regions import FACE
from .base import Returned
from .rig_base import ACTIVE, REGIONS, RigOperator, owner_of


class LINEPORTRAIT_OT_show_region(RigOperator, Operator):
    bl_idname = "lineportrait.show_region"
    bl_label = "Show Region"
    bl_description = (
        "Select the bones of this region, so that the Graph Editor shows their curves. "
        "Shift adds to the selection"
    )

    changes_motion = False  # so that a pose which is not keyed yet stays
    region: EnumProperty(name="Region", items=REGIONS)
    extend: BoolProperty(name="Extend", options={"SKIP_SAVE"})

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        if body.name not in context.view_layer.objects:
            raise LpError("RIG_ELSEWHERE", body.name)

    def invoke(self, context: Context, event: Event) -> Returned:
        self.extend = event.shift
        return self.execute(context)

    def work(self, context: Context, body: Any) -> str:
        body[ACTIVE] = self.region
        rig.select(context, body, corrections.bones_of(body, self.region), self.extend)
        _frame_curves(context)
        return ""


class LINEPORTRAIT_OT_edit_layer(RigOperator, Operator):
    bl_idname = "lineportrait.edit_layer"
    bl_label = "Edit Layer"
    bl_description = "Choose which curves the Graph Editor shows and keys go to"

    prediction: BoolProperty(name="Prediction")

    @classmethod
    def description(cls, context: Context, properties: Any) -> str:
        if properties.prediction:
            return "Show the predicted curves. Speak and the adjustments replace what is changed by hand here"
        return "Show your corrections: they add to the prediction, and every new prediction keeps them"

    def work(self, context: Context, body: Any) -> str:
        motion.show_prediction(body, self.prediction)
        return ""


class LINEPORTRAIT_OT_mute_prediction(RigOperator, Operator):
    bl_idname = "lineportrait.mute_prediction"
    bl_label = "Mute Prediction"
    bl_description = "Leave this region to your corrections alone, or let the prediction move it again"

    region: EnumProperty(name="Region", items=REGIONS)

    def work(self, context: Context, body: Any) -> str:
        motion.mute(body, self.region, self.region not in motion.muted_regions(body))
        return ""


class LINEPORTRAIT_OT_reset_corrections(RigOperator, Operator):
    bl_idname = "lineportrait.reset_corrections"
    bl_label = "Reset Corrections"
    bl_description = "Remove what you keyed for this region, its controls included"

    region: EnumProperty(name="Region", items=REGIONS)

    def work(self, context: Context, body: Any) -> str:
        gone = corrections.reset(body, self.region)
        label = FACE[self.region].label
        return f"{label}: {gone} corrected curves removed." if gone else f"{label}: nothing was keyed."


class LINEPORTRAIT_OT_fade_correction(RigOperator, Operator):
    bl_idname = "lineportrait.fade_correction"
    bl_label = "Only Around Here"
    bl_description = (
        "Let the corrections keyed at the playhead come and go within some frames, "
        "instead of lasting through the shot"
    )

    reach: IntProperty(
        name="Frames", description="Frames before and after", default=4, min=1, soft_max=24, max=1000
    )

    def work(self, context: Context, body: Any) -> str:
        frame = context.scene.frame_current
        changed = fade.around(body, frame, self.reach)
        if not changed:
            raise LpError("NO_CORRECTION", str(frame))
        motion.set_hold(body, motion.hold(body))
        return f"{changed} curves fade {self.reach} frames around {frame}."


class LINEPORTRAIT_OT_choose_take(RigOperator, Operator):
    bl_idname = "lineportrait.choose_take"
    bl_label = "Choose Take"
    bl_description = "Play this prediction; corrections and adjustments stay"

    number: IntProperty(name="Take")

    def work(self, context: Context, body: Any) -> str:
        wanted = [
            one for one in predictions.all_of(body) if predictions.about_of(one)["number"] == self.number
        ]
        if wanted:
            use_take(body, wanted[0])
        return ""


class LINEPORTRAIT_OT_delete_take(RigOperator, Operator):
    bl_idname = "lineportrait.delete_take"
    bl_label = "Delete Take"
    bl_description = "Forget the prediction that is played, and play the newest of the others"

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        if len(predictions.all_of(body)) < 2:
            raise LpError("ONLY_TAKE")

    def work(self, context: Context, body: Any) -> str:
        gone: Any = motion.take_of(body)
        title = predictions.title_of(gone)
        use_take(body, [one for one in predictions.all_of(body) if one != gone][-1])
        bpy.data.actions.remove(gone)
        return f"{title} deleted."


def use_take(body: Any, action: Any) -> None:
    """Let the rig play a take where its speech is heard now. Raises LpError ``PORTRAIT_GONE``."""
    scene, uid = owner_of(body)
    about = predictions.about_of(action)
    heard = speech.Speech(**{**about["heard"], "fps": Fraction(about["heard"]["fps"])})
    with contextlib.suppress(LpError):
        now = portrait.spoken(scene, uid)
        if now.fps == heard.fps and now.strip == heard.strip:
            heard = dataclasses.replace(heard, first=round(now.frame_at(heard.start)))
    motion.choose_take(body, action, heard.first)
    portrait.remember_spoken(scene, heard, about.get("made_from", {}), uid)


def _frame_curves(context: Context) -> None:
    """Let the Graph Editor that the button is in show all of the curves."""
    area = context.area
    if bpy.app.background or area is None or area.type != "GRAPH_EDITOR":
        return
    for region in area.regions:
        if region.type == "WINDOW":
            with context.temp_override(region=region):
                bpy.ops.graph.view_all()


CLASSES = (
    LINEPORTRAIT_OT_show_region,
    LINEPORTRAIT_OT_edit_layer,
    LINEPORTRAIT_OT_mute_prediction,
    LINEPORTRAIT_OT_reset_corrections,
    LINEPORTRAIT_OT_fade_correction,
    LINEPORTRAIT_OT_choose_take,
    LINEPORTRAIT_OT_delete_take,
)
