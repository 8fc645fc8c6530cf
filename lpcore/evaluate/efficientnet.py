"""What a picture shows, as 1280 numbers: EfficientNet-lite0, whose features stand for Inception's in Fréchet distances.

The network is Google's (Apache-2.0; M. Tan and Q. Le, EfficientNet, ICML 2019, without squeeze-and-excitation and with
ReLU6), trained on ImageNet. The weights registry takes its file out of a Python package.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import weights

NAME = "FD-EffLite0"
"""What a Fréchet distance of these features is called; only Inception's is an FID."""

SIDE = 224
FEATURES = 1280

_STAGES = (
    (1, 16, 1, 3, 1), (2, 24, 6, 3, 2), (2, 40, 6, 5, 2), (3, 80, 6, 3, 2), (3, 112, 6, 5, 1), (4, 192, 6, 5, 2),
    (1, 320, 6, 3, 1),
)  # fmt: skip
"""Blocks, channels, expansion, kernel side, stride of the first block."""


class _Convolution(nn.Conv2d):
    """Convolution whose padding is split as TensorFlow does: the odd pixel goes right and below."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 torch's name
        side, stride = self.kernel_size[0], self.stride[0]
        across, down = (
            max(side - stride if n % stride == 0 else side - n % stride, 0) for n in input.shape[:1:-1]
        )
        return super().forward(F.pad(input, (across // 2, across - across // 2, down // 2, down - down // 2)))


def _convolve(inputs: int, outputs: int, side: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        _Convolution(inputs, outputs, side, stride, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, 1e-3),
    ]


class _Block(nn.Module):
    """Widen, look around channel by channel, narrow; added to the input where both are alike."""

    def __init__(self, inputs: int, outputs: int, expansion: int, side: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        layers = [*_convolve(inputs, wide), nn.ReLU6()] if expansion > 1 else []
        layers += [*_convolve(wide, wide, side, stride, wide), nn.ReLU6(), *_convolve(wide, outputs)]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.adds else self.layers(x)


class EfficientNetLite0(nn.Module):
    """Pictures (B, 1 or 3, H, W), grey or RGB in [0, 1], to features (B, 1280) or to ImageNet's 1000 logits."""

    def __init__(self) -> None:
        super().__init__()
        layers, inputs = [*_convolve(3, 32, 3, 2), nn.ReLU6()], 32
        for blocks, outputs, expansion, side, stride in _STAGES:
            for block in range(blocks):
                layers.append(_Block(inputs, outputs, expansion, side, 1 if block else stride))
                inputs = outputs
        self.trunk = nn.Sequential(*layers, *_convolve(inputs, FEATURES), nn.ReLU6())
        self.head = nn.Linear(FEATURES, 1000)

    def features(self, pictures: Tensor) -> Tensor:
        """(B, 1280): the means of the last feature maps."""
        size = (SIDE, SIDE)
        small = F.interpolate(pictures.float(), size, mode="bilinear", align_corners=False, antialias=True)
        return self.trunk((255 * small.expand(-1, 3, -1, -1) - 127) / 128).mean((2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures))


def fill(net: EfficientNetLite0, tensors: Iterable[Tensor]) -> None:
    """Put the published tensors into `net`: both have the same layers in the same order, under other names.

    Raises:
        ValueError, RuntimeError: the tensors are those of another network.
    """
    net.load_state_dict(dict(zip(net.state_dict(), tensors, strict=True)))


def load_efficientnet(device: str | torch.device = "cpu") -> EfficientNetLite0:
    """The frozen network with its trained weights.

    Raises LpError ``WEIGHTS_MISSING`` before `lpcore weights fetch efficientnet_lite0`.
    """
    net = EfficientNetLite0()
    state = torch.load(weights.require("efficientnet_lite0"), map_location="cpu", weights_only=True)
    fill(net, state.values())
    return net.to(device).eval().requires_grad_(False)
