"""What this machine has shown: how long a frame takes here, how large it is, and what the engine last said of itself.

Kept in the user's folder across sessions, so that the panel can say what a Draw will cost before the engine runs.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from . import engine

LEAST = 3
"""Frames that must have been drawn for their time to be worth remembering."""

_known: dict[str, Any] | None = None


def greeting() -> Mapping[str, Any]:
    """What the engine said of itself, now or when it last ran; see `protocol.Hello`."""
    return engine.shared.greeting or _load().get("greeting", {})


def remember_greeting() -> None:
    """Keep what the running engine says of itself."""
    said = engine.shared.greeting
    if said and said != _load().get("greeting"):
        _load()["greeting"] = dict(said)
        _save()


def styles() -> list[Mapping[str, Any]]:
    """The styles that the engine can draw: name, title, about, best, drawn_by."""
    return greeting().get("styles", []) or [
        {"name": "ink", "title": "Ink", "about": "", "best": "", "drawn_by": {}},
        {"name": "pen", "title": "Pen", "about": "", "best": "", "drawn_by": {}},
    ]


def style(name: str) -> Mapping[str, Any]:
    """One of `styles`, or what little is known of a style that is not among them."""
    found = (style for style in styles() if style["name"] == name)
    return next(found, {"name": name, "title": name.title(), "about": "", "best": "", "drawn_by": {}})


def drawn_by(style_name: str, method: str) -> str:
    """The engine's digest of what draws the style; empty while it is not known."""
    known = style(style_name)
    return known["drawn_by"].get(known["best"] if method == "auto" else method, "")


def remember_cost(kind: str, result: Mapping[str, Any]) -> None:
    """Note what a Draw of one `kind` (see `kind_of`) cost; `result` as of `protocol.Draw`."""
    drawn, frames = result.get("drawn", 0), result.get("frames", 0)
    drawing = result.get("drawing_seconds", 0.0)
    if drawn < frames / 2:  # of a first drawing, most of the rest is the start of the networks
        _load()["gathering"] = (result.get("seconds", 0.0) - drawing) / frames
    if drawn >= LEAST:
        _load().setdefault("costs", {})[kind] = [drawing / drawn, result.get("bytes", 0) / drawn]
    _save()


def cost(kind: str) -> tuple[float, float] | None:
    """Seconds and bytes of drawing one frame of this kind as last measured here; None if never."""
    known = _load().get("costs", {}).get(kind)
    return (known[0], known[1]) if known else None


def gathering() -> float:
    """Seconds a frame of everything besides drawing, as last measured here."""
    return _load().get("gathering", 0.0)


def kind_of(style_name: str, method: str, canvas: str, size: int) -> str:
    """What frames of about the same cost have in common."""
    best = style(style_name)["best"] if method == "auto" else method
    return f"{style_name} {best} {canvas} {size} {greeting().get('device', '')}"


def _path() -> Path:
    return Path(bpy.utils.extension_path_user(str(__package__), create=True)) / "measured.json"


def _load() -> dict[str, Any]:
    global _known
    if _known is None:
        try:
            read = json.loads(_path().read_text("utf-8"))
            _known = read if isinstance(read, dict) else {}
        except (OSError, ValueError):
            _known = {}
    return _known


def _save() -> None:
    # A figure less is no reason to stop the user.
    with contextlib.suppress(OSError):
        partial = _path().with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(_load()), "utf-8")
        partial.replace(_path())
