"""What the next Draw will cost: how many frames must really be drawn, about how long that takes and how large it is.

The panel only glances; counting means reading every curve (25 ms for 10 s of speech), so a timer does it once the
animator's hand has rested for a moment. Nothing is counted while a job runs, during playback, or where only playing
through the scene could tell how the rig moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import compat, jobs, measured, motion, order, portrait, preferences, strips, takes
from .lpcore.errors import LpError
from .lpcore.frame_keys import stored_at

REST = 0.4
"""Seconds without an edit after which it is counted."""

INTERVAL = 0.2
MANY = 3000
"""Frames up to which is counted unasked; reading the curves of more would be felt."""


@dataclass(frozen=True)
class Plan:
    """What a Draw of `frames` frames will cost here; None where that is not known.

    to_draw: pictures that no take and no store has. to_finish: those of which the drawing is there, in another finish.
    """

    frames: int
    to_draw: int | None = None
    to_finish: int = 0
    seconds: float | None = None
    size: float | None = None

    @property
    def sentence(self) -> str:
        """For the panel: "7 of 250 frames to draw, about 0.4 s, 0.9 MB"."""
        if self.to_draw is None:
            return f"Up to {self.frames} frames to draw"
        if not self.to_draw and not self.to_finish:
            return f"Nothing to draw: all {self.frames} frames are there"
        count = "" if self.to_draw == self.frames else f"{self.to_draw or 'None'} of "
        told = [f"{count}{self.frames} frames to draw"]
        if self.to_finish:
            told.append(f"{self.to_finish} to finish anew")
        if self.seconds is not None and self.size is not None:
            told += [f"about {in_seconds(self.seconds)}", in_megabytes(self.size)]
        return ", ".join(told)


def in_seconds(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.1):.1f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def in_megabytes(size: float) -> str:
    """ "0.9 MB", "38 MB", "1.2 GB"."""
    if size < 9.95e6:
        return f"{max(size / 1e6, 0.1):.1f} MB"
    return f"{size / 1e6:.0f} MB" if size < 9.95e8 else f"{size / 1e9:.1f} GB"


def make(scene: bpy.types.Scene, uid: str = "") -> Plan:
    """Count now. Raises LpError where there is nothing to draw."""
    wanted = order.of(scene, uid)
    points = order.sample(scene, wanted)
    if not wanted.look["drawn_by"]:
        return Plan(len(points))
    known = {key for take in former_takes(scene, wanted) for key in takes.read_recipe(take).get("keys", ())}
    drawings = dict(zip(wanted.keys(points), wanted.drawing_keys(points), strict=True))
    missing = [key for key in drawings if key not in known and not _is_stored(key)]
    to_finish = 0 if wanted.finish.plain else sum(_is_stored(drawings[key]) for key in missing)
    to_draw = len(missing) - to_finish
    each = measured.cost(wanted.kind)
    if each is None:
        return Plan(len(points), to_draw, to_finish)
    seconds = each[0] * to_draw + measured.gathering() * len(points)
    return Plan(len(points), to_draw, to_finish, seconds, each[1] * len(missing))


def _is_stored(key: str) -> bool:
    store = preferences.store_folder()
    return store is not None and stored_at(store, key).is_file()


def former_takes(scene: bpy.types.Scene, wanted: order.Order) -> list[Path]:
    """The takes whose frames a Draw may use again: the one that is shown and the newest."""
    strip = strips.find(scene, wanted.portrait)
    shown = [strips.folder_of(strip)] if strip else []
    newest = takes.all_of(portrait.values(scene, wanted.portrait))[:1]
    return [take for take in dict.fromkeys([*shown, *newest]) if take.is_dir()]


# what the panel glances at


_counted: dict[str, tuple[order.Order, Plan]] = {}
_watched: tuple[int, str] | None = None
"""Uids of the scene and the portrait that the panel shows."""
_due = False
_edited = 0.0


def glance(scene: bpy.types.Scene, wanted: order.Order) -> Plan | None:
    """The plan as last counted; None while it is being counted for the first time."""
    global _watched, _due
    body: Any = portrait.rig_in(scene, wanted.portrait)
    if wanted.heard.frames > MANY or not motion.is_plain(body):
        _watched = None
        return Plan(wanted.heard.frames)
    _watched = (scene.session_uid, wanted.portrait)
    known = _counted.get(wanted.portrait)
    if known and known[0] == wanted:
        return known[1]
    _due = True
    return None


def forget() -> None:
    """What was counted holds no more."""
    _counted.clear()
    _note_edit()


def _note_edit() -> None:
    global _due, _edited
    _due, _edited = True, time.monotonic()


def tick() -> float:
    """Count for the panel what is due, when the moment is good."""
    global _due
    if _due and _watched and time.monotonic() - _edited > REST and not jobs.current() and not _is_playing():
        _due = False
        _count(*_watched)
    return INTERVAL


def _count(scene_uid: int, uid: str) -> None:
    scene = compat.by_uid(bpy.data.scenes, scene_uid)
    if scene is None:
        return
    before = _counted.get(uid)
    try:
        _counted[uid] = (order.of(scene, uid), make(scene, uid))
    except LpError:
        _counted.pop(uid, None)
    if _counted.get(uid) != before:
        compat.redraw(bpy.context, ("SEQUENCE_EDITOR",))


def _is_playing() -> bool:
    context: compat.Context = bpy.context
    return any(window.screen.is_animation_playing for window in context.window_manager.windows)


@persistent
def _after_edit(scene: Any = None, depsgraph: Any = None) -> None:
    # Blender does not tell of edited curves as such: whatever touches a rig may have been one, another frame too.
    if any(_may_move_a_rig(update.id) for update in (depsgraph.updates if depsgraph else ())):
        _note_edit()


@persistent
def _after_undo(*_: Any) -> None:
    _note_edit()


@persistent
def _after_load(*_: Any) -> None:
    forget()


def _may_move_a_rig(block: Any) -> bool:
    return isinstance(block, bpy.types.Action) or getattr(block, "type", "") == "ARMATURE"


def _handlers() -> list[tuple[list[Any], Callable[..., None]]]:
    events = bpy.app.handlers
    return [
        (events.depsgraph_update_post, _after_edit),
        (events.undo_post, _after_undo),
        (events.redo_post, _after_undo),
        (events.load_post, _after_load),
    ]


CLASSES = ()


def register() -> None:
    for handlers, handler in _handlers():
        handlers.append(handler)
    bpy.app.timers.register(tick, first_interval=INTERVAL, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    for handlers, handler in _handlers():
        handlers.remove(handler)
