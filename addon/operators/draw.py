"""*Draw*: draw every frame of the speech as the rig stands there, and show the frames as one strip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bpy.types import Operator, Scene

from .. import motion, portrait, preferences, speech, strips, takes
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class LINEPORTRAIT_OT_draw(JobOperator, Operator):
    title = "Drawing"
    bl_idname = "lineportrait.draw"
    bl_label = "Draw"
    bl_description = "Draw every frame of the speech as the rig moves, into one strip above the speech"

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.analysis(scene)
        portrait.spoken(scene)
        speech.find(scene, portrait.values(scene).speech)

    @staticmethod
    def make_job(scene: Scene) -> Job:
        chosen, uid = portrait.values(scene), scene.session_uid
        body, name = portrait.rig_in(scene), chosen.name
        face, photo = portrait.analysis(scene)["face"], portrait.photo_path(scene)
        spoken = portrait.spoken(scene)
        heard = speech.describe(scene, speech.find(scene, chosen.speech))
        if body is None or not motion.has_prediction(body):
            raise LpError("NOT_SPOKEN")
        frames = np.round([spoken.frame_at(seconds) for seconds in heard.times()], 6)
        points = motion.sample(scene, body, frames)
        engine = preferences.start_engine()
        take = takes.new_take(str(photo))
        path = take / takes.MOTION
        try:
            np.savez(path, points=points.astype(np.float32))
        except OSError as error:
            takes.discard_if_empty(take)
            raise takes.write_error(error, take) from error

        def show(count: int) -> None:
            files = [takes.frame_name(index) for index in range(count)]
            strips.land(scene_of(uid, take), name, take, files, heard.first, heard.channel)

        def land(result: Mapping[str, Any]) -> str:
            show(heard.frames)
            return f"{heard.frames} frames drawn in {result.get('seconds', 0):.1f} s."

        def salvage(drawn: list[int]) -> str:
            complete = next((i for i, index in enumerate(drawn) if i != index), len(drawn))
            if not complete:
                takes.discard_if_empty(take)
                return ""
            if strips.find(scene_of(uid, take), name) is None:
                show(complete)
            return f"{complete} of {heard.frames} frames are kept in {take}."

        request = protocol.Draw(
            engine.next_id(),
            str(photo),
            str(path),
            str(take),
            face=face,
            prefix=takes.PREFIX,
            style=chosen.style,
            size=chosen.size if chosen.canvas == "crop" else chosen.photo_limit,
            canvas=chosen.canvas,
        )
        return Job(engine, scene, LINEPORTRAIT_OT_draw.title, request, land, salvage=salvage)


CLASSES = (LINEPORTRAIT_OT_draw,)
