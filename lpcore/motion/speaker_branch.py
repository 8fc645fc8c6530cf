"""The speaker branch: attention over a stretch of speech and a voice, to what a speaker's face adds to the lips.

One class serves the published network (MakeItTalk's speaker-aware branch as "Animating Portrait Line Drawings" uses
it, section 3.2) and smaller ones of our own; they differ in `SpeakerBranchConfig` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..types import Progress, no_progress
from .feature_rows import rows


@dataclass(frozen=True)
class SpeakerBranchConfig:
    """Sizes of the speaker branch.

    features: width of one frame of content features. rate: frames per second.
    look_ahead, windowed: as in `content.ContentConfig`.
    hidden, layers: the LSTM that reads the features.
    voice: width of the speaker embedding, which is multiplied by voice_gain; voice_widths: its layers.
    noise: width of the random code that varies the motion, 0 = none; the published network gets zeros.
    placed: frames know their place in the stretch, as published; stretches cut out of longer speech have none.
    model, heads, feed_forward, blocks, dropout: the transformer.
    span: frames that attend to one another at once, the longest sequence of `SpeakerBranch.attend`.
    head: widths of the last layers. outputs: 204 = displacements of 68 points, or any other number.
    """

    features: int = 447
    rate: float = 50.0
    look_ahead: int = 10
    windowed: bool = False
    hidden: int = 128
    layers: int = 2
    voice: int = 256
    voice_gain: float = 3.0
    voice_widths: tuple[int, ...] = (128, 64)
    noise: int = 0
    placed: bool = True
    model: int = 64
    heads: int = 2
    feed_forward: int = 256
    blocks: int = 2
    dropout: float = 0.1
    span: int = 512
    head: tuple[int, ...] = (256, 128)
    outputs: int = 204

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SpeakerBranchConfig:
        """The configuration stored in a weight file's header."""
        lists: dict[str, Any] = {name: tuple(values[name]) for name in ("voice_widths", "head")}
        return cls(**{**values, **lists})


PUBLISHED = SpeakerBranchConfig(
    features=80, rate=62.5, look_ahead=17, windowed=True, hidden=256, layers=3,
    voice_widths=(256, 128, 128), noise=128, model=64, heads=2, feed_forward=2048, blocks=2, span=512,
    head=(512, 256), outputs=204,
)  # fmt: skip
"""The published network, on the 80 standardised mel bands of converted speech."""

_BLOCK = 512


def position_table(length: int, width: int) -> Tensor:
    """(length, width) sines and cosines of the position.

    Columns i and i + 1 (i even) turn at 10000 ** (-2i / width) and 10000 ** (-2(i + 1) / width): twice the customary
    exponents, which the published weights depend on.
    """
    place = torch.arange(length, dtype=torch.float64)[:, None]
    angles = place / 10000 ** (2 * torch.arange(width, dtype=torch.float64) / width)
    table = angles.sin()
    table[:, 1::2] = angles[:, 1::2].cos()
    return table.float()


class SpreadNorm(nn.Module):
    """Normalises the last axis by its mean and its unbiased standard deviation, which the 1e-6 is added to."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        return self.gain * centred / (x.std(dim=-1, keepdim=True) + 1e-6) + self.bias


class Attention(nn.Module):
    """Every frame attends to every other: (B, T, width) -> the same."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a feed-forward layer, each normalised before and added to what came in."""

    def __init__(self, config: SpeakerBranchConfig) -> None:
        super().__init__()
        c = config
        self.norm1, self.norm2 = SpreadNorm(c.model), SpreadNorm(c.model)
        self.attention = Attention(c.model, c.heads, c.dropout)
        self.feed = nn.Sequential(
            nn.Linear(c.model, c.feed_forward),
            nn.ReLU(),
            nn.Dropout(c.dropout),
            nn.Linear(c.feed_forward, c.model),
        )
        self.drop = nn.Dropout(c.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attention(self.norm1(x)))
        return x + self.drop(self.feed(self.norm2(x)))


def _layers(widths: tuple[int, ...]) -> nn.Sequential:
    """Linear layers with LeakyReLU 0.02 between."""
    modules: list[nn.Module] = []
    for before, after in pairwise(widths):
        modules += [nn.Linear(before, after), nn.LeakyReLU(0.02)]
    return nn.Sequential(*modules[:-1])


