"""What the buttons that work on a rig share: which rig and which region, and why a button is grey."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.types import Object, Scene

from .. import compat, motion, portrait, rig
from ..compat import Context
from ..lpcore.errors import LpError
from ..regions import FACE
from .base import Returned

REGIONS = [(name, region.label, f"The {region.label.lower()}") for name, region in FACE.items()]
ACTIVE = "lineportrait_region"
"""Custom property of a rig: the region that the panels work on."""


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


def _show_anew(context: Context) -> None:
    """Let Blender evaluate curves that were changed behind its back."""
    scene: Any = context.scene
    if scene:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    compat.redraw(context, ("GRAPH_EDITOR", "VIEW_3D", "SEQUENCE_EDITOR", "DOPESHEET_EDITOR"))
