"""Folders of drawn frames: every Draw gets a new take, so nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .lpcore.errors import LpError

PREFIX = "frame_"
MOTION = "motion.npz"
"""File name of the motion that a take is drawn from."""

RECIPE = "recipe.json"
"""File name of what the engine says of a complete take."""

_MOTION_MADE_FROM = ("audio_sha256", "style_sha256", "detector", "weights")
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows knows no quota error of that name


def write_error(error: OSError, target: Path) -> LpError:
    """What to tell the user when `target` could not be written: ``DISK_FULL`` or ``OUTPUT_READONLY``."""
    return LpError("DISK_FULL" if error.errno in _FULL else "OUTPUT_READONLY", str(target))


def frame_name(index: int) -> str:
    """File name of frame `index` of a take."""
    return f"{PREFIX}{index:05d}.png"


def portrait_folder(chosen: Any) -> Path:
    """Where the takes of a portrait (its property group) go: the folder that was chosen for it, else one named
    after its photo beside the .blend file, or, unsaved, in the user's folder.
    """
    if chosen.folder:
        return Path(bpy.path.abspath(chosen.folder))
    name = bpy.path.clean_name(Path(chosen.photo.replace("\\", "/")).stem) or "portrait"
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "lineportrait" / name
    return Path(bpy.utils.extension_path_user(str(__package__), path="unsaved", create=True)) / name


def all_of(chosen: Any) -> list[Path]:
    """The folders of a portrait's takes, the newest first."""
    found = [path for path in portrait_folder(chosen).glob("take_*") if path.is_dir() and _number(path)]
    return sorted(found, key=_number, reverse=True)


def new_take(chosen: Any) -> Path:
    """A new empty folder ``take_###``. Raises LpError like `write_error`."""
    parent = portrait_folder(chosen)
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


def write_motion(take: Path, points: np.ndarray) -> Path:
    """Write the landmarks (T, 68, 3) that a take is drawn from; returns the file.

    Raises LpError like `write_error`, and then leaves no empty take behind.
    """
    path = take / MOTION
    try:
        np.savez(path, points=points)
    except OSError as error:
        discard_if_empty(take)
        raise write_error(error, take) from error
    return path


def read_recipe(take: Path) -> dict[str, Any]:
    """What the engine wrote beside the frames of a complete take; empty where there is none."""
    try:
        return json.loads((take / RECIPE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def made_from(spoken: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe tells of the motion, out of the engine's result of `protocol.Speak`."""
    return {name: spoken[name] for name in _MOTION_MADE_FROM if name in spoken}


def size_of(take: Path) -> int:
    """Bytes of the take's files."""
    size = 0
    for path in take.iterdir():
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size


def remove(take: Path) -> None:
    """Remove a take as far as it is ours: whatever else lies in the folder stays. Raises LpError."""
    try:
        for path in take.iterdir():
            if path.name in (MOTION, RECIPE) or re.fullmatch(rf"{PREFIX}\d{{5,}}\.(png|exr)", path.name):
                path.unlink()
        if not any(take.iterdir()):
            take.rmdir()
    except OSError as error:
        raise write_error(error, take) from error


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
