"""Frames of a talking drawing: prepare a portrait once, then ask for frames as often as you like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..types import Portrait
from .canvas import canvas as find_canvas
from .styles import pick_engine, style
from .warp_stream import WarpStream


class FrameStream:
    """Draws frames of one portrait in one style.

    Args:
        portrait: the analysed photo.
        style_name: key of `styles.STYLES`.
        size: frame side in pixels for canvas "crop" (64 to 2160); limit of the longer side for "photo", 0 = none.
        canvas: "crop" or "photo".
        device: where frames are computed.
        engine: "warp", "generator", or "auto" = the generator where its weights are here.
        background: draw what lies behind the person too; the paper's own styles always do.

    Raises:
        LpError: ``STYLE_UNKNOWN``, ``BAD_VALUE`` (size, canvas or engine), ``WEIGHTS_MISSING``,
            ``WEIGHTS_NOT_IMPORTED``.
    """

    def __init__(
        self,
        portrait: Portrait,
        style_name: str,
        size: int = 512,
        canvas: str = "crop",
        device: str = "cpu",
        engine: str = "auto",
        background: bool = False,
    ) -> None:
        chosen = style(style_name)
        self._canvas = find_canvas(portrait, canvas, size)
        if pick_engine(chosen, engine) == "generator":
            from .generator_stream import GeneratorStream

            self._stream = GeneratorStream(portrait, chosen, self._canvas, device, background)
        else:
            self._stream = WarpStream(portrait, chosen, self._canvas, device, background)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames in pixels."""
        return self._canvas.size

    @property
    def static(self) -> np.ndarray:
        """uint8 drawing of the photo itself, shaped as one of `frames`."""
        return self._stream.static

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One uint8 image per row of `points` (T, 68, 2 or 3) in crop units.

        Grey (H, W), ink 0 and paper 255; RGB (H, W, 3) for styles in colour.
        """
        return self._stream.frames(points)
