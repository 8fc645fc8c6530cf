"""A portrait as the published networks want it: what the authors' script does before every frame, done once."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import Delaunay
from torch import Tensor

from ...types import Portrait
from ...weights import present
from ..background import blend
from ..flow import PiecewiseFlow
from . import load_cartoonist, load_matting, load_upd

SIDE = 256
"""Working resolution in pixels."""

_CORNERS = np.array([[0, 0], [SIDE - 1, 0], [0, SIDE - 1], [SIDE - 1, SIDE - 1]], np.float64)


class PaperSitter:
    """Photo, matte, still background and flow B as the published weights learnt them; see `generator_stream.Sitter`.

    backdrop: (1, channels, 256, 256) in [-1, 1], the static drawing; plain paper where its weights are not imported.
    """

    def __init__(
        self, portrait: Portrait, backdrop: str, matting: str, channels: int, device: str = "cpu"
    ) -> None:
        self._device = device
        picture = torch.from_numpy(portrait.image).to(device).permute(2, 0, 1)[None].float()
        # Rounded to whole grey levels, as the authors' image library does.
        picture = _resized(picture, "bicubic").round().clamp(0, 255) / 127.5 - 1
        with torch.inference_mode():
            self.matte = (_matte(picture, portrait, matting, device) > 0.5).float()
            self.backdrop = _backdrop(picture, backdrop, channels, device)
        self.photo = blend(picture, self.matte, torch.ones_like(picture))
        self._source = working_pixels(portrait.landmarks)
        self.source = self._tensor(self._source[None])

    def targets(self, points: np.ndarray) -> Tensor:
        return self._tensor(working_pixels(points))

    def flow_b(self, points: np.ndarray) -> Tensor:
        return torch.cat([delaunay_flow(self._source, p, self._device) for p in working_pixels(points)])

    def _tensor(self, points: np.ndarray) -> Tensor:
        return torch.from_numpy(points.astype(np.float32)).to(self._device)


def working_pixels(points: np.ndarray) -> np.ndarray:
    """(..., 68, 2) float64 landmarks at 256 pixels from (..., 68, 2 or 3) crop units.

    With the authors' retouch: slimmer lips and wider eyes, at rest and in motion alike.
    """
    flat = np.array(points[..., :2], np.float64)
    flat[..., 49:54, 1] += 1
    flat[..., 55:60, 1] -= 1
    flat[..., [37, 38, 43, 44], 1] -= 2
    flat[..., [40, 41, 46, 47], 1] += 2
    return flat / 2


def delaunay_flow(source: np.ndarray, target: np.ndarray, device: str = "cpu") -> Tensor:
    """(1, 256, 256, 2) working pixels to read, from landmarks (68, 2): flow B over the triangles of the target.

    The corners stay; the triangles are found anew for every frame, as the authors do, and may flip between frames.
    """
    sources, targets = np.concatenate([source, _CORNERS]), np.concatenate([target, _CORNERS])
    flow = PiecewiseFlow(sources, Delaunay(targets).simplices, (SIDE, SIDE), device)
    return flow.positions(targets[None])


def _matte(picture: Tensor, portrait: Portrait, matting: str, device: str) -> Tensor:
    if present(matting):
        return load_matting(device)(picture)
    return _resized(torch.from_numpy(portrait.matte).to(device)[None, None], "bilinear")


def _backdrop(picture: Tensor, name: str, channels: int, device: str) -> Tensor:
    if not present(name):
        return picture.new_ones(1, channels, SIDE, SIDE)
    if channels == 3:
        return load_cartoonist(device)(picture)
    finer = F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
    drawn = load_upd(device)(finer)
    return F.interpolate(drawn, scale_factor=0.5, mode="bilinear", align_corners=False)


def _resized(maps: Tensor, mode: str) -> Tensor:
    return F.interpolate(maps, (SIDE, SIDE), mode=mode, align_corners=False, antialias=True)
