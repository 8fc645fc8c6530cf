"""Train the speaker-aware branch: `python -m lpcore.train.speaker --ict FILE --spoken DIR --films DIR --out DIR`.

It learns from tracked films what head and brows do with speech. What a head does is not decided by what is said, so
the branch draws from its noise, and the energy score (a proper scoring rule) asks that its draws be spread as people's
motions are. Seven people are few: small networks, mirrored and changed copies, and synthetic voices, whose motion is
some film's, keep it from knowing those seven by heart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audio import content
from ..motion import prosody
from ..motion.gesture import COURSES, MIRROR, MIRRORED_NOISE, SCALES, UNITS
from ..motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from .export import export
from .films import HELD_OUT, tracked
from .gestures import STEPS, Example, chances, examples, filmed, gesture_loss, shown
from .ict import FaceModel
from .run import Run
from .synthetic import is_held_out, load_sounds

DATA = (
    "GRID corpus (CC BY 4.0), hibari-tts speech (Apache-2.0), flite speech (BSD-like), hama features (Apache-2.0), "
    "Resemblyzer's speaker encoder (Apache-2.0)"
)

SMALL = SpeakerBranchConfig(
    features=content.WIDTH + prosody.WIDTH, look_ahead=25, hidden=16, layers=1, voice_widths=(4,),
    noise=len(SCALES) * COURSES, placed=False, model=16, feed_forward=32, blocks=1, span=128, head=(24,),
    outputs=len(UNITS), dropout=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class TrainSpeaker:
    """All that decides a training run of the speaker branch."""

    model: SpeakerBranchConfig = field(default_factory=lambda: SMALL)
    steps: int = 90
    batch: int = 8
    """Stretches of film a step; a quarter as many of synthetic speech go with them."""
    draws: int = 4
    frames: int = 112
    versions: int = 16
    """Versions of each film, the first of them unchanged; sentences have one, changed."""
    every: int = 8
    """Of the synthetic sentences, every how manieth."""
    rate: float = 3e-3
    decay: float = 0.1
    content: float = 0.006
    """How loud the content features are beside the prosody: there are a hundred times as many of them."""
    variety: float = 0.3
    """Spread of the logarithms by which each kind of motion is made larger or smaller: people differ more than seven
    do."""
    nobody: float = 0.3
    """Share of the stretches whose voice is not told."""
    seed: int = 0
    log_every: int = 40


@dataclass(frozen=True, eq=False)
class Batch:
    """heard (B, T + look_ahead, features), voices (B, 256), chances (K, B, T, noise) and motion (B, T, 6)."""

    heard: Tensor
    voices: Tensor
    chances: Tensor
    motion: Tensor


def batch_of(
    films: Sequence[Example], sounds: Sequence[Example], config: TrainSpeaker, rng: np.random.Generator
) -> Batch:
    """Random stretches: of films with their own motion, of other speech with that of any film."""
    rows: dict[str, list[np.ndarray]] = {"heard": [], "voices": [], "chances": [], "motion": []}
    for number in range(config.batch + (config.batch // 4 if sounds else 0)):
        film = films[int(rng.integers(len(films)))]
        own = number < config.batch
        one = film if own else sounds[int(rng.integers(len(sounds)))]
        first = _first(one, config, rng)
        begin = first if own else _first(film, config, rng)
        assert film.motion is not None
        amount = np.exp(config.variety * rng.standard_normal(len(UNITS)))
        amount *= MIRROR if rng.random() < 0.5 else 1
        rows["heard"].append(_heard(one, first, config))
        rows["voices"].append(one.voice * (rng.random() >= config.nobody))
        rows["chances"].append(chances(one.clock[first : first + config.frames], config.draws, rng))
        rows["motion"].append(film.motion[begin : begin + config.frames] * amount)
    made = {name: torch.from_numpy(np.stack(some).astype(np.float32)) for name, some in rows.items()}
    made["chances"] = made["chances"].transpose(0, 1)
    return Batch(**made)


def _heard(one: Example, first: int, config: TrainSpeaker) -> np.ndarray:
    """What is heard in the stretch that begins at frame `first`, and as far beyond it as the branch looks ahead."""
    after = np.arange(first, first + config.frames + config.model.look_ahead)
    return one.heard[np.minimum(after, len(one.heard) - 1)]


def _first(one: Example, config: TrainSpeaker, rng: np.random.Generator) -> int:
    """Where a stretch begins."""
    return int(rng.integers(0, len(one.clock) - config.frames + 1))


def drawn(branch: SpeakerBranch, batch: Batch) -> Tensor:
    """(K, B, T, 6) what is seen of the branch's motions, in `gesture.UNITS`."""
    states = branch.lstm(branch.standardised(batch.heard))[0][:, branch.config.look_ahead :]
    chances = torch.stack([batch.chances, batch.chances * torch.from_numpy(MIRRORED_NOISE)])
    count = 2 * len(batch.chances)
    said = branch.attend(states.repeat(count, 1, 1), batch.voices.repeat(count, 1), chances.flatten(0, 2))
    straight, mirrored = said.unflatten(0, chances.shape[:3])
    return shown((straight + mirrored * torch.from_numpy(MIRROR)) / 2)


