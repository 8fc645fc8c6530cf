"""The static layers of a portrait: its line drawing and matte, drawn once and then only warped."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Portrait
from ..weights.tensors import load
from .background import blend, without_person
from .canvas import Canvas, affine_positions, feather, photo_to_frame, resize, scaled
from .drawer import DrawerConfig, StaticDrawer, drawer_input
from .flow import sample
from .specks import without_specks

_LONGEST = 2048
"""Longest side in pixels at which a whole photo is drawn; larger output enlarges the strokes, still crisp."""

_CONTOUR = 9
"""Pixels by which the person's layer reaches beyond the matte, so that the contour line belongs to the person."""


@dataclass(frozen=True, eq=False)
class StaticLayers:
    """What a frame is warped from.

    frame_to_layer: (3, 3) float64 affine matrix, pixel centres at integers.
    ink: (1, 1, h, w) ink logits of the whole drawing. person: (1, 1, h, w) in [0, 1], the matte with its contour.
    behind: (1, 1, h, w) ink logits of the photo without the person; None = paper behind them.
    """

    canvas: Canvas
    frame_to_layer: np.ndarray
    ink: Tensor
    person: Tensor
    behind: Tensor | None = None

    @torch.inference_mode()
    def at_rest(self, gain: float) -> tuple[Tensor, Tensor]:
        """Ink (H, W) in [0, 1] of the whole frame at rest and of its still background; `gain` sharpens strokes."""
        width, height = self.canvas.size
        pixels = affine_positions(np.eye(3), (0, 0, width, height)).to(self.ink)
        positions = pixels * self.frame_to_layer[0, 0] + pixels.new_tensor(self.frame_to_layer[:2, 2])
        drawn = torch.sigmoid(gain * sample(self.ink, positions)[0, 0])
        person = sample(self.person, positions)[0, 0]
        if self.behind is None:
            background = drawn * (1 - person)
        else:
            background = torch.sigmoid(gain * sample(self.behind, positions)[0, 0])
        return blend(drawn, person, background), background


def load_drawer(device: str = "cpu") -> StaticDrawer:
    """The trained static drawer, ready to run; raises LpError as `weights.require` does."""
    return load("static_drawer", lambda config: StaticDrawer(DrawerConfig.from_dict(config)), device)


@torch.inference_mode()
def draw_logits(image: np.ndarray, matte: np.ndarray, device: str = "cpu") -> Tensor:
    """Ink logits (styles, H, W) of an RGB image (H, W, 3) uint8 with its matte (H, W) float32 in [0, 1], no crumbs."""
    model = load_drawer(device)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float() / 255
    x = drawer_input(pixels, torch.from_numpy(matte).to(device)[None, None])
    height, width = x.shape[-2:]
    stride = model.config.stride
    x = F.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
    logits = model(x.contiguous(memory_format=torch.channels_last))[0, :, :height, :width].float()
    return without_specks(logits)


def static_layers(
    portrait: Portrait, channel: int, canvas: Canvas, device: str = "cpu", background: bool = False
) -> StaticLayers:
    """The layers of a portrait for frames on `canvas`.

    channel: output of the static drawer. background: whether what lies behind the person is drawn too.
    """
    layers = _photo_layers if canvas.kind == "photo" else _crop_layers
    return layers(portrait, channel, canvas, device, background)


def _crop_layers(
    portrait: Portrait, channel: int, canvas: Canvas, device: str, background: bool
) -> StaticLayers:
    ink = draw_logits(portrait.image, portrait.matte, device)[channel]
    return StaticLayers(
        canvas,
        np.linalg.inv(canvas.crop_to_frame),
        ink[None, None],
        person_layer(portrait.matte, device),
        _behind(portrait.image, _hidden(portrait), channel, device) if background else None,
    )


def _photo_layers(
    portrait: Portrait, channel: int, canvas: Canvas, device: str, background: bool
) -> StaticLayers:
    """The whole photo with the face crop's drawing in its place.

    The photo is drawn at the crop's scale, so strokes have the same weight inside and outside the crop.
    """
    side = max(portrait.photo_size)
    to_layer = resize(min(portrait.crop.scale, _LONGEST / side))
    to_frame = photo_to_frame(portrait, max(canvas.size))
    shape = scaled(portrait.photo_size, to_layer[0, 0])
    photo = cv2.resize(portrait.photo, shape, interpolation=cv2.INTER_AREA)
    matte = cv2.resize(portrait.photo_matte, shape, interpolation=cv2.INTER_AREA)
    behind = _behind(photo, matte, channel, device) if background else None
    ink = draw_logits(photo, matte, device)[channel].cpu().numpy()

    crop_to_layer = to_layer @ np.vstack([portrait.crop.inverse_matrix(), [0, 0, 1]])
    face = draw_logits(portrait.image, portrait.matte, device)[channel].cpu().numpy()
    inside = _warp(feather(), crop_to_layer, shape, 0)
    ink = ink + inside * (_warp(face, crop_to_layer, shape, float(face.min())) - ink)
    matte = matte + inside * (_warp(portrait.matte, crop_to_layer, shape, 0) - matte)
    return StaticLayers(
        canvas,
        to_layer @ np.linalg.inv(to_frame),
        torch.from_numpy(ink).to(device)[None, None],
        person_layer(matte, device),
        behind,
    )


def _behind(image: np.ndarray, hidden: np.ndarray, channel: int, device: str) -> Tensor:
    """(1, 1, h, w) ink logits of the photo without what is hidden; the drawer draws what the matte shows it: all."""
    return draw_logits(without_person(image, hidden), np.ones_like(hidden), device)[channel][None, None]


def _hidden(portrait: Portrait) -> np.ndarray:
    """(512, 512) float32: the crop's matte, and 1 where it only repeats the photo's border."""
    photo = np.ones(portrait.photo.shape[:2], np.float32)
    seen = _warp(photo, portrait.crop.matrix(), portrait.matte.shape, 0)
    return np.maximum(portrait.matte, (seen < 0.5).astype(np.float32))


def _warp(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int], outside: float) -> np.ndarray:
    return cv2.warpAffine(image, matrix[:2], shape, flags=cv2.INTER_LINEAR, borderValue=outside)


def person_layer(matte: np.ndarray, device: str) -> Tensor:
    """(1, 1, H, W) in [0, 1]: the matte (H, W), grown so that it holds the person's contour line."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CONTOUR + 1,) * 2)
    grown = cv2.GaussianBlur(cv2.dilate(matte, kernel), (0, 0), 2)
    return torch.from_numpy(np.clip(grown, 0, 1).astype(np.float32)).to(device)[None, None]
