"""Whose manner of moving head and brows have: a voice, as the speaker-aware branch is told of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..audio import content
from ..audio.load import beginning

LONGEST = 60.0
"""Seconds of a recording that are listened to."""
WEIGHTS = ("voice_encoder",)
"""The weight files that it takes to know a voice."""
VOICE = 256
"""Numbers that tell a voice."""


def nobody() -> np.ndarray:
    """(256,) zeros: the voice that the branch takes for an unknown one."""
    return np.zeros(VOICE, np.float32)


def style_of(audio: str | Path) -> np.ndarray:
    """(256,) voice of whoever speaks in a sound file; its first minute counts.

    Raises:
        LpError: ``AUDIO_MISSING``, ``AUDIO_UNREADABLE``, ``AUDIO_TOO_SHORT``, ``WEIGHTS_MISSING``,
            ``WEIGHTS_DAMAGED``.
    """
    return heard_style(beginning(audio, LONGEST, content.SAMPLE_RATE))


def heard_style(samples: np.ndarray) -> np.ndarray:
    """(256,) voice of samples (N,) at `content.SAMPLE_RATE`; the first minute counts.

    Raises LpError ``WEIGHTS_MISSING`` or ``WEIGHTS_DAMAGED``.
    """
    from ..audio.voice import embedding

    return embedding(samples[: int(LONGEST * content.SAMPLE_RATE)])
