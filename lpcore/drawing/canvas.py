"""The canvas of a drawing: the frame's size, and where in it the face crop lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import LpError
from ..types import CROP, Portrait
from .flow import sample

_SEAM = 24
"""Crop units over which the crop's drawing passes into that of the whole photo."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """Where a portrait is drawn.

    kind: "crop" or "photo". size: (width, height) of the frames in pixels.
    crop_to_frame: (3, 3) float64 affine matrix, pixel centres at integers.
    """

    kind: str
    size: tuple[int, int]
    crop_to_frame: np.ndarray

    @property
    def scale(self) -> float:
        """Frame pixels per crop unit."""
        return scale_of(self.crop_to_frame)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the part of the frame that the crop covers, the part that moves."""
        corners = np.array([[-0.5, -0.5], [511.5, -0.5], [511.5, 511.5], [-0.5, 511.5]])
        placed = apply(self.crop_to_frame, corners) + 0.5
        left, top = np.maximum(np.floor(placed.min(0) + 1e-6), 0).astype(int)
        right, bottom = np.minimum(np.ceil(placed.max(0) - 1e-6), self.size).astype(int)
        return int(left), int(top), int(right), int(bottom)

    def place(self, maps: Tensor) -> Tensor:
        """Pictures of the crop (T, C, side, side), laid into the box (T, C, h, w) without aliasing."""
        factor = self.scale * CROP / maps.shape[-1]
        if factor < 1:
            side = max(2, round(factor * maps.shape[-1]))
            maps = F.interpolate(maps, (side, side), mode="bilinear", align_corners=False, antialias=True)
        side = maps.shape[-1]
        left, top, right, bottom = self.box
        to_map = resize(side / CROP) @ np.linalg.inv(self.crop_to_frame)
        if (side, side) == self.size and np.allclose(to_map, np.eye(3), atol=1e-6):
            return maps
        positions = affine_positions(to_map, (left, top, right, bottom)).to(maps)
        return sample(maps, positions.expand(len(maps), -1, -1, -1))

    def seam(self) -> np.ndarray:
        """(h, w) float32 in [0, 1]: how much of each pixel of the box comes from the crop's drawing."""
        left, top, right, bottom = self.box
        if self.kind == "crop":
            return np.ones((bottom - top, right - left), np.float32)
        return self.place(torch.from_numpy(feather())[None, None])[0, 0].numpy()


def canvas(portrait: Portrait, kind: str, size: int) -> Canvas:
    """The canvas "crop" of `size` pixels, or "photo" of the photo's size, `size` limiting its longer side (0 = no).

    Raises LpError ``BAD_VALUE``.
    """
    if kind == "crop":
        if not 64 <= size <= 2160:
            raise LpError("BAD_VALUE", f"the size must lie between 64 and 2160 pixels, not {size}")
        return Canvas(kind, (size, size), resize(size / CROP))
    if kind == "photo":
        if size and not 64 <= size <= 8192:
            raise LpError("BAD_VALUE", f"the size must be 0 or lie between 64 and 8192 pixels, not {size}")
        to_frame = photo_to_frame(portrait, size)
        crop_to_photo = np.vstack([portrait.crop.inverse_matrix(), [0, 0, 1]])
        return Canvas(kind, scaled(portrait.photo_size, to_frame[0, 0]), to_frame @ crop_to_photo)
    raise LpError("BAD_VALUE", f"the canvas must be 'crop' or 'photo', not {kind!r}")


def photo_to_frame(portrait: Portrait, longest: int) -> np.ndarray:
    """(3, 3) map from photo pixels to those of a frame with at most `longest` pixels a side (0 = no limit)."""
    return resize(min(1.0, longest / max(portrait.photo_size)) if longest else 1.0)


def resize(scale: float) -> np.ndarray:
    """(3, 3) map of pixel positions under resizing by `scale`: areas match, centres at integers."""
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(width, height) resized by `scale`, at least one pixel."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 2) points (..., 2 or 3) mapped by a (3, 3) affine matrix."""
    return points[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]


def scale_of(matrix: np.ndarray) -> float:
    """By how much a (3, 3) similarity enlarges."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def affine_positions(matrix: np.ndarray, box: tuple[int, int, int, int]) -> Tensor:
    """(1, h, w, 2) float32: where the pixels of `box` lie after the (3, 3) `matrix`."""
    left, top, right, bottom = box
    grid = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), axis=-1)
    return torch.from_numpy(apply(matrix, grid).astype(np.float32))[None]


def feather() -> np.ndarray:
    """(512, 512) float32 weight of the crop: 1 inside, falling to 0 at its border."""
    ramp = np.clip((np.minimum(np.arange(CROP), CROP - 1 - np.arange(CROP)) - 2) / _SEAM, 0, 1)
    return np.minimum.outer(ramp, ramp).astype(np.float32)


def to_grey(ink: np.ndarray) -> np.ndarray:
    """uint8 pixels, ink 0 and paper 255, of amounts of ink in [0, 1]."""
    return np.rint(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)
