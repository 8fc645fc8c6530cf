"""What a Draw is asked to make, as plain values taken from the scene, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import corrected, measured, motion, pieces, portrait, preferences, speech, takes
from .lpcore import frame_keys, protocol
from .lpcore.errors import LpError
from .lpcore.finish import Finish
from .lpcore.types import SpeakSettings
from .lpcore.version import __version__

TOLERANCE = 1e-6  # frames; what lies closer is the same frame


@dataclass(frozen=True)
class Order:
    """One portrait's frames as they would be drawn now.

    portrait: its uid. look: see `frame_keys.look`; its `drawn_by` is empty while the engine has never been heard.
    method: "auto", "warp" or "generator". made_from: what the motion was predicted from. size: as the engine takes it.
    """

    portrait: str
    name: str
    photo: Path
    face: int
    heard: speech.Speech
    method: str
    look: Mapping[str, Any]
    finish: Finish
    made_from: Mapping[str, Any]
    exr: bool = False
    landmarks: list[list[float]] | None = None
    """See `corrected.for_engine`."""

    @property
    def style(self) -> str:
        return self.look["style"]

    @property
    def kind(self) -> str:
        """See `measured.kind_of`."""
        return measured.kind_of(self.style, self.method, self.look["canvas"], self.look["size"])

    def keys(self, points: np.ndarray) -> list[str]:
        """The keys of the frames that show `points` (T, 68, 3) crop units."""
        return frame_keys.finished_keys(self.drawing_keys(points), self.finish)

    def drawing_keys(self, points: np.ndarray) -> list[str]:
        """The keys of the drawings that the finish is given to."""
        return frame_keys.drawing_keys(self.look, points)

    def recipe(self) -> dict[str, Any]:
        """Everything that shapes the frames besides the landmarks, ready for JSON; the engine adds its own."""
        return {
            "portrait": self.name,
            "photo_file": str(self.photo),
            "speech": self.heard.strip,
            "start": self.heard.start,
            "fps": str(self.heard.fps),
            "method": self.method,
            "look": dict(self.look),
            "finish": self.finish.to_dict(),
            "landmarks": self.landmarks,
            **self.made_from,
            "blender": bpy.app.version_string,
            "addon": __version__,
        }


def of(scene: bpy.types.Scene, uid: str = "") -> Order:
    """What Draw would make of the portrait now.

    Raises LpError ``NO_PHOTO``, ``PHOTO_MISSING``, ``NOT_ANALYZED``, ``NOT_SPOKEN`` or ``NO_SPEECH``.
    """
    chosen, found = portrait.values(scene, uid), portrait.analysis(scene, uid)
    body = portrait.rig_in(scene, uid)
    if body is None or not motion.has_prediction(body):
        raise LpError("NOT_SPOKEN")
    look = frame_keys.look(
        found["photo_sha256"],
        found["face"],
        corrected.landmarks(scene, uid),
        found["crop"],
        style=chosen.style,
        size=portrait.size(chosen),
        canvas=chosen.canvas,
        background=chosen.background,
        drawn_by=measured.drawn_by(chosen.style, chosen.engine),
    )
    return Order(
        chosen.uid,
        chosen.name,
        portrait.photo_path(scene, uid),
        found["face"],
        pieces.whole(scene, uid),
        chosen.engine,
        look,
        portrait.finish(scene, uid),
        portrait.made_from(scene, uid),
        chosen.exr,
        corrected.for_engine(scene, uid),
    )


def rig_frames(scene: bpy.types.Scene, order: Order) -> np.ndarray:
    """(T,) the frames at which the rig shows what is heard at each frame of the order."""
    spoken = portrait.spoken(scene, order.portrait)
    return np.round([spoken.frame_at(seconds) for seconds in order.heard.times()], 6)


def sample(scene: bpy.types.Scene, order: Order) -> np.ndarray:
    """(T, 68, 3) float32 crop units: the landmarks of the order's frames. Raises LpError ``RIG_INCOMPLETE``.

    In the precision in which they are handed to the engine, so that keys made of them here and there agree.
    """
    body: Any = portrait.rig_in(scene, order.portrait)
    return motion.sample(scene, body, rig_frames(scene, order)).astype(np.float32)


def draw_request(
    wanted: Order,
    number: int,
    motion_file: Path,
    folder: Path,
    former: Sequence[Path],
    frames: list[int] | None = None,
) -> protocol.Draw:
    """The message that orders `frames` (None = all) of the motion in `motion_file` into `folder`."""
    return protocol.Draw(
        number,
        str(wanted.photo),
        str(motion_file),
        str(folder),
        face=wanted.face,
        frames=frames,
        landmarks=wanted.landmarks,
        prefix=takes.PREFIX,
        style=wanted.style,
        size=wanted.look["size"],
        canvas=wanted.look["canvas"],
        engine=wanted.method,
        background=wanted.look["background"],
        finish=wanted.finish.to_dict(),
        store=str(preferences.store_folder() or ""),
        store_limit=preferences.store_limit(),
        former=[str(take) for take in former],
        exr=wanted.exr,
        recipe=wanted.recipe(),
    )


_NAMES = {
    "photo": "the photo",
    "face": "the face",
    "landmarks": "the photo's landmarks",
    "crop": "the face's place in the photo",
    "style": "Style",
    "size": "Size",
    "canvas": "Picture",
    "background": "Background",
    "weight": "Line Weight",
    "ink": "Ink",
    "paper": "Paper",
    "alpha": "Transparent",
    "mark": "Mark as AI-Made",
    "lips": "Lips",
    "jaw": "Jaw",
    "brows": "Brows",
    "head": "Head",
    "yaw": "Turn",
    "pitch": "Nod",
    "roll": "Tilt",
    "shift": "Wander",
    "blink_rate": "Blinks a Minute",
    "blinks": "Lids",
    "blink_seed": "the seed of the blinks",
    "emotion": "Emotion",
    "emotion_strength": "the emotion's Strength",
    "smoothing": "Smoothing",
    "silence_db": "Silence (dB)",
    "style_audio": "Manner Of",
    "module": "Networks",
    "hold": "the frames that a pose lasts",
    "seed": "Seed",
    "speech": "the speech strip",
    "start": "the start in the speech",
    "fps": "the frame rate",
}
_BY_CONTENT = ("photo", "landmarks", "crop")  # told apart by figures that say nothing to a person


def differences(drawn: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Sentences on what sets the recipe of a drawn take apart from the recipe wanted now."""
    told = []
    for part in ("look", "finish"):
        told += _changes(drawn.get(part, {}), wanted.get(part, {}))
    usual = asdict(SpeakSettings())
    told += _changes(usual | drawn.get("settings", {}), usual | wanted.get("settings", {}))
    heard = [{name: recipe.get(name) for name in ("speech", "start", "fps")} for recipe in (drawn, wanted)]
    told += _changes(heard[0], heard[1])
    if drawn.get("audio_sha256") != wanted.get("audio_sha256"):
        told.append("The sound of the speech is another one.")
    by = [recipe.get("look", {}).get("drawn_by") for recipe in (drawn, wanted)]
    if (
        all(by)
        and by[0] != by[1]
        and drawn.get("look", {}).get("style") == wanted.get("look", {}).get("style")
    ):
        told.append(_why_drawn_otherwise(drawn, wanted))
    return told


