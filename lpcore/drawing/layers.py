"""The layers that the generator and the paper's static drawer are made of (CycleGAN's, after Johnson et al. 2016)."""

from __future__ import annotations

import functools

import torch.nn.functional as F
from torch import Tensor, nn


class InstanceNorm(nn.Module):
    """Each channel of each image to mean 0 and variance 1; statistics in float32 under autocast."""

    def forward(self, x: Tensor) -> Tensor:
        # One group per channel is the same, and several times faster on processors than F.instance_norm.
        return F.group_norm(x.float(), x.shape[1]).to(x.dtype)


def normalisation(kind: str, channels: int) -> nn.Module:
    """With each frame's statistics ("instance"), with learnt ones ("batch"), or none at all ("none")."""
    kinds = {
        "instance": InstanceNorm,
        "batch": functools.partial(nn.BatchNorm2d, channels),
        "none": nn.Identity,
    }
    return kinds[kind]()


class Layer(nn.Sequential):
    """Convolution, normalisation, ReLU."""

    def __init__(self, convolution: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.conv, self.norm, self.act = convolution, norm, nn.ReLU()


def stem(inputs: int, outputs: int) -> nn.Conv2d:
    """7 × 7 convolution that keeps the resolution, borders mirrored."""
    return nn.Conv2d(inputs, outputs, 7, padding=3, padding_mode="reflect")


def halving(inputs: int, outputs: int) -> nn.Conv2d:
    """3 × 3 convolution to half the resolution, borders zero."""
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """3 × 3 transposed convolution to twice the resolution."""
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)


class ResidualBlock(nn.Module):
    """Two mirrored-border 3 × 3 convolutions beside a shortcut, no activation after the sum.

    `extra` channels come in on top of `width`; the shortcut is then a convolution, else the identity.
    """

    def __init__(self, width: int, norm: str, extra: int = 0) -> None:
        super().__init__()
        mirrored = functools.partial(nn.Conv2d, kernel_size=3, padding=1, padding_mode="reflect")
        self.conv0 = mirrored(width + extra, width)
        self.norm0 = normalisation(norm, width)
        self.conv1 = mirrored(width, width)
        self.norm1 = normalisation(norm, width)
        self.skip = nn.Identity()
        if extra:
            self.skip = nn.Sequential(
                nn.Conv2d(width + extra, width, 3, padding=1), normalisation(norm, width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm0(self.conv0(x)))
        return self.skip(x) + self.norm1(self.conv1(y))


def initialise(module: nn.Module) -> None:
    """CycleGAN's weights to begin with, where a normalisation sets the size of signals right."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def initialise_plain(module: nn.Module) -> None:
    """He's, which keeps the size of signals that no normalisation restores; residual branches begin small."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if isinstance(module, nn.ConvTranspose2d):
            # Of its weights only a quarter meet each output pixel.
            module.weight.data *= 2 * (module.in_channels / module.out_channels) ** -0.5
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, ResidualBlock):
        module.conv1.weight.data *= 0.1
