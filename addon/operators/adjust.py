"""The buttons that adjust the prediction: scale, smooth, re-key, quiet pauses, blinks, poses on twos."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty
from bpy.types import Event, Operator

from .. import adjust, blinks, compat, motion, pieces, predictions, silence
from ..compat import Context
from ..lpcore.errors import LpError
from ..regions import FACE
from .base import Returned
from .rig_base import REGIONS, RigOperator, owner_of, rig_of

LONGEST_SMOOTH = 0.5
"""Seconds."""


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
            spans = silence.pauses(scene, pieces.every(scene, uid), self.threshold)
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


CLASSES = (
    LINEPORTRAIT_OT_scale_region,
    LINEPORTRAIT_OT_smooth_region,
    LINEPORTRAIT_OT_rekey,
    LINEPORTRAIT_OT_close_in_silence,
    LINEPORTRAIT_OT_add_blink,
    LINEPORTRAIT_OT_remove_blink,
    LINEPORTRAIT_OT_hold_poses,
)
