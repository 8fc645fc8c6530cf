"""The drawing strip: one image sequence above the speech, kept as the same strip through every redraw."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from . import compat, cuts
from .arrange import Take, arrange
from .lpcore.errors import LpError

MARK = "lineportrait"
"""Custom property of a drawing strip: the uid of the portrait it shows. Names are the user's to change."""

RECIPE = "lineportrait_recipe"
"""Custom property: what the frames were made from, as JSON."""

AI_MADE = "AI-made"
"""Custom property, for people and other programs to read: how the pictures came about."""

CHANNELS = 128


def find(scene: bpy.types.Scene, portrait: str) -> Any | None:
    """A strip that shows the portrait of this uid, whatever the strip is called by now."""
    return next(iter(find_all(scene, portrait)), None)


def find_all(scene: bpy.types.Scene, portrait: str) -> list[Any]:
    """The strips that show the portrait: one, or the parts into which it was split, in timeline order."""
    marked = [s for s in compat.all_strips(scene) if s.type == "IMAGE" and s.get(MARK) == portrait]
    return sorted(marked, key=lambda strip: compat.handles(strip).start)


def land(
    scene: bpy.types.Scene,
    portrait: str,
    name: str,
    folder: Path,
    files: list[str],
    pieces: Sequence[cuts.Piece],
    channel: int,
    recipe: Mapping[str, Any],
) -> Any:
    """Show the image `files` of `folder` beside the `pieces` of the speech; returns the first strip.

    Strips of the portrait (by uid) that are already there keep their transform, effects, trim and distance to the
    speech, and show the new folder, as large in the frame as before; a new strip called `name` goes to the first free
    channel above `channel`.
    """
    strips = find_all(scene, portrait)
    if not strips:
        at = pieces[0].at
        strip = compat.strips_to_edit(scene).new_image(
            name=name,
            filepath=str(folder / files[0]),
            channel=_free_channel(scene, channel + 1, at, at + len(files)),
            frame_start=at,
            fit_method="FIT",
        )
        strip[MARK] = portrait
        strips = [strip]

    def renew(strip: Any) -> None:
        _keep_extent(strip, recipe_of(strip).get("size"), recipe.get("size"))
        _show(strip, folder, files)
        _label(strip, recipe)

    take = Take(recipe["start"], Fraction(recipe["fps"]), len(files))
    shown = [take_of(strip) or take for strip in strips]
    # A take broken off may hold nothing that the speech still plays: it is shown where it would be heard.
    seen = within(pieces, take.frames) or [cuts.Piece(0, take.frames, pieces[0].at)]
    arrange(scene, strips, shown, seen, take, renew)
    return find(scene, portrait)


def within(pieces: Iterable[cuts.Piece], frames: int) -> list[cuts.Piece]:
    """The pieces as far as a take of so many frames can show them."""
    return [piece for piece in (piece.within(frames) for piece in pieces) if piece.first < piece.end]


def take_of(strip: Any) -> Take | None:
    """What the strip shows of the speech; None where that is not known."""
    span = _span(strip.get(RECIPE, "{}"))
    return Take(*span, len(strip.elements)) if span else None


@lru_cache(maxsize=64)  # asked for at every redraw of the panel
def _span(recipe: str) -> tuple[float, Fraction] | None:
    try:
        told = json.loads(recipe)
        return told["start"], Fraction(told["fps"])
    except (ValueError, KeyError):
        return None


def folder_of(strip: Any) -> Path:
    """The take that a drawing strip shows."""
    return Path(bpy.path.abspath(strip.directory))


def recipe_of(strip: Any) -> dict[str, Any]:
    """What the strip's frames were made from; empty where that is not known."""
    try:
        return json.loads(strip.get(RECIPE, "{}"))
    except ValueError:
        return {}


def shown_folders() -> set[Path]:
    """The folders of all image strips of all scenes in this file."""
    return {
        folder_of(strip).resolve()
        for scene in bpy.data.scenes
        for strip in compat.all_strips(scene)
        if strip.type == "IMAGE"
    }


def _label(strip: Any, recipe: Mapping[str, Any]) -> None:
    strip[RECIPE] = json.dumps(recipe)
    if recipe.get("finish", {}).get("mark", True):
        strip[AI_MADE] = "Drawn by trained networks from a photo (Line Portrait)"
    elif AI_MADE in strip:
        del strip[AI_MADE]


def _keep_extent(strip: Any, before: Sequence[int] | None, now: Sequence[int] | None) -> None:
    """Let pictures of another size [width, height] fill as much of the frame as those before."""
    if before and now and before != now:
        strip.transform.scale_x *= max(before) / max(now)
        strip.transform.scale_y *= max(before) / max(now)


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
