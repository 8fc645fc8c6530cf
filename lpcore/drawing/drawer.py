"""Static drawer: one photo and its matte in, one line drawing per style out.

It takes the role of the paper's static portrait drawer (section 3.3.2, "UPD"), as a small U-Net that works at
half resolution inside (pixel-unshuffle in, pixel-shuffle out) so that a 512 x 512 drawing takes a tenth of a
second on one processor core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PAPER = 16.0
"""Logits taken off where the person is out of reach: far below any that the network gives."""


@dataclass(frozen=True)
class DrawerConfig:
    """Size of the network: one output channel per style, feature widths from fine to coarse.

    reach: dilations of the residual blocks at the coarsest level, which see beyond a stroke: beard or shadow?
    """

    styles: tuple[str, ...] = ("ink", "pen")
    widths: tuple[int, ...] = (32, 64, 128, 192)
    reach: tuple[int, ...] = (1, 2, 4)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DrawerConfig:
        """The configuration from JSON values (lists become tuples)."""
        return cls(**{name: tuple(values.get(name, ())) for name in ("styles", "widths", "reach")})

    @property
    def stride(self) -> int:
        """Input height and width must be multiples of this many pixels."""
        return 2 ** len(self.widths)


class _Block(nn.Sequential):
    """Two 3 x 3 convolutions with batch normalisation, size kept."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for a, b in pairwise((inputs, outputs, outputs)):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class _Reach(nn.Module):
    """A residual block of two dilated 3 x 3 convolutions; an untrained one changes nothing."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation) for _ in range(2)
        )
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class StaticDrawer(nn.Module):
    """U-Net from (B, 4, H, W) to ink logits (B, styles, H, W).

    Input channels: RGB in [-1, 1] and the matte in [0, 1] (1 = person). H and W are multiples of
    `config.stride`. ``sigmoid(logits)`` is the amount of ink in [0, 1], 1 = black. Farther than two strides from the
    matte all is paper.
    """

    def __init__(self, config: DrawerConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.down = nn.ModuleList(_Block(a, b) for a, b in pairwise((16, *widths)))
        self.reach = nn.Sequential(*(_Reach(widths[-1], dilation) for dilation in config.reach))
        self.up = nn.ModuleList(_Block(coarse + fine, fine) for fine, coarse in pairwise(widths))
        self.out = nn.Conv2d(widths[0], 4 * len(config.styles), 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        far = 1 - self._near(x[:, 3:])
        x = F.pixel_unshuffle(x, 2)  # (B, 16, H/2, W/2)
        skips = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        x = self.reach(x)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        return F.pixel_shuffle(self.out(x), 2) - _PAPER * far

    def _near(self, matte: Tensor) -> Tensor:
        """(B, 1, H, W): the matte (B, 1, H, W) grown by one to two strides; wisps of hair lie there."""
        near = F.max_pool2d(F.max_pool2d(matte, self.config.stride), 3, 1, 1)
        return F.interpolate(near, size=matte.shape[-2:], mode="bilinear", align_corners=False)


def drawer_input(image: Tensor, matte: Tensor) -> Tensor:
    """Network input (B, 4, H, W) from `image` (B, 3, H, W) in [0, 1] and `matte` (B, 1, H, W) in [0, 1]."""
    return torch.cat([image * 2 - 1, matte], dim=1)
