"""Frame files: PNG images written whole or not at all, while the next frames are being computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .errors import LpError
from .files import write_atomically
from .ordered import in_order

ENCODERS = 2
"""Threads that encode and write; one falls behind where several cores draw."""


def encode_png(image: np.ndarray) -> bytes:
    """The PNG file of an (H, W) or (H, W, 3 or 4) uint8 image (RGB order)."""
    if image.ndim == 2:
        # OpenCV's own choice, one filter and run lengths: line drawings get no larger, in less than half the time.
        return cv2.imencode(".png", image)[1].tobytes()
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1].tobytes()


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an (H, W) or (H, W, 3 or 4) uint8 image (RGB order) as PNG."""
    write_atomically(path, encode_png(image))


def read_png(picture: bytes, name: str = "the file") -> np.ndarray:
    """The (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA uint8 image in the PNG file `picture`.

    Raises LpError ``FRAME_UNREADABLE`` with `name` for what is no picture.
    """
    image: Any = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED) if picture else None
    if image is None:
        raise LpError("FRAME_UNREADABLE", name)
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def shrunk(image: np.ndarray, longer_side: int) -> np.ndarray:
    """The (H, W, ...) uint8 `image`, made smaller where one side is longer than `longer_side` pixels."""
    scale = longer_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def write_frames(frames: Iterable[tuple[Path, np.ndarray]]) -> Iterator[Path]:
    """Write each (path, image) while the next are being drawn; yields the paths in order as they are on disk."""
    return in_order((partial(_written, path, image) for path, image in frames), ENCODERS)


def _written(path: Path, image: np.ndarray) -> Path:
    write_png(path, image)
    return path
