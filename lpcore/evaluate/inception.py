"""Inception-v3 as FID is defined on it (Heusel et al., NeurIPS 2017): TensorFlow's network of 2015-12-05.

The user brings the weights, the file ``pt_inception-2015-12-05`` in which the package pytorch-fid publishes them; the
layers here bear its names. Against the textbook's Inception-v3 (Szegedy et al., 2016), means at the border leave the
padding out, and the last block's pooling is a maximum. Pictures are resized as that package does: to 299 x 299,
bilinear, without smoothing.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import LpError
from ..weights.tensors import restore

SIDE = 299
FEATURES = 2048

_CLASSES = 1008
_UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile)

_Kernel = tuple[int, int]
_Layer = tuple[str, int, _Kernel, int]
"""Name, output channels, kernel, stride."""
_Path = tuple[tuple[_Layer, ...], ...]
"""Steps in a row, the layers of a step side by side."""

_POINT, _SQUARE, _LARGE = (1, 1), (3, 3), (5, 5)
_WIDE, _TALL = (1, 7), (7, 1)


class _Convolution(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: _Kernel, stride: int, padding: _Kernel) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _same(kernel: _Kernel) -> _Kernel:
    return kernel[0] // 2, kernel[1] // 2


class _Mixed(nn.ModuleDict):
    """Paths side by side, and a pooled one: "mean" or "max" of 3 x 3 with a convolution behind, or "halving" alone."""

    def __init__(self, inputs: int, paths: tuple[_Path, ...], pooling: str, pooled: int = 0) -> None:
        super().__init__()
        self._paths, self._pooling = paths, pooling
        for path in paths:
            width = inputs
            for step in path:
                for name, outputs, kernel, stride in step:
                    padding = _same(kernel) if stride == 1 else (0, 0)
                    self[name] = _Convolution(width, outputs, kernel, stride, padding)
                width = sum(outputs for _, outputs, _, _ in step)
        if pooled:
            self["branch_pool"] = _Convolution(inputs, pooled, _POINT, 1, (0, 0))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(self._along(path, x) for path in self._paths), self._pooled(x)], 1)

    def _along(self, path: _Path, x: Tensor) -> Tensor:
        for step in path:
            x = torch.cat([self[name](x) for name, *_ in step], 1)
        return x

    def _pooled(self, x: Tensor) -> Tensor:
        if self._pooling == "halving":
            return F.max_pool2d(x, 3, 2)
        if self._pooling == "max":
            return self["branch_pool"](F.max_pool2d(x, 3, 1, 1))
        return self["branch_pool"](F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))


def _row(*layers: _Layer) -> _Path:
    return tuple((layer,) for layer in layers)


def _fine(inputs: int, pooled: int) -> _Mixed:
    narrow = _row(("branch5x5_1", 48, _POINT, 1), ("branch5x5_2", 64, _LARGE, 1))
    deep = _row(
        ("branch3x3dbl_1", 64, _POINT, 1),
        ("branch3x3dbl_2", 96, _SQUARE, 1),
        ("branch3x3dbl_3", 96, _SQUARE, 1),
    )
    return _Mixed(inputs, (_row(("branch1x1", 64, _POINT, 1)), narrow, deep), "mean", pooled)


def _first_halving(inputs: int) -> _Mixed:
    deep = _row(
        ("branch3x3dbl_1", 64, _POINT, 1),
        ("branch3x3dbl_2", 96, _SQUARE, 1),
        ("branch3x3dbl_3", 96, _SQUARE, 2),
    )
    return _Mixed(inputs, (_row(("branch3x3", 384, _SQUARE, 2)), deep), "halving")


def _middle(inputs: int, width: int) -> _Mixed:
    cross = _row(
        ("branch7x7_1", width, _POINT, 1), ("branch7x7_2", width, _WIDE, 1), ("branch7x7_3", 192, _TALL, 1)
    )
    deep = _row(
        ("branch7x7dbl_1", width, _POINT, 1),
        ("branch7x7dbl_2", width, _TALL, 1),
        ("branch7x7dbl_3", width, _WIDE, 1),
        ("branch7x7dbl_4", width, _TALL, 1),
        ("branch7x7dbl_5", 192, _WIDE, 1),
    )
    return _Mixed(inputs, (_row(("branch1x1", 192, _POINT, 1)), cross, deep), "mean", 192)


def _second_halving(inputs: int) -> _Mixed:
    plain = _row(("branch3x3_1", 192, _POINT, 1), ("branch3x3_2", 320, _SQUARE, 2))
    cross = _row(
        ("branch7x7x3_1", 192, _POINT, 1),
        ("branch7x7x3_2", 192, _WIDE, 1),
        ("branch7x7x3_3", 192, _TALL, 1),
        ("branch7x7x3_4", 192, _SQUARE, 2),
    )
    return _Mixed(inputs, (plain, cross), "halving")


def _coarse(inputs: int, pooling: str) -> _Mixed:
    def fork(name: str) -> _Path:
        return (((f"{name}a", 384, (1, 3), 1), (f"{name}b", 384, (3, 1), 1)),)

    plain = _row(("branch3x3_1", 384, _POINT, 1)) + fork("branch3x3_2")
    deep = _row(("branch3x3dbl_1", 448, _POINT, 1), ("branch3x3dbl_2", 384, _SQUARE, 1)) + fork(
        "branch3x3dbl_3"
    )
    return _Mixed(inputs, (_row(("branch1x1", 320, _POINT, 1)), plain, deep), pooling, 192)


class Inception(nn.Module):
    """Pictures (B, 1 or 3, H, W), grey or RGB in [0, 1], to the features (B, 2048) of FID.

    The classifier ``fc`` is only here because the published file has it.
    """

    def __init__(self) -> None:
        super().__init__()
        none, one = (0, 0), (1, 1)
        self.Conv2d_1a_3x3 = _Convolution(3, 32, _SQUARE, 2, none)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, _SQUARE, 1, none)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, _SQUARE, 1, one)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, _POINT, 1, none)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, _SQUARE, 1, none)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _fine(192, 32), _fine(256, 64), _fine(288, 64)
        self.Mixed_6a = _first_halving(288)
        self.Mixed_6b, self.Mixed_6c = _middle(768, 128), _middle(768, 160)
        self.Mixed_6d, self.Mixed_6e = _middle(768, 160), _middle(768, 192)
        self.Mixed_7a = _second_halving(768)
        self.Mixed_7b, self.Mixed_7c = _coarse(1280, "mean"), _coarse(2048, "max")
        self.fc = nn.Linear(FEATURES, _CLASSES)

    def features(self, pictures: Tensor) -> Tensor:
        """(B, 2048): the means of the last feature maps, "pool3"."""
        size = (SIDE, SIDE)
        x = 2 * F.interpolate(pictures.float(), size, mode="bilinear", align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x.expand(-1, 3, -1, -1))))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name, layer in self.named_children():
            x = layer(x) if name.startswith("Mixed") else x
        return x.mean((2, 3))


def load_inception(path: Path, device: str | torch.device = "cpu") -> Inception:
    """The frozen network with the weights of the published file.

    Raises:
        FileNotFoundError: there is no such file.
        LpError: ``CHECKPOINT_WRONG``, it is another file.
    """
    net = Inception()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        restore(net, {name: tensor for name, tensor in state.items() if "num_batches" not in name})
    except FileNotFoundError:
        raise
    except (*_UNREADABLE, AttributeError) as error:
        raise LpError("CHECKPOINT_WRONG", f"{path.name} is no pt_inception-2015-12-05: {error}") from error
    return net.to(device).eval().requires_grad_(False)
