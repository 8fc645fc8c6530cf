"""The 68 landmarks of a drawing: a small network and its trainer.

The paper's geometry loss (section 3.3.3) reads landmarks off the generated drawing with a detector made for photos.
This one learns on teacher drawings whose faces are moved (mouth, lids, brows, head) so that the landmarks are known:
`lpcore train drawing-landmarks --data DIR --out DIR`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from .. import points68
from .export import export
from .moved_faces import WINDOW, DrawnFace, Example, example, load_drawn_faces
from .run import Run

DATA = "London set, composites and Canada faces (CC BY 4.0), StyleGAN2 faces; teacher drawings by TEED (MIT)"
REGIONS = {
    "jaw": points68.JAW,
    "brows": points68.BROWS,
    "nose": points68.NOSE,
    "eyes": points68.EYES,
    "lips": points68.LIPS,
}


@dataclass(frozen=True)
class LandmarkNetConfig:
    """Feature widths at 1/2, 1/4, 1/8 and 1/16 of the window."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)


def _convolve(inputs: int, outputs: int, *, side: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class DrawingLandmarkNet(nn.Module):
    """Ink (B, 1, 128, 128) in [0, 1], 1 = black, to landmarks (B, 68, 2), 0 and 1 being the edges of the window.

    Each landmark is the mean position under its own heat map of a quarter of the window's resolution, so that it
    moves smoothly with the lines.
    """

    def __init__(self, config: LandmarkNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or LandmarkNetConfig()
        half, quarter, eighth, deep = self.config.widths
        self.stem = _convolve(1, half, side=5, stride=2)
        self.down = nn.ModuleList(
            nn.Sequential(_convolve(a, b, stride=2), _convolve(b, b)) for a, b in pairwise(self.config.widths)
        )
        self.deep = _convolve(deep, deep)
        self.up = nn.ModuleList((_convolve(deep + eighth, eighth), _convolve(eighth + quarter, eighth)))
        self.heat = nn.Conv2d(eighth, points68.COUNT, 1)

    def forward(self, ink: Tensor) -> Tensor:
        levels = [self.stem(ink)]
        for block in self.down:
            levels.append(block(levels[-1]))
        x = self.deep(levels[-1])
        for block, skip in zip(self.up, reversed(levels[1:-1]), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        heat = self.heat(x).float()
        share = heat.flatten(2).softmax(-1).view_as(heat)  # (B, 68, h, w)
        height, width = heat.shape[-2:]
        across = (torch.arange(width, device=heat.device) + 0.5) / width
        down = (torch.arange(height, device=heat.device) + 0.5) / height
        return torch.stack([share.sum(2) @ across, share.sum(3) @ down], dim=-1)


def face_windows(landmarks: Tensor) -> Tensor:
    """(B, 3) left, top, side in pixels (0 = left edge of the first one) of the windows around (B, 68, 2) landmarks."""
    low, high = landmarks.amin(1), landmarks.amax(1)
    side = 1.3 * (high - low).amax(-1, keepdim=True)
    return torch.cat([(low + high) / 2 + 0.5 - side / 2, side], dim=-1)


def read_landmarks(net: nn.Module, drawing: Tensor, windows: Tensor) -> Tensor:
    """Landmarks (B, 68, 2) in the drawing's pixels, float32; gradients flow to `drawing`.

    net: a `DrawingLandmarkNet`, frozen. drawing: (B, 1, H, W) grey in [0, 1], 1 = paper; beyond it is paper too.
    windows: (B, 3), see `face_windows`.
    """
    height, width = drawing.shape[-2:]
    with torch.autocast(drawing.device.type, enabled=False):
        ink = 1 - drawing.float()
        # Bilinear reading skips pixels when it shrinks the window, so the drawing is made coarse beforehand.
        coarse = max(1, width // (2 * WINDOW))
        left, top, side = windows.float().unbind(-1)
        across, down, zero = side / width, side / height, torch.zeros_like(side)
        rows = [across, zero, 2 * left / width + across - 1, zero, down, 2 * top / height + down - 1]
        grid = F.affine_grid(torch.stack(rows, -1).view(-1, 2, 3), [len(ink), 1, WINDOW, WINDOW], False)
        found = net(F.grid_sample(F.avg_pool2d(ink, coarse), grid, align_corners=False))
        return windows[:, None, :2] + found * windows[:, None, 2:] - 0.5


def load_landmark_net(path: Path, device: str | torch.device = "cpu") -> DrawingLandmarkNet:
    """The frozen network in a weights file written by `train`, in float32."""
    with safe_open(path, framework="pt") as file:
        values: dict[str, Any] = json.loads(file.metadata()["config"])
    net = DrawingLandmarkNet(LandmarkNetConfig(tuple(values["widths"])))
    net.load_state_dict({k: v.float() for k, v in load_file(path).items()}, strict=False)
    return net.to(device).eval().requires_grad_(False)


@dataclass(frozen=True)
class TrainLandmarks:
    """All that decides a training run of the drawing landmark network."""

    model: LandmarkNetConfig = field(default_factory=LandmarkNetConfig)
    styles: tuple[str, ...] = ("ink", "pen")
    steps: int = 2500
    batch: int = 16
    rate: float = 2e-3
    seed: int = 0
    log_every: int = 250


def landmark_loss(predicted: Tensor, landmarks: Tensor) -> Tensor:
    """Mean distance in window sides, squared below a quarter pixel; both (B, 68, 2); lips and eyes count twice."""
    weight = predicted.new_ones(points68.COUNT, 1)
    weight[[*points68.LIPS, *points68.EYES]] = 2
    error = F.smooth_l1_loss(predicted, landmarks, beta=0.25 / WINDOW, reduction="none")
    return (error * weight).mean()


def batch_of(examples: list[Example], device: str) -> tuple[Tensor, Tensor]:
    """Ink (B, 1, 128, 128) in [0, 1] and landmarks (B, 68, 2) in window sides."""
    ink = torch.from_numpy(np.stack([e.ink for e in examples]))[:, None].to(device).float() / 255
    landmarks = torch.from_numpy(np.stack([e.landmarks for e in examples])).to(device)
    return ink, (landmarks + 0.5) / WINDOW


def train(
    config: TrainLandmarks, data: Path, out: Path, *, minutes: float | None = None, stop: int | None = None
) -> Path:
    """Run or resume the training in `out`; returns the written weights file (moving average, float16)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    model = DrawingLandmarkNet(config.model).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=1e-4)
    run = Run(out, model, optimizer, steps=config.steps, minutes=minutes, stop=stop)
    faces = load_drawn_faces(data, config.styles, held_out=False)
    unseen = load_drawn_faces(data, config.styles, held_out=True)

    losses = []
    for step in run.steps():
        rng = np.random.default_rng([config.seed, step])
        picks = rng.integers(0, len(faces), config.batch)
        ink, landmarks = batch_of([example(faces[k], rng) for k in picks], device)
        model.train()
        with torch.autocast(device, torch.bfloat16):
            predicted = model(ink)
        loss = landmark_loss(predicted, landmarks)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % config.log_every == 0:
            few = unseen[:: max(1, len(unseen) // 24)]
            figures = evaluate(run.average, few, out / f"sheet_{step + 1:06d}.png")
            run.log(loss=float(np.mean(losses)), **figures)
            run.save()
            losses.clear()
    path = out / "drawing_landmarks.safetensors"
    figures = evaluate(run.average, unseen)
    export(run, path, kind="drawing_landmarks", model=config.model, figures=figures, data=DATA)
    return path


@torch.no_grad()
def evaluate(net: nn.Module, faces: list[DrawnFace], sheet: Path | None = None) -> dict[str, float]:
    """Mean distance to the true landmarks in outer-eye-corner distances (NME), whole and by region.

    Every face is read in two ways with a fixed seed: as the teacher drew it and moved; `moved_*` are the latter's
    figures. `sheet` gets the windows with true (green) and predicted (red) landmarks.
    """
    device = next(net.parameters()).device.type
    figures, tiles = {}, []
    for name, motion in (("", 0.0), ("moved_", 1.0)):
        rng = np.random.default_rng(0)
        examples = [example(face, rng, motion=motion, plain=True) for face in faces]
        errors = []
        for start in range(0, len(examples), 32):
            ink, landmarks = batch_of(examples[start : start + 32], device)
            predicted = net(ink)
            eyes = [landmarks[:, k] for k in points68.OUTER_EYE_CORNERS]
            distance = (eyes[0] - eyes[1]).norm(dim=-1)[:, None]
            errors.append((predicted - landmarks).norm(dim=-1) / distance)
            tiles += [_picture(*row) for row in zip(ink, landmarks, predicted, strict=True)][:12]
        error = torch.cat(errors)
        figures[f"{name}nme"] = error.mean().item()
        figures |= {f"{name}{region}": error[:, list(r)].mean().item() for region, r in REGIONS.items()}
    if sheet:
        columns = min(6, len(tiles))
        rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles) - columns + 1, columns)]
        cv2.imwrite(str(sheet), np.vstack(rows))
    return figures


def _picture(ink: Tensor, landmarks: Tensor, predicted: Tensor) -> np.ndarray:
    grey = ((1 - 0.6 * ink[0]).cpu().numpy() * 255).astype(np.uint8)
    picture = cv2.cvtColor(cv2.resize(grey, None, fx=2, fy=2), cv2.COLOR_GRAY2BGR)
    for points, colour in ((landmarks, (0, 160, 0)), (predicted, (0, 0, 255))):
        for x, y in (points.cpu().numpy() * 2 * WINDOW).round().astype(int).tolist():
            cv2.circle(picture, (x, y), 1, colour, -1)
    return picture


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train drawing-landmarks", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/landmarks"))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=TrainLandmarks.steps)
    parser.add_argument("--batch", type=int, default=TrainLandmarks.batch)
    parser.add_argument("--seed", type=int, default=TrainLandmarks.seed)
    options = parser.parse_args(argv)
    config = TrainLandmarks(steps=options.steps, batch=options.batch, seed=options.seed)
    train(config, options.data, options.out, minutes=options.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
