"""Train the static drawer on teacher drawings: `python -m lpcore.train.drawer --data DIR --out DIR`.

A second run with `--start RUN --adversarial 1` makes its strokes crisp: least-squares GAN on patches (Isola et al.,
"Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section 3.2).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from ..drawing.drawer import DrawerConfig, StaticDrawer, drawer_input
from .discriminators import PatchDiscriminator
from .drawer_figures import Drawn, figures
from .export import export
from .losses import adversarial_loss, discriminator_loss
from .portraits import SIZE, Sample, augment, load_portraits, read_image
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
    adversarial: float = 0.0
    """Weight of the adversarial term; 0 = plain distillation, otherwise `crisp_loss` replaces `ink_loss`."""
    judge_width: int = 24


class Judge:
    """Tells teacher drawings from drawn ones, patch by patch, seeing the grey photo beside them."""

    def __init__(self, styles: int, width: int, device: str) -> None:
        self.network = PatchDiscriminator(1 + styles, width).to(device)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=4e-4, betas=(0.5, 0.999))

    def __call__(self, x: Tensor, ink: Tensor) -> Tensor:
        """Logits per patch for the network's input (B, 4, H, W) and drawings (B, styles, H, W), 1 = black."""
        grey = x[:, :3].mean(1, keepdim=True)
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(torch.cat([grey, 1 - 2 * ink], dim=1)).float()

    def learn(self, x: Tensor, ink: Tensor, drawn: Tensor) -> None:
        """One step of the optimiser on teacher drawings `ink` and network drawings `drawn`."""
        loss = discriminator_loss(self(x, ink), self(x, drawn.detach()))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


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


def crisp_loss(logits: Tensor, ink: Tensor) -> Tensor:
    """Absolute difference above all, whose best answer under doubt is black or white where cross-entropy's is grey.

    Grey further than a pixel from the grey rims of the teacher's strokes costs extra. Both (B, styles, H, W).
    """
    drawn = logits.sigmoid()
    rims = F.max_pool2d(ink * (1 - ink), 3, 1, 1)
    smear = F.relu(drawn * (1 - drawn) - rims).mean()
    cross = F.binary_cross_entropy_with_logits(logits, ink)
    return 10 * (drawn - ink).abs().mean() + cross + 5 * smear + (1 - dice(drawn, ink)).mean()


def dice(drawn: Tensor, ink: Tensor) -> Tensor:
    """Soft Dice overlap in [0, 1] per image and style, (B, styles)."""
    both = (drawn * ink).sum((2, 3))
    return (2 * both + 1) / (drawn.square().sum((2, 3)) + ink.square().sum((2, 3)) + 1)


def train(
    config: TrainDrawer,
    data: Path,
    out: Path,
    *,
    start: Path | None = None,
    redrawn: Path | None = None,
    minutes: float | None = None,
    stop: int | None = None,
) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16).

    start: an exported weights file or another run's ``run.pt`` to begin from. redrawn: see `load_portraits`.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    model = StaticDrawer(config.model)
    if start:
        model.load_state_dict(read_weights(start), strict=False)
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=1e-4)
    judge = Judge(len(config.model.styles), config.judge_width, device) if config.adversarial else None
    beside = {"judge": judge.network, "judge_optimizer": judge.optimizer} if judge else {}
    run = Run(out, model, optimizer, steps=config.steps, minutes=minutes, stop=stop, beside=beside)
    samples = load_portraits(data, config.model.styles, held_out=False, redrawn=redrawn)
    unseen = load_portraits(data, config.model.styles, held_out=True, redrawn=redrawn)

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
        # Small windows have poor statistics: the second run keeps those that the first one gathered.
        model.train(judge is None)
        with torch.autocast(device, torch.bfloat16):
            logits = model(x.to(memory_format=torch.channels_last)).float()
        if judge:
            drawn = logits.sigmoid()
            judge.learn(x, ink, drawn)
            loss = crisp_loss(logits, ink) + config.adversarial * adversarial_loss(judge(x, drawn))
        else:
            loss = ink_loss(logits, ink)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    overlap = evaluate(run.average, unseen, out / "sheet_end.png")
    if losses:
        run.log(loss=float(np.mean(losses)), **overlap)
    path = out / "static_drawer.safetensors"
    export(run, path, kind="static_drawer", model=config.model, figures=overlap, data=DATA)
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Float32 tensors of an exported weights file, or the moving average of a run's ``run.pt``."""
    if path.suffix == ".safetensors":
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    return torch.load(path, weights_only=True, map_location="cpu")["average"]


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


@torch.no_grad()
def measure(weights: Path, data: Path, redrawn: Path | None = None) -> dict[str, dict[str, float]]:
    """`figures` per style of an exported weights file on the held-out people; of the teachers as `teacher_STYLE`."""
    with safe_open(weights, framework="pt") as file:
        config = DrawerConfig.from_dict(json.loads(file.metadata()["config"]))
    model = StaticDrawer(config)
    model.load_state_dict(read_weights(weights), strict=False)
    model.eval()
    styles = config.styles
    drawings: dict[str, list[Drawn]] = {name: [] for style in styles for name in (style, f"teacher_{style}")}
    with np.load(data / "landmarks68.npz", allow_pickle=False) as landmarks:
        for sample in load_portraits(data, styles, held_out=True, redrawn=redrawn):
            grey = cv2.cvtColor(sample.photo, cv2.COLOR_RGB2GRAY)
            width = read_image(data / "faces" / f"{sample.stem}.jpg", cv2.IMREAD_GRAYSCALE).shape[1]
            points = (landmarks[sample.stem] + 0.5) * SIZE / width - 0.5
            x, ink = batch_of([sample], "cpu")
            for style, mine, his in zip(styles, model(x).sigmoid()[0].numpy(), ink[0].numpy(), strict=True):
                drawings[style].append(Drawn(grey, points, mine, his))
                drawings[f"teacher_{style}"].append(Drawn(grey, points, his, his))
    return {name: figures(some) for name, some in drawings.items()}


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train drawer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--evaluate", type=Path, metavar="WEIGHTS", help="print figures as JSON, train nothing"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/drawer"))
    parser.add_argument("--start", type=Path, help="weights file or run.pt to begin from")
    parser.add_argument("--redrawn", type=Path, help="folder of drawings_STYLE that replace those of --data")
    parser.add_argument("--adversarial", type=float, default=TrainDrawer.adversarial)
    parser.add_argument("--rate", type=float, default=TrainDrawer.rate)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=TrainDrawer.steps)
    parser.add_argument("--batch", type=int, default=TrainDrawer.batch)
    parser.add_argument("--side", type=int, default=TrainDrawer.side)
    parser.add_argument("--seed", type=int, default=TrainDrawer.seed)
    options = parser.parse_args(argv)
    if options.evaluate:
        print(json.dumps(measure(options.evaluate, options.data, options.redrawn), indent=1))  # noqa: T201
        return 0
    config = TrainDrawer(
        steps=options.steps,
        batch=options.batch,
        side=options.side,
        rate=options.rate,
        seed=options.seed,
        adversarial=options.adversarial,
    )
    train(
        config,
        options.data,
        options.out,
        start=options.start,
        redrawn=options.redrawn,
        minutes=options.minutes,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
