"""AutoVC as MakeItTalk retrained it: any voice's mel bands to those of one fixed voice saying the same.

Qian et al., "AutoVC" (2019) and its pitch-conditioned successor. The converted bands after the last layers are the
content that the two branches read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...types import Progress, no_progress


@dataclass(frozen=True)
class ConverterConfig:
    """Sizes: code width per direction, voice, inner width, frames per code, mel bands, pitch classes."""

    neck: int = 16
    voice: int = 256
    width: int = 512
    every: int = 16
    bands: int = 80
    pitches: int = 257


_MULTIPLE = 32
_CHUNK = 4096
_MARGIN = 256
"""Frames of context on either side of a chunk; a multiple of `every`, so that codes keep their places."""


class VoiceConverter(nn.Module):
    """Mel bands, two voices and the melody to the second voice's mel bands."""

    def __init__(self, config: ConverterConfig) -> None:
        super().__init__()
        self.config = c = config
        self.encoder = nn.ModuleList(
            _layer(inputs, c.width, 32) for inputs in (c.bands + c.voice, c.width, c.width)
        )
        self.code = nn.LSTM(c.width, c.neck, 2, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(2 * c.neck + c.voice + c.pitches, c.width, 3, batch_first=True)
        self.out = nn.Linear(c.width, c.bands)
        widths = (c.bands, *[c.width] * 4)
        self.polish = nn.ModuleList(_layer(inputs, c.width, 32) for inputs in widths[:-1])
        self.polish.append(_layer(c.width, c.bands, 5))

    def forward(self, mel: Tensor, source: Tensor, target: Tensor, pitch: Tensor) -> Tensor:
        """(B, T, bands) converted mel bands; T is a multiple of `every`.

        Args:
            mel: (B, T, bands). source, target: (B, voice) who speaks and who shall.
            pitch: (B, T, pitches) one-hot, or zeros where there is no sound.
        """
        count, c = mel.shape[1], self.config
        x = torch.cat([mel, source[:, None].expand(-1, count, -1)], dim=2).transpose(1, 2)
        for layer in self.encoder:
            x = torch.relu(layer(x))
        states, _ = self.code(x.transpose(1, 2))
        # Each direction is read where it has seen the whole of its block.
        forward, backward = states[:, c.every - 1 :: c.every, : c.neck], states[:, :: c.every, c.neck :]
        codes = torch.cat([forward, backward], dim=2).repeat_interleave(c.every, dim=1)
        voices = target[:, None].expand(-1, count, -1)
        states, _ = self.decoder(torch.cat([codes, voices, pitch], dim=2))
        rough = self.out(states)
        x = rough.transpose(1, 2)
        for layer in self.polish[:-1]:
            x = torch.tanh(layer(x))
        return rough + self.polish[-1](x).transpose(1, 2)

    @torch.inference_mode()
    def convert(
        self,
        mel: np.ndarray,
        pitch: np.ndarray,
        source: np.ndarray,
        target: np.ndarray,
        parity: bool = False,
        progress: Progress = no_progress,
    ) -> np.ndarray:
        """Convert speech of any length, 65 s at a time.

        Args:
            mel: (T, bands) float32. pitch: (T,) classes. source, target: (voice,) float32.
            parity: as published, every chunk begins anew; otherwise it is read with its surroundings.

        Returns:
            (T, bands) float32.
        """
        count, margin = len(mel), 0 if parity else _MARGIN
        voices = [torch.from_numpy(np.asarray(v, np.float32))[None] for v in (source, target)]
        result = np.empty_like(mel)
        for begin in range(0, count, _CHUNK):
            end, low = min(begin + _CHUNK, count), max(0, begin - margin)
            high = min(end + margin, count)
            padding = -(high - low) % _MULTIPLE
            bands = F.pad(torch.from_numpy(mel[low:high]), (0, 0, 0, padding))
            melody = F.one_hot(torch.from_numpy(pitch[low:high]), self.config.pitches).float()
            converted = self(bands[None], *voices, F.pad(melody, (0, 0, 0, padding))[None])[0]
            result[begin:end] = converted[begin - low : end - low].numpy()
            progress("listen to the speech", end / count)
        return result


def _layer(inputs: int, outputs: int, groups: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inputs, outputs, 5, padding=2), nn.GroupNorm(groups, outputs))
