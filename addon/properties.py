"""What the user chooses and what has been found out, kept with the scene."""

import json
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from bpy.types import Context, Object, PropertyGroup, Scene

from . import speech
from .lpcore.errors import LpError

STYLES = (
    ("ink", "Ink", "Bold brush lines with solid blacks"),
    ("pen", "Pen", "Fine pen lines"),
)
CANVASES = (
    ("crop", "Face", "A square drawing of the face"),
    ("photo", "Photo", "A drawing of the whole photo"),
)


def _forget_analysis(self: "LINEPORTRAIT_PG_portrait", context: Context) -> None:
    self.found = ""


def _sound_names(self: "LINEPORTRAIT_PG_portrait", context: Context, typed: str) -> list[str]:
    names = [strip.name for strip in speech.candidates(self.id_data)]
    return [name for name in names if typed.lower() in name.lower()]


class LINEPORTRAIT_PG_portrait(PropertyGroup):
    """One portrait: its photo, its speech, its settings, its rig."""

    name: StringProperty(name="Name", default="Line Portrait")
    photo: StringProperty(
        name="Photo",
        description="Picture of the face to draw: JPEG, PNG or WebP",
        subtype="FILE_PATH",
        update=_forget_analysis,
    )
    face: IntProperty(
        name="Face",
        description="Which face to draw when the photo shows several, 0 being the largest",
        min=0,
        max=99,
        update=_forget_analysis,
    )
    speech: StringProperty(
        name="Speech",
        description="Sound strip with the speech; empty means the selected one",
        search=_sound_names,
        search_options={"SUGGESTION"},
    )
    lips: FloatProperty(
        name="Lips",
        description="How far the lips move; 1 is as predicted",
        min=0,
        soft_max=2,
        max=4,
        default=1,
        subtype="FACTOR",
    )
    jaw: FloatProperty(
        name="Jaw",
        description="How far the jaw moves; 1 is as predicted",
        min=0,
        soft_max=2,
        max=4,
        default=1,
        subtype="FACTOR",
    )
    head: FloatProperty(
        name="Head",
        description="How far the head moves; 0 keeps it still",
        min=0,
        soft_max=2,
        max=4,
        default=1,
        subtype="FACTOR",
    )
    blink_rate: FloatProperty(
        name="Blinks",
        description="Blinks a minute; 0 for none",
        min=0,
        max=60,
        default=15,
        precision=0,
        step=100,
    )
    seed: IntProperty(
        name="Seed", description="Another number gives other blinks; the same gives the same again", min=0
    )
    style: EnumProperty(name="Style", description="How the lines are drawn", items=STYLES)
    canvas: EnumProperty(name="Picture", description="What the drawing shows", items=CANVASES)
    size: IntProperty(
        name="Size",
        description="Width and height of the drawing",
        min=64,
        max=2160,
        default=512,
        subtype="PIXEL",
    )
    photo_limit: IntProperty(
        name="Longer Side",
        description="Largest width or height of the drawing; 0 for the photo's own size",
        min=0,
        max=8192,
        subtype="PIXEL",
    )
    rig: PointerProperty(name="Rig", description="Armature with one bone per landmark", type=Object)
    found: StringProperty(name="Found", description="What Analyze found, as JSON", options={"HIDDEN"})
    spoken: StringProperty(
        name="Spoken", description="What the rig was made from, as JSON", options={"HIDDEN"}
    )

    def photo_path(self) -> Path:
        """The photo's absolute path. Raises LpError ``NO_PHOTO`` or ``PHOTO_MISSING``."""
        if not self.photo:
            raise LpError("NO_PHOTO")
        path = Path(bpy.path.abspath(self.photo))
        if not path.is_file():
            raise LpError("PHOTO_MISSING", str(path))
        return path

    def analysis(self) -> dict[str, Any]:
        """Analyze's result. Raises LpError ``NO_PHOTO`` or ``NOT_ANALYZED``."""
        if not self.photo:
            raise LpError("NO_PHOTO")
        if not self.found:
            raise LpError("NOT_ANALYZED")
        return json.loads(self.found)

    def settings(self) -> dict[str, Any]:
        """The values of `SpeakSettings` that the user can choose."""
        return {
            "lips": self.lips,
            "jaw": self.jaw,
            "head": self.head,
            "blink_rate": self.blink_rate,
            "seed": self.seed,
        }

    def rig_in_scene(self) -> Object | None:
        """The rig, unless it was deleted; a deleted object may live on in the file, but in no scene."""
        return self.rig if self.rig and self.rig.name in self.id_data.objects else None

    def remember_spoken(self, heard: speech.Speech) -> None:
        """Keep what the rig's motion was made from."""
        self.spoken = json.dumps(asdict(heard) | {"fps": str(heard.fps)})

    def spoken_speech(self) -> speech.Speech:
        """The speech as it lay when the rig's motion was made. Raises LpError ``NOT_SPOKEN``."""
        if not (self.spoken and self.rig_in_scene()):
            raise LpError("NOT_SPOKEN")
        values = json.loads(self.spoken)
        return speech.Speech(**values | {"fps": Fraction(values["fps"])})


CLASSES = (LINEPORTRAIT_PG_portrait,)


def register() -> None:
    Scene.lineportrait = PointerProperty(type=LINEPORTRAIT_PG_portrait)


def unregister() -> None:
    del Scene.lineportrait
