"""A picture laid over a region of the sequencer, with faces to choose from or landmarks to drag.

`View` is the geometry, free of Blender. A `Stage` keeps what is shown and draws it while it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import compat

MARGIN = 16  # region pixels round the picture
HEAD = 28  # above it, where the timeline has its frame numbers
LEGEND = 76  # below it, for three rows of words and the scroll bar under them
ROW, GAP = 18, 18  # region pixels from row to row, and from phrase to phrase
ZOOM = (0.5, 40.0)
BACKDROP = (0.09, 0.09, 0.09, 1.0)
FINE_PRINT = 12  # points

Colour = tuple[float, float, float, float]


class View:
    """Where a picture lies in a region: picture pixels (y down, centres at integers) to region pixels (y up).

    picture, region: (width, height).
    """

    def __init__(self, picture: tuple[int, int], region: tuple[int, int]) -> None:
        self.picture = picture
        free = max(region[0] - 2 * MARGIN, 1), max(region[1] - 2 * MARGIN - LEGEND - HEAD, 1)
        self.scale = self._fit = min(free[0] / picture[0], free[1] / picture[1])
        """Region pixels a picture pixel."""
        middle = np.array([region[0] / 2, LEGEND + MARGIN + free[1] / 2])
        self.corner = middle - self.scale * np.array(picture) / 2
        """The picture's lower left corner in the region."""

    def to_region(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) picture pixels to region pixels."""
        points = np.asarray(points, np.float64) + 0.5
        return self.corner + self.scale * np.stack([points[..., 0], self.picture[1] - points[..., 1]], -1)

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) region pixels to picture pixels."""
        inside = (np.asarray(points, np.float64) - self.corner) / self.scale
        return np.stack([inside[..., 0], self.picture[1] - inside[..., 1]], -1) - 0.5

    def zoom(self, factor: float, about: np.ndarray) -> None:
        """Make the picture larger; the region pixel `about` keeps showing what it shows."""
        scale = float(np.clip(self.scale * factor, ZOOM[0] * self._fit, ZOOM[1] * self._fit))
        self.corner = about + (self.corner - about) * scale / self.scale
        self.scale = scale

    def pan(self, by: np.ndarray) -> None:
        """Shift the picture by region pixels."""
        self.corner = self.corner + by


class Stage:
    """An open overlay in one region, over a picture file.

    paint: called at every redraw, after the picture. legend: phrases below it, as many in a row as fit.
    """

    def __init__(self, region: Any, picture: Path, legend: Sequence[str]) -> None:
        self._pixels, size = _read(picture)
        self._size = region.width, region.height
        self.view = View(size, self._size)
        self.paint: Callable[[], None] = lambda: None
        self._legend, self._texture = legend, None
        # By address, and found anew each time: an area that is joined away takes its regions along.
        self._own, self._type = region.as_pointer(), region.type
        space: Any = bpy.types.SpaceSequenceEditor
        self._handle = space.draw_handler_add(self._draw, (), self._type, "POST_PIXEL")
        _open.append(self)
        self.refresh()

    def close(self) -> None:
        """Take the overlay away; a second time does nothing."""
        if self not in _open:
            return
        _open.remove(self)
        space: Any = bpy.types.SpaceSequenceEditor
        space.draw_handler_remove(self._handle, self._type)
        self.refresh()

    @property
    def region(self) -> Any | None:
        """Where it is open; None once it is closed or its region is gone."""
        return self._find() if self in _open else None

    def refresh(self) -> None:
        """Draw again soon."""
        region = self._find()
        if region:
            region.tag_redraw()

    def mouse(self, event: Any) -> np.ndarray:
        """(2,) region pixels; where the region is gone, outside of everything."""
        region = self.region
        return np.array(
            [event.mouse_x - region.x, event.mouse_y - region.y] if region else [-1, -1], np.float64
        )

    def covers(self, event: Any) -> bool:
        """Whether the mouse is over the overlay."""
        x, y = self.mouse(event)
        return 0 <= x < self._size[0] and 0 <= y < self._size[1]

    def _find(self) -> Any | None:
        context: Any = bpy.context
        areas = [area for window in context.window_manager.windows for area in window.screen.areas]
        regions = [region for area in areas if area.type == "SEQUENCE_EDITOR" for region in area.regions]
        return next((region for region in regions if region.as_pointer() == self._own), None)

    def _draw(self) -> None:
        context: Any = bpy.context
        if context.region is None or context.region.as_pointer() != self._own:
            return
        import gpu

        if self._texture is None:
            height, width = self._pixels.shape[:2]
            types: Any = gpu.types
            pixels = types.Buffer("FLOAT", width * height * 4, self._pixels.ravel())
            self._texture = types.GPUTexture((width, height), format="RGBA16F", data=pixels)
        gpu.state.blend_set("ALPHA")
        wide, high = context.region.width, context.region.height
        if (wide, high) != self._size:
            self._size, self.view = (wide, high), View(self.view.picture, (wide, high))
        fill([[(0, 0), (wide, 0), (wide, high)], [(0, 0), (wide, high), (0, high)]], [BACKDROP] * 2)
        width, height = np.array(self.view.picture) * self.view.scale
        compat.draw_linear(self._texture, tuple(self.view.corner), width, height)
        self.paint()
        self._draw_legend(context.preferences.system.ui_scale)
        gpu.state.blend_set("NONE")

    def _draw_legend(self, scale: float) -> None:
        import blf

        wide, high = self._size[0], LEGEND * scale
        fill([[(0, 0), (wide, 0), (wide, high)], [(0, 0), (wide, high), (0, high)]], [BACKDROP] * 2)
        blf.size(0, FINE_PRINT * scale)
        blf.color(0, 0.9, 0.9, 0.9, 1)
        x, y = MARGIN, high - ROW * scale
        for phrase in self._legend:
            width = blf.dimensions(0, phrase)[0]
            if x > MARGIN and x + width > wide - MARGIN:
                x, y = MARGIN, y - ROW * scale
            blf.position(0, x, y, 0)
            blf.draw(0, phrase)
            x += width + GAP * scale


