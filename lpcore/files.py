"""Files that are written whole or not at all, and what keeps them from it in words."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import LpError

FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
"""The numbers of the system's errors that mean a full disk."""


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn failures of the file system into LpError ``DISK_FULL`` or ``OUTPUT_READONLY`` naming `target`."""
    try:
        yield
    except OSError as error:
        code = "DISK_FULL" if error.errno in FULL else "OUTPUT_READONLY"
        raise LpError(code, str(target)) from error


def prepare_folder(folder: Path) -> None:
    """Make `folder` and prove that it can be written to; raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


@contextlib.contextmanager
def replacing(path: Path, writer: str = "") -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of `path` once it is whole; raises LpError like `writing`.

    `writer` tells those apart who may write the same file at once.
    """
    # It lies beside its goal: a rename within one folder is atomic on every system.
    partial = path.with_name(f".{path.name}{writer}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                yield file
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def write_atomically(path: Path, content: bytes, writer: str = "") -> None:
    """Write `content` as the whole file `path`; `writer` and errors as in `replacing`."""
    with replacing(path, writer) as file:
        file.write(content)
