"""Random expressions and turns of the ICT-FaceKit head, in the ranges that keep its surface in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .head import FaceState

_RANGES: tuple[tuple[str, float, float, float], ...] = (
    ("mouthFunnel", 0.5, 0.4, 0.2),
    ("mouthPucker", 0.6, 0.35, 0.2),
    ("mouthRollLower", 0.4, 0.25, 0.2),
    ("mouthRollUpper", 0.4, 0.25, 0.2),
    ("mouthShrugLower", 0.4, 0.25, 0.2),
    ("mouthShrugUpper", 0.3, 0.2, 0.2),
    ("mouthSmile", 0.8, 0.4, 0.2),
    ("mouthStretch", 0.5, 0.3, 0.2),
    ("mouthLowerDown", 0.6, 0.4, 0.2),
    ("mouthUpperUp", 0.5, 0.35, 0.2),
    ("mouthPress", 0.5, 0.25, 0.2),
    ("mouthFrown", 0.5, 0.2, 0.2),
    ("mouthDimple", 0.5, 0.2, 0.2),
    ("cheekSquint", 0.7, 0.2, 0.2),
    ("eyeSquint", 0.6, 0.25, 0.2),
    ("eyeWide", 0.7, 0.2, 0.2),
    ("browDown", 0.7, 0.25, 0.2),
    ("browInnerUp", 0.8, 0.3, 0.2),
    ("browOuterUp", 0.8, 0.3, 0.2),
    ("noseSneer", 0.4, 0.15, 0.2),
    ("eyeBlink", 1.0, 0.3, 0.02),
)
"""Expression (both sides), greatest weight, how often it takes part, how unlike its sides may be."""
_JAW, _CLOSE = 0.35, 0.8
_TURN_SPREAD, _TURN_LIMIT = (5.0, 7.0, 5.0), (10.0, 15.0, 8.0)
"""Pitch, yaw, roll in degrees."""
_ZOOM, _SHIFT = 0.04, 0.03
_PIVOT = np.array([0.0, -2.0, -1.0])
_CAMERA = np.diag([1.0, -1.0, -1.0])
"""From picture axes (y down, depth away) to y up and z towards the viewer, and back."""


def random_expression(names: Sequence[str], rng: np.random.Generator, level: float = 1.0) -> np.ndarray:
    """(E,) float32 weights of the expressions `names`; `level` scales how far the face moves."""
    weights = dict.fromkeys(names, 0.0)
    weights["jawOpen"] = jaw = rng.uniform(0, _JAW) * level
    if rng.random() < 0.5:
        # Lips together over a dropped jaw; beyond this share they would cross.
        weights["mouthClose"] = rng.uniform(0, _CLOSE) * jaw
    for name, limit, chance, unlike in _RANGES:
        amount, part = rng.uniform(0, limit) * level, rng.random() < chance
        for side in ("", "_L", "_R"):
            if part and name + side in weights:
                weights[name + side] = min(amount * (1 + unlike * rng.uniform(-1, 1) * bool(side)), 1.0)
    return np.array([weights[name] for name in names], np.float32)


def random_turn(state: FaceState, eyes: float, rng: np.random.Generator, level: float = 1.0) -> FaceState:
    """`state` with the head turned, moved and scaled a little; eyes: outer-eye-corner distance in its pixels."""
    spread, limit = (np.array(values) * level for values in (_TURN_SPREAD, _TURN_LIMIT))
    pitch, yaw, roll = np.clip(rng.normal(0, 1, 3) * spread, -limit, limit)
    zoom = 1 + rng.uniform(-_ZOOM, _ZOOM) * level
    shift = rng.normal(0, _SHIFT * level, 2) * eyes
    return turned(state, pitch, yaw, roll, zoom, shift)


def turned(
    state: FaceState,
    pitch: float,
    yaw: float,
    roll: float,
    zoom: float = 1.0,
    shift: np.ndarray | float = 0.0,
) -> FaceState:
    """`state` (one) after a turn about the neck in degrees.

    Positive pitch nods down, positive yaw brings the nose to image right, positive roll tilts the head to image left.
    """
    (cp, cy, cr), (sp, sy, sr) = (f(np.deg2rad([pitch, yaw, roll])) for f in (np.cos, np.sin))
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    axes = zoom * _CAMERA @ about_z @ about_y @ about_x @ _CAMERA @ state.axes
    place = state.axes[:2] @ _PIVOT + state.shift + shift
    return replace(state, axes=axes.astype(np.float32), shift=(place - axes[:2] @ _PIVOT).astype(np.float32))
