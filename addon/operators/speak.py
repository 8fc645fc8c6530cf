"""*Speak*: predict the motion of the landmarks from the speech and lay it on the rig."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from bpy.types import Operator, Scene

from .. import (
    adjust,
    corrected,
    follow,
    keyfit,
    motion,
    pictures,
    pieces,
    portrait,
    predictions,
    preferences,
    rig,
    speech,
    takes,
)
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class Spoken(NamedTuple):
    """What *Speak* lands: the prediction, and its keys as fitted with `adjustments`, one entry per landmark."""

    prediction: adjust.Prediction
    adjustments: adjust.Adjustments
    keys: list[keyfit.Keys]


class LINEPORTRAIT_OT_speak(JobOperator, Operator):
    title = "Speaking"
    bl_idname = "lineportrait.speak"
    bl_label = "Speak"
    bl_description = "Predict the face's motion from the speech and lay it on the rig; keyed corrections stay"

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.analysis(scene)
        pieces.main(scene)

    @staticmethod
    def make_job(scene: Scene) -> Job:
        uid, chosen = scene.session_uid, portrait.values(scene)
        who, settings = chosen.uid, portrait.settings(scene)
        face, photo = portrait.analysis(scene)["face"], portrait.photo_path(scene)
        landmarks = corrected.for_engine(scene)
        heard = pieces.whole(scene)
        engine = preferences.start_engine()
        number = engine.next_id()
        # Numbered, because a cancelled Speak may still hold its files open.
        path = takes.scratch() / f"motion_{number}.npz"
        mixdown = takes.scratch() / f"speech_{number}.wav"
        audio = speech.sound_file(scene, heard, mixdown)
        chosen.speech = heard.strip
        body = portrait.rig_in(scene, who)
        adjustments = predictions.adjustments_of(body) if body else adjust.Adjustments()

        def digest(result: Mapping[str, Any]) -> tuple[Spoken, dict[str, Any]]:
            prediction = dataclasses.replace(predictions.read(path), start=heard.start)
            spoken = Spoken(prediction, adjustments, adjust.fit(prediction, adjustments))
            with contextlib.suppress(OSError):
                path.unlink()
                mixdown.unlink(missing_ok=True)
            return spoken, {"settings": settings, **takes.made_from(result)}

        def land(digested: tuple[Spoken, dict[str, Any]]) -> str:
            spoken, made_from = digested
            lay(scene_of(uid), spoken, heard, made_from, who)
            keys = np.mean([len(landmark.frames) for landmark in spoken.keys])
            return (
                f"{heard.frames} frames of motion, about {keys:.0f} keys a landmark, "
                f"within {motion.KEY_ERROR:g} px of the prediction."
            )

        request = protocol.Speak(
            number,
            str(photo),
            str(audio),
            str(path),
            fps=(heard.fps.numerator, heard.fps.denominator),
            face=face,
            start=heard.start_in_file,
            duration=float(heard.frames / heard.fps),
            frames=heard.frames,
            settings=settings,
            landmarks=landmarks,
        )
        return Job(engine, scene, LINEPORTRAIT_OT_speak.title, request, land, digest=digest)


def lay(
    scene: Scene, spoken: Spoken, heard: speech.Speech, made_from: Mapping[str, Any], who: str = ""
) -> None:
    """Put the prediction on the rig of the portrait `who`; it is made where there is none or a bone is missing."""
    body, prediction = portrait.rig_in(scene, who), spoken.prediction
    try:
        if body:
            rig.set_rest(body, prediction.neutral)
    except LpError:
        body = None
    if body is None:
        body = rig.build(scene, portrait.values(scene, who).name, prediction.neutral)
        portrait.values(scene, who).rig = body
        pictures.place_photo(scene, who)
    with contextlib.suppress(LpError):
        before = portrait.spoken(scene, who)
        if body.animation_data and before.strip == heard.strip:
            motion.show_prediction(body, False)
            follow.carry_corrections(body, before, heard)
    about = {"made_from": dict(made_from), "heard": dataclasses.asdict(heard) | {"fps": str(heard.fps)}}
    adjusted = predictions.adjustments_of(body)  # changed, perhaps, while the engine was at work
    keys = spoken.keys if adjusted == spoken.adjustments else adjust.fit(prediction, adjusted)
    motion.lay_prediction(body, keys, heard.first, prediction, about)
    portrait.remember_spoken(scene, heard, made_from, who)
    with contextlib.suppress(LpError):  # the strip may have gone meanwhile
        pieces.mark(scene, who)


CLASSES = (LINEPORTRAIT_OT_speak,)
