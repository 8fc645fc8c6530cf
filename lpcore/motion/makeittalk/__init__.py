"""The published speech-to-landmark module: MakeItTalk's, as "Animating Portrait Line Drawings" uses it (section 3.2).

It needs the authors' checkpoints, which `lpcore weights import --makeittalk DIR` converts. `parity` repeats the
published programs to the letter; without it the same networks get what those programs take from them: the last 0.3 s
of the sound, clips of any length, no jump every 8.19 s, blinks that close the eyes. Never repeated are their failing
on sound without any voice and their writing over the user's sound file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ...audio import voice as voices
from ...errors import LpError
from ...points68 import BROWS, EYES, JAW, LIPS, NOSE
from ...types import Progress, no_progress, share_of
from ...weights import require
from ..content import ContentBranch, ContentConfig
from ..speaker_branch import SpeakerBranch, SpeakerBranchConfig
from . import face as faces
from . import finish, sound
from .converter import ConverterConfig, VoiceConverter

RATE = sound.RATE
"""Frames per second of what `predict` returns."""

SAMPLE_RATE = sound.SAMPLE_RATE
_LOOK_AHEAD = 18
"""Frames by which the published motion is shorter than its sound."""


@dataclass(frozen=True)
class Gains:
    """How strongly each part of the face follows, 1 = as published: what is said by the lips, the jaw, brows and
    eyes; and the head, with what the speaker's manner does to the whole face.
    """

    lips: float = 1.0
    jaw: float = 1.0
    expression: float = 1.0
    head: float = 1.0


@dataclass(frozen=True, eq=False)
class Networks:
    """The imported module. mel_mean, mel_std (80,); target_voice (256,); standard (68, 3), all float32."""

    converter: VoiceConverter
    content: ContentBranch
    speaker: SpeakerBranch
    mel_mean: np.ndarray
    mel_std: np.ndarray
    target_voice: np.ndarray
    standard: np.ndarray


def predict(
    landmarks: np.ndarray,
    samples: np.ndarray,
    *,
    gains: Gains | None = None,
    voice: np.ndarray | None = None,
    seed: int = 0,
    parity: bool = False,
    progress: Progress = no_progress,
) -> dict[str, np.ndarray]:
    """The motion of a face that speaks, in parts that add up.

    Args:
        landmarks: (68, 3) crop units, a resting face; it is not changed.
        samples: (N,) float32 mono at 16 kHz, at least 0.04 s; they are not changed.
        gains: amplitudes; None = as published.
        voice: (256,) whose manner the head has; None = the speaker's own.
        seed: of the blinks, with `parity` only.
        parity: repeat the published programs with all they get wrong. Needs 28 frames, 0.45 s of sound.
        progress: phases "listen to the speech", "move the face".

    Returns:
        Displacements (T, 68, 3) float32 in crop units at `RATE`, frame k at k / `RATE` seconds. T = N // 256 + 1,
        which reaches the sound's end. "speech": what the content says, "speaker": head motion and manner. With
        `parity` T is 18 to 27 frames less, and there are "blinks"; otherwise blinking is left to `motion.blink`.

    Raises:
        LpError: ``WEIGHTS_NOT_IMPORTED``, ``WEIGHTS_MISSING`` (the voice encoder), ``BAD_VALUE`` (too short for
            parity).
    """
    nets, gains = load_networks(), gains or Gains()
    content, voice = _listen(nets, samples, voice, parity, share_of(progress, 0, 0.5))
    resting = faces.tweaked(landmarks) if parity else np.asarray(landmarks, np.float64)
    face = faces.normalised(resting, nets.standard)

    said, moved = _run_branches(nets, content, voice, face, parity, share_of(progress, 0.5, 1))
    count = len(said)
    size = finish.SEGMENT if parity else count
    said = np.concatenate([finish.calibrated(said[k : k + size]) for k in range(0, count, size)])
    moved = np.concatenate([finish.steady_speaker(moved[k : k + size]) for k in range(0, count, size)])
    said, moved = said * _content_gains(gains), moved * np.float32(gains.head)
    said = finish.uninverted(face + said + moved, face) - face - moved

    # Lengths of the normalised frame; its depth may point the other way.
    unit = faces.unit(resting) * np.array([1, 1, faces.depth_direction(nets.standard)], np.float32)
    parts = {"speech": said, "speaker": moved}
    parts = {name: finish.smoothed(finish.line_up_nose(part), 5) * unit for name, part in parts.items()}
    if parity:
        # The published nose is in line already at rest, not only in how it moves.
        parts["speech"] += finish.line_up_nose(resting[None]) - resting
        spoken = resting + parts["speech"] + parts["speaker"]
        parts["blinks"] = finish.naive_blinks(spoken, seed)
    progress("move the face", 1.0)
    return {name: finish.last_smoothing(part).astype(np.float32) for name, part in parts.items()}


def _listen(
    nets: Networks, samples: np.ndarray, voice: np.ndarray | None, parity: bool, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised content (T, 80) and the voice (256,) whose manner is wanted."""
    loud = sound.levelled(samples)
    heard = sound.cleaned(loud)
    if parity:
        source = sound.published_voice(loud)
        voice = sound.published_voice(samples) if voice is None else voice
    else:
        source = voices.embedding(samples)
        voice = source if voice is None else voice
    progress("listen to the speech", 0.3)
    content = nets.converter.convert(
        sound.mel_bands(heard),
        sound.pitch_track(heard),
        source,
        nets.target_voice,
        parity,
        share_of(progress, 0.3, 1),
    )
    return (content - nets.mel_mean) / nets.mel_std, voice


