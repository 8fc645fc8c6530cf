"""Frames as a warped static drawing: the paper's baseline 2 (section 4.2) with mouth and eyes that open and close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..types import Portrait
from .background import blend
from .canvas import Canvas, apply, scale_of, to_grey
from .eyes import Eyes
from .flow import sample, scaled
from .lips import parted
from .mesh_flow import MeshFlow
from .mouth import Mouth
from .static import StaticLayers, static_layers
from .styles import Style
from .threads import on_threads

_BATCH_PIXELS = 1 << 21
"""Pixels that are moved together where a device works on whole batches."""

_THREADS_PIXELS = 1 << 24
"""Pixels that threads of a processor move at the same time, a frame each; they take about 40 bytes each."""


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
        matrix = canvas.crop_to_frame
        to_layer = layers.frame_to_layer @ matrix
        rest, layer_unit = apply(to_layer, portrait.landmarks), scale_of(to_layer)
        drawn = layers.ink[0, 0].cpu().numpy()
        self._eyes = Eyes(drawn, rest, layer_unit, style, scale_of(matrix))
        was_open = parted(portrait.image, portrait.landmarks)
        self._mouth = Mouth(drawn, rest, layer_unit, was_open, style, scale_of(matrix))
        blank = self._mouth.blank(self._eyes.blank())
        ink = torch.from_numpy(blank).to(device)[None, None]
        self._layers = replace(layers, ink=ink)
        self._moving = torch.cat([ink, layers.person], dim=1)
        left, top, right, bottom = canvas.box
        self._to_box = matrix - [[0, 0, left], [0, 0, top], [0, 0, 0]]
        size = (right - left, bottom - top)
        self._flow = MeshFlow(portrait.landmarks, self._to_box, size, device)
        # Where the output is finer than the drawing, strokes get steeper edges instead of blurred ones.
        self._gain = style.gain * max(1.0, 1 / float(layers.frame_to_layer[0, 0]))
        drawn, background_ink = self._layers.at_rest(self._gain)
        self._background = background_ink[top:bottom, left:right]
        self._page = to_grey(drawn.cpu().numpy())

    @property
    def static(self) -> np.ndarray:
        """(H, W) uint8 grey drawing of the photo itself, ink 0, paper 255."""
        return next(self.frames(self._rest[None]))

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (H, W) uint8 grey image per row of `points` (T, 68, 2 or 3) in crop units."""
        return self._each(points, self._on_page)

    def ink(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (h, w) float32 picture of the canvas's box per row of `points`, ink in [0, 1]."""
        return self._each(points, lambda ink: ink)

    def _each(self, points: np.ndarray, made: Callable[[np.ndarray], np.ndarray]) -> Iterator[np.ndarray]:
        """What is `made` of the ink of each row of `points`."""

        def some(rows: np.ndarray) -> list[np.ndarray]:
            drawn = self._warped(self._eyes.propped(rows))
            for ink, landmarks in zip(drawn, apply(self._to_box, rows), strict=True):
                self._eyes.paint(ink, landmarks, self._gain)
                self._mouth.paint(ink, landmarks)
            return [made(ink) for ink in drawn]

        left, top, right, bottom = self._canvas.box
        pixels = (right - left) * (bottom - top)
        if self._moving.device.type != "cpu":
            together, threads = max(1, _BATCH_PIXELS // pixels), 1
        else:
            # Most of the work is too small to be shared out: a frame for each thread keeps all of them busy.
            together, threads = 1, max(1, min(torch.get_num_threads(), _THREADS_PIXELS // pixels))
        rows = (points[start : start + together] for start in range(0, len(points), together))
        for pictures in on_threads((partial(some, part) for part in rows), threads):
            yield from pictures

    def _on_page(self, ink: np.ndarray) -> np.ndarray:
        left, top, right, bottom = self._canvas.box
        image = self._page.copy()
        image[top:bottom, left:right] = to_grey(ink)
        return image

    @torch.inference_mode()
    def _warped(self, points: np.ndarray) -> np.ndarray:
        """(T, h, w) float32 ink of the box, landmarks (T, 68, 2 or 3) in crop units."""
        positions = self._to_layer(self._flow.positions(points))
        logits, person = sample(self._moving, positions).unbind(1)
        return blend(torch.sigmoid(self._gain * logits), person, self._background).cpu().numpy()

    def _to_layer(self, positions: Tensor) -> Tensor:
        matrix = self._layers.frame_to_layer
        x, y = matrix[:2, 2] + matrix[0, 0] * np.array(self._canvas.box[:2])
        return scaled(positions, (matrix[0, 0], matrix[0, 0]), (x, y))
