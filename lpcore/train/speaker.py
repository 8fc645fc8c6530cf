"""Train the speaker-aware branch: `python -m lpcore.train.speaker --data DIR --spoken DIR --films DIR --out DIR`.

It learns four numbers of a voice (`motion.style.Style`). Tracked films tell how far their speakers move mouth, brows
and head, FACEGOOD's curves how far the mouth moves. Seven people are too few to learn people from, so a lively voice,
with pitch and loudness that vary much, also stands for lively brows and head wherever nobody was filmed; and a voice
that speaks fast for a quick head.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audio import content, level, voice
from ..audio.pitch import log_pitch
from ..evaluate.tracking import Clip
from ..motion.close import lip_gap
from ..motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from ..motion.style import STRONGEST
from ..points68 import BROWS
from .export import export
from .facegood import HELD_OUT as HELD_OUT_TAKES
from .facegood import Take, load_takes
from .films import HELD_OUT as HELD_OUT_FILMS
from .films import TYPICAL, tracked
from .ict import FaceModel
from .run import Run
from .synthetic import is_held_out, load_sounds
from .voices import vary

DATA = (
    "GRID corpus (CC BY 4.0), FACEGOOD-Audio2Face (MIT), hibari-tts speech (Apache-2.0), flite speech (BSD-like), "
    "hama features (Apache-2.0), Resemblyzer's speaker encoder (Apache-2.0)"
)

TRUST = 0.3
"""Share of what a speaker showed that others who sound so are taught: most of it is the person, not the voice."""

PARTS = ("mouth", "brows", "head", "tempo")
"""Outputs of the branch, in the order of `Style`'s fields."""

SMALL = SpeakerBranchConfig(
    hidden=64, layers=1, voice_widths=(32, 16), model=32, feed_forward=64, blocks=1, head=(32,), outputs=4,
    dropout=0.2,
)  # fmt: skip

_VOWELS = [
    content.HIDDEN + i for i in (7, 8, 9, 14, 16, 20, 25, 33, 34, 48, 66, 80, 83, 89, 90, 91, 101, 123, 125)
]
_LIMIT = float(np.log(STRONGEST))


@dataclass(frozen=True)
class TrainSpeaker:
    """All that decides a training run of the speaker branch."""

    model: SpeakerBranchConfig = field(default_factory=lambda: SMALL)
    steps: int = 400
    batch: int = 16
    frames: int = 150
    versions: int = 8
    """Versions of each film and take, the first of them unchanged; sentences have half as many."""
    rate: float = 1e-3
    decay: float = 0.05
    seed: int = 0
    log_every: int = 100


@dataclass(frozen=True, eq=False)
class Person:
    """A recording and what is known of its speaker's motion.

    amounts: (3,) natural logarithms of mouth, brows and head over the average speaker's, NaN where unknown.
    """

    name: str
    samples: np.ndarray
    amounts: np.ndarray


@dataclass(frozen=True, eq=False)
class Example:
    """features (T, content.WIDTH), voice (256,), and the true outputs (4,) within 1, NaN where unknown."""

    name: str
    features: np.ndarray
    voice: np.ndarray
    target: np.ndarray


def filmed(clips: Sequence[Clip]) -> list[Person]:
    """What films show: opening of the lips, restlessness of the brows, and that of the head."""
    people = []
    for clip in clips:
        eyes = float(np.linalg.norm(clip.neutral[36, :2] - clip.neutral[45, :2]))
        mouth = np.percentile(lip_gap(clip.points) - lip_gap(clip.neutral), 95) / eyes / TYPICAL
        brows = clip.points[:, list(BROWS), 1].mean(axis=1).std() / eyes / USUAL_BROWS
        head = np.degrees(clip.pose[:, :3].std(axis=0)).mean() / USUAL_HEAD
        people.append(Person(clip.name, clip.samples, np.log([mouth, brows, head])))
    return people


