"""Train the content branch: `python -m lpcore.train.content --data DIR --spoken DIR --films DIR --out DIR`.

It learns from recordings with curves (FACEGOOD), synthetic sentences with rule-made motion and tracked films.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..audio import content
from ..motion.close import lip_gap
from ..motion.content import ContentBranch, ContentConfig
from ..points68 import CURVE_NEIGHBOURS, INNER_LIP_PAIRS, LIPS, OUTER_EYE_CORNERS
from .export import export
from .facegood import HELD_OUT, Take, load_takes
from .films import load_films, tracked
from .ict import FaceModel
from .run import Run
from .synthetic import is_held_out, load_spoken
from .voices import vary

DATA = (
    "FACEGOOD-Audio2Face (MIT), GRID corpus (CC BY 4.0), hibari-tts speech (Apache-2.0), flite speech (BSD-like), "
    "ICT-FaceKit (MIT), hama features (Apache-2.0)"
)


@dataclass(frozen=True)
class TrainContent:
    """All that decides a training run of the content branch."""

    model: ContentConfig = field(default_factory=ContentConfig)
    steps: int = 3000
    batch: int = 24
    frames: int = 120
    """Length of the training sequences."""
    voices: int = 10
    """Versions of each recording, the first of them unchanged."""
    spoken_voices: int = 6
    """The same of each synthetic sentence."""
    film_voices: int = 24
    """The same of each film."""
    shares: tuple[float, float, float] = (0.35, 0.45, 0.2)
    """Of a batch: recordings, synthetic sentences, films; what is not there leaves its share to the others."""
    rate: float = 1e-3
    smooth: float = 1.0
    """Weight of the graph Laplacian's difference."""
    velocity: float = 2.0
    """Weight of the difference in motion from frame to frame."""
    gap: float = 1.0
    """Weight of the difference in the height of the lips' opening."""
    beta: float = 0.02
    """Differences below this (normalised frame) count squared: an absolute loss settles on the closed mouth, which is
    the median of speech with pauses."""
    seed: int = 0
    log_every: int = 100


@dataclass(frozen=True, eq=False)
class Listened:
    """Features (T, features) of one version of a take; frame k is second k / 50 * speed of the take.

    share: chance to be picked for a place in a batch, relative to others.
    """

    take: Take
    features: np.ndarray
    speed: float
    share: float = 1.0

    def motion(self, first: int, count: int) -> np.ndarray:
        """(count, 68, 3) displacement in ICT model units for the frames from `first` on."""
        return self.take.motion_at(np.arange(first, first + count) / content.RATE * self.speed)


def listen(takes: list[Take], voices: int, seed: int, cache: Path) -> list[Listened]:
    """Features of `voices` versions of every take, kept in the folder `cache` from run to run."""
    cache.mkdir(parents=True, exist_ok=True)
    heard = []
    for take in takes:
        for voice in range(voices):
            path = cache / f"{take.name}_{voice}_{seed}.npz"
            if not path.exists():
                rng = np.random.default_rng([seed, voice, *take.name.encode()])
                samples, speed = vary(take.samples, rng) if voice else (take.samples, 1.0)
                partial = path.with_suffix(".partial.npz")
                np.savez(partial, features=content.features(samples).astype(np.float16), speed=speed)
                partial.replace(path)
            with np.load(path, allow_pickle=False) as data:
                heard.append(Listened(take, data["features"], float(data["speed"])))
    return heard


