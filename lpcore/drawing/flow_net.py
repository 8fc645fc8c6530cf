"""Flow A: a network that regresses a dense backward flow from two sets of landmarks (paper section 3.3.1).

Two published shapes, told apart by `FlowNetConfig.variant`, and ours. The method is that of Li et al., "Dense
intrinsic appearance flow for human pose transfer" (2019), which the paper takes over for faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import points68
from ..weights.tensors import load
from .flow import grid_flow
from .landmark_image import disc_maps

FLOW_UNIT = 20.0
"""Pixels at the working resolution per unit of the network's output."""


@dataclass(frozen=True)
class FlowNetConfig:
    """All that distinguishes one flow net from another.

    variant: "unet" (4 × 4 convolutions, nested) or "unet_v2" (residual).
    width: features of the first layer. max_width: limit for the coarser ones.
    halvings: from the working resolution to the finest flow. levels: halvings below that.
    residuals: residual blocks per level ("unet_v2").
    side: working resolution in pixels, a multiple of 2^(halvings + levels).
    radius: of the landmark discs in working pixels. soft: smooth-edged discs (see `disc_maps`).
    relative: whether the output is added to flow B; the published nets know nothing of it.
    """

    variant: str = "unet"
    width: int = 32
    max_width: int = 512
    halvings: int = 1
    levels: int = 4
    residuals: int = 2
    side: int = 224
    radius: float = 4.0
    soft: bool = False
    relative: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FlowNetConfig:
        """The configuration from JSON values."""
        return cls(**values)


PAPER_UNET = FlowNetConfig()
PAPER_UNET_V2 = FlowNetConfig("unet_v2", max_width=128)
DEFAULT = FlowNetConfig("unet_v2", width=16, max_width=80, side=160, radius=3.0, soft=True, relative=True)
"""Ours: small enough to run beside the generator on a processor; soft discs keep the flow steady, and from flow B on
there is little left to learn: what a turning head hides, and what moves between the landmarks."""


@dataclass(frozen=True)
class FlowOutput:
    """Raw output for a batch.

    flows: finest first, (T, 2, s, s) in units of `FLOW_UNIT` working pixels, s = side / 2^halvings, then halves.
    visibility: (T, 3, s, s) logits of 0 visible, 1 hidden in the source, 2 background.
    """

    flows: tuple[Tensor, ...]
    visibility: Tensor


class FlowNet(nn.Module):
    """Disc maps of source and target landmarks (T, 136, side, side) to `FlowOutput`."""

    def __init__(self, config: FlowNetConfig = DEFAULT) -> None:
        super().__init__()
        self.config = config
        self.body = {"unet": NestedUnet, "unet_v2": ResidualUnet}[config.variant](config)
        if config.relative:
            for head in self.body.flow:
                # An untrained net leaves flow B as it is.
                nn.init.zeros_(head[-1].weight)
                nn.init.zeros_(head[-1].bias)

    def forward(self, discs: Tensor) -> FlowOutput:
        return self.body(discs)

    def discs(self, source: Tensor, target: Tensor, size: int = 256) -> Tensor:
        """(T, 136, side, side) input from landmarks (1 or T, 68, 2) and (T, 68, 2) in pixels of a `size` frame."""
        config = self.config
        points = torch.cat([source.expand_as(target), target], dim=1)
        points = _scaled(points, config.side / size)
        return disc_maps(points, config.side, config.radius, soft=config.soft)

    def regress(
        self, source: Tensor, target: Tensor, flow_b: Tensor, size: int = 256
    ) -> tuple[Tensor, Tensor]:
        """Flow A of T frames, ready for the generator.

        source (1 or T, 68, 2), target (T, 68, 2): landmarks in pixels of a `size` × `size` frame. flow_b: (T, size,
        size, 2) grid for `generator.warp`, which a relative net corrects.
        Returns flow (T, 2, size, size) in its pixels, target pixel + flow = source pixel, and visibility
        (T, 1, size, size) in [0, 1], where the face is (visible or hidden).
        """
        side = self.config.side
        output = self(self.discs(source, target, size))
        flow = _finer(output.flows[0].float(), side) * FLOW_UNIT
        mask = (_finer(output.visibility.float(), side).argmax(1, keepdim=True) < 2).float()
        flow = _to_frame(flow * mask, size) * (size / side)
        if self.config.relative:
            flow = flow + grid_flow(flow_b)
        return flow, _to_frame(mask, size)


def load_flow_net(name: str = "flow_net", device: str = "cpu") -> FlowNet:
    """The flow net of the weight file `name`, ready to run; raises LpError as `weights.require` does."""
    return load(name, lambda config: FlowNet(FlowNetConfig.from_dict(config)), device)


def _scaled(points: Tensor, factor: float) -> Tensor:
    # -1 marks an unknown landmark and must survive the change of resolution.
    return torch.where((points == -1).any(-1, keepdim=True), -1.0, points * factor)


def _finer(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False)


def _to_frame(maps: Tensor, size: int) -> Tensor:
    return F.interpolate(maps, (size, size), mode="bilinear", align_corners=True)


