"""Live preview: the current frame, small, drawn in the background while a bone is dragged or the playhead stands.

A timer on the main thread looks at the rig's pose; where that has changed and the engine is free, it asks for one
frame and shows the answer in an image, which an empty behind the rig displays. Jobs come first: while one runs, the
preview rests, and what it had asked for is forgotten.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from . import compat, jobs, order, portrait, preferences, rig, takes
from .lpcore import protocol
from .lpcore.errors import LpError
from .lpcore.frame_keys import drawing_keys
from .lpcore.types import CROP

SIZE = 320
"""Pixels of the preview's side."""

INTERVAL = 0.1
IDLE = 0.5
PREFIX = "preview_"
BEHIND = 40
"""Crop units by which the picture lies behind the landmarks."""

_scene = 0
_shown = ""
_asked: tuple[int, str, str] | None = None
trouble = ""
"""Why the preview stopped by itself; empty while all is well."""


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether the preview follows this scene."""
    return _scene == scene.session_uid


def switch(scene: bpy.types.Scene, on: bool) -> None:
    """Follow the active portrait of `scene`, or stop. Raises LpError like `order.of` and ``NO_ENGINE``."""
    global _scene, _shown, _asked, trouble
    trouble = ""
    if on:
        wanted = order.of(scene)
        preferences.engine_python()
        picture_behind(scene, wanted.portrait, wanted.name)
    _scene, _shown, _asked = (scene.session_uid if on else 0), "", None


def image_of(uid: str) -> Any | None:
    """The image data-block that shows the portrait's current frame."""
    return next((image for image in bpy.data.images if image.get(KEY) == uid), None)


KEY = "lineportrait_preview"
"""Custom property of the preview's image and of the empty that shows it: the portrait's uid."""


def picture_behind(scene: bpy.types.Scene, uid: str, name: str) -> Any:
    """The empty behind the rig that displays the preview, made where it is missing."""
    body = portrait.rig_in(scene, uid)
    shown = next((thing for thing in scene.objects if thing.get(KEY) == uid), None)
    if shown is None:
        shown = bpy.data.objects.new(f"{name} Preview", None)
        shown[KEY] = uid
        scene.collection.objects.link(shown)
        shown.empty_display_type = "IMAGE"
        shown.empty_display_size = rig.UNIT * CROP
        shown.empty_image_depth = "BACK"
        shown.parent = body
        shown.location = (0, 0, -BEHIND * rig.UNIT)
        shown.hide_select = True
    shown.data = image_of(uid)
    return shown


def tick() -> float:
    """Look whether there is something new to draw or to show."""
    global _asked
    if not _scene:
        return IDLE
    if jobs.current():
        _asked = None
        return INTERVAL
    try:
        _look()
    except LpError as error:
        _stop(str(error))
    return INTERVAL


def _look() -> None:
    global _asked
    scene = compat.by_uid(bpy.data.scenes, _scene)
    if scene is None:
        raise LpError("SCENE_GONE", "start again in another scene")
    if _asked:
        _take_answer(scene)
        return
    wanted = order.of(scene)
    points = pose(scene, wanted.portrait)
    key = drawing_keys(
        {**wanted.look, "size": SIZE, "canvas": "crop", "method": wanted.method}, points[None]
    )[0]
    if key == _shown:
        return
    engine = preferences.start_engine()
    path = takes.scratch() / f"{PREFIX}pose.npz"
    try:
        np.savez(path, points=points[None])
    except OSError as error:
        raise takes.write_error(error, path) from error
    request = protocol.Draw(
        engine.next_id(),
        str(wanted.photo),
        str(path),
        str(path.parent),
        face=wanted.face,
        landmarks=wanted.landmarks,
        prefix=PREFIX,
        style=wanted.style,
        size=SIZE,
        engine=wanted.method,
        background=wanted.look["background"],
    )
    engine.send(request)
    _asked = (request.id, key, wanted.portrait)


def _take_answer(scene: bpy.types.Scene) -> None:
    global _asked, _shown
    assert _asked
    number, key, uid = _asked
    for event in preferences.start_engine().poll():
        if event.id != number:
            continue
        if isinstance(event, protocol.Frame):
            _show(scene, uid, Path(event.path))
        elif isinstance(event, protocol.Failed):
            raise LpError(event.code, event.detail)
        elif isinstance(event, protocol.ENDS):
            _asked, _shown = None, key


def _show(scene: bpy.types.Scene, uid: str, path: Path) -> None:
    image = image_of(uid)
    if image is None:
        image = bpy.data.images.load(str(path))
        image.name, image[KEY] = f"{portrait.values(scene, uid).name} Preview", uid
    elif image.filepath != str(path):
        image.filepath = str(path)
    image.reload()
    things: Any = scene.objects
    for thing in things:
        if thing.get(KEY) == uid and thing.data != image:
            thing.data = image
    compat.redraw(bpy.context, ("VIEW_3D", "IMAGE_EDITOR", "SEQUENCE_EDITOR"))


def pose(scene: bpy.types.Scene, uid: str = "") -> np.ndarray:
    """(68, 3) crop units: the landmarks as the rig stands at this moment, keyed or not."""
    body: Any = portrait.rig_in(scene, uid)
    depsgraph = next((layer.depsgraph for layer in scene.view_layers if body.name in layer.objects), None)
    if depsgraph is None:
        raise LpError("NOT_SPOKEN")
    bones = body.evaluated_get(depsgraph).pose.bones
    heads = [bones[bone.name].matrix.translation for bone in rig.pose_bones(body)]
    return rig.to_crop(np.array(heads)).astype(np.float32)


def _stop(why: str) -> None:
    global _scene, _asked, trouble
    _scene, _asked, trouble = 0, None, why
    compat.redraw(bpy.context, ("SEQUENCE_EDITOR",))


@persistent
def _before_load(*_: Any) -> None:
    global _scene, _asked
    _scene, _asked = 0, None


CLASSES = ()


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)
    bpy.app.timers.register(tick, first_interval=IDLE, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    bpy.app.handlers.load_pre.remove(_before_load)
    _before_load()
