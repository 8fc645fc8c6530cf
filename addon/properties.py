"""What the user chooses and what has been found out, kept with the scene."""

from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from bpy.types import Object, PropertyGroup, Scene

STYLES = (
    ("ink", "Ink", "Bold brush lines with solid blacks"),
    ("pen", "Pen", "Fine pen lines"),
)
CANVASES = (
    ("crop", "Face", "A square drawing of the face"),
    ("photo", "Photo", "A drawing of the whole photo"),
)


class LINEPORTRAIT_PG_portrait(PropertyGroup):
    """One portrait: its photo, its speech, its settings, its rig.

    Values alone; what is done with them stands in `portrait`. The bpy module of 4.2 crashes at exit once a
    property group had a method or a property a callback.
    """

    name: StringProperty(name="Name", default="Line Portrait")
    photo: StringProperty(
        name="Photo",
        description="Picture of the face to draw: JPEG, PNG or WebP",
        subtype="FILE_PATH",
    )
    face: IntProperty(
        name="Face",
        description="Which face to draw when the photo shows several, 0 being the largest",
        min=0,
        max=99,
    )
    speech: StringProperty(
        name="Speech", description="Name of the sound strip with the speech; empty means the selected one"
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


CLASSES = (LINEPORTRAIT_PG_portrait,)


def register() -> None:
    Scene.lineportrait = PointerProperty(type=LINEPORTRAIT_PG_portrait)  # pyright: ignore[reportAttributeAccessIssue]


def unregister() -> None:
    del Scene.lineportrait  # pyright: ignore[reportAttributeAccessIssue]
