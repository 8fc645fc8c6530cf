"""*Speak*: predict the motion of the landmarks from the speech and lay it on the rig."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bpy.types import Operator, Scene

from .. import keyfit, motion, portrait, preferences, rig, speech, takes
from ..jobs import Job
from ..lpcore import protocol
from ..lpcore.errors import LpError
from .base import JobOperator, scene_of


class Prediction(NamedTuple):
    """What *Speak* lands: the photo's landmarks (68, 3), and keys of the displacement (x, y) per landmark."""

    neutral: np.ndarray
    keys: list[keyfit.Keys]


def read_prediction(path: Path) -> Prediction:
    """The motion file as keys, within `motion.KEY_ERROR` crop px of every predicted frame."""
    with np.load(path, allow_pickle=False) as arrays:
        points, neutral = arrays["points"].astype(np.float64), arrays["neutral"].astype(np.float64)
    moved = (points - neutral)[..., :2].transpose(1, 0, 2)
    return Prediction(neutral, keyfit.reduce_keys(moved, motion.KEY_ERROR))


class LINEPORTRAIT_OT_speak(JobOperator, Operator):
    title = "Speaking"
    bl_idname = "lineportrait.speak"
    bl_label = "Speak"
    bl_description = "Predict the face's motion from the speech and lay it on the rig; keyed corrections stay"

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.analysis(scene)
        speech.find(scene, portrait.values(scene).speech)

    @staticmethod
    def make_job(scene: Scene) -> Job:
        uid, chosen = scene.session_uid, portrait.values(scene)
        who, settings = chosen.uid, portrait.settings(scene)
        face, photo = portrait.analysis(scene)["face"], portrait.photo_path(scene)
        heard = speech.describe(scene, speech.find(scene, chosen.speech))
        engine = preferences.start_engine()
        number = engine.next_id()
        # Numbered, because a cancelled Speak may still hold its files open.
        path = takes.scratch() / f"motion_{number}.npz"
        mixdown = takes.scratch() / f"speech_{number}.wav"
        audio = speech.sound_file(scene, heard, mixdown)
        chosen.speech = heard.strip

        def digest(result: Mapping[str, Any]) -> tuple[Prediction, dict[str, Any]]:
            prediction = read_prediction(path)
            with contextlib.suppress(OSError):
                path.unlink()
                mixdown.unlink(missing_ok=True)
            return prediction, {"settings": settings, "audio_sha256": result.get("audio_sha256", "")}

        def land(digested: tuple[Prediction, dict[str, Any]]) -> str:
            prediction, made_from = digested
            lay(scene_of(uid), prediction, heard, made_from, who)
            keys = np.mean([len(landmark.frames) for landmark in prediction.keys])
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
            start=heard.start,
            duration=float(heard.frames / heard.fps),
            frames=heard.frames,
            settings=settings,
        )
        return Job(engine, scene, LINEPORTRAIT_OT_speak.title, request, land, digest=digest)


def lay(
    scene: Scene, prediction: Prediction, heard: speech.Speech, made_from: Mapping[str, Any], who: str = ""
) -> None:
    """Put the prediction on the rig of the portrait `who`; it is made where there is none or a bone is missing."""
    body = portrait.rig_in(scene, who)
    try:
        if body:
            rig.set_rest(body, prediction.neutral)
    except LpError:
        body = None
    if body is None:
        body = rig.build(scene, portrait.values(scene, who).name, prediction.neutral)
        portrait.values(scene, who).rig = body
    motion.lay_prediction(body, prediction.keys, heard.first)
    portrait.remember_spoken(scene, heard, made_from, who)


CLASSES = (LINEPORTRAIT_OT_speak,)
