"""Frames of a talking drawing: prepare a portrait once, then ask for frames as often as you like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import LpError
from ..types import Portrait
from .flow import PiecewiseFlow, sample
from .mesh import build_mesh
from .mouth import MouthInterior
from .static import StaticLayers, crop_layers, photo_layers
from .styles import style

_BATCH_PIXELS = 1 << 21


class FrameStream:
    """Draws frames of one portrait in one style.

    The paper's baseline 2 (section 4.2, static drawing warped by the landmarks' flow) with the mouth's inside drawn.

    Args:
        portrait: the analysed photo.
        style_name: key of `styles.STYLES`.
        size: frame side in pixels for canvas "crop" (64 to 2160); limit of the longer side for "photo", 0 = none.
        canvas: "crop" or "photo".
        device: where frames are computed.

    Raises:
        LpError: ``STYLE_UNKNOWN``, ``BAD_VALUE`` (size or canvas), ``WEIGHTS_MISSING``.
    """

    def __init__(
        self, portrait: Portrait, style_name: str, size: int = 512, canvas: str = "crop", device: str = "cpu"
    ) -> None:
        self._style = style(style_name)
        layers = _layers(portrait, self._style.channel, size, canvas, device)
        self._mesh = build_mesh(portrait.landmarks)
        matrix = layers.crop_to_frame
        self._mouth = MouthInterior(portrait.landmarks, self._style, _scale(matrix))
        to_layer = layers.frame_to_layer @ matrix
        blank = self._mouth.blank(
            layers.ink[0, 0].cpu().numpy(), _apply(to_layer, portrait.landmarks), _scale(to_layer)
        )
        self._layers = replace(layers, ink=torch.from_numpy(blank).to(device)[None, None])
        self._box = _box(matrix, self._layers.size)
        left, top, right, bottom = self._box
        self._flow = PiecewiseFlow(
            self._in_box(self._mesh.source), self._mesh.triangles, (right - left, bottom - top), device
        )
        # Where the output is finer than the drawing, strokes get steeper edges instead of blurred ones.
        self._gain = self._style.gain * max(1.0, 1 / self._layers.frame_to_layer[0, 0])
        self._paper = self._static()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames in pixels."""
        return self._layers.size

    @property
    def static(self) -> np.ndarray:
        """(H, W) uint8 grey drawing of the photo itself, ink 0, paper 255."""
        return self._paper.copy()

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (H, W) uint8 grey image (ink 0, paper 255) per row of `points` (T, 68, 2 or 3) in crop units."""
        left, top, right, bottom = self._box
        count = max(1, _BATCH_PIXELS // ((right - left) * (bottom - top)))
        for start in range(0, len(points), count):
            targets = self._in_box(self._mesh.targets(points[start : start + count]))
            for drawn, landmarks in zip(self._warped(targets), targets, strict=True):
                self._mouth.paint(drawn, landmarks[:68])
                image = self._paper.copy()
                image[top:bottom, left:right] = _to_grey(drawn)
                yield image

    @torch.inference_mode()
    def _warped(self, targets: np.ndarray) -> np.ndarray:
        """(T, h, w) float32 ink of the window, targets (T, N, 2) in its pixels. Paper equation 1."""
        positions = self._to_layer(self._flow.positions(targets))
        stack = torch.cat([self._layers.ink, self._layers.person], dim=1)
        drawn, person = sample(stack, positions).unbind(1)
        return self._compose(drawn, person, self._background).cpu().numpy()

    def _compose(self, logits: Tensor, person: Tensor, background: Tensor) -> Tensor:
        return torch.sigmoid(self._gain * logits) * person + background * (1 - person)

    @torch.inference_mode()
    def _static(self) -> np.ndarray:
        """The whole frame at rest; also fixes the still background that shows where the person moves away."""
        width, height = self._layers.size
        ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack([xs, ys], dim=-1)[None].to(self._layers.ink)
        scale, shift = self._layers.frame_to_layer[0, 0], self._layers.frame_to_layer[:2, 2]
        positions = grid * scale + grid.new_tensor(shift)
        logits = sample(self._layers.ink, positions)[0, 0]
        person = sample(self._layers.person, positions)[0, 0]
        background = torch.sigmoid(self._gain * logits) * (1 - person)
        left, top, right, bottom = self._box
        self._background = background[top:bottom, left:right]
        return _to_grey(self._compose(logits, person, background).cpu().numpy())

    def _in_box(self, points: np.ndarray) -> np.ndarray:
        return _apply(self._layers.crop_to_frame, points) - np.array(self._box[:2])

    def _to_layer(self, positions: Tensor) -> Tensor:
        matrix = self._layers.frame_to_layer
        shift = matrix[:2, 2] + matrix[0, 0] * np.array(self._box[:2])
        return positions * matrix[0, 0] + positions.new_tensor(shift)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 2) points (..., 2 or 3) mapped by a (3, 3) affine matrix."""
    return points[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]


def _scale(matrix: np.ndarray) -> float:
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def _layers(portrait: Portrait, channel: int, size: int, canvas: str, device: str) -> StaticLayers:
    if canvas == "crop":
        if not 64 <= size <= 2160:
            raise LpError("BAD_VALUE", f"the size must lie between 64 and 2160 pixels, not {size}")
        return crop_layers(portrait, channel, size, device)
    if canvas == "photo":
        if size and not 64 <= size <= 8192:
            raise LpError("BAD_VALUE", f"the size must be 0 or lie between 64 and 8192 pixels, not {size}")
        return photo_layers(portrait, channel, size, device)
    raise LpError("BAD_VALUE", f"the canvas must be 'crop' or 'photo', not {canvas!r}")


def _box(crop_to_frame: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the frame that the crop covers, the part that moves."""
    corners = np.array([[-0.5, -0.5], [511.5, -0.5], [511.5, 511.5], [-0.5, 511.5]])
    placed = _apply(crop_to_frame, corners) + 0.5
    left, top = np.maximum(np.floor(placed.min(0) + 1e-6), 0).astype(int)
    right, bottom = np.minimum(np.ceil(placed.max(0) - 1e-6), size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _to_grey(ink: np.ndarray) -> np.ndarray:
    return np.rint(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)
