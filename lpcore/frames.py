"""Frame files: PNG images written whole or not at all, while the next frames are being computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .files import write_atomically

_PENDING = 8


def encode_png(image: np.ndarray) -> bytes:
    """The PNG file of an (H, W) or (H, W, 3 or 4) uint8 image (RGB order)."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    # Line drawings compress well at any level; the lowest ones are several times faster.
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1].tobytes()


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an (H, W) or (H, W, 3 or 4) uint8 image (RGB order) as PNG."""
    write_atomically(path, encode_png(image))


def read_png(picture: bytes) -> np.ndarray:
    """The (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA uint8 image in the PNG file `picture`."""
    image: Any = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
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
    """Write each (path, image) in a second thread; yields the paths in order as they are complete on disk."""
    pending: deque = deque()
    with ThreadPoolExecutor(1) as pool:
        for path, image in frames:
            pending.append((path, pool.submit(write_png, path, image)))
            while len(pending) > _PENDING or (pending and pending[0][1].done()):
                yield _finished(pending)
        while pending:
            yield _finished(pending)


def _finished(pending: deque) -> Path:
    path, job = pending.popleft()
    job.result()
    return path
