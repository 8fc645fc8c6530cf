"""Folders of drawn frames: every Draw gets a new take, so nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import bpy

from .lpcore.errors import LpError

PREFIX = "frame_"
MOTION = "motion.npz"
"""File name of the motion that a take is drawn from."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows knows no quota error of that name


def write_error(error: OSError, target: Path) -> LpError:
    """What to tell the user when `target` could not be written: ``DISK_FULL`` or ``OUTPUT_READONLY``."""
    return LpError("DISK_FULL" if error.errno in _FULL else "OUTPUT_READONLY", str(target))


def frame_name(index: int) -> str:
    """File name of frame `index` of a take."""
    return f"{PREFIX}{index:05d}.png"


def portrait_folder(photo: str) -> Path:
    """Where the takes of a photo's portrait go: beside the .blend file, or, unsaved, in the user's folder."""
    name = bpy.path.clean_name(Path(photo).stem) or "portrait"
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "lineportrait" / name
    return Path(bpy.utils.extension_path_user(str(__package__), path="unsaved", create=True)) / name


def new_take(photo: str) -> Path:
    """A new empty folder ``take_###``. Raises LpError like `write_error`."""
    parent = portrait_folder(photo)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        number = 1 + max((_number(path) for path in parent.glob("take_*")), default=0)
        while True:
            take = parent / f"take_{number:03d}"
            try:
                take.mkdir()
                break
            except FileExistsError:  # another Blender was quicker
                number += 1
    except OSError as error:
        raise write_error(error, parent) from error
    return take


def discard_if_empty(take: Path) -> None:
    """Remove a take that holds nothing but its motion.

    Whatever else lies there stays: a cancelled engine may still be writing a frame.
    """
    with contextlib.suppress(OSError):
        if all(path.name == MOTION for path in take.iterdir()):
            (take / MOTION).unlink(missing_ok=True)
            take.rmdir()


def scratch() -> Path:
    """A folder for what need not outlive this Blender. Raises LpError like `write_error`."""
    folder = Path(bpy.app.tempdir) / "lineportrait"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, folder) from error
    return folder


def _number(take: Path) -> int:
    digits = take.name.removeprefix("take_")
    return int(digits) if digits.isdecimal() else 0
