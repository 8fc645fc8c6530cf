"""The paper's static cartoon drawer: the light generator of photo2cartoon (minivision-ai, MIT).

A photo-to-cartoon network after U-GAT-IT. Attribute names are those of the published weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import InstanceNorm

_LEVELS = 4


def _mirrored(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    # Padding is a layer of its own: the published names count it.
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride, bias=False)]


def _activated(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(InstanceNorm(), nn.ReLU(), *_mirrored(inputs, outputs))


class _SplitBlock(nn.Module):
    """Three pre-activated convolutions in a row whose outputs, 1/2 + 1/4 + 1/4 of the width, are added side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.ConvBlock1 = _activated(width, width // 2)
        self.ConvBlock2 = _activated(width // 2, width // 4)
        self.ConvBlock3 = _activated(width // 4, width // 4)
        # Published as weights, used nowhere: the width never changes.
        self.ConvBlock4 = nn.Sequential(InstanceNorm(), nn.ReLU(), nn.Conv2d(width, width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        first = self.ConvBlock1(x)
        second = self.ConvBlock2(first)
        return x + torch.cat([first, second, self.ConvBlock3(second)], dim=1)


class _Nest(nn.Module):
    """Four levels of average pooling down and nearest neighbours up, each with a side branch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sides = [f"ConvBlock{level}_1" for level in range(1, _LEVELS + 1)]
        downs = [f"ConvBlock{level}_2" for level in range(1, _LEVELS + 1)]
        ups = [f"ConvBlock{index}" for index in range(_LEVELS + 2, 2 * _LEVELS + 2)]
        for name in (*sides, *downs, "ConvBlock5", *ups):
            self.add_module(name, _SplitBlock(width))
        self._sides, self._downs, self._ups = sides, downs, ups

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for side, down in zip(self._sides, self._downs, strict=True):
            kept.append(self.get_submodule(side)(x))
            x = self.get_submodule(down)(F.avg_pool2d(x, 2))
        x = self.get_submodule("ConvBlock5")(x)
        for up in self._ups:
            x = kept.pop() + F.interpolate(self.get_submodule(up)(x), scale_factor=2)
        return x


class _HourGlass(nn.Module):
    """A nest that also makes a three-channel image; the image comes back into the features, or out at the end."""

    def __init__(self, width: int, last: bool = False) -> None:
        super().__init__()
        self.HG = nn.Sequential(
            _Nest(width),
            _SplitBlock(width),
            nn.Conv2d(width, width, 1, bias=False),
            InstanceNorm(),
            nn.ReLU(),
        )
        self.Conv1 = nn.Conv2d(width, 3, 1)
        if not last:
            self.Conv2 = nn.Conv2d(width, width, 1)
            self.Conv3 = nn.Conv2d(3, width, 1)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        y = self.HG(x)
        image = self.Conv1(y)
        return image if self.last else x + self.Conv2(y) + self.Conv3(image)


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first = [*_mirrored(width, width), InstanceNorm(), nn.ReLU()]
        self.conv_block = nn.Sequential(*first, *_mirrored(width, width), InstanceNorm())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


def _mixed_statistics(x: Tensor, rho: Tensor) -> Tensor:
    """`x` normalised per channel (share `rho`) and per image (the rest); variances unbiased."""

    def normalised(axes: tuple[int, ...]) -> Tensor:
        variance, mean = torch.var_mean(x, axes, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + 1e-5)

    return rho * normalised((2, 3)) + (1 - rho) * normalised((1, 2, 3))


class _LayerInstanceNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.gamma = nn.Parameter(torch.ones(1, width, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return _mixed_statistics(x, self.rho) * self.gamma + self.beta


class _Rho(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.full((1, width, 1, 1), 0.9))


class _SoftAdaptiveNorm(nn.Module):
    """Scale and shift follow the photo's content features (B, width) and style features (B, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _Rho(width)
        self.w_gamma = nn.Parameter(torch.zeros(1, width))
        self.w_beta = nn.Parameter(torch.zeros(1, width))
        self.c_gamma, self.c_beta = (
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(2)
        )
        self.s_gamma = nn.Linear(width, width)
        self.s_beta = nn.Linear(width, width)

    def forward(self, x: Tensor, content: Tensor, style: Tensor) -> Tensor:
        gamma = torch.lerp(self.s_gamma(style), self.c_gamma(content), self.w_gamma)
        beta = torch.lerp(self.s_beta(style), self.c_beta(content), self.w_beta)
        return _mixed_statistics(x, self.norm.rho) * gamma[..., None, None] + beta[..., None, None]


class _AdaptiveBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect", bias=False) for _ in range(2)
        )
        self.norm1, self.norm2 = _SoftAdaptiveNorm(width), _SoftAdaptiveNorm(width)

    def forward(self, x: Tensor, content: Tensor, style: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x), content, style))
        return x + self.norm2(self.conv2(y), content, style)


def _down(width: int) -> nn.Sequential:
    return nn.Sequential(*_mirrored(width, 2 * width, 3, 2), InstanceNorm(), nn.ReLU())


def _up(width: int) -> nn.Sequential:
    rise = nn.Upsample(scale_factor=2)
    return nn.Sequential(rise, *_mirrored(2 * width, width), _LayerInstanceNorm(width), nn.ReLU())


class CartoonGenerator(nn.Module):
    """Photo (B, 3, 256, 256) in [−1, 1] to cartoon (B, 3, 256, 256) in [−1, 1]; sides are multiples of 16."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        wide = 4 * width
        self.ConvBlock1 = nn.Sequential(*_mirrored(3, width, 7), InstanceNorm(), nn.ReLU())
        self.HourGlass1, self.HourGlass2 = _HourGlass(width), _HourGlass(width)
        self.DownBlock1, self.DownBlock2 = _down(width), _down(2 * width)
        for index in range(1, 5):
            self.add_module(f"EncodeBlock{index}", _ResidualBlock(wide))
            self.add_module(f"DecodeBlock{index}", _AdaptiveBlock(wide))
        self.gap_fc, self.gmp_fc = nn.Linear(wide, 1), nn.Linear(wide, 1)
        self.conv1x1 = nn.Conv2d(2 * wide, wide, 1)
        self.FC = nn.Sequential(nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU())
        self.UpBlock1, self.UpBlock2 = _up(2 * width), _up(width)
        self.HourGlass3, self.HourGlass4 = _HourGlass(width), _HourGlass(width, last=True)
        self.ConvBlock2 = nn.Sequential(*_mirrored(3, 3, 7), nn.Tanh())

    def forward(self, photo: Tensor) -> Tensor:
        x = self.HourGlass2(self.HourGlass1(self.ConvBlock1(photo)))  # (B, width, H, W)
        x = self.DownBlock2(self.DownBlock1(x))  # (B, 4·width, H/4, W/4)
        contents = []
        for index in range(1, 5):
            x = self.get_submodule(f"EncodeBlock{index}")(x)
            contents.append(x.mean((2, 3)))
        attention = [x * fc.weight[..., None, None] for fc in (self.gap_fc, self.gmp_fc)]
        x = F.relu(self.conv1x1(torch.cat(attention, dim=1)))
        style = self.FC(x.mean((2, 3)))
        for index in range(1, 5):
            x = self.get_submodule(f"DecodeBlock{index}")(x, contents.pop(), style)
        x = self.UpBlock2(self.UpBlock1(x))  # (B, width, H, W)
        return self.ConvBlock2(self.HourGlass4(self.HourGlass3(x)))
