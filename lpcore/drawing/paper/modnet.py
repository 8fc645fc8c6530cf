"""Portrait matting by MODNet (Ke et al. 2022, Apache-2.0), the paper's foreground mask.

Only what inference needs: the published file's two auxiliary heads are kept as weights, never run. Attribute names
are those of the published weights.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_INVERTED = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""MobileNetV2: expansion, channels, repeats, first stride."""

_TAPS = {1: 16, 3: 24, 6: 32, 13: 96, 18: 1280}
"""Backbone layer whose output is used -> its channels, at 1/2 … 1/32 of the resolution."""


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6()]


class _InvertedResidual(nn.Module):
    """Widen by 1 × 1, filter each channel, narrow by 1 × 1 without activation."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        widen = _unit(inputs, inner, 1) if expansion > 1 else []
        narrow = _unit(inner, outputs, 1)[:2]
        self.conv = nn.Sequential(*widen, *_unit(inner, inner, 3, stride, groups=inner), *narrow)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class _MobileNet(nn.Module):
    """(B, 3, H, W) to the five tapped feature maps, fine to coarse."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*_unit(3, 32, 3, 2))]
        inputs = 32
        for expansion, outputs, repeats, stride in _INVERTED:
            for repeat in range(repeats):
                layers.append(_InvertedResidual(inputs, outputs, 1 if repeat else stride, expansion))
                inputs = outputs
        layers.append(nn.Sequential(*_unit(inputs, 1280, 1)))
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _TAPS:
                taps.append(x)
        return taps


class _HalfBatchNorm(nn.Module):
    """Batch normalisation for the first half of the channels, instance normalisation for the second."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bnorm = nn.BatchNorm2d(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        batch, instance = x.chunk(2, dim=1)
        return torch.cat([self.bnorm(batch), F.instance_norm(instance)], dim=1)


class _Conv(nn.Module):
    """Convolution, mixed normalisation, ReLU; a `plain` one is a convolution alone."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, plain: bool = False
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.layers = nn.Sequential(conv, *([] if plain else [_HalfBatchNorm(outputs), nn.ReLU()]))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def _chain(*widths: int) -> nn.Sequential:
    return nn.Sequential(*(_Conv(a, b) for a, b in pairwise(widths)))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = nn.Linear(channels, channels // 4, bias=False)
        widen = nn.Linear(channels // 4, channels, bias=False)
        self.fc = nn.Sequential(narrow, nn.ReLU(), widen, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean((2, 3)))[..., None, None]


class _LowResolution(nn.Module):
    """What is person: from the coarsest features to 1/8 resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.se_block = _SqueezeExcite(1280)
        self.conv_lr16x = _Conv(1280, 96, 5)
        self.conv_lr8x = _Conv(96, 32, 5)
        self.conv_lr = _Conv(32, 1, stride=2, plain=True)

    def forward(self, coarsest: Tensor) -> Tensor:
        x = self.conv_lr16x(_double(self.se_block(coarsest)))
        return self.conv_lr8x(_double(x))


class _HighResolution(nn.Module):
    """Where its edge runs: from the fine features to 1/2 resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tohr_enc2x = _Conv(16, width, 1)
        self.conv_enc2x = _Conv(width + 3, width, stride=2)
        self.tohr_enc4x = _Conv(24, width, 1)
        self.conv_enc4x = _Conv(2 * width, 2 * width)
        self.conv_hr4x = _chain(3 * width + 3, 2 * width, 2 * width, width)
        self.conv_hr2x = _chain(2 * width, 2 * width, width, width, width)
        self.conv_hr = nn.Sequential(_Conv(width + 3, width), _Conv(width, 1, 1, plain=True))

    def forward(self, image: Tensor, half: Tensor, quarter: Tensor, low: Tensor) -> Tensor:
        image2, image4 = (
            F.interpolate(image, scale_factor=s, mode="bilinear", align_corners=False) for s in (1 / 2, 1 / 4)
        )
        half = self.tohr_enc2x(half)
        x = self.conv_enc2x(torch.cat([image2, half], dim=1))
        x = self.conv_enc4x(torch.cat([x, self.tohr_enc4x(quarter)], dim=1))
        x = self.conv_hr4x(torch.cat([x, _double(low), image4], dim=1))
        return self.conv_hr2x(torch.cat([_double(x), half], dim=1))


class _Fusion(nn.Module):
    """Both together: the matte at full resolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_lr4x = _Conv(32, width, 5)
        self.conv_f2x = _Conv(2 * width, width)
        self.conv_f = nn.Sequential(_Conv(width + 3, width // 2), _Conv(width // 2, 1, 1, plain=True))

    def forward(self, image: Tensor, low: Tensor, high: Tensor) -> Tensor:
        x = _double(self.conv_lr4x(_double(low)))
        x = self.conv_f2x(torch.cat([x, high], dim=1))
        return torch.sigmoid(self.conv_f(torch.cat([_double(x), image], dim=1)))


class ModNet(nn.Module):
    """Photo (B, 3, H, W) in [−1, 1], sides multiples of 32, to matte (B, 1, H, W) in [0, 1], 1 = person."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"model": _MobileNet()})
        self.lr_branch = _LowResolution()
        self.hr_branch = _HighResolution(width)
        self.f_branch = _Fusion(width)

    def forward(self, photo: Tensor) -> Tensor:
        half, quarter, _, _, coarsest = self.backbone["model"](photo)
        low = self.lr_branch(coarsest)
        high = self.hr_branch(photo, half, quarter, low)
        return self.f_branch(photo, low, high)
