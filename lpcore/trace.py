"""Drawings as vectors: their ink traced to filled outlines, as SVG files and as polylines.

The outlines come from VTracer (Visioncortex), which fits Bézier splines to the borders of an image's dark areas.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .errors import LpError
from .files import replacing, write_atomically
from .types import Progress, no_progress

ENLARGED = 2
"""Times the drawing is enlarged before tracing, so that the grey rims of its lines place the outlines."""

SPECKLE = 3
"""Side in pixels of the drawing under which a spot is no line."""

STEPS = 4
"""Straight pieces of a polyline for each spline segment."""


class Outline(NamedTuple):
    """One closed outline: (3 N + 1, 2) points of cubic Bézier segments in pixels of the drawing, x right, y down, the
    last point being the first; `hole`, whether it lies white in the ink."""

    points: np.ndarray
    hole: bool

    def polyline(self) -> np.ndarray:
        """(STEPS N, 2) points on the outline, the first not repeated."""
        t = (np.arange(STEPS) / STEPS)[None, :, None]
        a, b, c, d = (self.points[k : len(self.points) - 3 + k : 3, None] for k in range(4))
        curve = a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
        return curve.reshape(-1, 2)


def trace(image: np.ndarray) -> list[Outline]:
    """The outlines of the ink in a drawing, the larger before the smaller that may lie in them.

    Args:
        image: (H, W) or (H, W, 3 or 4) uint8; paper is the most frequent shade or clear, ink what differs from it.

    Raises:
        LpError: ``TRACER_MISSING``.
    """
    try:
        import vtracer
    except ImportError as error:
        raise LpError("TRACER_MISSING", str(error)) from error
    from PIL import Image

    white = Image.fromarray(255 - _ink(image))
    large = white.resize((white.width * ENLARGED, white.height * ENLARGED), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    large.convert("RGB").save(file, "PNG", compress_level=0)
    svg = vtracer.convert_raw_image_to_svg(
        file.getvalue(),
        img_format="png",
        colormode="binary",
        mode="spline",
        filter_speckle=SPECKLE * ENLARGED,
        corner_threshold=60,
        length_threshold=4.0,
        splice_threshold=45,
        path_precision=2,
    )
    return _outlines(svg)


def _ink(image: np.ndarray) -> np.ndarray:
    """(H, W) uint8 how much ink lies where: 0 = paper, 255 = the darkest line, or the lightest on dark paper."""
    values = image.astype(np.float32)
    if image.ndim == 3:
        alpha = values[..., 3] / 255 if image.shape[2] == 4 else np.ones(image.shape[:2], np.float32)
        if alpha.min() < 0.5:
            return np.round(255 * alpha).astype(np.uint8)
        values = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    paper = float(np.bincount(np.round(values).astype(np.uint8).ravel(), minlength=256).argmax())
    away = np.abs(values - paper)
    return np.round(255 * away / max(float(away.max()), 1.0)).astype(np.uint8)


_PATH = re.compile(r'<path d="([^"]*)"[^>]*?translate\(([-\d.]+),([-\d.]+)\)')
_NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")


def _outlines(svg: str) -> list[Outline]:
    """The outlines in VTracer's SVG: a path is an outline followed by the holes in it."""
    found: list[tuple[float, Outline]] = []
    for data, x, y in _PATH.findall(svg):
        parts = [part for part in data.split("M") if part.strip()]
        for number, part in enumerate(parts):
            points = np.array([float(value) for value in _NUMBER.findall(part)]).reshape(-1, 2)
            # VTracer counts from the corner of the first pixel, we from its centre.
            points = (points + np.array([float(x), float(y)])) / ENLARGED - 0.5
            if len(points) >= 4 and (len(points) - 1) % 3 == 0:
                points[-1] = points[0]
                outline = Outline(points, number > 0)
                found.append((_area(outline.polyline()), outline))
    found.sort(key=lambda one: -one[0])
    return [outline for _, outline in found]


def _area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def to_svg(outlines: Sequence[Outline], width: int, height: int, ink: str = "#000000") -> str:
    """An SVG picture of the outlines, one path, holes left out."""
    parts = []
    for outline in outlines:
        text = [f"{x:.2f} {y:.2f}" for x, y in outline.points]
        parts.append(f"M{text[0]}C{' '.join(text[1:])}Z")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="-0.5 -0.5 {width} {height}">'
        f'<path fill="{ink}" fill-rule="evenodd" d="{"".join(parts)}"/></svg>\n'
    )


def trace_files(
    frames: Sequence[Path], folder: Path, ink: str = "#000000", progress: Progress = no_progress
) -> Path:
    """Trace PNG files: writes ``frame_#####.svg`` for each into `folder`, and ``lines.npz``, whose path is returned.

    ``lines.npz`` holds polylines: points (N, 2) float32 pixels, and for each line in turn its number of points
    `lengths`, its frame `frames` and whether it is a hole `holes`; and `size` (width, height). A file equal to
    an earlier one is traced once.

    Raises LpError ``TRACER_MISSING``, ``FRAME_UNREADABLE``, ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    known: dict[bytes, tuple[list[Outline], tuple[int, int]]] = {}
    points, lengths, holes, numbers, size = [], [], [], [], (0, 0)
    for number, path in enumerate(frames):
        progress("Tracing", number / len(frames))
        content = _read(path)
        key = hashlib.sha256(content).digest()
        if key not in known:
            known[key] = _trace_png(content, path)
        outlines, size = known[key]
        write_atomically(folder / f"frame_{number:05d}.svg", to_svg(outlines, *size, ink).encode())
        for outline in outlines:
            line = outline.polyline()
            points.append(line)
            lengths.append(len(line))
            holes.append(outline.hole)
            numbers.append(number)
    target = folder / "lines.npz"
    with replacing(target) as file:
        np.savez(
            file,
            points=np.concatenate(points or [np.zeros((0, 2))]).astype(np.float32),
            lengths=np.array(lengths, np.int32),
            holes=np.array(holes, bool),
            frames=np.array(numbers, np.int32),
            size=np.array(size, np.int32),
        )
    return target


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LpError("FRAME_UNREADABLE", str(path)) from error


def _trace_png(content: bytes, path: Path) -> tuple[list[Outline], tuple[int, int]]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            mode = "RGBA" if "A" in picture.mode or "transparency" in picture.info else "RGB"
            image = np.asarray(picture.convert(mode))
    except (OSError, UnidentifiedImageError) as error:
        raise LpError("FRAME_UNREADABLE", str(path)) from error
    return trace(image), (image.shape[1], image.shape[0])
