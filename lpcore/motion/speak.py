"""Speech and a portrait to landmark motion: the verb *speak*."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..audio import content, level
from ..audio.load import load
from ..errors import LpError
from ..types import PARTS, Motion, Portrait, Progress, SpeakSettings, no_progress, share_of
from ..weights import present
from . import style
from .cues import Cue, articulate_cues
from .gesture import Delivery, gesture
from .mouth import articulate
from .performance import Performance, perform
from .retime import frame_count

OWN_WEIGHTS = ("hama", "content_branch", "speaker_branch")
PUBLISHED_WEIGHTS = tuple(f"makeittalk_{name}" for name in (
    "converter", "content_branch", "speaker_branch", "mel", "target_voice", "face",
))  # fmt: skip


def speak(
    portrait: Portrait,
    audio: str | Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    frames: int | None = None,
    fps: Fraction = Fraction(25),
    settings: SpeakSettings | None = None,
    cues: Sequence[Cue] | None = None,
    progress: Progress = no_progress,
) -> Motion:
    """The motion of a portrait that speaks a span of a sound file.

    Args:
        portrait: only its landmarks are used.
        audio: any sound file; it is only read.
        start, duration: the span in seconds; duration None = to the end.
        frames: exact number of frames; None = as many as the span fills, `retime.frame_count`.
        fps: exact frame rate.
        settings: what shapes the motion; None = the defaults.
        cues: mouth cues in seconds of the sound file that lips and jaw follow instead of what is heard.
        progress: phases "read the speech", "listen to the speech", "move the face".

    Returns:
        A motion whose parts add up to its points. Without head motion the nose stands perfectly still; the inner
        lips never cross; with `hold` the frames of one pose are identical.

    Raises:
        LpError: ``AUDIO_MISSING``, ``AUDIO_UNREADABLE``, ``AUDIO_TOO_SHORT``, ``SPAN_OUTSIDE``, ``BAD_VALUE``,
            ``WEIGHTS_MISSING``, ``WEIGHTS_DAMAGED``, ``WEIGHTS_NOT_IMPORTED``.
    """
    settings = settings or SpeakSettings()
    fps = Fraction(fps)
    if not 1 <= fps <= 240:
        raise LpError("BAD_VALUE", f"the frame rate is {float(fps):g}, it must be between 1 and 240")
    if frames is not None and frames < 1:
        raise LpError("BAD_VALUE", f"{frames} frames were asked for, at least 1 is needed")
    if cues is not None and settings.module != "default":
        raise LpError(
            "BAD_VALUE", f"mouth cues move the lips of the default module, not of {settings.module}"
        )

    progress("read the speech", 0.0)
    samples = load(audio, start, duration, content.SAMPLE_RATE)
    levels = level.level(samples, content.SAMPLE_RATE)
    silent = level.silence(levels, settings.silence_db)
    neutral = np.asarray(portrait.landmarks, np.float32)
    count = frames or frame_count(duration or len(samples) / content.SAMPLE_RATE, fps)
    poses = -(-count // settings.hold)
    pace = fps / settings.hold
    if settings.module != "default":
        from .makeittalk.perform import perform as perform_published

        parts = perform_published(
            neutral, samples, silent, settings, pace, poses, share_of(progress, 0.1, 1.0)
        )
    else:
        features = None if cues is not None else content.features(samples, share_of(progress, 0.1, 0.5))
        # At a threshold of its own: the user's is for closing lips, and must not change how the head moves.
        delivery = Delivery.of(samples, levels, level.silence(levels))
        voice = _voice(settings, samples)
        del samples
        moved = gesture(features, delivery, voice, settings.seed, share_of(progress, 0.5, 0.6))
        if features is None:
            mouth = articulate_cues(cues or (), start, len(levels))
        else:
            mouth = articulate(features, silent, share_of(progress, 0.6, 0.8))
        del features
        performance = Performance(neutral, mouth, moved, settings, pace, poses)
        parts = perform(performance, share_of(progress, 0.8, 1.0))
    if settings.hold > 1:
        parts = {name: np.repeat(part, settings.hold, axis=0)[:count] for name, part in parts.items()}
    return Motion(fps, float(start), neutral, {name: parts[name] for name in PARTS})


def speech_weights(settings: SpeakSettings) -> tuple[str, ...]:
    """Names of the weight files with which the settings move a face."""
    shapes = ("face_shapes",) if settings.emotion != "neutral" else ()
    if settings.module != "default":
        return ("voice_encoder", *PUBLISHED_WEIGHTS, *shapes)
    return (*OWN_WEIGHTS, *(style.WEIGHTS if _knows_voice(settings) else ()), *shapes)


def _knows_voice(settings: SpeakSettings) -> bool:
    return settings.style_audio is not None or all(map(present, style.WEIGHTS))


def _voice(settings: SpeakSettings, samples: np.ndarray) -> np.ndarray:
    """(256,) that of the recording the settings name, else the speaker's own where it can be known, else nobody's."""
    if settings.style_audio is not None:
        return style.style_of(settings.style_audio)
    return style.heard_style(samples) if _knows_voice(settings) else style.nobody()
