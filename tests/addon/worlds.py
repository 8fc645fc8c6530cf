"""A small world to test in: a scene with a speech strip and a photo, and access to the extension's modules."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import bpy

DATA = Path(__file__).resolve().parent / "data"
MODULE = "bl_ext.dev.lineportrait"


def part(name: str) -> Any:
    """A module of the enabled extension, such as ``part("rig")``."""
    return importlib.import_module(f"{MODULE}.{name}")


def outcome() -> str:
    """What the job that was asked for last tells."""
    return part("jobs").last().outcome


def move_lip(world: World, frame: int, amount: float = 0.05) -> None:
    """Key a correction that begins and ends beside `frame`."""
    bone = part("rig").pose_bones(world.rig)[57]
    for at, value in ((frame - 1, 0.0), (frame, amount), (frame + 1, 0.0)):
        bone.location[0] = value
        bone.keyframe_insert("location", index=0, frame=at)


class World:
    """A scene at 24 fps with the speech strip `voice` on frames 11 to 28, saved in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copyfile(DATA / "speech.wav", folder / "speech.wav")
        shutil.copyfile(DATA / "speech_strip.blend", folder / "shot.blend")
        self.photo = folder / "Anna's “photo” é.png"
        shutil.copyfile(DATA / "photo.png", self.photo)
        bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
        part("portrait").add(self.scene, str(self.photo))

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    @property
    def portrait(self) -> Any:
        return part("portrait").values(self.scene)

    @property
    def speech(self) -> Any:
        return part("speech").find(self.scene, "voice")

    @property
    def drawing(self) -> Any:
        return part("strips").find(self.scene, self.portrait.uid)

    @property
    def rig(self) -> Any:
        return self.portrait.rig

    def frames(self) -> list[Path]:
        """The files that the drawing strip shows."""
        folder = part("strips").folder_of(self.drawing)
        return [folder / element.filename for element in self.drawing.elements]
