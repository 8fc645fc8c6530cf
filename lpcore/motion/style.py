"""How much and how quickly a voice moves its face: the speaker-aware branch.

The network is `speaker_branch.SpeakerBranch` on content features and the voice's embedding. It does not draw head
motion itself, which takes far more film than it was taught with; it scales what `pose`, `brows` and the content branch
do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..audio import content, level
from ..audio.load import beginning
from ..types import Progress, SpeakSettings, no_progress

if TYPE_CHECKING:
    from .speaker_branch import SpeakerBranch

LONGEST = 60.0
"""Seconds of a recording that are listened to."""
WEIGHTS = ("speaker_style", "voice_encoder")
"""The weight files that it takes to hear a style."""
STRONGEST = 1.4
"""Limit of every factor; 1 / STRONGEST is the other."""


@dataclass(frozen=True)
class Style:
    """A voice's way of moving in factors on that of an average speaker, within `STRONGEST`.

    mouth, brows, head: how far they move. tempo: how quickly the head moves.
    """

    mouth: float = 1.0
    brows: float = 1.0
    head: float = 1.0
    tempo: float = 1.0

    def applied(self, settings: SpeakSettings) -> SpeakSettings:
        """The settings with their amplitudes multiplied; `tempo` has no setting."""
        return replace(
            settings,
            lips=settings.lips * self.mouth,
            jaw=settings.jaw * self.mouth,
            brows=settings.brows * self.brows,
            head=settings.head * self.head,
        )


def style_of(audio: str | Path, progress: Progress = no_progress) -> Style:
    """The style of whoever speaks in a sound file; its first minute counts.

    Raises:
        LpError: ``AUDIO_MISSING``, ``AUDIO_UNREADABLE``, ``AUDIO_TOO_SHORT``, ``WEIGHTS_MISSING``,
            ``WEIGHTS_DAMAGED``.
    """
    samples = beginning(audio, LONGEST, content.SAMPLE_RATE)
    return heard_style(samples, content.features(samples, progress))


def heard_style(samples: np.ndarray, features: np.ndarray) -> Style:
    """The style of speech that is already known; its first minute counts.

    samples (N,) at `content.SAMPLE_RATE`, features (T, content.WIDTH). Raises LpError ``WEIGHTS_MISSING`` or
    ``WEIGHTS_DAMAGED``.
    """
    from ..audio.voice import embedding
    from ..weights import require

    frames = int(LONGEST * content.RATE)
    heard = samples[: int(LONGEST * content.SAMPLE_RATE)]
    # At a threshold of its own: the user's is for closing lips, and must not change how far they open.
    speaking = ~level.silence(level.level(heard))[:frames]
    branch = _load(require("speaker_style"))
    return read_style(branch, features[:frames], embedding(heard), speaking)


def read_style(branch: SpeakerBranch, features: np.ndarray, voice: np.ndarray, speaking: np.ndarray) -> Style:
    """What the branch says of speech, on average over the frames in which somebody speaks.

    features (T, content.WIDTH), voice (256,), speaking (T,) bool.
    """
    frames = branch.predict(features, voice)
    mean = frames[speaking].mean(axis=0) if speaking.any() else np.zeros(frames.shape[1])
    return Style(*(float(factor) for factor in np.exp(np.tanh(mean) * np.log(STRONGEST))))


@lru_cache(maxsize=1)
def _load(path: Path) -> SpeakerBranch:
    from safetensors import safe_open

    from .speaker_branch import SpeakerBranch, SpeakerBranchConfig

    with safe_open(path, framework="pt") as file:
        config = SpeakerBranchConfig.from_dict(json.loads(file.metadata()["config"]))
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 not a dict
    branch = SpeakerBranch(config)
    branch.load_state_dict(weights)
    return branch.eval().requires_grad_(False)
