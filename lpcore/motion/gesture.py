"""What head and brows do while somebody speaks: the speaker-aware branch (paper section 3.2).

The network is `speaker_branch.SpeakerBranch`. It hears what is said (content features), how (prosody) and by whom (the
voice's embedding), and it is given smooth seeded noise: the same words go with many motions of the head, and a network
without chance could only show their average, which is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..audio import content
from ..types import Progress, no_progress, share_of
from . import pose
from .noise import smooth_noise
from .prosody import liveliness, prosody
from .smooth import gaussian

if TYPE_CHECKING:
    from .speaker_branch import SpeakerBranch

RATE = content.RATE

UNITS = np.array([*np.radians([0.5, 0.9, 0.3]), 0.008, 0.01, 0.15])
"""One unit of the network's outputs: yaw, pitch, roll in radians, shift x, y in ear distances, height of the brows.
About the standard deviations of the films it learnt from."""
LIMITS = np.array([*pose.LIMITS, pose.SHIFT, pose.SHIFT, 1.0])
"""What no output can pass."""

SCALES = (0.2, 0.5, 1.2, 3.0)
"""Seconds over which the noise changes."""
COURSES = 4
"""Courses of noise of each scale: half of them are the same in a mirror, half change their sign."""
MIRROR = np.array([-1, 1, -1, -1, 1, 1], np.float32)
"""What a mirror does to the outputs: yaw, roll and shift x change their sign."""
MIRRORED_NOISE = np.tile(np.repeat([1, -1], COURSES // 2), len(SCALES)).astype(np.float32)
"""What a mirror does to the courses of noise."""
SMOOTHING = 0.08
"""Standard deviation in seconds of the smoothing of what the network says."""

_CALM = 0.35
"""How fast chance moves on while nobody speaks."""
_AWAKE = 0.4
"""Liveliness from which the brows are free; in silence they rest."""


@dataclass(frozen=True, eq=False)
class Gesture:
    """Motion of head and brows, T frames at `RATE` from the span's start.

    pose: (T, 5) float64 yaw, pitch, roll in radians and shift x, y in ear distances, as `pose.pose_displacement` has
        them. brows: (T,) float64 height, 1 = `brows.HEIGHT` above the photo's, -1 = as much below.
    """

    pose: np.ndarray
    brows: np.ndarray


@dataclass(frozen=True, eq=False)
class Delivery:
    """How a span of speech is delivered, T frames at `RATE`: `prosody.prosody` (T, WIDTH) and liveliness (T,)."""

    prosody: np.ndarray
    lively: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray, levels: np.ndarray, silent: np.ndarray) -> Delivery:
        """That of samples (N,) at `content.SAMPLE_RATE` with their levels (T,) in dB and silences (T,) bool."""
        return cls(prosody(samples, levels, silent), liveliness(levels, silent))

    def clock(self) -> np.ndarray:
        """(T,) seconds of chance's own time, which nearly stands still in silence: there the head is calm."""
        return np.cumsum(_CALM + (1 - _CALM) * self.lively) / RATE


def gesture(
    features: np.ndarray | None,
    delivery: Delivery,
    voice: np.ndarray,
    seed: int,
    progress: Progress = no_progress,
) -> Gesture:
    """What head and brows do at amplitude 1.

    Args:
        features: (T, content.WIDTH) what is said; None = nobody listened.
        delivery: how it is said.
        voice: (256,) embedding of whoever's manner is wanted; zeros = nobody's.
        seed: another number, another motion.

    Raises LpError ``WEIGHTS_MISSING``.
    """
    branch = load_branch()
    if features is None:
        features = np.broadcast_to(
            branch.feature_mean[: content.WIDTH].numpy(), (len(delivery.lively), content.WIDTH)
        )
    noise = smooth_noise(delivery.clock(), seed, SCALES, COURSES)
    read = heard(features, delivery)
    # Left and right are alike to speech: the mirrored noise gives exactly the mirrored motion.
    said = branch.predict(read, voice, share_of(progress, 0.0, 0.5), noise)
    other = branch.predict(read, voice, share_of(progress, 0.5, 1.0), noise * MIRRORED_NOISE)
    said = (said + other * MIRROR) / 2
    return shaped(said, delivery.lively)


def heard(features: np.ndarray, delivery: Delivery) -> np.ndarray:
    """(T, content.WIDTH + prosody.WIDTH) float32: what the network reads."""
    return np.concatenate([features, delivery.prosody[: len(features)]], axis=1)


def shaped(said: np.ndarray, lively: np.ndarray) -> Gesture:
    """What the network's outputs (T, 6) stand for; lively (T,)."""
    smooth = gaussian(said.astype(np.float64), SMOOTHING * RATE)
    bounded = LIMITS * np.tanh(smooth * UNITS / LIMITS)
    awake = np.clip(lively / _AWAKE, 0, 1)
    return Gesture(bounded[:, :5], bounded[:, 5] * awake * awake * (3 - 2 * awake))


def load_branch() -> SpeakerBranch:
    """The speaker-aware branch trained by this project, ready to predict. Raises LpError ``WEIGHTS_MISSING``."""
    from ..weights import require

    return read_branch(require("speaker_branch"))


@lru_cache(maxsize=2)
def read_branch(path: Path) -> SpeakerBranch:
    """The branch of a weight file that `train.speaker` wrote."""
    from safetensors import safe_open

    from .speaker_branch import SpeakerBranch, SpeakerBranchConfig

    with safe_open(path, framework="pt") as file:
        config = SpeakerBranchConfig.from_dict(json.loads(file.metadata()["config"]))
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 not a dict
    branch = SpeakerBranch(config)
    branch.load_state_dict(weights)
    return branch.eval().requires_grad_(False)
