"""TEED, the edge network behind the `pen` drawings, and pen drawings averaged over mirror images and sizes.

Soria et al., "Tiny and Efficient Model for the Edge Detection Generalization" (ICCV workshops 2023). Its weights
stay with the training data: `python -m lpcore.train.teed --data DIR --out DIR` writes ``OUT/drawings_pen``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .portraits import grown, read_image

SIZES = {512: 1.0, 768: 0.9}
"""Heights and widths in pixels at which a photo is drawn, and how much each drawing counts."""

_MEAN = (104.007, 116.669, 122.679)


class _Smish(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        # x tanh(ln(1 + sigmoid(x))), with tanh(ln u) = (u^2 - 1) / (u^2 + 1).
        square = (1 + torch.sigmoid(x)).square_()
        return x * (1 - 2 / (square + 1))


class _Pair(nn.Module):
    """Two 3 x 3 convolutions, the activation in between."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, pads: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, pads[0])
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, pads[1])

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(_smish(self.conv1(x)))


class _Side(nn.Module):
    """A learnt enlargement to one map of the input's size, by 2 or by 4."""

    def __init__(self, inputs: int, factor: int) -> None:
        super().__init__()
        if factor == 2:
            layers = [nn.Conv2d(inputs, 1, 1), _Smish(), nn.ConvTranspose2d(1, 1, 2, 2)]
        else:
            layers = [nn.Conv2d(inputs, 16, 1), _Smish(), nn.ConvTranspose2d(16, 16, 4, 2, 1)]
            layers += [nn.Conv2d(16, 1, 1), _Smish(), nn.ConvTranspose2d(1, 1, 4, 2, 1)]
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)


class _Fusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.DWconv1 = nn.Conv2d(3, 24, 3, padding=1, groups=3)
        self.DWconv2 = nn.Conv2d(24, 24, 3, padding=1, groups=24)

    def forward(self, x: Tensor) -> Tensor:
        first = self.DWconv1(_smish(x))
        return _smish((first + self.DWconv2(_smish(first))).sum(1, keepdim=True))


_smish = _Smish()


class Teed(nn.Module):
    """Edge logits (B, 1, H, W) of photos (B, 3, H, W): BGR, 0 to 255, H and W multiples of 4.

    Parameters are named as in the published file. The logits never fall far below -0.25: paper is about 0.44 after
    the sigmoid (see `normalised`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.block_1 = _Pair(3, 16, stride=2)
        self.block_2 = _Pair(16, 32)
        self.dblock_3 = nn.ModuleDict({"denselayer1": _Pair(32, 48, pads=(2, 0))})
        self.side_1 = nn.ModuleDict({"conv": nn.Conv2d(16, 32, 1, 2)})
        self.pre_dense_3 = nn.ModuleDict({"conv": nn.Conv2d(32, 48, 1)})
        self.up_block_1 = _Side(16, 2)
        self.up_block_2 = _Side(32, 2)
        self.up_block_3 = _Side(48, 4)
        self.block_cat = _Fusion()

    def forward(self, photo: Tensor) -> Tensor:
        x = photo - photo.new_tensor(_MEAN)[:, None, None]
        fine = _smish(self.block_1(x))
        middle = self.block_2(fine)
        small = F.max_pool2d(middle, 3, 2, 1)
        beside = self.side_1["conv"](fine)
        coarse = self.dblock_3["denselayer1"](_smish(small + beside))
        coarse = 0.5 * (coarse + self.pre_dense_3["conv"](small))
        sides = [self.up_block_1(fine), self.up_block_2(middle), self.up_block_3(coarse)]
        return self.block_cat(torch.cat(sides, dim=1))


def load_teed(data: Path) -> Teed:
    """The published network from ``data/teed``."""
    network = Teed().eval().requires_grad_(False)
    weights = torch.load(data / "teed" / "teed_7_model.pth", weights_only=True, map_location="cpu")
    network.load_state_dict(weights)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] torch's stub lacks it


def normalised(edges: np.ndarray) -> np.ndarray:
    """Edge map (H, W) stretched so that its 20th percentile becomes 0 and its maximum 1."""
    paper = np.percentile(edges, 20)
    return np.clip((edges - paper) / max(float(edges.max() - paper), 1e-6), 0, 1)


@torch.inference_mode()
def edges(network: Teed, photo: np.ndarray, *, mirrored: bool = False) -> np.ndarray:
    """Edge probabilities (H, W) float32 of a BGR photo (H, W, 3) uint8; `mirrored` averages with the mirror image's."""
    x = torch.from_numpy(photo)[None].permute(0, 3, 1, 2).float()
    result = network(x).sigmoid()
    if mirrored:
        result = (result + network(x.flip(-1)).sigmoid().flip(-1)) / 2
    return result[0, 0].numpy()


def draw_pen(network: Teed, photo: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Pen drawing (H, W) uint8, ink = 0, of a BGR photo (H, W, 3) uint8 where `person` (H, W) uint8 is over 127.

    Edges averaged over the mirror image, the strongest over `SIZES`, then made `clean`.
    """
    height, width = person.shape
    ink = np.zeros((height, width), np.float32)
    for side, weight in SIZES.items():
        enlarge = side > max(height, width)
        scaled = cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC if enlarge else cv2.INTER_AREA)
        drawn = normalised(edges(network, scaled, mirrored=True))
        ink = np.maximum(ink, weight * cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA))
    return clean(ink, person)


def clean(ink: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Drawing (H, W) uint8, ink = 0, of the person alone from `ink` (H, W) float32 in [0, 1].

    Strokes that are nowhere confident, and specks, are left out and the rest is brought near to black. The person's
    contour keeps its whole width.
    """
    ink = ink * (grown(person) > 127)
    count, found, stats, _ = cv2.connectedComponentsWithStats((ink > _FAINT).astype(np.uint8))
    labels = np.asarray(found, np.int64)
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, labels, ink)
    keep = (peak > _SURE) & (stats[:, cv2.CC_STAT_AREA] >= _SPECK)
    keep[0] = False
    kept = ink * cv2.dilate(keep[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    x = np.clip((kept - _WHITE) / (_BLACK - _WHITE), 0, 1)
    return (255 * (1 - x * x * (3 - 2 * x))).round().astype(np.uint8)


_FAINT, _SURE, _SPECK = 0.25, 0.5, 30
"""Strokes are connected pixels above the first value; kept if they reach the second and cover so many pixels."""

_WHITE, _BLACK = 0.1, 0.7
"""Ink that becomes paper and ink that becomes black."""


def main(argv: list[str] | None = None) -> int:
    """Command line: draw every photo of the data folder, going on where a former call was stopped."""
    parser = argparse.ArgumentParser(prog="lpcore train teed", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--clean-only",
        action="store_true",
        help="clean the pen drawings of --data (quick) instead of drawing anew",
    )
    options = parser.parse_args(argv)
    network = None if options.clean_only else load_teed(options.data)
    folder = options.out / "drawings_pen"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((options.data / "faces").glob("*.jpg")):
        target = folder / f"{path.stem}.png"
        if target.exists():
            continue
        person = read_image(options.data / "masks" / target.name, cv2.IMREAD_GRAYSCALE)
        if network:
            drawing = draw_pen(network, read_image(path, cv2.IMREAD_COLOR), person)
        else:
            drawing = read_image(options.data / "drawings_pen" / target.name, cv2.IMREAD_GRAYSCALE)
            drawing = clean(1 - drawing.astype(np.float32) / 255, person)
        partial = target.with_suffix(".partial.png")
        cv2.imwrite(str(partial), drawing)
        partial.replace(target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