def moved_frames(drawn: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Indices of the frames whose keys differ, or that only one of the two has."""
    both = min(len(drawn), len(wanted))
    changed = [index for index in range(both) if drawn[index] != wanted[index]]
    return changed + list(range(both, max(len(drawn), len(wanted))))


def as_ranges(indices: Sequence[int], first: int) -> str:
    """Timeline frames in words: [3, 4, 5, 9] from frame 10 -> "13-15, 19"."""
    spans: list[list[int]] = []
    for index in indices:
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    texts = [f"{first + a}" if a == b else f"{first + a}-{first + b}" for a, b in spans]
    return ", ".join(texts[:6]) + (", …" if len(texts) > 6 else "")


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in [*new, *(name for name in old if name not in new)]:
        if name == "drawn_by" or _same(old.get(name), new.get(name)):
            continue
        label = _NAMES.get(name, name)
        if name in _BY_CONTENT:
            yield f"{label[:1].upper()}{label[1:]} changed."
        else:
            yield f"{label[:1].upper()}{label[1:]}: {_value(old.get(name))} when drawn, {_value(new.get(name))} now."


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and abs(a - b) < TOLERANCE
    return (list(a) if isinstance(a, (list, tuple)) else a) == (
        list(b) if isinstance(b, (list, tuple)) else b
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return "#" + "".join(f"{part:02x}" for part in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)


def _why_drawn_otherwise(drawn: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    if drawn.get("method") != wanted.get("method"):
        return f"Method: {drawn.get('method')} when drawn, {wanted.get('method')} now."
    then, now = drawn.get("version"), measured.greeting().get("version")
    device, here = drawn.get("device"), measured.greeting().get("device")
    if device != here:
        return f"It was drawn on {device}, the engine now runs on {here}."
    if then != now:
        return f"It was drawn by lpcore {then}, the engine is now lpcore {now}."
    return "The engine's networks, its code or its libraries changed since."
