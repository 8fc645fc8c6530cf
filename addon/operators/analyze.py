"""*Analyze*: find the face in the photo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpy.types import Operator, Scene

from .. import portrait, preferences, takes
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class LINEPORTRAIT_OT_analyze(JobOperator, Operator):
    title = "Analyzing"
    bl_idname = "lineportrait.analyze"
    bl_label = "Analyze"
    bl_description = "Find the face and its landmarks in the photo"

    @staticmethod
    def require(scene: Scene) -> None:
        if not portrait.values(scene).photo:
            raise LpError("NO_PHOTO")

    @staticmethod
    def make_job(scene: Scene) -> Job:
        chosen, uid = portrait.values(scene), scene.session_uid
        who, path, photo, face = chosen.uid, portrait.photo_path(scene), chosen.photo, chosen.face

        def land(result: Mapping[str, Any]) -> str:
            portrait.remember_found(scene_of(uid), result, photo, face, who)
            count = len(result["faces"])
            if count == 1:
                return "Face found."
            return f"{count} faces found; face {result['face']} will be drawn: Choose Face takes another."

        engine = preferences.start_engine()
        request = protocol.Analyze(engine.next_id(), str(path), str(takes.scratch() / who), face=face)
        return Job(engine, scene, LINEPORTRAIT_OT_analyze.title, request, land)


CLASSES = (LINEPORTRAIT_OT_analyze,)
