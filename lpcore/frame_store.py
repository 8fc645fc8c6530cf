"""Frames by key: what has been drawn once is found again, in a shared folder or in an earlier take.

Every frame is a file of its own, held ones and those of the store too: a program that saves into a file in place
changes that one frame alone. A frame states its key and a checksum of its pixels: a file that somebody has painted
over or that was cut short is never handed out again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import png
from .errors import LpError
from .files import write_atomically, writing
from .frame_keys import stored_at

FRAME = "Line Portrait frame"
"""Keyword of the PNG text that holds a frame's key and the checksum of its pixels."""

EXR = ".exr"
"""Ending of the file that may lie beside a frame, for compositing."""

_HEAD = 4096  # bytes of a file that surely hold its texts
_TRIMMED = 0.9  # share of the limit that trimming leaves


def signed(picture: bytes, key: str, texts: Mapping[str, str]) -> bytes:
    """The PNG file `picture` as the frame `key`, with further `texts`."""
    return png.with_texts(picture, {FRAME: f"{key} {png.pixel_checksum(picture)}", **texts})


def key_of(path: Path) -> str:
    """The key that a PNG file states; empty where it states none or cannot be read."""
    try:
        with path.open("rb") as file:
            return png.texts(file.read(_HEAD)).get(FRAME, "").partition(" ")[0]
    except OSError:
        return ""


class FrameStore:
    """Where frames are kept by key.

    folder: the shared store; None, or one that cannot be written to, keeps nothing. former: folders of earlier takes.
    """

    def __init__(self, folder: Path | None, former: Sequence[Path] = ()) -> None:
        self._folder = folder
        self._former = former
        self._taken: dict[str, Path] | None = None

    def find(self, key: str) -> bytes | None:
        """The PNG file of the frame `key`, whole and untouched."""
        stored = stored_at(self._folder, key) if self._folder else None
        if stored and stored.is_file():
            picture = _read(stored, key)
            with contextlib.suppress(OSError):
                if picture is None:
                    stored.unlink()
                else:  # when it was last of use, for `trim`
                    os.utime(stored, ns=(time.time_ns(), stored.stat().st_mtime_ns))
            if picture is not None:
                return picture
        if self._taken is None:
            frames = [path for folder in self._former for path in sorted(folder.glob("*.png"))]
            self._taken = {key_of(path): path for path in frames}
        path = self._taken.get(key)
        return _read(path, key) if path else None

    def keep(self, key: str, picture: bytes) -> None:
        """Remember the signed PNG file `picture`; a store that cannot be written to is done without."""
        if self._folder is None:
            return
        stored = stored_at(self._folder, key)
        with contextlib.suppress(OSError, LpError):
            if not stored.is_file():
                stored.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(stored, picture, f"-{os.getpid()}")

    def trim(self, limit: int) -> None:
        """Remove what was of no use for longest until the store holds less than `limit` bytes."""
        if self._folder is None:
            return
        files = []
        for path in self._folder.glob("??/*.png"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_atime_ns, status.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= limit:
            return
        for _, size, path in sorted(files):
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size
            if total <= _TRIMMED * limit:
                return


class Take:
    """One folder of frames in the making.

    folder, prefix, indices: frame `indices[i]` is the file ``{prefix}{index:05d}.png`` and shows `keys[i]`.
    """

    def __init__(
        self, folder: Path, prefix: str, indices: Sequence[int], keys: Sequence[str], store: FrameStore
    ) -> None:
        self._folder, self._prefix, self._store = folder, prefix, store
        self.missing: dict[str, list[int]] = {}
        """Key -> the indices that show it, of what has neither been found nor added yet, in order."""
        for index, key in zip(indices, keys, strict=True):
            self.missing.setdefault(key, []).append(index)
        self.written = 0
        """Bytes of the frames added."""

    def path(self, index: int) -> Path:
        """The file of frame `index`."""
        return self._folder / f"{self._prefix}{index:05d}.png"

    def gather(self) -> Iterator[int]:
        """Take what is at hand already; yields the indices as their files are complete."""
        for key in list(self.missing):
            picture = self._store.find(key)
            if picture is not None:
                yield from self._show(key, picture)

    def add(self, key: str, picture: bytes) -> list[int]:
        """Write the frame `key`, a signed PNG; returns the indices that show it."""
        self.written += len(picture)
        return list(self._show(key, picture))

    def _show(self, key: str, picture: bytes) -> Iterator[int]:
        self._store.keep(key, picture)
        for index in self.missing.pop(key):
            path = self.path(index)
            if _read(path, key) is None:
                with writing(path):
                    path.with_suffix(EXR).unlink(missing_ok=True)  # it shows what was here before
                write_atomically(path, picture, f"-{os.getpid()}")
            yield index


def _read(path: Path, key: str) -> bytes | None:
    """The file `path` if it is the frame `key`, whole and untouched."""
    try:
        picture = path.read_bytes()
    except OSError:
        return None
    return picture if png.texts(picture).get(FRAME) == f"{key} {png.pixel_checksum(picture)}" else None
