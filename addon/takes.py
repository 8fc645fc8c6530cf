"""Folders of drawn frames: every Draw gets a new take, so nothing is ever overwritten."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy

from .lpcore.errors import LpError

PREFIX = "frame_"


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
    """A new empty folder ``take_###``. Raises LpError ``OUTPUT_READONLY``."""
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
        raise LpError("OUTPUT_READONLY", str(parent)) from error
    return take


def discard_if_empty(take: Path) -> None:
    """Remove a take in which no frame was drawn."""
    if any(take.glob(f"{PREFIX}*.png")):
        return
    with contextlib.suppress(OSError):
        for leftover in take.iterdir():
            leftover.unlink()
        take.rmdir()


def scratch() -> Path:
    """A folder for what need not outlive this Blender."""
    folder = Path(bpy.app.tempdir) / "lineportrait"
    folder.mkdir(exist_ok=True)
    return folder


def _number(take: Path) -> int:
    digits = take.name.removeprefix("take_")
    return int(digits) if digits.isdecimal() else 0
