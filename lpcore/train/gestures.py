"""What head and brows of filmed people do, as the speaker-aware branch learns it, and how what it says is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio import content, level, voice
from ..evaluate.tracking import EAR_UNITS, Clip
from ..motion import brows
from ..motion.gesture import COURSES, LIMITS, RATE, SCALES, SMOOTHING, UNITS, Delivery, heard
from ..motion.noise import smooth_noise
from ..motion.smooth import gaussian, reach_of
from ..points68 import BROWS
from .ict import EAR_DISTANCE
from .voices import vary

MEDIAN = 5
"""Frames of the median that takes single wrong frames of the tracker away (0.2 s at 25 pictures a second)."""
JITTER = 1.5
"""Standard deviation in frames of the smoothing after it: 60 ms."""

_BESIDE_BROWS = (27, 39, 42)
"""Bridge of the nose and inner eye corners, from which the brows' height is measured."""
_NECK = 0.35
"""How far below the ears the head turns, ear distances, as in `pose.pose_displacement`."""


@dataclass(frozen=True, eq=False)
class Example:
    """One recording in one voice and room.

    heard (T, features), clock (T,) seconds of chance's time, voice (256,), motion (T, 6) in `gesture.UNITS`, zero on
    average; None where nobody was filmed.
    """

    name: str
    heard: np.ndarray
    clock: np.ndarray
    voice: np.ndarray
    motion: np.ndarray | None


def filmed(clip: Clip) -> np.ndarray:
    """(T, 6) motion of head and brows in `gesture.UNITS` at the film's rate, zero on average.

    Smoothed by a median of `MEDIAN` frames and a Gaussian of `JITTER` frames.
    """
    pose = clip.pose.copy()
    # Tracked shifts are those of the point between the ears, which a tilt about the neck moves too.
    pose[:, 3] -= _NECK * np.sin(pose[:, 2])
    height = clip.points[:, list(_BESIDE_BROWS), 1].mean(axis=1) - clip.points[:, list(BROWS), 1].mean(axis=1)
    raised = height / EAR_UNITS * EAR_DISTANCE / brows.HEIGHT
    motion = gaussian(_median(np.column_stack([pose, raised])), JITTER)
    return (motion - motion.mean(axis=0)) / UNITS


def _median(values: np.ndarray) -> np.ndarray:
    half = MEDIAN // 2
    padded = np.concatenate([values[:1]] * half + [values] + [values[-1:]] * half)
    return np.median(np.stack([padded[k : k + len(values)] for k in range(MEDIAN)]), axis=0)


def examples(
    name: str, samples: np.ndarray, motion: np.ndarray | None, fps: float, versions: int, seed: int
) -> list[Example]:
    """A recording in `versions` voices, speeds and rooms, the first as it is; motion (T, 6) at `fps`."""
    made = []
    for version in range(versions):
        rng = np.random.default_rng([seed, version, *name.encode()])
        sound, speed = vary(samples, rng) if version else (samples, 1.0)
        features = content.features(sound)
        levels = level.level(sound)
        delivery = Delivery.of(sound, levels, level.silence(levels))
        shown = None
        if motion is not None:
            places = np.arange(len(features)) / RATE * speed * fps
            shown = np.stack(
                [np.interp(places, np.arange(len(motion)), column) for column in motion.T], axis=1
            ).astype(np.float32)
        read = heard(features, delivery)
        made.append(Example(name, read, delivery.clock(), voice.embedding(sound), shown))
    return made


def chances(clock: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, T, noise) courses of chance for one stretch; clock (T,)."""
    seeds = rng.integers(0, 2**32, count)
    return np.stack([smooth_noise(clock - clock[0], int(seed), SCALES, COURSES) for seed in seeds])


def shown(said: Tensor) -> Tensor:
    """What the outputs (..., T, 6) of the network are to see, in `gesture.UNITS`: smoothed and bounded."""
    sigma = SMOOTHING * RATE
    reach = reach_of(sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    flat = said.flatten(0, -3).transpose(1, 2)
    padded = F.pad(flat, (reach, reach), mode="replicate").unfold(2, 2 * reach + 1, 1)
    smooth = (padded @ (kernel / kernel.sum())).transpose(1, 2).reshape(said.shape)
    limits = torch.from_numpy((LIMITS / UNITS).astype(np.float32))
    return limits * torch.tanh(smooth / limits)


def energy_score(drawn: Tensor, true: Tensor) -> Tensor:
    """The energy score of K >= 2 draws (K, B, D) for what happened (B, D): (B,), lower is better.

    Mean distance of the draws from the truth, less half the mean distance between two draws (Gneiting and Raftery,
    "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007): least in expectation where the draws are
    distributed as the truth is.
    """
    count = len(drawn)
    off = (drawn - true).norm(dim=-1).mean(dim=0)
    between = (drawn[:, None] - drawn[None]).square().sum(dim=-1).clamp(min=1e-12).sqrt()
    apart = (between * (1 - torch.eye(count))[:, :, None]).sum(dim=(0, 1)) / (count * (count - 1))
    return off - 0.5 * apart


STEPS = (3, 10, 30)
"""Frames between which the motion is scored too."""


def gesture_loss(drawn: Tensor, true: Tensor, spread: Sequence[float]) -> Tensor:
    """(B,) energy scores of K motions (K, B, T, 6) for the filmed one (B, T, 6), averaged over what they look at.

    Looked at are the course about its average and the motion over `STEPS`, each of all outputs together and of each
    alone. spread: the films' standard deviations of the former and the latter, which they are measured in.
    """
    views = [(drawn - drawn.mean(dim=-2, keepdim=True), true - true.mean(dim=-2, keepdim=True))]
    views += [
        (d[..., n:, :] - d[..., :-n, :], t[..., n:, :] - t[..., :-n, :])
        for n in STEPS
        for d, t in [(drawn, true)]
    ]
    scores = []
    for (some, one), unit in zip(views, spread, strict=True):
        size, width = one.shape[-2] ** 0.5 * unit, one.shape[-1]
        together = energy_score(some.flatten(2), one.flatten(1)) / width**0.5
        alone = [energy_score(some[..., c], one[..., c]) for c in range(width)]
        scores.append((together + torch.stack(alone).mean(dim=0)) / 2 / size)
    return torch.stack(scores).mean(dim=0)
