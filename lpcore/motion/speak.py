"""Speech and a portrait to landmark motion: the verb *speak*."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from pathlib import Path

import numpy as np

from ..audio import content, level
from ..audio.load import load
from ..errors import LpError
from ..types import Motion, Portrait, Progress, SpeakSettings, no_progress
from . import assemble, blink, brows, closure, pose
from .close import close_lips, closed_mouth, keep_apart
from .retime import frame_count, frame_times, retime, retime_peaks
from .smooth import gaussian

RATE = content.RATE
_JITTER = 0.6
"""Standard deviation in feature frames of the smoothing that removes the network's jitter and keeps consonants."""
_LIVELINESS_RANGE_DB = 30.0
_LIVELINESS_SIGMA = 0.35


@dataclass(frozen=True, eq=False)
class Speech:
    """What is known of a span of speech, T frames at `RATE` from the span's start.

    features (T, content.WIDTH), levels (T,) dB, silent (T,) bool, seconds: length of the span's sound.
    """

    features: np.ndarray
    levels: np.ndarray
    silent: np.ndarray
    seconds: float

    @property
    def liveliness(self) -> np.ndarray:
        """(T,) in [0, 1]: 0 = 30 dB or more below the loud level, 1 = at it; smooth over about a second."""
        if self.silent.all():
            return np.zeros(len(self.levels))
        share = 1 + (self.levels - level.loud_level(self.levels)) / _LIVELINESS_RANGE_DB
        return gaussian(np.clip(share, 0, 1).astype(np.float64), _LIVELINESS_SIGMA * RATE)


def speak(
    portrait: Portrait,
    audio: str | Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    frames: int | None = None,
    fps: Fraction = Fraction(25),
    settings: SpeakSettings | None = None,
    progress: Progress = no_progress,
) -> Motion:
    """The motion of a portrait that speaks a span of a sound file.

    Args:
        portrait: only its landmarks are used.
        audio: any sound file; it is only read.
        start, duration: the span in seconds; duration None = to the end.
        frames: exact number of frames; None = as many as the span fills, `retime.frame_count`.
        fps: exact frame rate.
        settings: amplitudes, blinks, silence threshold and seed; None = the defaults.
        progress: phases "read the speech", "listen to the speech", "move the face".

    Returns:
        A motion whose parts add up to its points. Without pose the nose stands perfectly still; the inner lips
        never cross.

    Raises:
        LpError: ``AUDIO_MISSING``, ``AUDIO_UNREADABLE``, ``AUDIO_TOO_SHORT``, ``SPAN_OUTSIDE``, ``BAD_VALUE``,
            ``WEIGHTS_MISSING``, ``WEIGHTS_DAMAGED``.
    """
    settings = settings or SpeakSettings()
    fps = Fraction(fps)
    _check(settings, fps, frames)
    speech = listen(audio, start, duration, settings.silence_db, progress)
    count = frames or frame_count(duration or speech.seconds, fps)
    neutral = np.asarray(portrait.landmarks, np.float32)

    moved, mean_face = _predict(speech, progress)
    registration = assemble.register(neutral, mean_face)
    zero = np.zeros((count, 68, 3), np.float32)

    lips = _lips(speech, moved, neutral, mean_face, registration, settings, fps, count) - neutral
    expression = zero
    if settings.expression > 0:
        stressed = brows.stresses(speech.levels, speech.silent, RATE)
        height = brows.brow_raise(frame_times(count, fps), stressed, settings.seed) * settings.expression
        expression = brows.brow_displacement(height, registration.vectors(np.array([0, -brows.HEIGHT, 0])))
    face = neutral + lips + expression

    shut = blink.blink_times(count / float(fps), settings.blink_rate, settings.seed)
    blinks = blink.close_lids(face, blink.blink_envelope(count, fps, shut))
    face = face + blinks

    liveliness = retime(speech.liveliness, RATE, fps, count)
    swing = pose.head_motion(frame_times(count, fps), liveliness, settings.seed)
    turned = pose.pose_displacement(face, neutral, swing, settings.head)
    # Turned lips that touch may cross by a hair in the picture plane.
    lips = lips + (keep_apart(face + turned) - (face + turned))
    progress("move the face", 1.0)
    parts = {"lips": lips, "expression": expression, "pose": turned, "blinks": blinks}
    return Motion(fps, float(start), neutral, parts)


def listen(
    audio: str | Path,
    start: float,
    duration: float | None,
    silence_db: float,
    progress: Progress = no_progress,
) -> Speech:
    """Read and analyse a span of a sound file; raises like `speak`."""
    progress("read the speech", 0.0)
    samples = load(audio, start, duration, content.SAMPLE_RATE)
    levels = level.level(samples, content.SAMPLE_RATE)
    silent = level.silence(levels, silence_db)
    features = content.features(samples, lambda phase, done: progress(phase, 0.1 + 0.6 * done))
    return Speech(features, levels, silent, len(samples) / content.SAMPLE_RATE)


def _predict(speech: Speech, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Displacement (T, 68, 3) at `RATE` and the mean face (68, 3), both in the normalised frame."""
    from .content import load_branch

    branch = load_branch()
    # The mean face, not the photo's: what a face adds is its size, which the registration knows more surely.
    moved = branch.predict(
        speech.features, progress=lambda phase, done: progress("move the face", 0.7 + 0.2 * done)
    )
    return gaussian(moved, _JITTER), branch.mean_face.numpy()


def _lips(
    speech: Speech,
    moved: np.ndarray,
    neutral: np.ndarray,
    mean_face: np.ndarray,
    registration: assemble.Registration,
    settings: SpeakSettings,
    fps: Fraction,
    count: int,
) -> np.ndarray:
    """(count, 68, 3) crop units: the shut mouth, moved by the speech, closed where it has to be."""
    resting = closure.rest(speech.silent, RATE)
    pressed = closure.bilabial_closure(speech.features[:, list(content.BILABIALS)].sum(axis=1), RATE)
    awake = (1 - resting)[:, None, None].astype(np.float32)
    moved = retime(moved * awake, RATE, fps, count)
    mouth = assemble.mouth_scale(neutral, mean_face, registration)
    spoken = assemble.speech_displacement(moved, registration, mouth, settings.lips, settings.jaw)
    shut = np.maximum(retime(resting, RATE, fps, count), retime_peaks(pressed, RATE, fps, count))
    return keep_apart(close_lips(closed_mouth(neutral) + spoken, shut))


def _check(settings: SpeakSettings, fps: Fraction, frames: int | None) -> None:
    for name in ("lips", "jaw", "expression", "head", "blink_rate"):
        value = getattr(settings, name)
        if not isfinite(value) or value < 0:
            raise LpError("BAD_VALUE", f"{name} is {value:g}, it must be 0 or more")
    if not isfinite(settings.silence_db) or settings.silence_db >= 0:
        raise LpError("BAD_VALUE", f"silence_db is {settings.silence_db:g}, it must be below 0")
    if settings.seed < 0:
        raise LpError("BAD_VALUE", f"seed is {settings.seed}, it must be 0 or more")
    if not 1 <= fps <= 240:
        raise LpError("BAD_VALUE", f"the frame rate is {float(fps):g}, it must be between 1 and 240")
    if frames is not None and frames < 1:
        raise LpError("BAD_VALUE", f"{frames} frames were asked for, at least 1 is needed")
