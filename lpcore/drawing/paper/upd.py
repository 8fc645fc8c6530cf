"""The paper's static portrait drawer (section 3.3.2): Yi et al., "Unpaired portrait drawing generation" (2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import InstanceNorm, Layer, ResidualBlock, doubling, halving, stem

STYLES = 3
PAPER_STYLE = 1
"""The style whose drawings the paper's generator was trained with."""


class UpdGenerator(nn.Module):
    """Photo to drawing; made for 512 × 512 pixels, a multiple of 4 works."""

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        self.encoder = nn.Sequential(
            Layer(stem(3, widths[0]), InstanceNorm()),
            Layer(halving(widths[0], widths[1]), InstanceNorm()),
            Layer(halving(widths[1], widths[2]), InstanceNorm()),
        )
        self.style_in = Layer(nn.Conv2d(widths[2] + STYLES, widths[2], 3, padding=1), InstanceNorm())
        self.trunk = nn.Sequential(*(ResidualBlock(widths[2], "instance") for _ in range(blocks)))
        self.up = nn.Sequential(
            Layer(doubling(widths[2], widths[1]), InstanceNorm()),
            Layer(doubling(widths[1], widths[0]), InstanceNorm()),
        )
        self.out = stem(widths[0], 1)

    def forward(self, photo: Tensor, style: int = PAPER_STYLE) -> Tensor:
        """Drawing (B, 1, H, W) in [−1, 1] of photos (B, 3, H, W) in [−1, 1], background included."""
        x = self.encoder(photo)  # (B, 4·width, H/4, W/4)
        chosen = F.one_hot(torch.tensor(style, device=x.device), STYLES).to(x.dtype)
        styles = chosen[None, :, None, None].expand(len(x), -1, *x.shape[-2:])
        x = self.style_in(torch.cat([x, styles], dim=1))
        return torch.tanh(self.out(self.up(self.trunk(x))))
