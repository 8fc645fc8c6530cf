"""Frames as a warped static drawing: the paper's baseline 2 (section 4.2) with the mouth's inside drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..types import Portrait
from .background import blend
from .canvas import Canvas, apply, scale_of, to_grey
from .flow import PiecewiseFlow, sample
from .mesh import build_mesh
from .mouth import MouthInterior
from .static import StaticLayers, static_layers
from .styles import Style

_BATCH_PIXELS = 1 << 21


class WarpStream:
    """Draws a portrait once and moves its lines by flow B; see `stream.FrameStream` for the arguments.

    layers: the drawing to move; None = the static drawer's.
    """

    def __init__(
        self,
        portrait: Portrait,
        style: Style,
        canvas: Canvas,
        device: str = "cpu",
        background: bool = False,
        layers: StaticLayers | None = None,
    ) -> None:
        layers = layers or static_layers(portrait, style.channel, canvas, device, background)
        self._canvas, self._rest = canvas, portrait.landmarks
        self._mesh = build_mesh(portrait.landmarks)
        matrix = canvas.crop_to_frame
        self._mouth = MouthInterior(portrait.landmarks, style, scale_of(matrix))
        to_layer = layers.frame_to_layer @ matrix
        blank = self._mouth.blank(
            layers.ink[0, 0].cpu().numpy(), apply(to_layer, portrait.landmarks), scale_of(to_layer)
        )
        self._layers = replace(layers, ink=torch.from_numpy(blank).to(device)[None, None])
        left, top, right, bottom = canvas.box
        self._flow = PiecewiseFlow(
            self._in_box(self._mesh.source), self._mesh.triangles, (right - left, bottom - top), device
        )
        # Where the output is finer than the drawing, strokes get steeper edges instead of blurred ones.
        self._gain = style.gain * max(1.0, 1 / layers.frame_to_layer[0, 0])
        drawn, background_ink = self._layers.at_rest(self._gain)
        self._background = background_ink[top:bottom, left:right]
        self._page = to_grey(drawn.cpu().numpy())

    @property
    def static(self) -> np.ndarray:
        """(H, W) uint8 grey drawing of the photo itself, ink 0, paper 255."""
        return next(self.frames(self._rest[None]))

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (H, W) uint8 grey image per row of `points` (T, 68, 2 or 3) in crop units."""
        left, top, right, bottom = self._canvas.box
        for ink in self.ink(points):
            image = self._page.copy()
            image[top:bottom, left:right] = to_grey(ink)
            yield image

    def ink(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (h, w) float32 picture of the canvas's box per row of `points`, ink in [0, 1]."""
        left, top, right, bottom = self._canvas.box
        count = max(1, _BATCH_PIXELS // ((right - left) * (bottom - top)))
        for start in range(0, len(points), count):
            targets = self._in_box(self._mesh.targets(points[start : start + count]))
            for drawn, landmarks in zip(self._warped(targets), targets, strict=True):
                self._mouth.paint(drawn, landmarks[:68])
                yield drawn

    @torch.inference_mode()
    def _warped(self, targets: np.ndarray) -> np.ndarray:
        """(T, h, w) float32 ink of the box, targets (T, N, 2) in its pixels."""
        positions = self._to_layer(self._flow.positions(targets))
        stack = torch.cat([self._layers.ink, self._layers.person], dim=1)
        logits, person = sample(stack, positions).unbind(1)
        return blend(torch.sigmoid(self._gain * logits), person, self._background).cpu().numpy()

    def _in_box(self, points: np.ndarray) -> np.ndarray:
        return apply(self._canvas.crop_to_frame, points) - np.array(self._canvas.box[:2])

    def _to_layer(self, positions: Tensor) -> Tensor:
        matrix = self._layers.frame_to_layer
        shift = matrix[:2, 2] + matrix[0, 0] * np.array(self._canvas.box[:2])
        return positions * matrix[0, 0] + positions.new_tensor(shift)