USUAL_BROWS = 0.0035
"""Standard deviation of the brows' height in the tracked films, outer eye distances."""
USUAL_HEAD = 0.5
"""Mean standard deviation of yaw, pitch and roll in the tracked films, degrees."""
USUAL_PITCH, USUAL_LEVEL, USUAL_RATE = 0.17, 11.5, 2.6
"""Standard deviations of log pitch and of the level in dB, and vowels per second of speech, of an average voice."""


def recorded(take: Take, model: FaceModel) -> Person:
    """What blendshape curves show: the opening of the lips."""
    eyes = float(np.linalg.norm(model.neutral[36, :2] - model.neutral[45, :2]))
    mouth = np.percentile(lip_gap(take.motion), 95) / eyes / TYPICAL
    return Person(take.name, take.samples, np.array([np.log(mouth), np.nan, np.nan]))


def liveliness(samples: np.ndarray) -> float:
    """Logarithm of how much pitch and level vary, over what is usual; samples (N,) at 16 kHz."""
    pitch = log_pitch(samples, 320, 70.0, 400.0)
    levels = level.level(samples)
    speaking = levels[~level.silence(levels)]
    voiced = pitch[np.isfinite(pitch)]
    if len(voiced) < 10 or len(speaking) < 10:
        return 0.0
    # Percentiles: one octave error must not make a lively voice.
    low, high = np.percentile(voiced, [16, 84])
    return float((np.log(max(high - low, 0.02) / 2 / USUAL_PITCH) + np.log(speaking.std() / USUAL_LEVEL)) / 2)


def vowel_rate(features: np.ndarray, speaking: np.ndarray) -> float:
    """Vowels per second of speech, from the recogniser's posteriors; speaking (T,) bool."""
    posterior = features[:, _VOWELS].max(axis=1)
    begins = (posterior[1:] > 0.4) & (posterior[:-1] <= 0.4)
    return float(begins.sum() / max(speaking.sum() / content.RATE, 0.2))


def examples(people: Sequence[Person], versions: int, seed: int) -> list[Example]:
    """Every person in `versions` voices, speeds and rooms."""
    made = []
    for person in people:
        for version in range(versions):
            rng = np.random.default_rng([seed, version, *person.name.encode()])
            samples = person.samples[: 20 * content.SAMPLE_RATE]
            samples = vary(samples, rng)[0] if version else samples
            features = content.features(samples)
            speaking = ~level.silence(level.level(samples))
            lively = TRUST * liveliness(samples)
            amounts = np.where(np.isnan(person.amounts), [np.nan, lively, lively], person.amounts)
            tempo = np.log(max(vowel_rate(features, speaking), 0.5) / USUAL_RATE)
            target = np.clip(np.append(amounts, tempo) / _LIMIT, -1, 1)
            made.append(Example(person.name, features, voice.embedding(samples), target))
    return made


