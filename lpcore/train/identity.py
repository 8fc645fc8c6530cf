"""Who a face is: the frozen features of the identity loss (paper section 3.3.3).

The paper compares SphereFace features of drawings; here it is dlib's face recognition network (a ResNet of 29
convolutions, in the public domain), which the weights registry takes out of a Python package. A training-time tool
only. `python -m lpcore.train.identity --data DIR` measures how well it tells people apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import weights

SIDE = 150
_MEAN = (122.782, 117.001, 104.298)
_PADDING = 0.25
_ANCHORS = (45, 42, 36, 39, 33)
_PLACES = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""Where the network wants the corners of the eyes and the base of the nose, in shares of the unpadded face."""

_STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, residual blocks, and whether the first block halves the size."""

LEVEL_SIZES = (1.37, 1.1, 0.86, 1.12, 0.095)
"""Mean absolute value of each level of features on aligned teacher drawings."""


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.first = nn.Conv2d(inputs, outputs, 3, 2 if halve else 1, 0 if halve else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        new = self.second(F.relu(self.first(x)))
        if self.halve:
            x = F.avg_pool2d(x, 2)
            # The network was trained to add maps of unlike size, as if padded with zeros at the far end.
            x = F.pad(x, (0, 0, 0, 0, 0, new.shape[1] - x.shape[1]))
            new = F.pad(new, (0, x.shape[-1] - new.shape[-1], 0, x.shape[-2] - new.shape[-2]))
        return F.relu(x + new)


class IdentityNet(nn.Module):
    """Aligned faces (B, 3, 150, 150), RGB in [0, 1], to five levels of features.

    The levels are the outputs of four residual stages, (B, 32 ... 256, h, w), and the embedding (B, 128), whose
    Euclidean distance tells people apart. Runs in float32 whatever autocast says.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, stride=2)
        self.stages = nn.ModuleList()
        inputs = 32
        for outputs, blocks, halve in _STAGES:
            stage = nn.Sequential(_Residual(inputs, outputs, halve))
            stage.extend(_Residual(outputs, outputs, False) for _ in range(blocks - 1))
            self.stages.append(stage)
            inputs = outputs
        self.embed = nn.Linear(inputs, 128, bias=False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1) / 256, persistent=False)

    def forward(self, faces: Tensor) -> list[Tensor]:
        with torch.autocast(faces.device.type, enabled=False):
            x = faces.float() * (255 / 256) - self.mean
            x = F.max_pool2d(F.relu(self.stem(x)), 3, 2)
            levels = []
            for stage in self.stages:
                x = stage(x)
                levels.append(x)
            return [*levels[:4], self.embed(x.mean((2, 3)))]


def load_identity_net(device: str | torch.device = "cpu") -> IdentityNet:
    """The frozen network with its trained weights.

    Raises LpError ``WEIGHTS_MISSING`` before `lpcore weights fetch face_identity`.
    """
    net = IdentityNet()
    fill(net, weights.require("face_identity").read_bytes())
    return net.to(device).eval().requires_grad_(False)


def fill(net: IdentityNet, blob: bytes) -> None:
    """Put the tensors of a serialised dlib network into `net`, each affine layer folded into its convolution.

    Layers lie in the file in the order of computation, each as its name, then (but for the last) one tensor.

    Raises:
        ValueError: the file holds another network.
    """
    place = 0
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            values, place = _tensor(blob, b"\x05con_4", place)
            scales, place = _tensor(blob, b"\x07affine_", place)
            count = layer.out_channels
            if values.size != layer.weight.numel() + count or scales.size != 2 * count:
                raise ValueError(f"unexpected layer of {values.size} values")
            gain, offset = torch.from_numpy(scales).split(count)
            kernel, bias = torch.from_numpy(values).split([layer.weight.numel(), count])
            layer.weight.data = kernel.view_as(layer.weight) * gain.view(-1, 1, 1, 1)
            assert layer.bias is not None
            layer.bias.data = bias * gain + offset
    values, _ = _tensor(blob, b"\x04fc_2\x01\x80\x02\x00\x01", place)
    net.embed.weight.data = torch.from_numpy(values).view(256, 128).T.contiguous()


def _tensor(blob: bytes, name: bytes, start: int) -> tuple[np.ndarray, int]:
    """The float32 values of the next tensor that follows `name`, and where it ends.

    A tensor is a version, four dimensions, then little-endian floats; a whole number is its count of bytes, then
    those bytes from the lowest up.
    """
    found = blob.find(name, start)
    if found < 0:
        raise ValueError(f"no layer {name!r}")
    place, numbers = found + len(name), []
    for _ in range(5):
        length = blob[place]
        numbers.append(int.from_bytes(blob[place + 1 : place + 1 + length], "little"))
        place += 1 + length
    version, *shape = numbers
    if version != 2:
        raise ValueError(f"unexpected tensor version {version}")
    count = int(np.prod(shape))
    return np.frombuffer(blob, "<f4", count, place).copy(), place + 4 * count


