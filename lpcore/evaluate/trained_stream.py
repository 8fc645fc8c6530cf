"""Frames by a generator straight from its trainer, at the resolution it was trained at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from ..drawing.canvas import apply, to_grey
from ..drawing.canvas import canvas as find_canvas
from ..drawing.flow import grid_flow
from ..drawing.flow_net import FlowNet
from ..drawing.generator import Generator, GeneratorConfig, warp
from ..drawing.landmark_image import landmark_image
from ..drawing.mesh_flow import MeshFlow
from ..drawing.static import person_layer, static_layers
from ..drawing.styles import Style
from ..drawing.warp_stream import WarpStream
from ..train.pairs import to_side
from ..types import CROP, Portrait
from ..weights.tensors import restore


def load_trained(path: Path, device: str = "cpu") -> tuple[Generator, dict[str, float]]:
    """The frozen generator of a file written by `train.generator.train`, and the figures in its header."""
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    generator = Generator(GeneratorConfig.from_dict(json.loads(header["config"])))
    restore(generator, {name: tensor.float() for name, tensor in load_file(path).items()})
    return generator.to(device).eval().requires_grad_(False), json.loads(header["figures"])


class TrainedStream:
    """Draws frames of 512 x 512 pixels on the canvas "crop"; see `drawing.stream.FrameStream`.

    side: S, working resolution. flow: flow A; None = flow B stands in. separate: draw the person alone over the still
    drawing of what lies behind (paper section 3.3.2); else the picture is drawn as a whole.
    background: whether what lies behind is drawn at all.
    """

    def __init__(
        self,
        generator: Generator,
        portrait: Portrait,
        style: Style,
        side: int,
        device: str = "cpu",
        *,
        flow: FlowNet | None = None,
        separate: bool = True,
        background: bool = False,
    ) -> None:
        self._generator, self._side, self._device = generator, side, device
        self._flow_net = flow if generator.config.flow_a else None
        self._separate, self._rest = separate, portrait.landmarks
        drawn = side * generator.config.scale
        canvas = find_canvas(portrait, "crop", drawn)
        paper = torch.zeros(drawn, drawn, device=device)
        self._behind = paper
        if background and separate:
            layers = static_layers(portrait, style.channel, canvas, device, background=True)
            self._behind = layers.at_rest(style.gain)[1]
        if not separate and background:
            # The whole picture is one layer that moves: as if all of it were the person.
            portrait = replace(portrait, matte=np.ones_like(portrait.matte))
        self._moved = WarpStream(portrait, style, canvas, device) if generator.config.carried else None
        self._flow = MeshFlow(portrait.landmarks, to_side(side), (side, side), device)
        self._person = _reduced(person_layer(portrait.matte, device), side)
        self._source = self._targets(portrait.landmarks[None])
        with torch.inference_mode():
            self._code = generator.prepare(self._photo(portrait, drawn), self._image(self._source))

    @property
    def static(self) -> np.ndarray:
        """(512, 512) uint8 drawing of the photo itself."""
        return next(self.frames(self._rest[None]))

    @torch.inference_mode()
    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (512, 512) uint8 grey image per row of `points` (T, 68, 2 or 3) in crop units."""
        for one in points:
            target = self._targets(one[None])
            grid = self._flow.positions(one[None]) * (2 / (self._side - 1)) - 1
            flow_a, visible = grid_flow(grid), torch.ones_like(grid[..., :1]).permute(0, 3, 1, 2)
            if self._flow_net is not None:
                flow_a, visible = self._flow_net.regress(self._source, target, grid, self._side)
            carried = None
            if self._moved is not None:
                ink = torch.from_numpy(next(self._moved.ink(one[None])))
                carried = 1 - 2 * ink[None, None].to(self._device)
            drawn = self._generator(self._code, self._image(target), grid, flow_a, visible, carried)
            ink = (1 - drawn.float()[0, 0]) / 2
            if self._separate:
                person = _enlarged(warp(self._person, grid, True), ink.shape[-1])[0, 0]
                ink = ink * person + self._behind * (1 - person)
            picture = to_grey(ink.cpu().numpy())
            yield cv2.resize(picture, (CROP, CROP), interpolation=cv2.INTER_CUBIC)

    def _photo(self, portrait: Portrait, side: int) -> Tensor:
        """(1, 3, side, side) in [-1, 1] as `train.drawing_batches` shows it: the person on white, or all of it."""
        picture = torch.from_numpy(portrait.image).to(self._device).permute(2, 0, 1)[None].float() / 255
        picture = _reduced(picture, side)
        if self._separate:
            matte = _reduced(torch.from_numpy(portrait.matte).to(self._device)[None, None], side)
            picture = picture * matte + (1 - matte)
        return 2 * picture - 1

    def _image(self, points: Tensor) -> Tensor:
        return landmark_image(points, self._side, soft=self._generator.config.soft_landmarks)

    def _targets(self, points: np.ndarray) -> Tensor:
        return torch.from_numpy(apply(to_side(self._side), points).astype(np.float32)).to(self._device)


def _reduced(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False, antialias=True)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False)
