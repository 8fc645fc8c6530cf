"""Train the static drawer on teacher drawings: `python -m lpcore.train.drawer --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from ..drawing.drawer import DrawerConfig, StaticDrawer, drawer_input
from .portraits import Sample, augment, load_portraits
from .run import Run

DATA = "London set, composites and Canada faces (CC BY 4.0), StyleGAN2 faces; teacher drawings by TEED (MIT)"


@dataclass(frozen=True)
class TrainDrawer:
    """All that decides a training run of the static drawer."""

    model: DrawerConfig = field(default_factory=DrawerConfig)
    steps: int = 3000
    batch: int = 4
    side: int = 384
    """Height and width of the training windows in pixels."""
    rate: float = 2e-3
    seed: int = 0
    sheet_every: int = 250


def batch_of(samples: list[Sample], device: str) -> tuple[Tensor, Tensor]:
    """Network input (B, 4, 512, 512) and ink targets (B, styles, 512, 512) in [0, 1]."""

    def stack(arrays: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(device).permute(0, 3, 1, 2).float() / 255

    image = stack([s.photo for s in samples])
    matte = stack([s.mask[..., None] for s in samples])
    return drawer_input(image, matte), stack([s.ink for s in samples])


def ink_loss(logits: Tensor, ink: Tensor) -> Tensor:
    """Cross-entropy in which ink counts three times, plus Dice; both arguments (B, styles, H, W)."""
    cross = F.binary_cross_entropy_with_logits(logits, ink, weight=1 + 2 * ink)
    return cross + 0.5 * (1 - dice(logits.sigmoid(), ink)).mean()


def dice(drawn: Tensor, ink: Tensor) -> Tensor:
    """Soft Dice overlap in [0, 1] per image and style, (B, styles)."""
    both = (drawn * ink).sum((2, 3))
    return (2 * both + 1) / (drawn.square().sum((2, 3)) + ink.square().sum((2, 3)) + 1)


def train(
    config: TrainDrawer, data: Path, out: Path, *, minutes: float | None = None, stop: int | None = None
) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    model = StaticDrawer(config.model).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=1e-4)
    run = Run(out, model, optimizer, steps=config.steps, minutes=minutes, stop=stop)
    samples = load_portraits(data, config.model.styles, held_out=False)
    unseen = load_portraits(data, config.model.styles, held_out=True)

    losses = []
    for step in run.steps():
        # Reported before the step: the average has then taken in the one before.
        if losses and step % config.sheet_every == 0:
            overlap = evaluate(
                run.average, unseen[:: max(1, len(unseen) // 12)], out / f"sheet_{step:06d}.png"
            )
            run.log(loss=float(np.mean(losses)), **overlap)
            losses.clear()
        rng = np.random.default_rng([config.seed, step])
        picks = rng.integers(0, len(samples), (config.batch, 2))
        chosen = [augment(samples[a], samples[b], rng, config.side) for a, b in picks]
        x, ink = batch_of(chosen, device)
        model.train()
        with torch.autocast(device, torch.bfloat16):
            logits = model(x.to(memory_format=torch.channels_last))
        loss = ink_loss(logits.float(), ink)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    figures = evaluate(run.average, unseen, out / "sheet_end.png")
    if losses:
        run.log(loss=float(np.mean(losses)), **figures)
    path = out / "static_drawer.safetensors"
    export(run, config, path, figures)
    return path


@torch.no_grad()
def evaluate(model: StaticDrawer, samples: list[Sample], sheet: Path | None = None) -> dict[str, float]:
    """Mean Dice per style on `samples`; `sheet` gets rows of photo, then teacher and network per style."""
    device = next(model.parameters()).device.type
    overlaps, rows = [], []
    for sample in samples:
        x, ink = batch_of([sample], device)
        drawn = model(x).sigmoid()
        overlaps.append(dice(drawn, ink)[0])
        paper = [1 - image for pair in zip(ink[0], drawn[0], strict=True) for image in pair]
        grey = (torch.cat(paper, dim=1).clamp(0, 1) * 255).byte().cpu().numpy()
        rows.append(np.hstack([sample.photo[..., ::-1], cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)]))
    if sheet:
        cv2.imwrite(
            str(sheet), cv2.resize(np.vstack(rows), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        )
    means = torch.stack(overlaps).mean(0).tolist()
    return {f"dice_{style}": value for style, value in zip(model.config.styles, means, strict=True)}


def export(run: Run[StaticDrawer], config: TrainDrawer, path: Path, figures: dict[str, float]) -> None:
    """Write the moving average as float16 safetensors; configuration, data and figures go into the header."""
    tensors = {k: v.half() if v.is_floating_point() else v for k, v in run.average.state_dict().items()}
    tensors = {k: v.contiguous() for k, v in tensors.items() if not k.endswith("num_batches_tracked")}
    header = {
        "kind": "static_drawer",
        "config": json.dumps(asdict(config.model)),
        "steps": str(run.step),
        "figures": json.dumps({name: round(value, 4) for name, value in figures.items()}),
        "data": DATA,
        "licence": "GPL-3.0-or-later",
    }
    save_file(tensors, path, metadata=header)


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train drawer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/drawer"))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=TrainDrawer.steps)
    parser.add_argument("--batch", type=int, default=TrainDrawer.batch)
    parser.add_argument("--side", type=int, default=TrainDrawer.side)
    parser.add_argument("--seed", type=int, default=TrainDrawer.seed)
    options = parser.parse_args(argv)
    config = TrainDrawer(steps=options.steps, batch=options.batch, side=options.side, seed=options.seed)
    train(config, options.data, options.out, minutes=options.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
