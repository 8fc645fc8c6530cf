"""Who is speaking: a point on the unit sphere of 256 dimensions, close for one voice, far for another.

The network is Resemblyzer's speaker encoder (Apache-2.0), trained after Wan et al., "Generalized End-to-End Loss for
Speaker Verification" (2018); MakeItTalk and AutoVC take their voices from the same weights.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import level
from .mel import mel_filters, mel_spectrogram

WIDTH = 256
RATE = 16000

_BANDS = 40
_WINDOW, _HOP = 400, 160
_PARTIAL = 160
"""Mel frames in one stretch of speech that the network reads: 1.6 s."""
_STEP = 50
_COVERAGE = 0.75
"""Share of the last stretch that must be speech."""
_MOST = 40
"""Stretches of a long recording that are read; they lie evenly over it."""
_SILENCE_DB = -25.0
"""Below the loud level; what lies between this and the usual threshold of silence is mostly the room."""
_LOUDNESS = 10 ** (-30 / 20)
"""Root mean square to which quieter recordings are raised."""


class VoiceEncoder(nn.Module):
    """Log-free mel powers (B, T, 40) to unit vectors (B, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_BANDS, WIDTH, 3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mel: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mel)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


def embedding(samples: np.ndarray) -> np.ndarray:
    """The voice of a recording.

    Silence is left out and quiet sound raised. Stretches of 1.6 s, two a second and at most 40, are read one by one;
    the mean of their vectors is brought to unit length. (Resemblyzer finds silence by WebRTC's detector; energy does
    as well for speech that is meant to be heard, and needs no further package.)

    Args:
        samples: (N,) float32 mono at 16 kHz, nominally in [-1, 1].

    Returns:
        (256,) float32 of length 1, no entry negative. Sound without speech has a vector too, that of nobody.

    Raises:
        LpError: ``WEIGHTS_MISSING`` or ``WEIGHTS_DAMAGED``.
    """
    vectors = partial_embeddings(voiced(samples), _MOST)
    mean = vectors.mean(axis=0)
    return (mean / np.linalg.norm(mean)).astype(np.float32)


def voiced(samples: np.ndarray) -> np.ndarray:
    """(M,) float32: the samples raised to -30 dB where quieter, without the silences; all of them if none is loud."""
    loudness = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if 0 < loudness < _LOUDNESS:
        samples = samples * np.float32(_LOUDNESS / loudness)
    heard = ~level.silence(level.level(samples, RATE), _SILENCE_DB)
    if not heard.any():
        return samples
    return samples[np.repeat(heard, RATE // level.RATE)[: len(samples)]]


@torch.inference_mode()
def partial_embeddings(samples: np.ndarray, most: int | None = None) -> np.ndarray:
    """Unit vectors of the overlapping stretches of a recording.

    Args:
        samples: (N,) float32 at 16 kHz, without silences.
        most: how many stretches to read, evenly chosen; None = all.

    Returns:
        (P, 256) float32, P >= 1; a recording shorter than a stretch is padded with silence.
    """
    from ..weights import require

    frames = -(-(len(samples) + 1) // _HOP)
    begins = np.arange(0, max(1, frames - _PARTIAL + _STEP + 1), _STEP)
    stretch = _PARTIAL * _HOP
    if len(begins) > 1 and len(samples) - begins[-1] * _HOP < _COVERAGE * stretch:
        begins = begins[:-1]
    padded = np.pad(samples, (0, max(0, begins[-1] * _HOP + stretch - len(samples))))
    if most is not None and len(begins) > most:
        begins = begins[np.linspace(0, len(begins) - 1, most).round().astype(int)]
    mel = mel_spectrogram(padded, mel_filters(_BANDS, _WINDOW, 0, RATE / 2), _WINDOW, _HOP, power=2)
    batch = np.stack([mel[begin : begin + _PARTIAL] for begin in begins])
    encoder = _load(require("voice_encoder"))
    return np.concatenate([encoder(part).numpy() for part in torch.from_numpy(batch).split(_MOST)])


@lru_cache(maxsize=1)
def _load(path: Path) -> VoiceEncoder:
    encoder = VoiceEncoder()
    state = torch.load(path, weights_only=True, map_location="cpu")["model_state"]
    encoder.load_state_dict({k: v for k, v in state.items() if not k.startswith("similarity_")})
    return encoder.eval().requires_grad_(False)
