"""Frames by key: what has been drawn once is found again, in a shared folder or in an earlier take.

A take's frames and the store's are hard links to the same files wherever the file system allows it, so that neither
held frames nor repeated takes cost space. A frame states its key and a checksum of its pixels: a file that somebody
has painted over or that was cut short is never handed out again.
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

    def find(self, key: str) -> Path | None:
        """A whole, untouched file of the frame `key`."""
        stored = stored_at(self._folder, key) if self._folder else None
        if stored and stored.is_file():
            if _is_whole(stored, key):
                with contextlib.suppress(OSError):  # when it was last of use, for `trim`
                    os.utime(stored, ns=(time.time_ns(), stored.stat().st_mtime_ns))
                return stored
            with contextlib.suppress(OSError):
                stored.unlink()
        if self._taken is None:
            frames = [path for folder in self._former for path in sorted(folder.glob("*.png"))]
            self._taken = {key_of(path): path for path in frames}
        path = self._taken.get(key)
        return path if path and _is_whole(path, key) else None

    def keep(self, key: str, source: Path) -> None:
        """Remember the frame in the file `source`; a store that cannot be written to is done without."""
        with contextlib.suppress(OSError, LpError):
            if self._folder:
                self._prepare(key)
                place(source, stored_at(self._folder, key))

    def put(self, key: str, picture: bytes) -> None:
        """Remember a frame that is in no take; `picture` is signed."""
        with contextlib.suppress(OSError, LpError):
            if self._folder:
                self._prepare(key)
                write_atomically(stored_at(self._folder, key), picture, f"-{os.getpid()}")

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

    def _prepare(self, key: str) -> None:
        assert self._folder
        stored_at(self._folder, key).parent.mkdir(parents=True, exist_ok=True)


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
            found = self._store.find(key)
            if found:
                yield from self._show(found, self.missing.pop(key))
                self._store.keep(key, found)

    def add(self, key: str, picture: bytes) -> list[int]:
        """Write the frame `key`, a signed PNG; returns the indices that show it."""
        indices = self.missing.pop(key)
        first = self.path(indices[0])
        write_atomically(first, picture)
        self.written += len(picture)
        self._store.keep(key, first)
        return [indices[0], *self._show(first, indices[1:])]

    def _show(self, source: Path, indices: Sequence[int]) -> Iterator[int]:
        for index in indices:
            place(source, self.path(index))
            yield index


def place(source: Path, target: Path) -> None:
    """Let `target` be the file `source`: a hard link, or a copy where there can be none.

    Raises LpError ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    with contextlib.suppress(OSError):
        if source.samefile(target):
            return
    partial = target.with_name(f".{target.name}-{os.getpid()}.partial")
    try:
        os.link(source, partial)
        partial.replace(target)
    except OSError:  # another disk, or a file system without links
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        with writing(target):
            content = source.read_bytes()
        write_atomically(target, content, f"-{os.getpid()}")


def _is_whole(path: Path, key: str) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return png.texts(content).get(FRAME) == f"{key} {png.pixel_checksum(content)}"