_open: list[Stage] = []


def close_all() -> None:
    """Take every overlay away."""
    for stage in list(_open):
        stage.close()


def fill(triangles: Sequence[Any], colours: Sequence[Colour]) -> None:
    """Draw triangles (N, 3, 2) in region pixels, each in its colour."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    corners = np.asarray(triangles, np.float32).reshape(-1, 2)
    shader: Any = gpu.shader.from_builtin("FLAT_COLOR")
    shades = np.repeat(np.asarray(colours, np.float32), 3, axis=0)
    content: Any = {"pos": corners, "color": shades}
    batch_for_shader(shader, "TRIS", content).draw(shader)


def discs(centres: np.ndarray, radii: Sequence[float], colours: Sequence[Colour]) -> None:
    """Draw a round dot at each of `centres` (N, 2), all in region pixels."""
    around = np.linspace(0, 2 * np.pi, 13)
    rim = np.stack([np.cos(around), np.sin(around)], -1)
    triangles = [
        [centre, centre + radius * a, centre + radius * b]
        for centre, radius in zip(centres, radii, strict=True)
        for a, b in pairwise(rim)
    ]
    fill(triangles, [colour for colour in colours for _ in rim[1:]])


def lines(paths: Sequence[np.ndarray], colour: Colour, width: float = 1.5) -> None:
    """Draw polylines, each (N, 2) region pixels."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    ends = [end for path in paths for pair in pairwise(path) for end in pair]
    shader: Any = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    viewport: Any = gpu.state.viewport_get()
    shader.uniform_float("viewportSize", viewport[2:])
    shader.uniform_float("lineWidth", width)
    shader.uniform_float("color", colour)
    # The shader wants depth even where nothing has any.
    flat = np.column_stack([ends, np.zeros(len(ends))]).astype(np.float32)
    content: Any = {"pos": flat}
    batch_for_shader(shader, "LINES", content).draw(shader)


def words(text: str, at: np.ndarray, colour: Colour) -> None:
    """Write `text` at a place in region pixels."""
    import blf

    context: Any = bpy.context
    blf.size(0, FINE_PRINT * context.preferences.system.ui_scale)
    blf.color(0, *colour)
    blf.position(0, float(at[0]), float(at[1]), 0)
    blf.draw(0, text)


def picture_region(area: Any) -> Any | None:
    """Where to lay a picture in a sequencer: over its preview or over its strips, where there is more room."""
    regions = [region for region in area.regions if region.type in ("PREVIEW", "WINDOW")]
    return max(regions, key=lambda region: min(region.width, region.height), default=None)


def _read(picture: Path) -> tuple[np.ndarray, tuple[int, int]]:
    """(H, W, 4) float32, linear, with the lowest row first, and (width, height)."""
    image: Any = bpy.data.images.load(str(picture))
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    coded = pixels.reshape(height, width, 4)  # sRGB, as in the file
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    linear[..., 3] = coded[..., 3]
    return linear.astype(np.float32), (width, height)