class SpeakerBranch(nn.Module):
    """Content features and a voice to displacements.

    Besides weights it carries the statistics of its training set: `feature_mean` and `feature_std` (features,).
    """

    def __init__(self, config: SpeakerBranchConfig) -> None:
        super().__init__()
        self.config = c = config
        self.lstm = nn.LSTM(
            c.features, c.hidden, c.layers, dropout=c.dropout if c.layers > 1 else 0.0, batch_first=True
        )
        self.voice = _layers((c.voice, *c.voice_widths))
        self.embed = nn.Linear(c.hidden + c.voice_widths[-1] + c.noise, c.model)
        self.drop = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.blocks))
        self.norm = SpreadNorm(c.model)
        self.head = _layers((c.model + c.noise, *c.head, c.outputs))
        self.positions: Tensor
        self.feature_mean: Tensor
        self.feature_std: Tensor
        self.register_buffer("positions", position_table(c.span, c.model), persistent=False)
        self.register_buffer("feature_mean", torch.zeros(c.features))
        self.register_buffer("feature_std", torch.ones(c.features))

    def forward(self, features: Tensor, voice: Tensor, noise: Tensor | None = None) -> Tensor:
        """Displacements of whole sequences.

        Args:
            features: (B, T, features), T up to `span`.
            voice: (B, voice) speaker embeddings.
            noise: (B, noise) random codes or (B, T, noise), one for every frame; None = zeros.

        Returns:
            (B, T, outputs); the last frame stands in for the future beyond the end.
        """
        ahead = self.config.look_ahead
        padded = torch.cat([features, features[:, -1:].expand(-1, ahead, -1)], dim=1)
        if self.config.windowed:
            states = self.read_windows(padded.unfold(1, 1 + ahead, 1).transpose(2, 3))
        else:
            states = self.lstm(self.standardised(padded))[0][:, ahead:]
        return self.attend(states, voice, noise)

    def standardised(self, features: Tensor) -> Tensor:
        """(..., features) -> the same, by the training set's statistics."""
        return (features - self.feature_mean) / self.feature_std

    def read_windows(self, windows: Tensor) -> Tensor:
        """(B, T, hidden) states of the LSTM at the end of every window (B, T, W, features)."""
        states, _ = self.lstm(self.standardised(windows.flatten(0, 1)))
        # Copied, for a view of the last states would keep those of the whole windows in memory.
        return states[:, -1].clone().unflatten(0, windows.shape[:2])

    def attend(self, states: Tensor, voice: Tensor, noise: Tensor | None = None) -> Tensor:
        """LSTM states (B, T, hidden), T up to `span`, voices and codes as in `forward` -> (B, T, outputs)."""
        count = states.shape[1]
        if noise is None:
            noise = states.new_zeros(len(states), self.config.noise)
        if noise.ndim == 2:
            noise = noise[:, None].expand(-1, count, -1)
        spoken = self.voice(voice * self.config.voice_gain)[:, None].expand(-1, count, -1)
        x = self.embed(torch.cat([states, spoken, noise], dim=-1)) * sqrt(self.config.model)
        x = self.drop(x + self.positions[:count] if self.config.placed else x)
        for block in self.blocks:
            x = block(x)
        return self.head(torch.cat([self.norm(x), noise], dim=-1))

    @torch.inference_mode()
    def predict(
        self,
        features: np.ndarray,
        voice: np.ndarray,
        progress: Progress = no_progress,
        noise: np.ndarray | None = None,
    ) -> np.ndarray:
        """Displacements for speech of any length.

        Frames attend within stretches of `span`; each stretch overlaps the next by half and fades into it, so that
        nothing jumps where they join.

        Args:
            features: (T, features) float32.
            voice: (voice,) speaker embedding.
            noise: (T, noise) random codes; None = zeros.

        Returns:
            (T, outputs) float32; for T up to `span` equal to `forward`.
        """
        states = self.read(features, progress)
        person = torch.from_numpy(np.asarray(voice, np.float32)).to(states.device)[None]
        codes = np.zeros((len(states), self.config.noise)) if noise is None else noise
        codes = torch.from_numpy(codes.astype(np.float32)).to(states.device)
        count, span = len(states), self.config.span
        if count <= span:
            return self.attend(states[None], person, codes[None])[0].float().cpu().numpy()
        total = torch.zeros(count, self.config.outputs)
        weights = torch.zeros(count, 1)
        fade = torch.minimum(torch.arange(1, span + 1), torch.arange(span, 0, -1)).float()[:, None]
        for begin in (*range(0, count - span, span // 2), count - span):
            stretch = slice(begin, begin + span)
            total[stretch] += (
                self.attend(states[None, stretch], person, codes[None, stretch])[0].float().cpu() * fade
            )
            weights[stretch] += fade
            progress("move the face", 0.7 + 0.3 * (begin + span) / count)
        return (total / weights).numpy()

    @torch.inference_mode()
    def read(self, features: np.ndarray, progress: Progress = no_progress) -> Tensor:
        """States (T, hidden) of the LSTM for features (T, features) of any length, block by block."""
        device = self.feature_mean.device
        ahead, count = self.config.look_ahead, len(features)
        state, parts = None, []

        for begin in range(0, count, _BLOCK):
            end = min(begin + _BLOCK, count)
            if self.config.windowed:
                windows = rows(features, begin, end + ahead, device).unfold(0, 1 + ahead, 1).transpose(1, 2)
                parts.append(self.read_windows(windows[None])[0])
            else:
                low = begin + ahead if begin else 0
                states, state = self.lstm(
                    self.standardised(rows(features, low, end + ahead, device)[None]), state
                )
                parts.append(states[0, -(end - begin) :])
            progress("move the face", 0.7 * end / count)
        return torch.cat(parts)
