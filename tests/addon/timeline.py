"""What an animator does to strips in the timeline, with Blender's own operators, and what then lies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worlds import part


def follow(blender) -> str:
    """What the button does; returns what it tells."""
    assert blender.ops.lineportrait.follow_speech.poll()
    return part("follow").strip(blender.context.scene)


def split(world, blender, frame: int, name: str = "voice"):
    """Split a strip; returns the right piece."""
    with _made_of(world, blender, name) as made:
        channel = part("compat").strips(world.scene)[name].channel
        blender.ops.sequencer.split(frame=frame, channel=channel, type="SOFT", side="BOTH")
    return made[0]


def duplicate(world, blender, name: str, channel: int, frames: int = 0):
    """Duplicate a strip and move the copy, which is returned, to a channel and by so many frames."""
    with _made_of(world, blender, name) as made:
        blender.ops.sequencer.duplicate()
    made[0].channel = channel
    part("compat").move(made[0], frames)
    return made[0]


@contextmanager
def _made_of(world, blender, name: str) -> Iterator[list[Any]]:
    """Select one strip and have a sequencer to call an operator in; the list then holds the strip that it made."""
    scene, window = world.scene, blender.context.window_manager.windows[0]
    strips = part("compat").strips(scene)
    before = {strip.name for strip in strips}
    for strip in strips:
        strip.select = strip.name == name
    scene.sequence_editor.active_strip = strips[name]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    made: list[Any] = []
    with blender.context.temp_override(window=window, screen=window.screen, area=area, region=region):
        yield made
    scene.sequence_editor.active_strip = strips[name]
    (new,) = {strip.name for strip in strips} - before
    made.append(strips[new])


def lying(world, uid: str = "") -> list[tuple[int, int]]:
    """First frame and end of the portrait's strips, in timeline order."""
    found = part("strips").find_all(world.scene, uid or world.portrait.uid)
    return [(lies.start, lies.end) for lies in map(part("compat").handles, found)]


def seen(world) -> dict[int, Path]:
    """Timeline frame -> the file that the drawing shows there."""
    files = {}
    for strip in part("strips").find_all(world.scene, world.portrait.uid):
        lies, content = part("compat").handles(strip), round(part("compat").content_start(strip))
        for frame in range(lies.start, lies.end):
            files[frame] = part("strips").folder_of(strip) / strip.elements[frame - content].filename
    return files