def _flow_head(width: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(activation, nn.Conv2d(width, outputs, 3, padding=1))


class NestedUnet(nn.Module):
    """Variant "unet": a stem, then a U-Net whose every level predicts a flow on the way up."""

    def __init__(self, config: FlowNetConfig) -> None:
        super().__init__()
        width, inputs = config.width, 2 * points68.COUNT
        layers: list[nn.Module] = [
            _normed(nn.Conv2d(inputs, width, 7, padding=3, bias=False)),
            nn.LeakyReLU(0.1),
        ]
        for _ in range(config.halvings):
            layers += [_normed(nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False)), nn.LeakyReLU(0.1)]
            width *= 2
        self.stem = nn.Sequential(*layers)
        widths = [min(config.max_width, width * 2**level) for level in range(config.levels + 1)]
        innermost = config.levels - 1
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for level, (fine, coarse) in enumerate(pairwise(widths)):
            down = nn.Conv2d(fine, coarse, 4, 2, 1, bias=False)
            self.down.append(nn.Sequential(down) if level == innermost else _normed(down))
            joined = coarse if level == innermost else 2 * coarse
            self.up.append(_normed(nn.ConvTranspose2d(joined, fine, 4, 2, 1, bias=level == 0)))
        self.flow = nn.ModuleList(_flow_head(fine, 2, nn.LeakyReLU(0.1)) for fine in widths[:-1])
        self.visibility = _flow_head(widths[0], 3, nn.LeakyReLU(0.1))

    def forward(self, discs: Tensor) -> FlowOutput:
        x = self.stem(discs)  # (T, 2·width, s, s)
        skips = []
        for level, down in enumerate(self.down):
            x = down(F.leaky_relu(x, 0.2) if level else x)
            skips.append(x)
        x = F.relu(skips.pop())
        flows = []
        for level in reversed(range(len(self.up))):
            x = self.up[level](x)
            flows.append(self.flow[level](x))
            if level:
                x = F.relu(torch.cat([skips.pop(), x], dim=1))
        return FlowOutput(tuple(reversed(flows)), self.visibility(x))


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


class ResidualBlock(nn.Module):
    """x + BN(conv(ReLU x)); a `skip` tensor joins the convolution's input through a 1 × 1 convolution of its own."""

    def __init__(self, width: int, joined: bool = False) -> None:
        super().__init__()
        self.conv = _normed(_conv(2 * width if joined else width, width))
        self.skip = _normed(nn.Conv2d(width, width, 1, bias=False)) if joined else None

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        y = x
        if self.skip is not None and skip is not None:
            y = torch.cat([x, self.skip(F.relu(skip))], dim=1)
        return x + self.conv(F.relu(y))


class ResidualUnet(nn.Module):
    """Variant "unet_v2": residual blocks on the way down and up, sub-pixel upsampling, a flow at every level."""

    def __init__(self, config: FlowNetConfig) -> None:
        super().__init__()
        steps = config.halvings + config.levels
        widths = [min(config.max_width, config.width * (k + 1)) for k in range(steps + 1)]
        self.stem = _normed(nn.Conv2d(2 * points68.COUNT, widths[0], 1, bias=False))
        self.shrink = nn.ModuleList(
            nn.Sequential(ResidualBlock(fine), nn.ReLU(), _normed(_conv(fine, coarse, 2)))
            for fine, coarse in pairwise(widths[: config.halvings + 1])
        )
        pairs = list(pairwise(widths[config.halvings :]))
        self.encode = nn.ModuleList(
            nn.ModuleList(ResidualBlock(fine) for _ in range(config.residuals)) for fine, _ in pairs
        )
        self.down = nn.ModuleList(nn.Sequential(nn.ReLU(), _normed(_conv(a, b, 2))) for a, b in pairs)
        self.up = nn.ModuleList(
            nn.Sequential(nn.ReLU(), _conv(coarse, 4 * fine), nn.PixelShuffle(2), nn.BatchNorm2d(fine))
            for fine, coarse in pairs
        )
        self.decode = nn.ModuleList(
            nn.ModuleList(ResidualBlock(fine, joined=True) for _ in range(config.residuals))
            for fine, _ in pairs
        )
        self.flow = nn.ModuleList(_flow_head(fine, 2, nn.ReLU()) for fine, _ in pairs)
        self.visibility = _flow_head(pairs[0][0], 3, nn.ReLU())

    def forward(self, discs: Tensor) -> FlowOutput:
        x = self.stem(discs)  # (T, width, side, side)
        for shrink in self.shrink:
            x = shrink(x)  # half the side each time
        hidden = []
        for blocks, down in zip(self.encode, self.down, strict=True):
            for block in blocks:  # type: ignore[attr-defined] an inner ModuleList
                x = block(x)
                hidden.append(x)
            x = down(x)
        flows = []
        for level in reversed(range(len(self.up))):
            x = self.up[level](x)
            for block in self.decode[level]:  # type: ignore[attr-defined] an inner ModuleList
                x = block(x, hidden.pop())
            flows.append(self.flow[level](x))
        return FlowOutput(tuple(reversed(flows)), self.visibility(x))
