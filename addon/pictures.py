"""What stands behind the rig: the photo, and the drawing as it was last drawn, both where the landmarks lie.

Image empties, children of the rig, that face the front view.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import compat, portrait, rig, strips, takes
from .lpcore.errors import LpError
from .lpcore.types import CROP, CropTransform

PHOTO, DRAWING = "lineportrait_photo", "lineportrait_drawing"
"""Custom properties of the empties and their images: the portrait's uid."""

DEPTH = {DRAWING: 44, PHOTO: 48}
"""Crop units by which the pictures lie behind the landmarks; the live preview lies in front of both."""


def empty_of(scene: bpy.types.Scene, kind: str, uid: str) -> Any | None:
    """The empty that shows the portrait's picture of this kind in the scene."""
    things: Any = scene.objects
    return next((thing for thing in things if thing.get(kind) == uid), None)


def place_photo(scene: bpy.types.Scene, uid: str = "") -> None:
    """Show the photo behind the rig; where Blender reads it otherwise than the engine did, the face alone."""
    uid = portrait.values(scene, uid).uid
    try:
        path, found = portrait.photo_path(scene, uid), portrait.analysis(scene, uid)
    except LpError:
        return
    image = _image(PHOTO, uid, path)
    if image is None:
        return
    if list(image.size) == list(found["photo_size"]):
        _place(scene, PHOTO, uid, image, found)
        return
    # Turned by its camera's EXIF note, which Blender does not heed: the engine's crop is upright.
    crop = Path(found["crop_image"])
    image = _image(PHOTO, uid, crop) if crop.is_file() else None
    if image:
        image.pack()
        _place(scene, PHOTO, uid, image, None)


def place_drawing(scene: bpy.types.Scene, uid: str = "") -> None:
    """Show the frames of the portrait's strip behind the rig, in step with the timeline."""
    chosen = portrait.values(scene, uid)
    strip, recipe = strips.find(scene, chosen.uid), {}
    if strip:
        recipe = strips.recipe_of(strip)
    if strip is None or not len(strip.elements) or portrait.rig_in(scene, chosen.uid) is None:
        return
    image = _image(DRAWING, chosen.uid, strips.folder_of(strip) / takes.frame_name(0))
    if image is None:
        return
    image.source = "SEQUENCE"
    whole = recipe.get("look", {}).get("canvas") == "photo"
    try:
        found = portrait.analysis(scene, chosen.uid) if whole else None
    except LpError:
        return
    shown = _place(scene, DRAWING, chosen.uid, image, found)
    user, length = shown.image_user, len(strip.elements)
    user.frame_start, user.frame_duration = first_frame(scene, chosen.uid, strip), length
    user.frame_offset = -1  # Blender counts a sequence's frames from 1, we from 0
    user.use_auto_refresh = True
    # Blender would show the first frame until the playhead moves.
    user.frame_current = min(max(scene.frame_current - user.frame_start, 0), length - 1)


def first_frame(scene: bpy.types.Scene, uid: str, strip: Any) -> int:
    """The frame at which the rig moves as the strip's first picture shows it."""
    take = strips.take_of(strip)
    try:
        spoken = portrait.spoken(scene, uid)
    except LpError:
        take = None
    if take is None or spoken.fps != take.fps:
        return round(compat.content_start(strip))
    return round(spoken.frame_at(take.start))


def _image(kind: str, uid: str, path: Path) -> Any | None:
    """The image data-block of a picture, reading `path`; None where that cannot be read."""
    image: Any = next((image for image in bpy.data.images if image.get(kind) == uid), None)
    try:
        if image and Path(bpy.path.abspath(image.filepath)) == path and not image.packed_file:
            return image
        fresh = bpy.data.images.load(str(path))
    except RuntimeError:
        return None
    if image:
        image.user_remap(fresh)
        bpy.data.images.remove(image)
    fresh[kind] = uid
    return fresh


def _place(scene: bpy.types.Scene, kind: str, uid: str, image: Any, found: dict[str, Any] | None) -> Any:
    """Show `image` in the empty of this kind: the whole photo, as `found` tells, or, without, the face crop."""
    name = portrait.values(scene, uid).name
    image.name = f"{name} {'Photo' if kind == PHOTO else 'Drawing'}"
    shown = empty_of(scene, kind, uid)
    if shown is None:
        shown = bpy.data.objects.new(image.name, None)
        shown[kind] = uid
        shown.empty_display_type = "IMAGE"
        shown.empty_image_depth = "BACK"
        shown.use_empty_image_alpha = True
        shown.hide_select = shown.hide_render = True
        scene.collection.objects.link(shown)
    shown.parent = portrait.rig_in(scene, uid)
    shown.data = image
    centre, size, turn = np.zeros(3), float(CROP), 0.0
    if found:
        crop, photo = CropTransform(**found["crop"]), np.array(found["photo_size"], np.float64)
        middle = crop.matrix() @ [*(photo - 1) / 2, 1]
        centre = rig.to_rig(np.array([*middle, 0.0]))
        size, turn = crop.scale * float(photo.max()), crop.roll
    shown.location = (centre[0], centre[1], -DEPTH[kind] * rig.UNIT)
    shown.rotation_euler = (0, 0, turn)
    shown.empty_display_size = size * rig.UNIT
    return shown
