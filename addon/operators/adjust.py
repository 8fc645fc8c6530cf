"""The buttons for curves: regions, layers, takes, adjustments of the prediction, blinks, poses on twos."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty
from bpy.types import Event, Object, Operator, Scene

from .. import adjust, blinks, compat, fade, motion, portrait, predictions, rig, silence, speech
from ..compat import Context
from ..lpcore.errors import LpError
from ..regions import FACE
from .base import Returned

REGIONS = [(name, region.label, f"The {region.label.lower()}") for name, region in FACE.items()]
ACTIVE = "lineportrait_region"
"""Custom property of a rig: the region that the panels work on."""

LONGEST_SMOOTH = 0.5
"""Seconds."""


def rig_of(context: Context) -> Object:
    """The rig to work on: the active object, else that of the active portrait. Raises LpError ``NOT_SPOKEN``."""
    body = getattr(context, "object", None)
    if not rig.is_rig(body):
        try:
            body = portrait.rig_in(compat.sequencer_scene(context))
        except LpError as error:
            raise LpError("NOT_SPOKEN") from error
    if body is None or not motion.has_prediction(body):
        raise LpError("NOT_SPOKEN")
    return body


def owner_of(body: Object) -> tuple[Scene, str]:
    """The scene and the uid of the portrait whose rig this is. Raises LpError ``PORTRAIT_GONE``."""
    for scene in bpy.data.scenes:
        for one in portrait.every(scene):
            if one.rig == body:
                return scene, one.uid
    raise LpError("PORTRAIT_GONE")


def active_region(body: Object) -> str:
    """The region that the panels work on."""
    name = str(body.get(ACTIVE, "mouth"))
    return name if name in FACE else "mouth"


class RigOperator:
    """Base of the buttons that need a rig with motion; a subclass does its work in `work`."""

    bl_options = {"REGISTER", "UNDO"}

    changes_motion = True

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        """Raise the LpError that says why this cannot be done now."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            cls.require(context, rig_of(context))
        except LpError as error:
            cls.poll_message_set(str(error))  # pyright: ignore[reportAttributeAccessIssue] - every Operator has it
            return False
        return True

    def work(self, context: Context, body: Any) -> str:
        """Do it; returns a sentence for the user, if there is one. May raise LpError."""
        raise NotImplementedError

    def execute(self, context: Context) -> Returned:
        report: Any = self.report  # pyright: ignore[reportAttributeAccessIssue]
        try:
            told = self.work(context, rig_of(context))
        except LpError as error:
            report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if told:
            report({"INFO"}, told)
        if self.changes_motion:
            _show_anew(context)
        return {"FINISHED"}


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
        rig.select(context, body, motion.bones_of(body, self.region), self.extend)
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
        gone = motion.reset_corrections(body, self.region)
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
    try:
        now = portrait.spoken(scene, uid)
        if now.fps == heard.fps and now.strip == heard.strip:
            heard = dataclasses.replace(heard, first=round(now.frame_at(heard.start)))
    except LpError:
        pass  # as it was
    motion.choose_take(body, action, heard.first)
    portrait.remember_spoken(scene, heard, about.get("made_from", {}), uid)


class AdjustOperator(RigOperator):
    """Base of the buttons that adjust one region of the prediction."""

    region: EnumProperty(name="Region", items=REGIONS)

    def work(self, context: Context, body: Any) -> str:
        before = predictions.adjustments_of(body)
        after, regions = self.adjusted(before), {self.region}
        regions |= {"mouth", "jaw"} if before.silent != after.silent else set()
        regions |= set(blinks.EYES) if before.waking != after.waking else set()
        predictions.set_adjustments(body, after)
        motion.refit(body, regions)
        return told_keys(body, self.region)

    def adjusted(self, now: adjust.Adjustments) -> adjust.Adjustments:
        """The rig's adjustments with this one."""
        raise NotImplementedError

    def invoke(self, context: Context, event: Event) -> Returned:
        self.start_from(predictions.adjustments_of(rig_of(context)))
        if bpy.app.background:
            return self.execute(context)
        return context.window_manager.invoke_props_popup(self, event)

    def start_from(self, now: adjust.Adjustments) -> None:
        """Take the present value as the one to begin with."""


class LINEPORTRAIT_OT_scale_region(AdjustOperator, Operator):
    bl_idname = "lineportrait.scale_region"
    bl_label = "Scale Region"
    bl_description = "Let this region move more or less than predicted; new predictions are scaled too"

    factor: FloatProperty(
        name="Scale", description="1 is as predicted", default=1, min=0, soft_max=2, max=4, step=5
    )

    def start_from(self, now: adjust.Adjustments) -> None:
        self.factor = now.scale.get(self.region, 1.0)

    def adjusted(self, now: adjust.Adjustments) -> adjust.Adjustments:
        return now.with_value("scale", self.region, self.factor, 1.0)


