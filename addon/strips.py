"""The drawing strip: one image sequence above the speech, kept as the same strip through every redraw."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy

from . import compat
from .lpcore.errors import LpError

MARK = "lineportrait"
"""Custom property of a drawing strip: the portrait it shows. Names are the user's to change."""

FIRST = "lineportrait_first"
"""Custom property: the timeline frame at which the speech began when the strip was last drawn."""

CHANNELS = 128


def find(scene: bpy.types.Scene, portrait: str) -> Any | None:
    """The strip that shows `portrait`, whatever it is called by now."""
    marked = (
        strip for strip in compat.all_strips(scene) if strip.type == "IMAGE" and strip.get(MARK) == portrait
    )
    return next(marked, None)


def land(
    scene: bpy.types.Scene, portrait: str, folder: Path, files: list[str], first: int, channel: int
) -> Any:
    """Show the image `files` of `folder` from timeline frame `first`, one a frame; returns the strip.

    A strip of the portrait that is already there keeps its transform, effects and distance to the speech, and
    shows the new folder; a new strip goes to the first free channel above `channel`.
    """
    strip = find(scene, portrait)
    if strip is None:
        strip = compat.strips_to_edit(scene).new_image(
            name=portrait,
            filepath=str(folder / files[0]),
            channel=_free_channel(scene, channel + 1, first, first + len(files)),
            frame_start=first,
            fit_method="FIT",
        )
        strip[MARK] = portrait
    else:
        compat.move(strip, first - strip.get(FIRST, first))
    strip[FIRST] = first
    _show(strip, folder, files)
    return strip


def folder_of(strip: Any) -> Path:
    """The take that a drawing strip shows."""
    return Path(bpy.path.abspath(strip.directory))


def _show(strip: Any, folder: Path, files: list[str]) -> None:
    # Elements first: Blender reloads the pictures when the folder is set.
    for element, name in zip(strip.elements, files, strict=False):
        element.filename = name
    for name in files[len(strip.elements) :]:
        strip.elements.append(name)
    while len(strip.elements) > len(files):
        strip.elements.pop(len(strip.elements) - 1)
    strip.directory = _relative(f"{folder}{os.sep}")


def _relative(directory: str) -> str:
    """The directory as seen from the .blend file, where there is one on the same drive."""
    if not bpy.data.filepath:
        return directory
    try:
        return bpy.path.relpath(directory)
    except ValueError:
        return directory


def _free_channel(scene: bpy.types.Scene, lowest: int, first: int, end: int) -> int:
    taken = {
        strip.channel
        for strip in compat.strips(scene)
        if compat.handles(strip).start < end and compat.handles(strip).end > first
    }
    free = next((channel for channel in range(lowest, CHANNELS + 1) if channel not in taken), None)
    if free is None:
        raise LpError("BAD_VALUE", "every channel above the speech is taken there")
    return free