def align_faces(images: Tensor, landmarks: Tensor) -> Tensor:
    """Faces (B, 3, 150, 150) in [0, 1], upright and of one size; gradients flow to the images only.

    images: (B, 1 or 3, H, W) grey or RGB in [0, 1]. landmarks: (B, 68, 2) in their pixels. Beyond the image is white.
    """
    with torch.autocast(images.device.type, enabled=False):
        dark = 1 - images.float()
        height, width = dark.shape[-2:]
        places = landmarks.new_tensor(_PLACES)
        goal = (places + _PADDING) / (1 + 2 * _PADDING) * SIDE
        moved = landmarks.detach()[:, list(_ANCHORS)].float()
        # Least-squares similarity from the aligned face to the image, as one complex factor and offset.
        g, m = torch.view_as_complex(goal.contiguous()), torch.view_as_complex(moved.contiguous())
        g0, m0 = g.mean(), m.mean(-1, keepdim=True)
        factor = ((m - m0) * (g - g0).conj()).sum(-1, keepdim=True) / (g - g0).abs().square().sum()
        ys, xs = torch.meshgrid(
            *[torch.arange(SIDE, device=dark.device, dtype=torch.float32)] * 2, indexing="ij"
        )
        source = factor[..., None] * (torch.complex(xs, ys) - g0) + m0[..., None]  # (B, 150, 150)
        # Bilinear reading skips pixels when it shrinks the face, so the image is made coarse beforehand.
        coarse = max(1, round(float(factor.abs().mean())))
        dark = F.avg_pool2d(dark, coarse)
        grid = torch.stack([(2 * source.real + 1) / width - 1, (2 * source.imag + 1) / height - 1], dim=-1)
        return 1 - F.grid_sample(dark.expand(-1, 3, -1, -1), grid, align_corners=False)


def identity_features(net: IdentityNet, images: Tensor, landmarks: Tensor) -> list[Tensor]:
    """Five levels of features of the faces in `images`, each of mean size about 1 on drawings (see `align_faces`)."""
    levels = net(align_faces(images, landmarks))
    return [level / size for level, size in zip(levels, LEVEL_SIZES, strict=True)]


def separation(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """How well two pictures of N people each, as embeddings (N, D) in the same order, tell the people apart.

    rank1: share of second pictures whose nearest first picture is of the same person. auc: probability that a same
    person's distance is the smaller one of a random pair.
    """
    distance = np.linalg.norm(first[:, None] - second[None], axis=-1)
    same, other = np.diag(distance), distance[~np.eye(len(first), dtype=bool)]
    return {
        "rank1": float((distance.argmin(0) == np.arange(len(first))).mean()),
        "auc": float((same[:, None] < other).mean() + 0.5 * (same[:, None] == other).mean()),
    }


def measure(net: IdentityNet, data: Path, folder: str) -> dict[str, float]:
    """`separation` of the London people, neutral against smiling, by their pictures in ``data/folder``.

    The last level's figures come as rank1 and auc, the middle one's as rank1_middle and auc_middle.
    """
    people = [sorted((data / folder).glob(f"london_{expression}_*")) for expression in "ns"]
    assert [path.stem.split("_")[2] for path in people[0]] == [path.stem.split("_")[2] for path in people[1]]
    with np.load(data / "landmarks68.npz", allow_pickle=False) as landmarks, torch.inference_mode():
        sides = [[net(_aligned(path, landmarks[path.stem])) for path in paths] for paths in people]
    figures = {}
    for suffix, level in (("", 4), ("_middle", 2)):
        first, second = (np.stack([f[level].flatten().numpy() for f in side]) for side in sides)
        figures |= {name + suffix: value for name, value in separation(first, second).items()}
    return figures


def _aligned(path: Path, landmarks: np.ndarray) -> Tensor:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(path)
    picture = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    return align_faces(picture, torch.from_numpy(landmarks)[None])


def main(argv: list[str] | None = None) -> int:
    """Command line: print how well photos and teacher drawings of the same people are told apart."""
    parser = argparse.ArgumentParser(prog="lpcore train identity", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with faces/, drawings_*/, landmarks68.npz"
    )
    options = parser.parse_args(argv)
    net = load_identity_net()
    for folder in ("faces", "drawings_ink", "drawings_pen"):
        figures = measure(net, options.data, folder)
        print(folder, *(f"{name} {value:.4f}" for name, value in figures.items()))  # noqa: T201 figures for the user
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