class LINEPORTRAIT_OT_smooth_region(AdjustOperator, Operator):
    bl_idname = "lineportrait.smooth_region"
    bl_label = "Smooth Region"
    bl_description = "Calm the predicted motion of this region; new predictions are smoothed too"

    seconds: FloatProperty(
        name="Smooth",
        description="How long a movement must last to stay; 0 is as predicted",
        default=0,
        min=0,
        max=LONGEST_SMOOTH,
        step=1,
        precision=2,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
    )

    def start_from(self, now: adjust.Adjustments) -> None:
        self.seconds = now.smooth.get(self.region, 0.0)

    def adjusted(self, now: adjust.Adjustments) -> adjust.Adjustments:
        return now.with_value("smooth", self.region, self.seconds, 0.0)


class LINEPORTRAIT_OT_rekey(AdjustOperator, Operator):
    bl_idname = "lineportrait.rekey"
    bl_label = "Re-Key from Audio"
    bl_description = (
        "Key this region anew from what was predicted from the speech; "
        "adjustments of it and changes to its predicted curves go, corrections stay"
    )

    error: FloatProperty(
        name="Within",
        description="How far a keyed landmark may lie from the predicted one, in pixels of the 512 pixel face; "
        "more means fewer keys",
        default=adjust.KEY_ERROR,
        min=0.05,
        soft_max=3,
        max=20,
        step=5,
    )

    def start_from(self, now: adjust.Adjustments) -> None:
        self.error = now.error.get(self.region, adjust.KEY_ERROR)

    def adjusted(self, now: adjust.Adjustments) -> adjust.Adjustments:
        return now.without(self.region).with_value("error", self.region, self.error, adjust.KEY_ERROR)


class LINEPORTRAIT_OT_close_in_silence(RigOperator, Operator):
    bl_idname = "lineportrait.close_in_silence"
    bl_label = "Close Mouth in Silence"
    bl_description = "Shut the mouth wherever the speech pauses, or leave the pauses as predicted"

    state: BoolProperty(name="Closed", default=True)
    threshold: FloatProperty(
        name="Silence below",
        description="Level under the loud parts of the speech at which silence begins, in decibels",
        default=-40,
        min=-80,
        max=-6,
        precision=0,
        step=100,
    )

    def work(self, context: Context, body: Any) -> str:
        now, spans = predictions.adjustments_of(body), []
        if self.state:
            scene, uid = owner_of(body)
            heard = speech.describe(scene, speech.find(scene, portrait.values(scene, uid).speech))
            spans = silence.pauses(scene, heard, self.threshold)
        predictions.set_adjustments(body, dataclasses.replace(now, silent=tuple(spans)))
        motion.refit(body, ["mouth", "jaw"])
        if not self.state:
            return "The pauses are as predicted."
        length = sum(end - begin for begin, end in spans)
        return f"The mouth is shut in {len(spans)} pauses, {length:.1f} s in all."


class LINEPORTRAIT_OT_add_blink(RigOperator, Operator):
    bl_idname = "lineportrait.add_blink"
    bl_label = "Add Blink"
    bl_description = "Key a blink into your corrections; the eyes are shut at the playhead"

    def work(self, context: Context, body: Any) -> str:
        scene = context.scene
        blinks.add(body, scene.frame_current, float(compat.frame_rate(scene)))
        return ""


class LINEPORTRAIT_OT_remove_blink(RigOperator, Operator):
    bl_idname = "lineportrait.remove_blink"
    bl_label = "Remove Blink"
    bl_description = "Take out the blink at the playhead, your own or a predicted one"

    def work(self, context: Context, body: Any) -> str:
        frame = context.scene.frame_current
        if not blinks.remove(body, frame):
            raise LpError("NO_BLINK", str(frame))
        return ""


class LINEPORTRAIT_OT_hold_poses(RigOperator, Operator):
    bl_idname = "lineportrait.hold_poses"
    bl_label = "Hold Poses"
    bl_description = "Let every pose last this many frames, without blending; the keys stay as they are"

    frames: IntProperty(name="Frames", default=2, min=1, max=24)

    @classmethod
    def description(cls, context: Context, properties: Any) -> str:
        told: Mapping[int, str] = {1: "A new pose in every frame", 2: "On twos", 3: "On threes"}
        return f"{told.get(properties.frames, 'Held poses')}; {cls.bl_description[0].lower()}{cls.bl_description[1:]}"

    def work(self, context: Context, body: Any) -> str:
        motion.set_hold(body, self.frames)
        return ""


def told_keys(body: Any, region: str) -> str:
    """How many keys the region has and how exact they are: "Mouth: 31 keys a landmark, within 0.5 px"."""
    error = predictions.adjustments_of(body).error.get(region, adjust.KEY_ERROR)
    count = motion.keys_a_landmark(body, region)
    return f"{FACE[region].label}: {count:.0f} keys a landmark, within {error:.2g} px"


def _show_anew(context: Context) -> None:
    """Let Blender evaluate curves that were changed behind its back."""
    scene: Any = context.scene
    if scene:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    compat.redraw(context, ("GRAPH_EDITOR", "VIEW_3D", "SEQUENCE_EDITOR", "DOPESHEET_EDITOR"))


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
    LINEPORTRAIT_OT_scale_region,
    LINEPORTRAIT_OT_smooth_region,
    LINEPORTRAIT_OT_rekey,
    LINEPORTRAIT_OT_close_in_silence,
    LINEPORTRAIT_OT_add_blink,
    LINEPORTRAIT_OT_remove_blink,
    LINEPORTRAIT_OT_hold_poses,
)
