"""The speech strip: which one it is, where it lies, and which span of which sound file it plays."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from . import compat, takes
from .lpcore.errors import LpError

MIXDOWN_RATE = 48000
AUDIBLE = ("SOUND", "META")


@dataclass(frozen=True)
class Speech:
    """A speech strip as it lies in the timeline: plain values, good outside the main thread.

    first, frames: the timeline frames it covers. start: seconds in its sound at which `first` lies, negative where
    the strip begins before its sound. pieces: how many strips it was cut into.
    """

    strip: str
    channel: int
    first: int
    frames: int
    fps: Fraction
    start: float
    mixed: str
    """Why the strip has to be mixed down; empty where its file can be read as it is."""

    pieces: int = 1

    @property
    def start_in_file(self) -> float:
        """Seconds in `sound_file` at which it begins: a mixdown begins with the strip."""
        return 0.0 if self.mixed else self.start

    def frame_at(self, seconds: float) -> float:
        """Timeline frame, fractions included, at `seconds` of the sound."""
        return self.first + (seconds - self.start) * float(self.fps)

    def times(self) -> list[float]:
        """Seconds in the sound of every frame."""
        return [self.start + float(index / self.fps) for index in range(self.frames)]


def candidates(scene: bpy.types.Scene) -> list[Any]:
    """Strips that can be heard, in timeline order."""
    audible = [strip for strip in compat.strips(scene) if strip.type in AUDIBLE]
    return sorted(audible, key=lambda strip: compat.handles(strip).start)


def find(scene: bpy.types.Scene, name: str) -> Any:
    """The strip called `name`; without a name the active sound strip, else the only one.

    Raises LpError ``NO_SPEECH``.
    """
    strips = candidates(scene)
    if name:
        named = next((strip for strip in strips if strip.name == name), None)
        if named is None:
            raise LpError("NO_SPEECH", f"there is no sound strip named {name}")
        return named
    active = scene.sequence_editor.active_strip if scene.sequence_editor else None
    if active is not None and active in strips:
        return active
    if active is not None and active.type == "SOUND":
        raise LpError("NO_SPEECH", f"{active.name} lies inside a meta strip, which can only speak as a whole")
    sounds = [strip for strip in strips if strip.type == "SOUND"]
    if len(sounds) != 1:
        raise LpError(
            "NO_SPEECH", "no sound strip is selected" if sounds else "the sequencer holds no sound strip"
        )
    return sounds[0]


def describe(scene: bpy.types.Scene, strip: Any) -> Speech:
    """Extent and sound span of a speech strip, trims and offsets respected."""
    lies, fps = compat.handles(strip), compat.frame_rate(scene)
    start = float(lies.skipped / fps) - getattr(strip, "sound_offset", 0.0)
    start -= getattr(getattr(strip, "sound", None), "offset_time", 0.0)
    mixed = _why_mixed(scene, strip) or ("starts before its sound" if start < 0 else "")
    return Speech(strip.name, strip.channel, lies.start, lies.end - lies.start, fps, start, mixed)


def sound_file(scene: bpy.types.Scene, speech: Speech, mixdown: Path) -> Path:
    """The file to hear `speech` in: its own, or a mixdown of the strip alone, written to the file `mixdown`.

    Raises LpError ``NO_SPEECH``, ``AUDIO_MISSING``, ``NO_MIXDOWN``, ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    strip = find(scene, speech.strip)
    if speech.mixed and speech.pieces > 1:
        raise LpError(
            "NO_MIXDOWN", f"the speech is cut into {speech.pieces} pieces, one of which {speech.mixed}"
        )
    if speech.mixed:
        mix_down(scene, strip, speech, mixdown)
        return mixdown
    path = Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library))
    if not path.is_file():
        raise LpError("AUDIO_MISSING", str(path))
    return path


def _why_mixed(scene: bpy.types.Scene, strip: Any) -> str:
    if strip.type == "META":
        return "is a meta strip"
    if strip.sound is None:
        raise LpError("NO_SPEECH", f"the strip {strip.name} has no sound")
    if strip.sound.packed_file:
        return "has its sound packed into the .blend file"
    if compat.is_retimed(strip):
        return "is retimed"
    if _volume_is_animated(scene, strip):
        return "has an animated volume"
    lies = compat.handles(strip)
    if lies.skipped + (lies.end - lies.start) > lies.content + 1:
        return "ends after its sound"
    return ""


def _volume_is_animated(scene: bpy.types.Scene, strip: Any) -> bool:
    data = scene.animation_data
    if not (data and data.action):
        return False
    curves = compat.channels_of(data, scene).fcurves
    return curves.find(strip.path_from_id("volume")) is not None


def mix_down(scene: bpy.types.Scene, strip: Any, speech: Speech, path: Path) -> None:
    with ExitStack() as restored:

        def set_for_now(owner: Any, name: str, value: Any) -> None:
            restored.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)

        for other in compat.strips(scene):
            set_for_now(other, "mute", other != strip)
        for channel in scene.sequence_editor.channels:
            if channel.mute:
                set_for_now(channel, "mute", False)
        set_for_now(scene, "use_preview_range", False)
        restored.callback(_set_range, scene, scene.frame_start, scene.frame_end)
        _set_range(scene, speech.first, speech.first + speech.frames - 1)
        try:
            path.unlink(missing_ok=True)
            compat.mix_down(scene, path, MIXDOWN_RATE, float(speech.frames / speech.fps))
        except RuntimeError as error:
            raise LpError(
                "NO_MIXDOWN", f"the strip {strip.name} {speech.mixed}, and mixing it down failed ({error})"
            ) from error
        except OSError as error:
            raise takes.write_error(error, path) from error


def _set_range(scene: bpy.types.Scene, first: int, last: int) -> None:
    # In this order: a start behind the end takes the end along.
    scene.frame_start = first
    scene.frame_end = last
