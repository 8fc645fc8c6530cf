"""Every question about which Blender this is (4.2 to 5.x); no other module asks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import bpy

if TYPE_CHECKING:
    Context = Any  # in the stubs a member called `property` hides the properties of Context
else:
    from bpy.types import Context

LAYERED_ACTIONS = "layers" in bpy.types.Action.bl_rna.properties
"""Actions hold layers and slots (4.4 on) instead of bare F-curves."""

PATH_OPTIONS: Any = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of path properties that may start at the .blend file; Blender asks since 4.5."""


# scenes and data-blocks


def sequencer_scene(context: Context) -> bpy.types.Scene:
    """The scene whose strips the sequencer shows; from 5.0 on it may differ from the window's scene."""
    return getattr(context, "sequencer_scene", None) or context.scene


def by_uid(collection: Iterable[Any], uid: int) -> Any | None:
    """The data-block with this session uid: renames and undo keep the uid, so it outlives pointers and names."""
    return next((block for block in collection if block.session_uid == uid), None)


def frame_rate(scene: bpy.types.Scene) -> Fraction:
    """Exact frames per second; `fps_base` is stored in single precision, so 1.001 comes back a little off."""
    return Fraction(scene.render.fps) / Fraction(str(round(scene.render.fps_base, 6)))


def redraw(context: Context, area_types: Iterable[str]) -> None:
    """Redraw the areas of these types in every window."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in area_types:
                area.tag_redraw()


# strips


class Handles(NamedTuple):
    """Where a strip lies in the timeline and which part of its content it shows, in frames.

    start: first frame shown. end: the frame after the last. skipped: content frames before `start`, negative
    where the strip begins before its content. content: length of the untrimmed content.
    """

    start: int
    end: int
    skipped: float
    content: float


def strips(scene: bpy.types.Scene) -> Any:
    """The top-level strips; an empty tuple where the scene has no sequencer yet."""
    editor: Any = scene.sequence_editor
    if editor is None:
        return ()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(scene: bpy.types.Scene) -> Any:
    """All strips, those inside meta strips too."""
    editor: Any = scene.sequence_editor
    if editor is None:
        return ()
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def strips_to_edit(scene: bpy.types.Scene) -> Any:
    """The top-level strips with `new_image` and the like, the sequencer made if need be."""
    scene.sequence_editor_create()
    return strips(scene)


def handles(strip: Any) -> Handles:
    """Extent and trim of a strip under its old names (to 5.1) or its new ones."""
    if hasattr(strip, "left_handle"):
        return Handles(
            strip.left_handle,
            strip.right_handle,
            strip.left_handle_offset + getattr(strip, "content_trim_start", 0),
            strip.content_duration,
        )
    return Handles(
        strip.frame_final_start,
        strip.frame_final_end,
        strip.frame_offset_start + getattr(strip, "animation_offset_start", 0),
        strip.frame_duration,
    )


def move(strip: Any, frames: int) -> None:
    """Move a strip with its content."""
    if hasattr(strip, "content_start"):
        strip.content_start += frames
    else:
        strip.frame_start += frames


def content_start(strip: Any) -> float:
    """The timeline frame at which the content of a strip begins, shown or not."""
    return strip.content_start if hasattr(strip, "content_start") else strip.frame_start


def lay(strip: Any, content: float, first: int, end: int) -> None:
    """Let the content of a strip begin at timeline frame `content` and show frames `first` to `end` - 1.

    Where another strip lies there, Blender puts this one into another channel.
    """
    way = round(content - content_start(strip))
    if hasattr(strip, "left_handle"):
        strip.right_handle = max(strip.right_handle, end - way)  # a left handle never passes the right one
        strip.left_handle, strip.right_handle = first - way, end - way
    else:
        strip.frame_offset_start = first - content
        strip.frame_offset_end = content + strip.frame_duration - end
    move(strip, way)  # last, because it takes the strip's effects along


def split(strip: Any, frame: int) -> Any:
    """Split a strip with its effects at a timeline frame inside it; it keeps the left, the right is returned."""
    return strip.split(frame=frame, split_method="SOFT")


def remove_strip(scene: bpy.types.Scene, strip: Any) -> None:
    """Remove a strip, and the effects that need it, wherever it lies."""
    meta = strip.parent_meta()
    owner = strips(scene) if meta is None else getattr(meta, "strips", None) or meta.sequences
    owner.remove(strip)


def is_retimed(strip: Any) -> bool:
    """Whether the strip plays its content faster or slower; 4.2 and 4.3 show it only by the strip's length."""
    if hasattr(strip, "retiming_keys"):
        return len(strip.retiming_keys) > 0
    trimmed = strip.frame_offset_start + strip.frame_offset_end
    return abs(strip.frame_duration - trimmed - strip.frame_final_duration) > 1


