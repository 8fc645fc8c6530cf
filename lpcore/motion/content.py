"""The content branch: an LSTM from speech content to lip and jaw motion, independent of who speaks.

One class serves the published network (MakeItTalk's content branch as "Animating Portrait Line Drawings" uses it,
section 3.2) and our own smaller one; they differ in `ContentConfig` alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..types import Progress, no_progress
from .feature_rows import rows


@dataclass(frozen=True)
class ContentConfig:
    """Sizes of the content branch.

    features: width of one frame of content features. rate: frames per second.
    look_ahead: frames of the future that a prediction may use.
    windowed: predict every frame from its own window of 1 + look_ahead frames, as published; otherwise the
    LSTM runs once over the sequence, which costs 1 / (1 + look_ahead) as much and remembers the past.
    """

    features: int = 447
    rate: float = 50.0
    look_ahead: int = 10
    windowed: bool = False
    prior: int = 256
    code: int = 128
    hidden: int = 192
    layers: int = 2
    head: tuple[int, int] = (256, 192)
    dropout: float = 0.3


PUBLISHED = ContentConfig(
    features=80, rate=62.5, look_ahead=17, windowed=True,
    prior=256, code=161, hidden=256, layers=3, head=(512, 256), dropout=0.5,
)  # fmt: skip
"""The published network, on the 80 standardised mel bands of converted speech."""

_BLOCK = 2048


class FrameNorm(nn.BatchNorm1d):
    """Batch normalisation of (..., C) over every axis but the last."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)


class ContentBranch(nn.Module):
    """Content features and a face to landmark displacements.

    Besides weights it carries the statistics of its training set: `feature_mean` and `feature_std` (features,),
    and `mean_face` (68, 3), the resting average face in the normalised frame.
    """

    def __init__(self, config: ContentConfig) -> None:
        super().__init__()
        self.config = c = config
        wide, narrow = c.head
        self.prior = nn.Sequential(
            nn.Linear(c.features, c.prior), FrameNorm(c.prior), nn.LeakyReLU(0.2), nn.Linear(c.prior, c.code)
        )
        self.lstm = nn.LSTM(c.code, c.hidden, c.layers, dropout=c.dropout, batch_first=True)
        output = nn.Linear(narrow, 204)
        nn.init.normal_(output.weight, std=0.01)
        nn.init.zeros_(output.bias)
        self.head = nn.Sequential(
            nn.Linear(c.hidden + 204, wide), FrameNorm(wide), nn.LeakyReLU(0.2),
            nn.Linear(wide, narrow), FrameNorm(narrow), nn.LeakyReLU(0.2),
            output,
        )  # fmt: skip
        self.feature_mean: Tensor
        self.feature_std: Tensor
        self.mean_face: Tensor
        self.register_buffer("feature_mean", torch.zeros(c.features))
        self.register_buffer("feature_std", torch.ones(c.features))
        self.register_buffer("mean_face", torch.zeros(68, 3))

    def forward(self, features: Tensor, face: Tensor) -> Tensor:
        """Displacement of every frame of whole sequences.

        Args:
            features: (B, T, features).
            face: (B, 68, 3) resting faces in the normalised frame (ears 1.6 apart, y down).

        Returns:
            (B, T, 68, 3) displacements from `face`; the last frame stands in for the future beyond the end.
        """
        ahead = self.config.look_ahead
        padded = torch.cat([features, features[:, -1:].expand(-1, ahead, -1)], dim=1)
        if self.config.windowed:
            return self.read_windows(padded.unfold(1, 1 + ahead, 1).transpose(2, 3), face)
        states, _ = self.lstm(self.encode(padded))
        return self.decode(states[:, ahead:], face)

    def read_windows(self, windows: Tensor, face: Tensor) -> Tensor:
        """(B, T, 68, 3) displacements, each from its own window; windows (B, T, W, features), face (B, 68, 3)."""
        batch, frames = windows.shape[:2]
        states, _ = self.lstm(self.encode(windows.flatten(0, 1)))
        return self.decode(states[:, -1].reshape(batch, frames, -1), face)

    def encode(self, features: Tensor) -> Tensor:
        """(..., features) -> (..., code)."""
        return self.prior((features - self.feature_mean) / self.feature_std)

    def decode(self, states: Tensor, face: Tensor) -> Tensor:
        """LSTM states (B, T, hidden) and faces (B, 68, 3) -> (B, T, 68, 3)."""
        faces = face.flatten(1)[:, None].expand(-1, states.shape[1], -1)
        return self.head(torch.cat([states, faces], dim=-1)).unflatten(-1, (68, 3))

    @torch.inference_mode()
    def predict(
        self, features: np.ndarray, face: np.ndarray | None = None, progress: Progress = no_progress
    ) -> np.ndarray:
        """Displacements for speech of any length, block by block with the LSTM's state carried on.

        Args:
            features: (T, features) float32.
            face: (68, 3) resting face in the normalised frame; None = the mean face.

        Returns:
            (T, 68, 3) float32 in the normalised frame, equal to `forward` on the whole.
        """
        device = self.feature_mean.device
        person = self.mean_face if face is None else torch.from_numpy(face).float().to(device)
        ahead, count = self.config.look_ahead, len(features)
        state, parts = None, []

        for begin in range(0, count, _BLOCK):
            end = min(begin + _BLOCK, count)
            if self.config.windowed:
                windows = rows(features, begin, end + ahead, device).unfold(0, 1 + ahead, 1).transpose(1, 2)
                moved = self.read_windows(windows[None], person[None])
            else:
                low = begin + ahead if begin else 0
                states, state = self.lstm(self.encode(rows(features, low, end + ahead, device)[None]), state)
                moved = self.decode(states[:, -(end - begin) :], person[None])
            parts.append(moved[0].float().cpu().numpy())
            progress("move the face", end / count)
        return np.concatenate(parts)


_instead: ContextVar[Path | None] = ContextVar("_instead", default=None)


@contextmanager
def weights_from(path: Path) -> Iterator[None]:
    """While this lasts, `load_branch` reads another weight file than the one that is shipped: to compare them."""
    token = _instead.set(path)
    try:
        yield
    finally:
        _instead.reset(token)


def load_branch() -> ContentBranch:
    """The content branch trained by this project, ready to predict; one instance per process and file.

    Raises LpError ``WEIGHTS_MISSING``.
    """
    from ..weights import require

    return _read(_instead.get() or require("content_branch"))


@lru_cache(maxsize=2)
def _read(path: Path) -> ContentBranch:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        values = json.loads(file.metadata()["config"])
        values["head"] = tuple(values["head"])
        branch = ContentBranch(ContentConfig(**values))
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 not a dict
    missing, unexpected = branch.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    return branch.eval().requires_grad_(False)
