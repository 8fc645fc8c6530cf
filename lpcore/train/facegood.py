"""FACEGOOD's recordings (MIT): Mandarin speech with blendshape curves, as landmark motion on the ICT face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.load import load
from ..motion.close import keep_apart
from .ict import FaceModel

FPS = 30
"""Rate of the blendshape curves; frame 0 lies at the audio's start."""

HELD_OUT = ("3_16",)
"""Takes that measure and never train."""

LATE = 0.02
"""Seconds by which the curves come after the mouths that real films show to the same sounds."""

LIVELY = 1.3
"""Smile, stretch and pucker are raised by this factor: mouth width moves too little in the recordings."""

_SIDES = (("l", "L"), ("r", "R"))


def _gains() -> dict[str, dict[str, float]]:
    gains: dict[str, dict[str, float]] = {
        "mouth_stretch_c": {"jawOpen": 0.6},
        "mouth_oh_c": {"jawOpen": 0.25, "mouthFunnel": 0.45, "mouthPucker": 0.15 * LIVELY},
        "mouth_oo_c": {"mouthPucker": 0.8 * LIVELY, "mouthFunnel": 0.15},
        "mouth_chinRaise_u": {"mouthShrugUpper": 0.6},
        "mouth_chinRaise_d": {"mouthShrugLower": 0.6},
    }
    for s, side in _SIDES:
        gains[f"mouth_funnel_u{s}"] = gains[f"mouth_funnel_d{s}"] = {"mouthFunnel": 0.2}
        gains[f"mouth_pucker_{s}"] = {"mouthPucker": 0.45 * LIVELY}
        gains[f"mouth_suck_d{s}"] = {"mouthRollLower": 0.45}
        gains[f"mouth_suck_u{s}"] = {"mouthRollUpper": 0.45}
        gains[f"mouth_lowerLipDepress_{s}"] = {f"mouthLowerDown_{side}": 1.0}
        gains[f"mouth_upperLipRaise_{s}"] = {f"mouthUpperUp_{side}": 1.0}
        gains[f"mouth_lipCornerPull_{s}"] = {f"mouthSmile_{side}": 0.8 * LIVELY}
        gains[f"mouth_press_{s}"] = {f"mouthPress_{side}": 0.8}
        gains[f"mouth_lipStretch_{s}"] = {f"mouthStretch_{side}": 0.8 * LIVELY}
    return gains


GAINS: Mapping[str, Mapping[str, float]] = _gains()
"""FACEGOOD channel -> ICT expression -> gain; contributions add up. Other channels are ignored."""


def to_ict(curves: np.ndarray, channels: Sequence[str], expressions: Sequence[str]) -> np.ndarray:
    """ICT expression weights from FACEGOOD curves.

    Sucked-in or pressed lips are m, b and p: there the lips close although the jaw is open.

    Args:
        curves: (T, C) values in [0, 1] of the C `channels`.
        expressions: the E names of the ICT expressions.

    Returns:
        (T, E) float32 in [0, 1].
    """
    value = {name: curves[:, i].astype(np.float32) for i, name in enumerate(channels)}
    column = {name: i for i, name in enumerate(expressions)}
    weights = np.zeros((len(curves), len(expressions)), np.float32)
    for channel, targets in GAINS.items():
        for expression, gain in targets.items():
            weights[:, column[expression]] += gain * value[channel]
    weights = weights.clip(0, 1)
    pressed = [
        ("mouth_suck_dl", "mouth_suck_dr"),
        ("mouth_suck_ul", "mouth_suck_ur"),
        ("mouth_press_l", "mouth_press_r"),
    ]
    strength = np.max([(value[a] + value[b]) / 2 for a, b in pressed], axis=0)
    closed = (strength / 0.15).clip(0, 1)
    close, jaw, funnel = column["mouthClose"], column["jawOpen"], column["mouthFunnel"]
    weights[:, close] = np.maximum(weights[:, close], 0.95 * closed * weights[:, jaw])
    weights[:, funnel] *= 1 - 0.7 * closed
    return weights


@dataclass(frozen=True, eq=False)
class Take:
    """One recording: samples (N,) float32 at 16 kHz; motion (T, 68, 3) float32 ICT model units at `fps`."""

    name: str
    samples: np.ndarray
    motion: np.ndarray
    fps: int = FPS
    late: float = 0.0
    """Seconds by which the motion comes after the sound it belongs to."""

    def motion_at(self, seconds: np.ndarray) -> np.ndarray:
        """(len(seconds), 68, 3) displacement at any times, linear between frames, held past the ends."""
        place = np.clip((seconds + self.late) * self.fps, 0, len(self.motion) - 1)
        low = np.minimum(place.astype(int), max(len(self.motion) - 2, 0))
        share = (place - low)[:, None, None].astype(np.float32)
        high = np.minimum(low + 1, len(self.motion) - 1)
        return self.motion[low] * (1 - share) + self.motion[high] * share


def load_takes(folder: Path, model: FaceModel) -> list[Take]:
    """Every recording in `folder`: ``blendshapes_30fps.npz`` (bs_*, names) and one ``*_<take>.flac`` each."""
    takes = []
    with np.load(folder / "blendshapes_30fps.npz", allow_pickle=False) as data:
        channels = [str(name) for name in data["names"]]
        for key in sorted(name for name in data.files if name.startswith("bs_")):
            name = key.removeprefix("bs_")
            motion = model.displacement(to_ict(data[key], channels, model.names))
            # The closure rule makes the lips of a few frames cross; a drawing would show it.
            motion = keep_apart(model.neutral + motion) - model.neutral
            takes.append(
                Take(name, load(next(folder.glob(f"*_{name}.flac"))), motion.astype(np.float32), late=LATE)
            )
    return takes
