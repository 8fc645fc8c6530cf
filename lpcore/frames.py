"""Frame files: PNG images written whole or not at all, while the next frames are being computed."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from .errors import LpError

_PENDING = 8
_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn failures of the file system into LpError ``DISK_FULL`` or ``OUTPUT_READONLY`` naming `target`."""
    try:
        yield
    except OSError as error:
        code = "DISK_FULL" if error.errno in _FULL else "OUTPUT_READONLY"
        raise LpError(code, str(target)) from error


def prepare_folder(folder: Path) -> None:
    """Make `folder` and prove that it can be written to; raises LpError ``OUTPUT_READONLY``."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of `path` once it is whole; raises LpError like `writing`."""
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                yield file
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` as the whole file `path`; raises LpError like `writing`."""
    with replacing(path) as file:
        file.write(content)


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an (H, W) or (H, W, 3 or 4) uint8 image (RGB order) as PNG."""
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    # Line drawings compress well at any level; the lowest ones are several times faster.
    encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1]
    write_atomically(path, encoded.tobytes())


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
