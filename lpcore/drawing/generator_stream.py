"""Frames drawn by the generator (paper section 3.3): flows, landmark images, network, equation 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import CROP, Portrait
from ..weights import present
from .background import blend
from .canvas import Canvas, apply, resize
from .canvas import canvas as find_canvas
from .flow import grid_flow
from .flow_net import load_flow_net
from .generator import load_generator, warp
from .landmark_image import landmark_image
from .mesh_flow import MeshFlow
from .static import person_layer, static_layers
from .styles import Style
from .threads import on_threads
from .warp_stream import WarpStream

WORKING_SIDE = 256
"""Working resolution in pixels, S in `generator`."""

_TO_WORKING = resize(WORKING_SIDE / CROP)

_BATCH = 16
"""Frames drawn at once on an accelerator; a processor draws each by itself, as fast and byte for byte the same."""

_THREADS = 4
"""Frames that threads of a processor draw at the same time, one each; they take about 100 MB each."""


class Sitter(Protocol):
    """One portrait as a generator wants it. S = `WORKING_SIDE`; colours in [-1, 1], 1 = paper.

    photo: (1, 3, scale S, scale S), the person alone on white. matte: (1, 1, S, S) in [0, 1], where what is drawn
    moves with the person.
    source: (1, 68, 2) the photo's landmarks in working pixels.
    """

    photo: Tensor
    matte: Tensor
    source: Tensor

    def targets(self, points: np.ndarray) -> Tensor:
        """(T, 68, 2) landmarks in working pixels from (T, 68, 2 or 3) crop units."""
        ...

    def flow_b(self, points: np.ndarray) -> Tensor:
        """(T, S, S, 2) the working pixels read by each, from landmarks (T, 68, 2 or 3) in crop units."""
        ...


@dataclass(frozen=True, eq=False)
class Still:
    """What does not move, brightness in [0, 1], 1 = paper.

    page: (C, H, W) whole frame, shown beyond the crop. background: (C, h, w) of the box, shown behind the person.
    """

    page: Tensor
    background: Tensor


class OwnSitter:
    """A portrait for our own generators, just as `train.drawing_batches` shows it to them."""

    def __init__(self, portrait: Portrait, scale: int, device: str) -> None:
        self._device = device
        side = scale * WORKING_SIDE
        picture = torch.from_numpy(portrait.image).to(device).permute(2, 0, 1)[None].float() / 255
        matte = torch.from_numpy(portrait.matte).to(device)[None, None]
        picture, matte = _reduced(picture, side), _reduced(matte, side)
        self.photo = 2 * blend(picture, matte, torch.ones_like(picture)) - 1
        self.matte = _reduced(person_layer(portrait.matte, device), WORKING_SIDE)
        size = (WORKING_SIDE, WORKING_SIDE)
        self._flow = MeshFlow(portrait.landmarks, _TO_WORKING, size, device)
        self.source = self.targets(portrait.landmarks[None])

    def targets(self, points: np.ndarray) -> Tensor:
        return torch.from_numpy(apply(_TO_WORKING, points).astype(np.float32)).to(self._device)

    def flow_b(self, points: np.ndarray) -> Tensor:
        return self._flow.positions(points)


class GeneratorStream:
    """Draws every frame anew from the photo's features; see `stream.FrameStream` for the arguments.

    What depends on the photo alone is computed once. Where the weights of flow A are absent or the generator never saw
    it, flow B stands in.
    """

    def __init__(
        self, portrait: Portrait, style: Style, canvas: Canvas, device: str = "cpu", background: bool = False
    ) -> None:
        self._canvas, self._device, self._rest = canvas, device, portrait.landmarks
        self._style = style
        self._model = load_generator(style.generator, device)
        config = self._model.config
        wanted = config.flow_a and present(style.flow_net)
        self._flow_net = load_flow_net(style.flow_net, device) if wanted else None
        self._sitter, still = _sit(portrait, style, config.scale, config.outputs, canvas, device, background)
        self._page = _to_pixels(still.page)
        left, top, right, bottom = canvas.box
        self._beyond = still.page[:, top:bottom, left:right]
        self._background = still.background
        self._seam = torch.from_numpy(canvas.seam()).to(device)
        side = WORKING_SIDE * config.scale
        self._gain = max(1.0, canvas.scale * CROP / side)
        self._moved = (
            WarpStream(portrait, style, find_canvas(portrait, "crop", side), device)
            if config.carried
            else None
        )
        with torch.inference_mode(), self._half_precision():
            self._code = self._model.prepare(self._sitter.photo, self._landmarks(self._sitter.source))

    @property
    def static(self) -> np.ndarray:
        """(H, W) or (H, W, 3) uint8 drawing of the photo itself."""
        return next(self.frames(self._rest[None]))

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (H, W) grey or (H, W, 3) RGB uint8 image per row of `points` (T, 68, 2 or 3) in crop units."""
        count = 1 if self._device == "cpu" else _BATCH
        # The published networks are large enough to keep all threads busy with one frame.
        threads = min(torch.get_num_threads(), _THREADS) if count == 1 and not self._style.published else 1
        some = (points[start : start + count] for start in range(0, len(points), count))
        for pictures in on_threads((partial(self._pictures, part, count) for part in some), threads):
            yield from pictures

    def _pictures(self, points: np.ndarray, count: int) -> list[np.ndarray]:
        """The frames of at most `count` rows of landmarks."""
        left, top, right, bottom = self._canvas.box
        # Always full batches: the accelerator's rounding depends on their size.
        filled = np.concatenate([points, np.repeat(points[-1:], count - len(points), axis=0)])
        pictures = []
        for drawn in self._drawn(filled)[: len(points)]:
            image = self._page.copy()
            image[top:bottom, left:right] = _to_pixels(drawn)
            pictures.append(image)
        return pictures

    @torch.inference_mode()
    def _drawn(self, points: np.ndarray) -> Tensor:
        """(T, C, h, w) brightness of the box in [0, 1]."""
        target = self._sitter.targets(points)
        grid = self._sitter.flow_b(points) * (2 / (WORKING_SIDE - 1)) - 1
        carried = self._carried(points)
        with self._half_precision():
            drawn = self._model(
                self._code, self._landmarks(target), grid, *self._flow_a(target, grid), carried
            ).float()
        if carried is not None:
            drawn = _agreed(drawn, carried, self._style.faint)
        person = self._canvas.place(_enlarged(warp(self._sitter.matte, grid, True), drawn.shape[-1]))
        framed = blend(self._placed(drawn), person, self._background)
        return blend(framed, self._seam, self._beyond)

    def _carried(self, points: np.ndarray) -> Tensor | None:
        """(T, 1, D, D) in [-1, 1], the static drawing moved to the frames, for a network that redraws it."""
        if self._moved is None:
            return None
        return 1 - 2 * torch.from_numpy(np.stack(list(self._moved.ink(points))))[:, None].to(self._device)

    def _flow_a(self, target: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Flow (T, 2, S, S) in pixels and visibility (T, 1, S, S)."""
        if self._flow_net is not None:
            return self._flow_net.regress(self._sitter.source, target, grid, WORKING_SIDE)
        return grid_flow(grid), torch.ones_like(grid[..., :1]).permute(0, 3, 1, 2)

    def _landmarks(self, points: Tensor) -> Tensor:
        return landmark_image(points, WORKING_SIDE, soft=self._model.config.soft_landmarks)

    def _placed(self, drawn: Tensor) -> Tensor:
        """Drawings (T, C, D, D) in [-1, 1] as brightness (T, C, h, w); enlarged lines get steeper, not blurred."""
        if self._gain == 1 or drawn.shape[1] > 1:
            return (self._canvas.place(drawn) + 1) / 2
        logits = 2 * _half_log_odds(drawn)
        return torch.sigmoid(self._gain * self._canvas.place(logits))

    def _half_precision(self) -> AbstractContextManager[object]:
        return torch.autocast("cuda", torch.bfloat16) if self._device == "cuda" else nullcontext()


def _sit(
    portrait: Portrait, style: Style, scale: int, channels: int, canvas: Canvas, device: str, background: bool
) -> tuple[Sitter, Still]:
    left, top, right, bottom = canvas.box
    if style.published:
        from .paper.portrait import PaperSitter

        sitter = PaperSitter(portrait, style.backdrop, style.matting, channels, device)
        page = torch.ones(channels, canvas.size[1], canvas.size[0], device=device)
        return sitter, Still(page, canvas.place((sitter.backdrop + 1) / 2)[0])
    page = torch.ones(1, canvas.size[1], canvas.size[0], device=device)
    behind = page
    if background or canvas.kind == "photo":
        layers = static_layers(portrait, style.channel, canvas, device, background)
        ink, background_ink = layers.at_rest(style.gain)
        page = 1 - ink[None]
        behind = 1 - background_ink[None] if background else behind
    return OwnSitter(portrait, scale, device), Still(page, behind[:, top:bottom, left:right])


def _agreed(drawn: Tensor, moved: Tensor, faint: float) -> Tensor:
    """What the generator's drawing and the moved one come to, all in [-1, 1], 1 = paper and -1 = ink.

    A logarithmic pool of two opinions that count the same (Genest and Zidek, Combining probability distributions,
    1986): the mean of their log odds. In doubt a generator blurs; there the moved strokes decide, and where they are in
    doubt, the generator does. faint: see `Style`.
    """
    pooled = torch.tanh((_half_log_odds(drawn) + _half_log_odds(moved)) / 2)
    return 1 + (pooled - 1 + 2 * faint).clamp(max=0) / (1 - faint)


def _half_log_odds(drawing: Tensor) -> Tensor:
    """Of paper; `tanh` undoes it. Within bounds, for nobody is quite sure."""
    return torch.atanh(drawing.clamp(-0.999, 0.999))


def _reduced(maps: Tensor, side: int) -> Tensor:
    if maps.shape[-1] == side:
        return maps
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False, antialias=True)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=False)


def _to_pixels(picture: Tensor) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8 of a brightness (1 or 3, H, W) in [0, 1]."""
    pixels = (255 * picture.clamp(0, 1)).round().byte().permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
