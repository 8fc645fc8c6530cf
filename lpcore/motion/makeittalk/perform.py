"""The published module in the place of ours: its motion at a film's frames, under the animator's dials."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...audio import level, voice
from ...audio.load import beginning
from ...points68 import BROWS, EYES, JAW, LIPS, NOSE
from ...types import Progress, SpeakSettings, no_progress, share_of
from .. import assemble, blink, closure
from ..close import close_lips, keep_apart
from ..retime import retime
from ..shapes import emotion_displacement, load_shapes
from ..style import LONGEST
from . import RATE, Gains, predict

_JITTER = 0.75
"""Standard deviation at `RATE` of the smoothing of lips and jaw at `SpeakSettings.smoothing` 1."""
_BLOCK = 2048


def perform(
    neutral: np.ndarray,
    samples: np.ndarray,
    silent: np.ndarray,
    settings: SpeakSettings,
    fps: Fraction,
    count: int,
    progress: Progress = no_progress,
) -> dict[str, np.ndarray]:
    """Every part of a film's motion.

    With `SpeakSettings.module` "makeittalk" lips close in silence and lids close in blinks as they do with the default
    module. With "makeittalk-parity" everything is as published and goes at its own pace: the amplitudes, the emotion
    and the voice of `style_audio` alone have their say. Where that motion ends before the film, its last pose stays.
    Its head motion is no rotation, so yaw, pitch, roll and shift are dialled by `head` together.

    Args:
        neutral: (68, 3) float32 crop units.
        samples: (N,) float32 at 16 kHz. silent: (T,) bool at `level.RATE`.
        fps, count: the film's rate and length in frames.

    Returns:
        Name in `types.PARTS` -> (count, 68, 3) float32 crop units.

    Raises:
        LpError: what `predict` raises, and what `audio.load.beginning` does for `style_audio`.
    """
    parity = settings.module == "makeittalk-parity"
    seed = settings.seed if settings.blink_seed is None else settings.blink_seed
    manner = voice.embedding(beginning(settings.style_audio, LONGEST)) if settings.style_audio else None
    predicted = predict(
        neutral,
        samples,
        gains=Gains(settings.lips, settings.jaw, settings.brows, settings.head),
        voice=manner,
        seed=seed,
        parity=parity,
        progress=share_of(progress, 0, 0.9),
    )
    said = _at_frames(predicted["speech"], fps, count, 0 if parity else _JITTER * settings.smoothing)
    moved = _at_frames(predicted["speaker"], fps, count)
    moved[:, NOSE] += said[:, NOSE]
    shown = emotion_displacement(settings, assemble.register(neutral, load_shapes().rest))
    emotion = np.broadcast_to(shown, (count, 68, 3))
    if parity:
        lids = np.zeros_like(said)
        if settings.blink_rate > 0:
            lids += _at_frames(predicted["blinks"], fps, count) * np.float32(settings.blinks)
    else:
        resting = neutral + emotion
        shut = retime(closure.rest(silent, level.RATE), level.RATE, fps, count)
        # The speaker's manner leaves a trace of an open mouth, so what is closed is the whole face.
        said = keep_apart(close_lips(resting + said + moved, shut)) - resting - moved
        times = blink.blink_times(count / float(fps), settings.blink_rate, seed)
        lids = blink.close_lids(resting + said, settings.blinks * blink.blink_envelope(count, fps, times))
    regions = {"lips": LIPS, "jaw": JAW, "brows": (*BROWS, *EYES)}
    parts = {name: _only(said, landmarks) for name, landmarks in regions.items()}
    progress("move the face", 1.0)
    return parts | {"emotion": emotion, "blinks": lids, "head": moved}


def _at_frames(values: np.ndarray, fps: Fraction, count: int, sigma: float = 0.0) -> np.ndarray:
    """(count, 68, 3) float32: the motion (T, 68, 3) at `RATE` as it is at the film's frames."""
    result = np.empty((count, 68, 3), np.float32)
    for first in range(0, count, _BLOCK):
        size = min(_BLOCK, count - first)
        result[first : first + size] = retime(values, RATE, fps, size, first=first, sigma=sigma)
    return result


def _only(displacement: np.ndarray, landmarks: tuple[int, ...]) -> np.ndarray:
    """The displacement of these landmarks alone."""
    result = np.zeros_like(displacement)
    result[:, landmarks] = displacement[:, landmarks]
    return result