def spread(films: Sequence[Example]) -> list[float]:
    """Standard deviations of the films' motion about its average, and of that over each of `STEPS`."""
    motions = [film.motion for film in films if film.motion is not None]
    whole = [np.mean([m.var(axis=0).mean() for m in motions])]
    whole += [np.mean([((m[n:] - m[:-n]) ** 2).mean() for m in motions]) for n in STEPS]
    return np.sqrt(whole).tolist()


def figures(
    branch: SpeakerBranch, unseen: Sequence[Example], scale: Sequence[float], config: TrainSpeaker
) -> dict[str, float]:
    """Energy scores of 32 draws for films: the branch's, with another film's speech, and of a still head."""
    if not unseen:
        return {}
    scores: dict[str, list[float]] = {"energy": [], "energy_unheard": [], "energy_still": []}
    rng = np.random.default_rng(config.seed)
    with torch.inference_mode():
        for k, film in enumerate(unseen):
            other = unseen[(k + len(unseen) // 2) % len(unseen)]
            true = torch.from_numpy(film.motion)[None, : config.frames]
            for name, one in (("energy", film), ("energy_unheard", other)):
                chance = torch.from_numpy(chances(one.clock[: config.frames], 32, rng))[:, None]
                heard = torch.from_numpy(_heard(one, 0, config)[None])
                batch = Batch(heard, torch.from_numpy(one.voice)[None], chance, true)
                scores[name].append(gesture_loss(drawn(branch.eval(), batch), true, scale).item())
            still = torch.zeros(2, *true.shape)
            scores["energy_still"].append(gesture_loss(still, true, scale).item())
    return {name: float(np.mean(some)) for name, some in scores.items()}


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learnt from: films in all their versions and synthetic sounds; and films that only measure."""

    films: Sequence[Example]
    sounds: Sequence[Example]
    unseen: Sequence[Example]


def prepare(config: TrainSpeaker, ict: Path, spoken: Path, films: Path, cache: Path) -> Lesson:
    """Track and hear everything.

    Args:
        ict: ``ict_light.npz``. spoken: folder written by `synthetic`. films: folder of GRID films.
        cache: folder for tracked films.
    """
    model = FaceModel.load(ict)

    def people(names: Sequence[str] | None, versions: int) -> list[Example]:
        clips = tracked(films, model, cache, names)
        return [
            one
            for clip in clips
            for one in examples(clip.name, clip.samples, filmed(clip), clip.fps, versions, config.seed)
        ]

    said = [(name, samples) for name, samples in load_sounds(spoken) if not is_held_out(name)]
    sounds = [
        examples(name, samples, None, 0.0, 2, config.seed)[1] for name, samples in said[:: config.every]
    ]
    return Lesson(
        people(None, config.versions),
        [one for one in sounds if len(one.clock) >= config.frames],
        people(HELD_OUT, 1),
    )


def train(config: TrainSpeaker, lesson: Lesson, out: Path) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16)."""
    films, sounds, unseen = lesson.films, lesson.sounds, lesson.unseen
    torch.manual_seed(config.seed)
    branch = SpeakerBranch(config.model)
    sample = np.concatenate([one.heard[::7] for one in (*films, *sounds)])
    loudness = np.ones(sample.shape[1], np.float32)
    loudness[: content.WIDTH] = config.content
    branch.feature_mean.copy_(torch.from_numpy(sample.mean(axis=0)))
    branch.feature_std.copy_(torch.from_numpy((sample.std(axis=0) + 0.05) / loudness))
    optimizer = torch.optim.AdamW(branch.parameters(), lr=config.rate, weight_decay=config.decay)
    run = Run(out, branch, optimizer, steps=config.steps, ema=0.99)
    scale = spread(films)

    losses: list[float] = []
    for step in run.steps():
        if losses and step % config.log_every == 0:
            run.log(loss=float(np.mean(losses)), **figures(run.average, unseen, scale, config))
            run.save()
            losses.clear()
        # Dropout draws from torch's generator: seeding it by step makes a resumed run continue exactly.
        torch.manual_seed(config.seed + step)
        rng = np.random.default_rng([config.seed, step])
        batch = batch_of(films, sounds, config, rng)
        # Scored along other axes in every step: how the outputs go together shall be people's too.
        axes = torch.from_numpy(np.linalg.qr(rng.standard_normal((len(UNITS), len(UNITS))))[0]).float()
        loss = gesture_loss(drawn(branch.train(), batch) @ axes, batch.motion @ axes, scale).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(branch.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    path = out / "speaker_branch.safetensors"
    measured = figures(run.average, unseen, scale, config)
    return export(run, path, kind="speaker_branch", model=config.model, figures=measured, data=DATA)


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train speaker", description=__doc__)
    parser.add_argument("--ict", type=Path, required=True, help="ict_light.npz")
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
    train(config, prepare(config, options.ict, options.spoken, options.films, cache), options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
