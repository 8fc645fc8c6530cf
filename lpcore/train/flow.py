"""Train flow A (paper section 3.3.1) on true flow of the ICT head: `lpcore train flow --data PACK --out DIR`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import points68
from ..drawing.flow import flow_grid, sample
from ..drawing.flow_net import DEFAULT, FLOW_UNIT, FlowNet, FlowNetConfig, FlowOutput
from ..drawing.mesh_flow import MeshFlow
from ..types import CROP
from .export import export
from .flow_truth import BACKGROUND, FlowTruthMaker
from .head import FaceState
from .pack import Pack
from .pairs import Pair, compose, random_pair, to_side
from .run import Run

DATA = "London set, composites and Canada faces (CC BY 4.0), StyleGAN2 faces; ICT-FaceKit head (MIT)"
FRAME = 256
"""Side in pixels of the frames whose flow is wanted."""
_STAY = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


@dataclass(frozen=True)
class TrainFlow:
    """All that decides a training run of the flow net.

    level: greatest strength of the changes. jitter: standard deviation of the landmarks' error in frame pixels.
    classes: weight of the visibility's cross-entropy (the authors': 1).
    """

    model: FlowNetConfig = field(default_factory=lambda: DEFAULT)
    steps: int = 20000
    batch: int = 8
    rate: float = 1e-3
    level: float = 1.3
    jitter: float = 0.3
    classes: float = 0.1
    seed: int = 0
    log_every: int = 500


@dataclass(frozen=True, eq=False)
class FlowBatch:
    """source, target: (B, 68, 2) landmarks in frame pixels. flow: (B, 2, s, s) in the net's unit and resolution.

    visibility: (B, s, s) classes.
    """

    source: Tensor
    target: Tensor
    flow: Tensor
    visibility: Tensor


class FlowPairs:
    """Endless training batches from the training part of a pack."""

    def __init__(self, pack: Pack, config: TrainFlow, device: str) -> None:
        self._pack, self._config, self._device = pack, config, device
        self._truth = FlowTruthMaker(pack.head, device)
        self._masks = [_small(pack.train.mask(k)) for k in range(len(pack.train))]

    def batch(self, step: int) -> FlowBatch:
        """The batch of one step; the same for the same step and seed."""
        config, faces = self._config, self._pack.train
        rng = np.random.default_rng([config.seed, step])
        picks = rng.integers(0, len(faces), config.batch).tolist()
        levels = config.level * np.sqrt(rng.uniform(0, 1, config.batch))
        pairs = [
            random_pair(faces, self._pack.head, index, rng, level=float(level))
            for index, level in zip(picks, levels, strict=True)
        ]
        side = _finest_side(config.model)
        masks = [p.picture(self._masks[p.index], side, 0) for p in pairs]
        person = torch.from_numpy(np.stack(masks)).to(self._device).float() / 255
        place = _frame_to_net(config.model)
        to_net = compose(place, to_side(FRAME))
        start, end = (FaceState.stack(states).moved(to_net) for states in _states(pairs))
        truth = self._truth(start, end, person)
        unit = config.model.side / FRAME / FLOW_UNIT / place[0, 0]
        flow = truth.backward
        if config.model.relative:
            flow = flow - torch.stack([mesh_flow(p, to_net, side) for p in pairs]).to(flow)
        landmarks = _frame_landmarks(pairs) + rng.normal(0, config.jitter, (2, len(pairs), points68.COUNT, 2))
        source, target = torch.from_numpy(landmarks.astype(np.float32)).to(self._device)
        return FlowBatch(source, target, flow * unit, truth.visibility)


def _frame_to_net(config: FlowNetConfig) -> np.ndarray:
    """(2, 3) from frame pixels to those of the finest flow, as `FlowNet.regress` reads it."""
    shrink = (config.side - 1) / (FRAME - 1)
    scale = shrink / 2**config.halvings
    shift = 0.5 / 2**config.halvings - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift]])


def _finest_side(config: FlowNetConfig) -> int:
    return config.side // 2**config.halvings


def _small(mask: np.ndarray) -> np.ndarray:
    return cv2.resize(mask, (CROP // 4, CROP // 4), interpolation=cv2.INTER_AREA)


def _states(pairs: Sequence[Pair]) -> tuple[list[FaceState], list[FaceState]]:
    return [p.start for p in pairs], [p.end for p in pairs]


def _frame_landmarks(pairs: Sequence[Pair]) -> np.ndarray:
    """(2, B, 68, 2) sources and targets in frame pixels."""
    matrix = to_side(FRAME)
    points = np.stack([[p.source for p in pairs], [p.target for p in pairs]])
    return points @ matrix[:, :2].T + matrix[:, 2]


def flow_loss(output: FlowOutput, flow: Tensor, visibility: Tensor, classes: float = 1.0) -> Tensor:
    """Mean end-point error on the person at every level, coarser ones for half, plus cross-entropy of the classes.

    flow: (B, 2, s, s) truth in the net's unit and finest resolution; visibility: (B, s, s) classes.
    """
    person = (visibility != BACKGROUND).float()[:, None]
    total = classes * F.cross_entropy(output.visibility.float(), visibility)
    for level, predicted in enumerate(output.flows):
        if level:
            flow, person = F.avg_pool2d(flow, 2), F.max_pool2d(person, 2)
        # The root has no gradient at 0.
        error = ((predicted.float() - flow).square().sum(1, keepdim=True) + 1e-10).sqrt()
        total = total + 0.32 / 2**level * (error * person).sum() / person.sum().clamp_min(1)
    return total


def train(
    config: TrainFlow, data: Path, out: Path, *, minutes: float | None = None, stop: int | None = None
) -> Path:
    """Run or resume the training in `out` on the pack `data`; returns the weights file (moving average, float16)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    model = FlowNet(config.model).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=4e-4)
    run = Run(out, model, optimizer, steps=config.steps, minutes=minutes, stop=stop)
    pack = Pack(data)
    pairs, unseen = FlowPairs(pack, config, device), HeldOutFlow(pack, device)

    losses = []
    for step in run.steps():
        # Reported before the step: the average has then taken in the one before.
        if losses and step % config.log_every == 0:
            run.log(loss=float(np.mean(losses)), **unseen.evaluate(run.average, 12))
            losses.clear()
        batch = pairs.batch(step)
        model.train()
        with torch.autocast(device, torch.bfloat16):
            discs = model.discs(batch.source, batch.target, FRAME)
            output = model(discs.contiguous(memory_format=torch.channels_last))
        loss = flow_loss(output, batch.flow, batch.visibility, config.classes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    figures = unseen.evaluate(run.average, sheet=out / "sheet_end.png")
    if losses:
        run.log(loss=float(np.mean(losses)), **figures)
    path = out / "flow_net.safetensors"
    export(run, path, kind="flow_net", model=config.model, figures=figures, data=DATA)
    return path


class HeldOutFlow:
    """One moved pair of every held-out face, the same in every run, and flow B for it."""

    def __init__(self, pack: Pack, device: str, level: float = 1.0) -> None:
        self._faces, self._truth = pack.held_out, FlowTruthMaker(pack.head, device)
        self._device = device
        self._pairs = [
            random_pair(pack.held_out, pack.head, k, np.random.default_rng(k), level=level, place=_STAY)
            for k in range(len(pack.held_out))
        ]

    @torch.no_grad()
    def evaluate(self, net: FlowNet, count: int | None = None, sheet: Path | None = None) -> dict[str, float]:
        """Mean end-point errors in pixels of a 256-pixel frame on the part of the face that the source shows.

        a: the net's, b: flow B's from the same landmarks, still: of no flow; with `_lips` around the lips alone.
        person: share of pixels rightly called person or background. count: how many faces, spread evenly; None = all.
        sheet: gets photo, and photo warped by truth, flow A and flow B, for eight faces.
        """
        every = 1 if count is None else max(1, len(self._pairs) // count)
        figures: dict[str, list[float]] = {}
        rows = []
        for pair in self._pairs[::every]:
            mask = pair.picture(self._faces.mask(pair.index), FRAME, 0)
            person = torch.from_numpy(mask).to(self._device)[None].float() / 255
            to_frame = to_side(FRAME)
            start, end = (FaceState.stack([s]).moved(to_frame) for s in (pair.start, pair.end))
            truth = self._truth(start, end, person)
            landmarks = _frame_landmarks([pair]).astype(np.float32)
            source, target = torch.from_numpy(landmarks).to(self._device)
            flow_b = mesh_flow(pair, to_frame, FRAME).to(self._device)[None]
            flow_a, visible = net.regress(source, target, flow_grid(flow_b), FRAME)
            lips = truth.face & _around(target[0, list(points68.LIPS)], FRAME)
            flows = {"a": flow_a, "b": flow_b, "still": torch.zeros_like(flow_a)}
            for name, flow in flows.items():
                error = (flow - truth.backward).norm(dim=1)
                for suffix, region in (("", truth.face), ("_lips", lips)):
                    figures.setdefault(name + suffix, []).append(error[region].mean().item())
            agrees = (visible[:, 0] > 0.5) == (truth.visibility != BACKGROUND)
            figures.setdefault("person", []).append(agrees.float().mean().item())
            if sheet and len(rows) < 8:
                photo = pair.picture(self._faces.photo(pair.index), FRAME, 255)
                rows.append(_row(photo, [truth.backward, flow_a, flow_b]))
        if sheet:
            cv2.imwrite(str(sheet), np.vstack(rows)[..., ::-1])
        return {name: float(np.nanmean(values)) for name, values in figures.items()}


def mesh_flow(pair: Pair, matrix: np.ndarray, side: int) -> Tensor:
    """Flow B of `pair`, (2, side, side) float32 pixels to add to a target pixel to find its source.

    matrix: (2, 3) from crop units to those pixels.
    """
    positions = MeshFlow(pair.source, matrix, (side, side)).positions(pair.target[None])
    return (positions[0] - _grid(side)).permute(2, 0, 1)


def _grid(side: int) -> Tensor:
    steps = torch.arange(side, dtype=torch.float32)
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)


def _around(points: Tensor, side: int) -> Tensor:
    """(side, side) bool: within the bounding box of `points` (N, 2), widened by a tenth of its width."""
    low, high = points.amin(0), points.amax(0)
    reach = 0.1 * (high - low)[0]
    grid = _grid(side).to(points.device)
    return ((grid > low - reach) & (grid < high + reach)).all(-1)


def _row(photo: np.ndarray, flows: list[Tensor]) -> np.ndarray:
    image = torch.from_numpy(photo).permute(2, 0, 1)[None].float()
    warped = [sample(image, _grid(FRAME)[None] + f.cpu().permute(0, 2, 3, 1))[0] for f in flows]
    return np.hstack([photo, *(w.permute(1, 2, 0).byte().numpy() for w in warped)])


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train flow", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a file written by `lpcore train pack`")
    parser.add_argument("--out", type=Path, default=Path("runs/flow"))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=TrainFlow.steps)
    parser.add_argument("--batch", type=int, default=TrainFlow.batch)
    parser.add_argument("--rate", type=float, default=TrainFlow.rate)
    parser.add_argument("--seed", type=int, default=TrainFlow.seed)
    parser.add_argument("--log-every", type=int, default=TrainFlow.log_every)
    options = parser.parse_args(argv)
    config = TrainFlow(
        steps=options.steps,
        batch=options.batch,
        rate=options.rate,
        seed=options.seed,
        log_every=options.log_every,
    )
    train(config, options.data, options.out, minutes=options.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
