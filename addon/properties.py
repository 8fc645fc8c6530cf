"""What the user chooses and what has been found out, kept with the scene."""

from typing import Any

from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import Object, PropertyGroup, Scene

from .compat import PATH_OPTIONS
from .lpcore.finish import HEAVIEST, LIGHTEST
from .lpcore.types import EMOTIONS, MODULES

ENGINES = (
    ("auto", "Best Here", "The best way that this machine has the networks for"),
    ("warp", "Moved Drawing", "One drawing of the photo, moved with the landmarks: quick and steady"),
    ("generator", "Drawn Anew", "Every frame drawn by the network"),
)
CANVASES = (
    ("crop", "Face", "A square drawing of the face"),
    ("photo", "Photo", "A drawing of the whole photo"),
)
EMOTION_ITEMS = tuple((name, name.title(), "") for name in EMOTIONS)
MODULE_ITEMS = (
    (MODULES[0], "Our Own", "The networks that come with Line Portrait"),
    (
        MODULES[1],
        "MakeItTalk",
        "MakeItTalk's published networks, once imported, with their programs' faults mended",
    ),
    (
        MODULES[2],
        "MakeItTalk, Parity",
        "MakeItTalk's published networks, once imported, just as its programs run them",
    ),
)


def _dial(name: str, description: str) -> Any:
    return FloatProperty(
        name=name, description=description, min=0, soft_max=2, max=4, default=1, subtype="FACTOR"
    )


class LINEPORTRAIT_PG_portrait(PropertyGroup):
    """One portrait: its photo, its speech, its settings, its rig, its look.

    Values alone; what is done with them stands in `portrait`. The bpy module of 4.2 crashes at exit once a
    property group had a method or a property a callback.
    """

    name: StringProperty(name="Name", description="Names the rig, the strip and the folder of the frames")
    uid: StringProperty(name="Identity", description="Stays when the name changes", options={"HIDDEN"})
    photo: StringProperty(name="Photo", description="Picture of the face to draw: JPEG, PNG or WebP")
    face: IntProperty(
        name="Face",
        description="Which face to draw when the photo shows several, 0 being the largest",
        min=0,
        max=99,
    )
    speech: StringProperty(
        name="Speech", description="Name of the sound strip with the speech; empty means the selected one"
    )
    lips: _dial("Lips", "How far the lips move; 1 is as predicted")
    jaw: _dial("Jaw", "How far the jaw moves; 1 is as predicted")
    brows: _dial("Brows", "How far the brows go up and down; 1 is as predicted")
    head: _dial("Head", "How far the head moves; 0 keeps it still")
    yaw: _dial("Turn", "How far the head turns to the sides, besides Head")
    pitch: _dial("Nod", "How far the head nods, besides Head")
    roll: _dial("Tilt", "How far the head tilts, besides Head")
    shift: _dial("Wander", "How far the head wanders, besides Head")
    blink_rate: FloatProperty(
        name="Blinks a Minute",
        description="How often the eyes blink; 0 for never",
        min=0,
        max=60,
        default=15,
        precision=0,
        step=100,
    )
    blinks: FloatProperty(
        name="Lids",
        description="How far the lids close in a blink; 1 is fully",
        min=0,
        max=1,
        default=1,
        subtype="FACTOR",
    )
    emotion: EnumProperty(name="Emotion", description="The face's expression", items=EMOTION_ITEMS)
    emotion_strength: FloatProperty(
        name="Strength",
        description="How strong the expression is",
        min=0,
        max=1,
        default=1,
        subtype="FACTOR",
    )
    smoothing: FloatProperty(
        name="Smoothing",
        description="How smooth lips and jaw move; 0 is raw, 5 is sluggish",
        min=0,
        soft_max=5,
        max=20,
        default=1,
    )
    silence_db: FloatProperty(
        name="Silence (dB)",
        description="Sound this many decibels under the speech's loud level is silence, in which the lips close",
        min=-200,
        soft_min=-80,
        max=0,
        default=-40,
        precision=0,
        step=100,
    )
    style_audio: StringProperty(
        name="Manner Of",
        description="Sound file of a voice whose way of moving head and brows is taken over; empty: the speech's",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    module: EnumProperty(name="Networks", description="Which networks move the face", items=MODULE_ITEMS)
    seed: IntProperty(
        name="Seed",
        description="Another number gives other head motion, brows and blinks; the same gives the same again",
        min=0,
    )
    style: StringProperty(name="Style", description="How the lines are drawn", default="ink")
    engine: EnumProperty(name="Method", description="How the frames come about", items=ENGINES)
    background: BoolProperty(name="Background", description="Draw what lies behind the person too")
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
    line_weight: FloatProperty(
        name="Line Weight",
        description="How far the edges of the lines move outwards, in pixels of a 512 pixel drawing",
        min=LIGHTEST,
        max=HEAVIEST,
        step=10,
        precision=2,
    )
    ink: FloatVectorProperty(
        name="Ink", description="Colour of the lines", subtype="COLOR_GAMMA", min=0, max=1, default=(0, 0, 0)
    )
    paper: FloatVectorProperty(
        name="Paper",
        description="Colour of the paper",
        subtype="COLOR_GAMMA",
        min=0,
        max=1,
        default=(1, 1, 1),
    )
    alpha: BoolProperty(
        name="Transparent", description="Lines on transparency instead of paper, straight alpha"
    )
    mark: BoolProperty(
        name="Mark as AI-Made",
        description="Say in the strip and in every PNG file that the drawing was made by trained networks",
        default=True,
    )
    folder: StringProperty(
        name="Folder",
        description="Where the frames go, each take in a folder of its own; empty: beside the .blend file",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    exr: BoolProperty(
        name="EXR Too",
        description="Write a half-float EXR file beside every PNG file, for compositing: linear, premultiplied",
    )
    rig: PointerProperty(name="Rig", description="Armature with one bone per landmark", type=Object)
    found: StringProperty(name="Found", description="What Analyze found, as JSON", options={"HIDDEN"})
    corrected: StringProperty(
        name="Corrected", description="Landmarks put right by hand, as JSON", options={"HIDDEN"}
    )
    spoken: StringProperty(
        name="Spoken", description="What the rig was made from, as JSON", options={"HIDDEN"}
    )


class LINEPORTRAIT_PG_scene(PropertyGroup):
    """The portraits of one scene."""

    portraits: CollectionProperty(name="Portraits", type=LINEPORTRAIT_PG_portrait)
    active: IntProperty(name="Active Portrait", description="The portrait that the panels show")


CLASSES = (LINEPORTRAIT_PG_portrait, LINEPORTRAIT_PG_scene)


def register() -> None:
    Scene.lineportrait = PointerProperty(type=LINEPORTRAIT_PG_scene)  # pyright: ignore[reportAttributeAccessIssue]


def unregister() -> None:
    del Scene.lineportrait  # pyright: ignore[reportAttributeAccessIssue]
