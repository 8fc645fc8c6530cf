"""The shapes of the 68 landmarks that ship as tables: emotions, and the mouths of Rhubarb's cues.

Both are sums of ICT-FaceKit expressions on its mean face. The emotions follow the action units of the facial action
coding system (Ekman and Friesen, 1978), the mouths Rhubarb's description of its mouth shapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from ..files import write_atomically
from ..motion.close import close_lips
from ..motion.shapes import MOUTHS
from ..points68 import INNER_LIP_PAIRS, LIP_FOLLOWERS
from ..types import EMOTIONS
from ..weights.registry import BUNDLED
from .ict import FaceModel

RECIPES: dict[str, dict[str, float]] = {
    "neutral": {},
    # Cheeks and lip corners up: units 6 and 12.
    "happy": {"mouthSmile": 0.55, "cheekSquint": 0.5, "eyeSquint": 0.2, "browOuterUp": 0.1},
    # Inner brows up and together, lip corners down, chin up: units 1, 4, 15 and 17.
    "sad": {
        "browInnerUp": 1.0, "browDown": 0.1, "eyeSquint": 0.25, "mouthFrown": 0.65, "mouthShrugLower": 0.25,
    },
    # Brows down, lids tense, nose wrinkled, lips pressed: units 4, 7, 9 and 24.
    "angry": {
        "browDown": 1.0, "eyeSquint": 0.45, "noseSneer": 0.5, "mouthPress": 0.4, "mouthFrown": 0.3,
        "mouthShrugUpper": 0.1,
    },
    # Brows and upper lids up: units 1, 2 and 5. The jaw stays with the speech.
    "surprised": {"browInnerUp": 1.0, "browOuterUp": 0.5, "eyeWide": 0.6, "mouthFunnel": 0.15},
}  # fmt: skip
"""Emotion -> ICT expression (both sides where no side is named) -> weight at full strength."""

CLOSED = "closed"
"""How far a mouth's lips are brought together after the expressions, 1 = shut; not an expression of the ICT face."""

MOUTH_RECIPES: dict[str, dict[str, float]] = {
    "A": {"jawOpen": 0.03, "mouthPress": 0.3, "mouthRollLower": 0.25, "mouthRollUpper": 0.2, CLOSED: 1.0},
    "B": {"jawOpen": 0.07, "mouthStretch": 0.1, "mouthSmile": 0.05, "mouthLowerDown": 0.2, "mouthUpperUp": 0.08},
    "C": {"jawOpen": 0.24, "mouthStretch": 0.15, "mouthLowerDown": 0.1},
    "D": {"jawOpen": 0.45},
    "E": {"jawOpen": 0.2, "mouthFunnel": 0.3, "mouthPucker": 0.2},
    "F": {"jawOpen": 0.05, "mouthPucker": 0.8, "mouthFunnel": 0.2},
    "G": {"jawOpen": 0.05, "mouthRollLower": 0.5, "mouthUpperUp": 0.25, CLOSED: 0.7},
    "H": {"jawOpen": 0.32, "mouthLowerDown": 0.1},
    "X": {},
}  # fmt: skip
"""Rhubarb's mouth -> ICT expression -> weight; H, the tongue behind the teeth, opens between C and D."""


def emotion_table(model: FaceModel) -> np.ndarray:
    """(5, 68, 3) float32 displacements at full strength in the normalised frame, one per `EMOTIONS`.

    They move the lips without parting or pressing them: whether the mouth is open is up to the speech.
    """
    table = _displaced(model, [RECIPES[name] for name in EMOTIONS])
    for pair in INNER_LIP_PAIRS:
        middle = table[:, pair].mean(axis=1)
        for index in pair:
            correction = middle - table[:, index]
            table[:, index] += correction
            for follower, leaders in LIP_FOLLOWERS.items():
                table[:, follower] += sum(share for leader, share in leaders if leader == index) * correction
    return table


def mouth_table(model: FaceModel) -> np.ndarray:
    """(9, 68, 3) float32 displacements of lips and jaw from the shut mouth, normalised frame, one per `MOUTHS`."""
    shapes = [MOUTH_RECIPES[name] for name in MOUTHS]
    shut = np.array([shape.get(CLOSED, 0.0) for shape in shapes], np.float32)
    opened = [{name: weight for name, weight in shape.items() if name != CLOSED} for shape in shapes]
    rest = rest_face(model)
    return (close_lips(rest + _displaced(model, opened), shut) - rest).astype(np.float32)


def rest_face(model: FaceModel) -> np.ndarray:
    """(68, 3) float32 mean face in the normalised frame, lips together."""
    return close_lips(model.face(np.zeros(0))[0], 1.0).astype(np.float32)


def _displaced(model: FaceModel, shapes: Sequence[Mapping[str, float]]) -> np.ndarray:
    weights = np.zeros((len(shapes), len(model.names)), np.float32)
    for row, shape in zip(weights, shapes, strict=True):
        for column, name in enumerate(model.names):
            row[column] = shape.get(name, shape.get(name.removesuffix("_L").removesuffix("_R"), 0.0))
    return model.displacement(weights) * np.float32(model.face(np.zeros(0))[1])


def main(arguments: list[str] | None = None) -> None:
    """Derive the tables and write them where the package reads them; takes a second."""
    parser = argparse.ArgumentParser(prog="lpcore train face-shapes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ict/ict_light.npz")
    parser.add_argument("--out", type=Path, default=BUNDLED / "face_shapes.safetensors")
    options = parser.parse_args(arguments)
    model = FaceModel.load(options.data / "ict" / "ict_light.npz")
    tables = {"rest": rest_face(model), "emotions": emotion_table(model), "mouths": mouth_table(model)}
    header = {"kind": "face_shapes", "data": "ICT-FaceKit (MIT)", "licence": "GPL-3.0-or-later"}
    write_atomically(options.out, save(tables, metadata=header))
