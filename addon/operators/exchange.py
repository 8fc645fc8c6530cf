"""Out to other worlds: the motion on characters with ARKit's shapes, the drawings as vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Object, Operator, Scene

from .. import arkit, compat, drive, grease, motion, pictures, portrait, preferences, rig, strips
from ..compat import Context
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of
from .rig_base import RigOperator, owner_of
from .strip import drawn


class TraceOperator(JobOperator):
    """Base of the buttons that trace the drawn frames."""

    @staticmethod
    def require(scene: Scene) -> None:
        drawn(scene)

    @staticmethod
    def make_trace(scene: Scene, title: str, land: Callable[[Path, Path], str]) -> Job:
        """The job; `land` takes the file of the lines and the folder of the SVG files."""
        strip = drawn(scene)
        frames = [strips.folder_of(strip) / element.filename for element in strip.elements]
        # Beside the take, whose folder is tidied away with it.
        folder = frames[0].parent.with_name(f"{frames[0].parent.name}_svg")
        ink = "#" + "".join(f"{part:02x}" for part in portrait.finish(scene).ink)
        engine = preferences.start_engine()
        request = protocol.Trace(engine.next_id(), [str(frame) for frame in frames], str(folder), ink)
        return Job(engine, scene, title, request, lambda result: land(Path(result["lines"]), folder))


class LINEPORTRAIT_OT_trace_svg(TraceOperator, Operator):
    title = "Tracing to SVG"
    bl_idname = "lineportrait.trace_svg"
    bl_label = "Trace to SVG"
    bl_description = "Trace the lines of every drawn frame to an SVG file, in a folder beside the take"

    @staticmethod
    def make_job(scene: Scene) -> Job:
        def land(lines: Path, folder: Path) -> str:
            return f"{len(list(folder.glob('*.svg')))} SVG files in {folder}."

        return TraceOperator.make_trace(scene, LINEPORTRAIT_OT_trace_svg.title, land)


class LINEPORTRAIT_OT_trace_grease(TraceOperator, Operator):
    title = "Tracing to Grease Pencil"
    bl_idname = "lineportrait.trace_grease"
    bl_label = "Trace to Grease Pencil"
    bl_description = (
        "Trace the lines of the drawn frames to a Grease Pencil object, one drawing for each pose, "
        "where the face lies"
    )

    @staticmethod
    def require(scene: Scene) -> None:
        drawn(scene)
        if not compat.has_grease_pencil():
            raise LpError("NO_GREASE_PENCIL", bpy.app.version_string)

    @staticmethod
    def make_job(scene: Scene) -> Job:
        uid, who, strip = scene.session_uid, portrait.values(scene).uid, drawn(scene)
        first, recipe = pictures.first_frame(scene, who, strip), strips.recipe_of(strip)
        canvas = recipe.get("look", {}).get("canvas", "crop")
        ink = [part / 255 for part in recipe.get("finish", {}).get("ink", (0, 0, 0))]

        def land(lines: Path, folder: Path) -> str:
            shown = grease.land(scene_of(uid), who, lines, first, canvas, ink)
            return f"{shown.name}: {len(shown.data.layers[0].frames)} drawings."

        return TraceOperator.make_trace(scene, LINEPORTRAIT_OT_trace_grease.title, land)


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


CLASSES = (LINEPORTRAIT_OT_drive, LINEPORTRAIT_OT_trace_svg, LINEPORTRAIT_OT_trace_grease)