def batch_of(
    heard: Sequence[Example], config: TrainSpeaker, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Features (B, T, features), voices (B, 256) and targets (B, 4) of random stretches."""
    features, voices, targets = [], [], []
    for pick in rng.integers(0, len(heard), config.batch):
        one = heard[pick]
        first = int(rng.integers(0, max(1, len(one.features) - config.frames + 1)))
        rows = np.minimum(np.arange(first, first + config.frames), len(one.features) - 1)
        features.append(one.features[rows])
        voices.append(one.voice)
        targets.append(one.target)
    stacked = (np.stack(features), np.stack(voices), np.stack(targets))
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in stacked)  # type: ignore[return-value]


def style_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the known targets (B, 4); predicted (B, T, 4) before averaging and bounding."""
    error = (torch.tanh(predicted.mean(dim=1)) - target.nan_to_num()).abs()
    known = ~target.isnan()
    return (error * known).sum() / known.sum().clamp(min=1)


def figures(branch: SpeakerBranch, unseen: Sequence[Example]) -> dict[str, float]:
    """Mean absolute errors of the logarithms of the factors, and those of always saying "average" (``_flat``)."""
    if not unseen:
        return {}
    said = np.stack([np.tanh(branch.eval().predict(one.features, one.voice).mean(axis=0)) for one in unseen])
    true = np.stack([one.target for one in unseen])
    result = {}
    for column, part in enumerate(PARTS):
        known = ~np.isnan(true[:, column])
        if known.any():
            result[part] = float(np.abs(said - true)[known, column].mean() * _LIMIT)
            result[f"{part}_flat"] = float(np.abs(true[known, column]).mean() * _LIMIT)
    return result


def train(config: TrainSpeaker, data: Path, spoken: Path, films: Path, out: Path, cache: Path) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16).

    Args:
        data: folder with ``ict/ict_light.npz`` and ``facegood/``. spoken: folder written by `synthetic`.
        films: folder of GRID films. cache: folder for tracked films.
    """
    model = FaceModel.load(data / "ict" / "ict_light.npz")
    unknown = np.full(3, np.nan)
    sentences = [Person(name, samples, unknown) for name, samples in load_sounds(spoken)]
    takes = {take.name: recorded(take, model) for take in load_takes(data / "facegood", model)}
    seen = filmed(tracked(films, model, cache)) + [p for n, p in takes.items() if n not in HELD_OUT_TAKES]
    taught = [replace(person, amounts=TRUST * person.amounts) for person in seen]
    heard = examples(taught, config.versions, config.seed)
    heard += examples(
        [p for p in sentences if not is_held_out(p.name)][::4], config.versions // 2, config.seed
    )
    measuring = filmed(tracked(films, model, cache, HELD_OUT_FILMS))
    unseen = {
        "film_": examples(measuring, 1, config.seed),
        "voice_": examples([p for p in sentences if is_held_out(p.name)][::4], 1, config.seed),
    }

    torch.manual_seed(config.seed)
    branch = SpeakerBranch(config.model)
    sample = np.concatenate([one.features[::7] for one in heard])
    branch.feature_mean.copy_(torch.from_numpy(sample.mean(axis=0)))
    branch.feature_std.copy_(torch.from_numpy(sample.std(axis=0) + 0.05))
    optimizer = torch.optim.AdamW(branch.parameters(), lr=config.rate, weight_decay=config.decay)
    run = Run(out, branch, optimizer, steps=config.steps)

    def measured() -> dict[str, float]:
        return {
            prefix + name: value
            for prefix, some in unseen.items()
            for name, value in figures(run.average, some).items()
        }

    losses: list[float] = []
    for step in run.steps():
        if losses and step % config.log_every == 0:
            run.log(loss=float(np.mean(losses)), **measured())
            run.save()
            losses.clear()
        # Dropout draws from torch's generator: seeding it by step makes a resumed run continue exactly.
        torch.manual_seed(config.seed + step)
        features, voices, target = batch_of(heard, config, np.random.default_rng([config.seed, step]))
        loss = style_loss(branch.train()(features, voices), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(branch.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    path = out / "speaker_style.safetensors"
    return export(run, path, kind="speaker_style", model=config.model, figures=measured(), data=DATA)


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train speaker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ict/ and facegood/")
    parser.add_argument(
        "--spoken", type=Path, required=True, help="folder written by `lpcore train synthetic`"
    )
    parser.add_argument("--films", type=Path, required=True, help="folder of GRID films")
    parser.add_argument("--out", type=Path, default=Path("runs/speaker"))
    parser.add_argument("--cache", type=Path, help="folder for tracked films (default: OUT/tracked)")
    parser.add_argument("--steps", type=int, default=TrainSpeaker.steps)
    parser.add_argument("--seed", type=int, default=TrainSpeaker.seed)
    options = parser.parse_args(argv)
    config = TrainSpeaker(steps=options.steps, seed=options.seed)
    cache = options.cache or options.out / "tracked"
    train(config, options.data, options.spoken, options.films, options.out, cache)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