def batch_of(
    heard: list[Listened], model: FaceModel, config: TrainContent, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Features (B, T, features), faces (B, 68, 3) and displacements (B, T, 68, 3) of random people speaking."""
    shares = np.array([one.share for one in heard])
    features, faces, motions = [], [], []
    for pick in rng.choice(len(heard), config.batch, p=shares / shares.sum()):
        starts = rng.integers(0, max(1, len(heard[pick].features) - config.frames + 1), 2)
        # Half of the recordings is silence, which is learnt quickly: of two places take the livelier one.
        first = max(starts, key=lambda start: np.abs(heard[pick].motion(start, config.frames)).mean())
        # A sentence shorter than that ends in its last frame, as at the end of a film.
        rows = np.minimum(np.arange(first, first + config.frames), len(heard[pick].features) - 1)
        features.append(heard[pick].features[rows].astype(np.float32))
        face, scale = model.face(rng.normal(size=min(40, len(model.identities))).clip(-2, 2))
        # Landmarks found in photos are never exactly a face of the model.
        faces.append(face + rng.normal(0, 0.01, face.shape))
        motions.append(heard[pick].motion(first, config.frames) * scale)
    stacked = (np.stack(features), np.stack(faces), np.stack(motions))
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in stacked)  # type: ignore[return-value]


def content_loss(moved: Tensor, true: Tensor, face: Tensor, config: TrainContent) -> Tensor:
    """Position, curve shape, velocity and lip opening; displacements (B, T, 68, 3), faces (B, 68, 3).

    Lips count the more the nearer they are to closed: weight 1 / (4 gap + 0.1), as MakeItTalk weighs them.
    """
    uppers, lowers = (list(side) for side in zip(*INNER_LIP_PAIRS, strict=True))

    def heights(points: Tensor) -> Tensor:
        return points[..., lowers, 1] - points[..., uppers, 1]

    middle = heights(face)[:, None, 1] + heights(true)[..., 1]
    lip_weight = (1 / (4 * middle.abs() + 0.1))[..., None, None]
    weight = torch.ones_like(true[..., :1])
    weight[..., list(LIPS), :] = lip_weight
    position = (F.smooth_l1_loss(moved, true, reduction="none", beta=config.beta) * weight).mean()
    shape = F.smooth_l1_loss(laplacian(moved), laplacian(true), beta=config.beta)
    steps = F.smooth_l1_loss(moved.diff(dim=1), true.diff(dim=1), reduction="none", beta=config.beta)
    opening = F.smooth_l1_loss(heights(moved), heights(true), reduction="none", beta=config.beta)
    return (
        position
        + config.smooth * shape
        + config.velocity * (steps * weight[:, 1:]).mean()
        + config.gap * (opening * lip_weight[..., 0]).mean()
    )


def laplacian(points: Tensor) -> Tensor:
    """Each landmark less the mean of its two neighbours along its facial curve; (..., 68, 3)."""
    before, after = (list(side) for side in zip(*CURVE_NEIGHBOURS, strict=True))
    return points - (points[..., before, :] + points[..., after, :]) / 2


def train(
    config: TrainContent,
    data: Path,
    out: Path,
    *,
    spoken: Path | None = None,
    films: Path | None = None,
    cache: Path | None = None,
    minutes: float | None = None,
) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16).

    Args:
        data: folder with ``ict/ict_light.npz`` and ``facegood/``.
        spoken: folder of sentences written by `synthetic`, None = train on the recordings alone.
        films: folder of GRID films.
        cache: folder for speech features and tracked films. minutes: stop after this time; call again to go on.
    """
    model = FaceModel.load(data / "ict" / "ict_light.npz")
    takes = load_takes(data / "facegood", model)
    cache = cache or out / "features"
    sources: list[tuple[list[Take], int]] = [([t for t in takes if t.name not in HELD_OUT], config.voices)]
    unseen = {"": listen([t for t in takes if t.name in HELD_OUT], 1, config.seed, cache)}
    sentences = load_spoken(spoken, model) if spoken else []
    sources.append(([t for t in sentences if not is_held_out(t.name)], config.spoken_voices))
    if sentences:
        unseen["english_"] = listen([t for t in sentences if is_held_out(t.name)], 1, config.seed, cache)
    clips = tracked(films, model, cache / "tracked") if films else []
    sources.append((load_films(clips, model), config.film_voices))
    heard = []
    for share, (some, voices) in zip(config.shares, sources, strict=True):
        versions = listen(some, voices, config.seed, cache)
        total = sum(len(one.features) for one in versions)
        heard += [replace(one, share=share * len(one.features) / total) for one in versions]

    def figures() -> dict[str, float]:
        return {
            prefix + name: value
            for prefix, some in unseen.items()
            for name, value in evaluate(run.average, some, model).items()
        }

    torch.manual_seed(config.seed)
    branch = ContentBranch(config.model)
    sample = np.concatenate([one.features[::7] for one in heard]).astype(np.float32)
    branch.feature_mean.copy_(torch.from_numpy(sample.mean(axis=0)))
    branch.feature_std.copy_(torch.from_numpy(sample.std(axis=0) + 0.05))
    branch.mean_face.copy_(torch.from_numpy(model.face(np.zeros(1))[0]))
    optimizer = torch.optim.AdamW(branch.parameters(), lr=config.rate, weight_decay=1e-3)
    run = Run(out, branch, optimizer, steps=config.steps, minutes=minutes)

    losses = []
    for step in run.steps():
        # Reported before a step, not after it: only then do weights, average and step number belong together.
        if losses and step % config.log_every == 0:
            run.log(loss=float(np.mean(losses)), **figures())
            run.save()
            losses.clear()
        rng = np.random.default_rng([config.seed, step])
        # Dropout draws from torch's generator: seeding it by step makes a resumed run continue exactly.
        torch.manual_seed(config.seed + step)
        features, face, true = batch_of(heard, model, config, rng)
        loss = content_loss(branch.train()(features, face), true, face, config)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(branch.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    if losses:
        run.log(loss=float(np.mean(losses)), **figures())
    path = out / "content_branch.safetensors"
    return export(run, path, kind="content_branch", model=config.model, figures=figures(), data=DATA)


def evaluate(branch: ContentBranch, unseen: list[Listened], model: FaceModel) -> dict[str, float]:
    """Figures on unseen speech, on the mean face, distances as shares of the outer eye corners' distance.

    lmd: mean distance of the lip landmarks from the true ones; lmd_closed: the same for a mouth that stays shut;
    gap_corr: correlation of the inner-lip gap with the true one; gap_spread: ratio of their standard deviations.
    """
    face = branch.mean_face.cpu().numpy()
    eyes = float(np.linalg.norm(face[OUTER_EYE_CORNERS[0]] - face[OUTER_EYE_CORNERS[1]]))
    moved = np.concatenate([branch.eval().predict(one.features.astype(np.float32)) for one in unseen])
    _, scale = model.face(np.zeros(1))
    true = np.concatenate([one.motion(0, len(one.features)) for one in unseen]) * scale
    lips = list(LIPS)
    return {
        "lmd": float(np.linalg.norm((moved - true)[:, lips, :2], axis=-1).mean() / eyes),
        "lmd_closed": float(np.linalg.norm(true[:, lips, :2], axis=-1).mean() / eyes),
        "gap_corr": float(np.corrcoef(lip_gap(moved), lip_gap(true))[0, 1]),
        "gap_spread": float(lip_gap(moved).std() / lip_gap(true).std()),
    }


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train content", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ict/ and facegood/")
    parser.add_argument("--spoken", type=Path, help="folder of sentences written by `lpcore.train.synthetic`")
    parser.add_argument("--films", type=Path, help="folder of GRID films")
    parser.add_argument("--out", type=Path, default=Path("runs/content"))
    parser.add_argument("--cache", type=Path, help="folder for speech features (default: OUT/features)")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=TrainContent.steps)
    parser.add_argument("--batch", type=int, default=TrainContent.batch)
    parser.add_argument("--voices", type=int, default=TrainContent.voices)
    parser.add_argument("--seed", type=int, default=TrainContent.seed)
    options = parser.parse_args(argv)
    config = TrainContent(steps=options.steps, batch=options.batch, voices=options.voices, seed=options.seed)
    train(
        config,
        options.data,
        options.out,
        spoken=options.spoken,
        films=options.films,
        cache=options.cache,
        minutes=options.minutes,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
