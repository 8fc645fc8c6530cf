"""*Analyze*: find the face in the photo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bpy.types import Operator, Scene

from .. import preferences, takes
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class LINEPORTRAIT_OT_analyze(JobOperator, Operator):
    bl_idname = "lineportrait.analyze"
    bl_label = "Analyze"
    bl_description = "Find the face and its landmarks in the photo"

    @staticmethod
    def check(scene: Scene) -> None:
        if not scene.lineportrait.photo:
            raise LpError("NO_PHOTO")

    @staticmethod
    def make_job(scene: Scene) -> Job:
        portrait, uid = scene.lineportrait, scene.session_uid
        photo, face = portrait.photo_path(), portrait.face
        chosen = portrait.photo

        def land(result: Mapping[str, Any]) -> str:
            landing = scene_of(uid).lineportrait
            if (landing.photo, landing.face) != (chosen, face):
                return "Photo changed meanwhile; press Analyze again."
            landing.found = json.dumps(dict(result))
            count = len(result["faces"])
            return (
                "Face found." if count == 1 else f"{count} faces found; face {result['face']} will be drawn."
            )

        engine = preferences.start_engine()
        request = protocol.Analyze(engine.next_id(), str(photo), str(takes.scratch()), face=face)
        return Job(engine, scene, "Analyzing", request, land)


CLASSES = (LINEPORTRAIT_OT_analyze,)
