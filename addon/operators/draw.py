"""*Draw*: draw the frames of the speech as the rig stands there, and show them as one strip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpy.types import Operator, Scene

from .. import cuts, measured, order, pictures, pieces, plan, portrait, preferences, strips, takes
from ..jobs import Job
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class LINEPORTRAIT_OT_draw(JobOperator, Operator):
    title = "Drawing"
    bl_idname = "lineportrait.draw"
    bl_label = "Draw"
    bl_description = (
        "Draw every frame of the speech as the rig moves, into one strip above the speech. "
        "Frames that look as they did before are not drawn again"
    )

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.analysis(scene)
        portrait.spoken(scene)
        pieces.main(scene)

    @staticmethod
    def make_job(scene: Scene) -> Job:
        uid, wanted = scene.session_uid, order.of(scene)
        heard, chosen = wanted.heard, portrait.values(scene)
        points = order.sample(scene, wanted)
        engine = preferences.start_engine()
        former = plan.former_takes(scene, wanted)
        take = takes.new_take(chosen)
        path = takes.write_motion(take, points)
        recipe, again = wanted.recipe(), strips.find(scene, wanted.portrait) is not None

        def show(count: int, result: Mapping[str, Any]) -> None:
            files = [takes.frame_name(index) for index in range(count)]
            made = recipe | {name: result[name] for name in FROM_ENGINE if name in result}
            where = scene_of(uid, take)
            lies = pieces_now(where, wanted)
            strips.land(where, wanted.portrait, wanted.name, take, files, lies, heard.channel, made)
            pictures.place_drawing(where, wanted.portrait)

        def land(result: Mapping[str, Any]) -> str:
            show(heard.frames, result)
            plan.forget()
            measured.remember_cost(wanted.kind, result)
            return told(result, again)

        def salvage(drawn: list[int]) -> str:
            plan.forget()
            complete = next((i for i, index in enumerate(drawn) if i != index), len(drawn))
            if not drawn:
                takes.discard_if_empty(take)
                return ""
            if complete and strips.find(scene_of(uid, take), wanted.portrait) is None:
                show(complete, {})
            return f"{len(drawn)} of {heard.frames} frames are kept in {take}; Redraw goes on from there."

        request = order.draw_request(wanted, engine.next_id(), path, take, former)
        return Job(engine, scene, LINEPORTRAIT_OT_draw.title, request, land, salvage=salvage)


def pieces_now(scene: Scene, wanted: order.Order) -> list[cuts.Piece]:
    """Where the speech lies now, which may have changed while it was drawn.

    Where it lay then, if it has gone or another speech was chosen meanwhile.
    """
    heard = wanted.heard
    there = [cuts.Piece(0, heard.frames, heard.first)]
    try:
        if not pieces.speaks(scene, heard.strip, wanted.portrait):
            return there
        pieces.mark(scene, wanted.portrait)
        return pieces.of_take(scene, heard.start, heard.fps, wanted.portrait)
    except LpError:
        return there


FROM_ENGINE = ("look", "engine", "device", "version", "size")
"""What the engine's result adds to the recipe of the strip."""


def told(result: Mapping[str, Any], again: bool) -> str:
    """What a Draw has really cost: "7 of 250 frames redrawn in 0.4 s, 0.9 MB."."""
    frames, drawn, finished = (result.get(name, 0) for name in ("frames", "drawn", "finished"))
    cost = f"in {plan.in_seconds(result.get('seconds', 0))}, {plan.in_megabytes(result.get('bytes', 0))}."
    if drawn:
        count = f"{frames}" if drawn == frames else f"{drawn} of {frames}"
        return f"{count} frames {'redrawn' if again else 'drawn'} {cost}"
    if finished:
        count = f"{frames}" if finished == frames else f"{finished} of {frames}"
        return f"{count} frames finished anew, none redrawn, {cost}"
    return f"Nothing had to be drawn: all {frames} frames were there."


CLASSES = (LINEPORTRAIT_OT_draw,)
