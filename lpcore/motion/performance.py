"""One portrait's performance of one articulation: every part of the motion, any stretch of frames at a time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..points68 import JAW
from ..types import Progress, SpeakSettings, no_progress
from . import assemble, blink, brows, pose
from .close import close_lips, closed_mouth, keep_apart
from .gesture import Gesture
from .mouth import RATE, Articulation
from .retime import frame_times, retime, retime_peaks
from .shapes import emotion_displacement
from .smooth import ramp

_BLOCK = 2048
"""Frames computed at once; what is in work does not grow with the film."""
_JITTER = 0.6
"""Standard deviation at `RATE` of the smoothing that removes the network's jitter and keeps consonants."""


def perform(performance: Performance, progress: Progress = no_progress) -> dict[str, np.ndarray]:
    """Every part of the whole film: name in `types.PARTS` -> (T, 68, 3) float32 crop units."""
    count = performance.count
    parts: dict[str, np.ndarray] = {}
    for first in range(0, count, _BLOCK):
        for name, block in performance.frames(first, min(_BLOCK, count - first)).items():
            if first == 0:
                parts[name] = np.zeros((count, 68, 3), np.float32)
            if block.any():  # pages of zeros that nothing is written to take no memory
                parts[name][first : first + len(block)] = block
        progress("move the face", min(1.0, (first + _BLOCK) / count))
    return parts | {"emotion": np.broadcast_to(performance.emotion, (count, 68, 3))}


class Performance:
    """All that is known of a film's motion before its frames are computed: curves of one number a frame.

    Args:
        neutral: (68, 3) float32 crop units, the photo's landmarks.
        mouth: what lips and jaw do.
        gesture: what head and brows do, at `RATE` from the span's start.
        fps, count: the film's rate and length in frames.
    """

    def __init__(
        self,
        neutral: np.ndarray,
        mouth: Articulation,
        gesture: Gesture,
        settings: SpeakSettings,
        fps: Fraction,
        count: int,
    ) -> None:
        self._neutral, self._mouth, self._settings, self._fps = neutral, mouth, settings, fps
        self.count = count
        self._registration = assemble.register(neutral, mouth.mean_face)
        self._mouth_scale = assemble.mouth_scale(neutral, mouth.mean_face, self._registration)
        resting = retime(mouth.resting, RATE, fps, count)
        self._shut = np.maximum(resting, retime_peaks(mouth.pressed, RATE, fps, count))

        self.emotion = emotion_displacement(settings, self._registration)
        seed = settings.seed if settings.blink_seed is None else settings.blink_seed
        shut = blink.blink_times(count / float(fps), settings.blink_rate, seed)
        self._lids = settings.blinks * blink.blink_envelope(count, fps, shut)
        awake = ramp(frame_times(count, fps) / pose.WAKE)
        self._brows = settings.brows * awake * retime(gesture.brows, RATE, fps, count)
        amplitude = [settings.yaw, settings.pitch, settings.roll, settings.shift, settings.shift]
        swing = retime(gesture.pose, RATE, fps, count) * awake[:, None]
        self._swing = swing * amplitude * settings.head

    def frames(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Every part but the emotion for frames [first, first + count): name -> (count, 68, 3) float32 crop units.

        With the emotion they add up to faces whose inner lips never cross. Pieces of a film join without seams.
        """
        rows = slice(first, first + count)
        resting = self._neutral + self.emotion
        mouth = self._spoken(first, count) - resting
        brow = brows.brow_displacement(
            self._brows[rows], self._registration.vectors(np.array([0, -brows.HEIGHT, 0]))
        )
        face = resting + mouth + brow
        lids = blink.close_lids(face, self._lids[rows])
        face += lids
        turned = pose.pose_displacement(face, self._neutral, self._swing[rows])
        face += turned
        # Turned lips that touch may cross by a hair in the picture plane.
        mouth += keep_apart(face) - face
        jaw = np.zeros_like(mouth)
        jaw[:, JAW], mouth[:, JAW] = mouth[:, JAW], 0
        return {"lips": mouth, "jaw": jaw, "brows": brow, "blinks": lids, "head": turned}

    def _spoken(self, first: int, count: int) -> np.ndarray:
        """(count, 68, 3) crop units: the shut mouth, moved by the speech, closed where it has to be."""
        settings = self._settings
        moved = retime(
            self._mouth.moved, RATE, self._fps, count, first=first, sigma=_JITTER * settings.smoothing
        )
        moved = assemble.speech_displacement(
            moved, self._registration, self._mouth_scale, settings.lips, settings.jaw
        )
        shut = closed_mouth(self._neutral) + self.emotion
        return keep_apart(close_lips(shut + moved, self._shut[first : first + count]))
