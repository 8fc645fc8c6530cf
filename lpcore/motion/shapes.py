"""Ready-made shapes of the face: emotions and the mouths of Rhubarb's cues, in the normalised frame.

They are derived from ICT-FaceKit expressions by `lpcore.train.face_shapes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..types import EMOTIONS, SpeakSettings
from .assemble import Registration

MOUTHS = "ABCDEFGHX"
"""Rhubarb's mouth shapes: A lips pressed (p, b, m), B teeth (s, t, ee), C open (eh), D wide open (ah), E rounded (aw),
F puckered (oo, w), G lower lip at the teeth (f, v), H tongue up (l), X at rest."""


@dataclass(frozen=True, eq=False)
class FaceShapes:
    """rest (68, 3): the mean face with shut lips; emotions (5, 68, 3) and mouths (9, 68, 3): displacements from it in
    the order of `EMOTIONS` and `MOUTHS`. Float32, normalised frame (ears 1.6 apart, x right, y down).
    """

    rest: np.ndarray
    emotions: np.ndarray
    mouths: np.ndarray

    def emotion(self, name: str) -> np.ndarray:
        """(68, 3) displacement of the emotion `name` at full strength."""
        return self.emotions[EMOTIONS.index(name)]


def load_shapes() -> FaceShapes:
    """The tables that come with the package; raises LpError ``WEIGHTS_MISSING``."""
    from ..weights import require

    return _read(require("face_shapes"))


def emotion_displacement(settings: SpeakSettings, registration: Registration) -> np.ndarray:
    """(68, 3) float32 crop units: what the emotion of the settings does to a face, all the time."""
    if settings.emotion == "neutral":
        return np.zeros((68, 3), np.float32)
    shape = settings.emotion_strength * load_shapes().emotion(settings.emotion)
    return registration.vectors(shape).astype(np.float32)


@lru_cache(maxsize=1)
def _read(path: Path) -> FaceShapes:
    from safetensors.numpy import load_file

    return FaceShapes(**load_file(path))