def _run_branches(
    nets: Networks, content: np.ndarray, voice: np.ndarray, face: np.ndarray, parity: bool, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Displacements (T, 68, 3) of the content and of the speaker branch; fewer frames with `parity`."""
    said = nets.content.predict(content, face, share_of(progress, 0, 0.5))
    if not parity:
        moved = nets.speaker.predict(content, voice, share_of(progress, 0.5, 1))
        return said, moved.reshape(-1, 68, 3)
    count = len(content) - _LOOK_AHEAD
    rest = count % finish.SEGMENT
    count -= rest if rest < finish.FEWEST else 0
    if count < finish.FEWEST:
        raise LpError("BAD_VALUE", "parity with the published module needs at least 0.45 seconds of speech")
    with torch.inference_mode():
        person = torch.from_numpy(voice)[None]
        segments = nets.speaker.read(content)[:count].split(finish.SEGMENT)
        moved = torch.cat([nets.speaker.attend(segment[None], person)[0] for segment in segments])
    return said[:count], moved.numpy().reshape(-1, 68, 3)


def _content_gains(gains: Gains) -> np.ndarray:
    """(68, 1) float32 amplitude of what the content branch does to each landmark."""
    result = np.empty((68, 1), np.float32)
    regions = ((LIPS, gains.lips), (JAW, gains.jaw), ((*BROWS, *EYES), gains.expression), (NOSE, gains.head))
    for landmarks, gain in regions:
        result[list(landmarks)] = gain
    return result


def load_networks() -> Networks:
    """The imported module, ready to run; one instance per process. Raises LpError ``WEIGHTS_NOT_IMPORTED``."""
    names = ("converter", "content_branch", "speaker_branch", "mel", "target_voice", "face")
    return _load(*(require(f"makeittalk_{name}") for name in names))


def imported_voices() -> dict[str, np.ndarray]:
    """The training speakers' voices (256,) float32 by name, whose manner `predict` can be given.

    Raises LpError ``WEIGHTS_NOT_IMPORTED``.
    """
    from safetensors.numpy import load_file

    return load_file(require("makeittalk_voices"))


@lru_cache(maxsize=1)
def _load(*_paths: object) -> Networks:
    from safetensors.numpy import load_file

    from ...weights.tensors import load

    mel = load_file(require("makeittalk_mel"))
    return Networks(
        load("makeittalk_converter", lambda config: VoiceConverter(ConverterConfig(**config))),
        load("makeittalk_content_branch", lambda config: ContentBranch(content_config(config))),
        load(
            "makeittalk_speaker_branch", lambda config: SpeakerBranch(SpeakerBranchConfig.from_dict(config))
        ),
        mel["mean"],
        mel["std"],
        load_file(require("makeittalk_target_voice"))["voice"],
        load_file(require("makeittalk_face"))["standard"],
    )


def content_config(values: Mapping[str, Any]) -> ContentConfig:
    """The content branch's configuration as a weight file's header stores it."""
    return ContentConfig(**{**values, "head": tuple(values["head"])})