def mix_down(scene: bpy.types.Scene, path: Path, rate: int, seconds: float) -> None:
    """Write what the scene's sequencer plays between its start and end frame as a mono WAV of `rate` Hz.

    Raises RuntimeError where this Blender was built without sound. From 5.2 on the operator returns before the
    file is complete, so this waits for its length.
    """
    override: dict[str, Any] = {"scene": scene}
    if "sequencer_scene" in dir(bpy.context):
        override["sequencer_scene"] = scene
    with bpy.context.temp_override(**override):
        bpy.ops.sound.mixdown(
            filepath=str(path),
            check_existing=False,
            container="WAV",
            codec="PCM",
            format="S16",
            channels="MONO",
            mixrate=rate,
        )
    expected, deadline = int(seconds * rate) * 2, time.monotonic() + 60
    while not path.is_file() or path.stat().st_size < expected:
        if time.monotonic() > deadline:
            raise RuntimeError("the mixdown did not finish")
        time.sleep(0.02)


# actions and F-curves


class Channels(NamedTuple):
    """The F-curves and groups of one action for one data-block."""

    fcurves: Any
    groups: Any

    def new(self, path: str, index: int, group: str) -> Any:
        """A new F-curve in the named group."""
        if not LAYERED_ACTIONS:
            return self.fcurves.new(path, index=index, action_group=group)
        curve = self.fcurves.new(path, index=index)
        curve.group = self.groups.get(group) or self.groups.new(group)
        return curve


def slot_for(action: Any, block: Any) -> Any | None:
    """The action's slot for this data-block, made if need be; None in Blenders without slots."""
    if not LAYERED_ACTIONS:
        return None
    for slot in action.slots:
        if slot.target_id_type in (block.id_type, "UNSPECIFIED"):
            return slot
    return action.slots.new(id_type=block.id_type, name=block.name)


def channels(action: Any, block: Any, slot: Any | None = None) -> Channels:
    """Where the curves of `block` live in `action`, made if need be; `slot` where several would do."""
    if not LAYERED_ACTIONS:
        return Channels(action.fcurves, action.groups)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot or slot_for(action, block), ensure=True)
    return Channels(bag.fcurves, bag.groups)


def channels_of(owner: Any, block: Any) -> Channels:
    """The curves that `owner` (animation data or NLA strip) of `block` plays."""
    return channels(owner.action, block, getattr(owner, "action_slot", None))


def own_channels(data: Any, block: Any) -> Channels | None:
    """The curves of the action that the animation data of `block` adds to the NLA, a tweaked strip's never.

    None where there is no such action.
    """
    tweaked = data.use_tweak_mode
    action = data.action_tweak_storage if tweaked else data.action
    if action is None or not LAYERED_ACTIONS:
        return action and Channels(action.fcurves, action.groups)
    handle = data.action_slot_handle_tweak_storage if tweaked else data.action_slot_handle
    slot = next((slot for slot in action.slots if slot.handle == handle), None)
    return channels(action, block, slot)


def assign_action(owner: Any, action: Any, block: Any) -> None:
    """Let `owner` (animation data or NLA strip) of `block` play `action`."""
    owner.action = action
    if LAYERED_ACTIONS:
        owner.action_slot = slot_for(action, block)


# pose


def select_bone(bone: Any, state: bool) -> None:
    """Select a pose bone; the flag moved from the bone to the pose bone in 5.0."""
    owner = bone if "select" in bone.bl_rna.properties else bone.bone
    owner.select = state


def set_wire_width(bone: Any, pixels: float) -> None:
    """How thick the custom shape of a pose bone is drawn, where this Blender lets one choose."""
    if "custom_shape_wire_width" in bone.bl_rna.properties:
        bone.custom_shape_wire_width = pixels


# Grease Pencil


def has_grease_pencil() -> bool:
    """Whether this Blender has Grease Pencil drawings as scripts can make them (4.3 on)."""
    return hasattr(bpy.data, "grease_pencils_v3") or bpy.app.version >= (5, 0, 0)


def new_grease_pencil(name: str) -> Any:
    """A new Grease Pencil data-block; in 4.3 and 4.4 the old kind still has the plain name."""
    data: Any = bpy.data
    return (data.grease_pencils_v3 if hasattr(data, "grease_pencils_v3") else data.grease_pencils).new(name)


# drawing over the interface


def draw_linear(texture: Any, corner: tuple[float, float], width: float, height: float) -> None:
    """Draw a texture of scene-linear values from a draw handler; from 5.0 on Blender wants to be told that it is."""
    from gpu_extras.presets import draw_texture_2d

    told = {"is_scene_linear_with_rec709_srgb_target": True} if bpy.app.version >= (5, 0, 0) else {}
    draw_texture_2d(texture, corner, width, height, **told)
