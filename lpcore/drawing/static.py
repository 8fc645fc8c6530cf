"""The static layers of a portrait: its line drawing and matte, drawn once and then only warped."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor

from .. import weights
from ..types import CROP, Portrait
from .drawer import DrawerConfig, StaticDrawer, drawer_input

_LONGEST = 2048
"""Longest side in pixels at which a whole photo is drawn; larger output enlarges the strokes, still crisp."""

_CONTOUR = 9
"""Pixels by which the person's layer reaches beyond the matte, so that the contour line belongs to the person."""


@dataclass(frozen=True, eq=False)
class StaticLayers:
    """What a frame is warped from.

    size: (width, height) of the frames in pixels.
    crop_to_frame, frame_to_layer: (3, 3) float64 affine matrices, pixel centres at integers.
    ink: (1, 1, h, w) ink logits of the whole drawing. person: (1, 1, h, w) in [0, 1], the matte with its contour.
    """

    size: tuple[int, int]
    crop_to_frame: np.ndarray
    frame_to_layer: np.ndarray
    ink: Tensor
    person: Tensor


@functools.cache
def load_drawer(device: str) -> StaticDrawer:
    """The trained static drawer, ready on `device`; raises LpError ``WEIGHTS_MISSING``."""
    with safe_open(weights.require("static_drawer"), framework="pt") as file:
        config = DrawerConfig.from_dict(json.loads(file.metadata()["config"]))
        model = StaticDrawer(config)
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 not a dict
    counters = {name for name in model.state_dict() if name.endswith("num_batches_tracked")}
    model.load_state_dict(tensors | {name: torch.tensor(0) for name in counters})
    return model.eval().requires_grad_(False).to(device)


@torch.inference_mode()
def draw_logits(image: np.ndarray, matte: np.ndarray, device: str = "cpu") -> Tensor:
    """Ink logits (styles, H, W) of an RGB image (H, W, 3) uint8 with its matte (H, W) float32 in [0, 1]."""
    model = load_drawer(device)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float() / 255
    x = drawer_input(pixels, torch.from_numpy(matte).to(device)[None, None])
    height, width = x.shape[-2:]
    stride = model.config.stride
    x = F.pad(x, (0, -width % stride, 0, -height % stride), mode="replicate")
    return model(x.contiguous(memory_format=torch.channels_last))[0, :, :height, :width].float()


def crop_layers(portrait: Portrait, channel: int, size: int, device: str = "cpu") -> StaticLayers:
    """Layers of the face crop, for frames of `size` x `size` pixels."""
    ink = draw_logits(portrait.image, portrait.matte, device)[channel]
    crop_to_frame = _resize(size / CROP)
    return StaticLayers(
        (size, size),
        crop_to_frame,
        np.linalg.inv(crop_to_frame),
        ink[None, None],
        _person(portrait.matte, device),
    )


def photo_layers(portrait: Portrait, channel: int, longest: int = 0, device: str = "cpu") -> StaticLayers:
    """Layers of the whole photo with the face crop's drawing in its place.

    Frames have the photo's size, reduced to `longest` pixels on the longer side when that is not 0. The photo is
    drawn at the crop's scale, so strokes have the same weight inside and outside the crop.
    """
    width, height = portrait.photo_size
    side = max(width, height)
    to_layer = _resize(min(portrait.crop.scale, _LONGEST / side))
    to_frame = _resize(min(1.0, longest / side) if longest else 1.0)
    shape = _scaled(portrait.photo_size, to_layer[0, 0])
    photo = cv2.resize(portrait.photo, shape, interpolation=cv2.INTER_AREA)
    matte = cv2.resize(portrait.photo_matte, shape, interpolation=cv2.INTER_AREA)
    ink = draw_logits(photo, matte, device)[channel].cpu().numpy()

    crop_to_photo = np.vstack([portrait.crop.inverse_matrix(), [0, 0, 1]])
    crop_to_layer = to_layer @ crop_to_photo
    face = draw_logits(portrait.image, portrait.matte, device)[channel].cpu().numpy()
    inside = _warp(_feather(), crop_to_layer, shape, 0)
    ink = ink + inside * (_warp(face, crop_to_layer, shape, float(face.min())) - ink)
    matte = matte + inside * (_warp(portrait.matte, crop_to_layer, shape, 0) - matte)
    return StaticLayers(
        _scaled(portrait.photo_size, to_frame[0, 0]),
        to_frame @ crop_to_photo,
        to_layer @ np.linalg.inv(to_frame),
        torch.from_numpy(ink).to(device)[None, None],
        _person(matte, device),
    )


def _resize(scale: float) -> np.ndarray:
    """(3, 3) map of pixel positions under resizing by `scale`: areas match, centres at integers."""
    shift = 0.5 * scale - 0.5
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _warp(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int], outside: float) -> np.ndarray:
    return cv2.warpAffine(image, matrix[:2], shape, flags=cv2.INTER_LINEAR, borderValue=outside)


def _feather() -> np.ndarray:
    """(512, 512) float32 weight of the crop: 1 inside, falling to 0 over 24 units at its border."""
    ramp = np.clip((np.minimum(np.arange(CROP), CROP - 1 - np.arange(CROP)) - 2) / 24, 0, 1)
    return np.minimum.outer(ramp, ramp).astype(np.float32)


def _person(matte: np.ndarray, device: str) -> Tensor:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CONTOUR + 1,) * 2)
    grown = cv2.GaussianBlur(cv2.dilate(matte, kernel), (0, 0), 2)
    return torch.from_numpy(np.clip(grown, 0, 1).astype(np.float32)).to(device)[None, None]
