"""The motion in other worlds: on characters with ARKit's shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from bpy.types import Object, Operator

from .. import arkit, drive, motion, rig
from ..compat import Context
from ..lpcore.errors import LpError
from .adjust import RigOperator, owner_of


class LINEPORTRAIT_OT_drive(RigOperator, Operator):
    bl_idname = "lineportrait.drive"
    bl_label = "Drive Selected Characters"
    bl_description = (
        "Key the motion, corrections included, onto shape keys or pose bones with ARKit's names, such as jawOpen or "
        "mouthSmile_L, of the selected objects. Older keys of these give way"
    )

    @classmethod
    def require(cls, context: Context, body: Object) -> None:
        if not _characters(context, body):
            active = context.active_object
            raise LpError("NOTHING_TO_DRIVE", active.name if active and active != body else "the selection")

    def work(self, context: Context, body: Any) -> str:
        scene, _ = owner_of(body)
        points = motion.sample(scene, body, motion.frames_of(body))
        coefficients, _ = arkit.solve(points, rig.rest(body))
        characters = _characters(context, body)
        done = [drive.drive(one, coefficients, motion.first_frame(body)) for one in characters]
        channels = sum(one.channels for one in done)
        missing = _missing(coefficients, set.intersection(*(set(one.missing) for one in done)))
        told = f"{channels} channels of {', '.join(one.name for one in characters)} follow the motion"
        return f"{told}; they lack {', '.join(missing)}." if missing else f"{told}."


def _characters(context: Context, body: Object) -> list[Object]:
    return [one for one in context.selected_objects if one != body and drive.can(one)]


def _missing(coefficients: np.ndarray, names: set[str]) -> list[str]:
    """The coefficients of `names` that the motion would use most."""
    used = coefficients.max(axis=0)
    known = arkit.names()
    wanted = [index for index in np.argsort(-used) if known[index] in names and used[index] > 0.1]
    return [known[index] for index in wanted[:4]]


CLASSES = (LINEPORTRAIT_OT_drive,)
