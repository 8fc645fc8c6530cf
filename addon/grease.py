"""Traced drawings as Grease Pencil: an object with one drawing for each pose, filled outlines on the rig's plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import bpy
import numpy as np

from . import compat, pictures, portrait, rig
from .lpcore.errors import LpError
from .lpcore.types import CROP, CropTransform

KEY = "lineportrait_lines"
"""Custom property of the object: the portrait's uid."""

BEHIND = 36
"""Crop units by which the lines lie behind the landmarks."""

INK, HOLE = 0, 1
"""Slots of the materials."""


def land(scene: bpy.types.Scene, uid: str, lines_file: Path, first_frame: int, canvas: str, ink: Any) -> Any:
    """Show the traced lines of `lines_file` (see `lpcore.trace.trace_files`) from `first_frame` on.

    canvas: "crop" or "photo", what the drawings show. ink: RGB. An object made before for the portrait keeps its
    place and its modifiers, and gets new drawings. Raises LpError ``NO_GREASE_PENCIL`` or ``NOT_ANALYZED``.
    """
    if not compat.has_grease_pencil():
        raise LpError("NO_GREASE_PENCIL", bpy.app.version_string)
    with np.load(lines_file, allow_pickle=False) as lines:
        size = lines["size"].astype(np.float64)
        places = _on_rig(lines["points"].astype(np.float64), size, canvas, scene, uid)
        lengths, holes, frames = lines["lengths"], lines["holes"], lines["frames"]
    shown = _object(scene, uid, ink)
    for layer in list(shown.data.layers):
        shown.data.layers.remove(layer)
    layer = shown.data.layers.new("Lines")
    ends = np.cumsum(lengths)
    before: tuple[bytes, bytes] | None = None
    for number in range(int(frames.max(initial=-1)) + 1):
        mine = np.flatnonzero(frames == number)
        points = places[ends[mine[0]] - lengths[mine[0]] : ends[mine[-1]]] if len(mine) else places[:0]
        drawn = (points.tobytes(), lengths[mine].tobytes())
        if drawn != before:  # a pose that is held is one drawing
            _draw(layer.frames.new(first_frame + number).drawing, points, lengths[mine], holes[mine])
            before = drawn
    return shown


def _draw(drawing: Any, points: np.ndarray, lengths: np.ndarray, holes: np.ndarray) -> None:
    if not len(lengths):
        return
    drawing.add_strokes([int(length) for length in lengths])
    drawing.attributes["position"].data.foreach_set("vector", points.astype(np.float32).ravel())
    for name, kind, values in (
        ("cyclic", "BOOLEAN", np.ones(len(lengths), bool)),
        ("material_index", "INT", np.where(holes, HOLE, INK).astype(np.int32)),
    ):
        attribute = drawing.attributes.get(name) or drawing.attributes.new(name, kind, "CURVE")
        attribute.data.foreach_set("value", values)
    drawing.tag_positions_changed()


def _on_rig(
    points: np.ndarray, size: np.ndarray, canvas: str, scene: bpy.types.Scene, uid: str
) -> np.ndarray:
    """(N, 3) places in the rig's space of points (N, 2) in pixels of drawings of `size` (width, height)."""
    if canvas == "photo":
        found = portrait.analysis(scene, uid)
        whole = np.array(found["photo_size"], np.float64)
        photo = (points + 0.5) * (whole / size) - 0.5
        matrix = CropTransform(**found["crop"]).matrix()
        flat = photo @ matrix[:, :2].T + matrix[:, 2]
    else:
        flat = (points + 0.5) * (CROP / size) - 0.5
    places = rig.to_rig(np.column_stack([flat, np.zeros(len(flat))]))
    places[:, 2] = 0
    return places


def _object(scene: bpy.types.Scene, uid: str, ink: Any) -> Any:
    """The portrait's Grease Pencil object, made where it is missing."""
    shown: Any = pictures.empty_of(scene, KEY, uid)
    if shown is None:
        name = f"{portrait.values(scene, uid).name} Lines"
        shown = cast(Any, bpy.data.objects.new(name, compat.new_grease_pencil(name)))
        shown[KEY] = uid
        for material in (_material("Ink"), _material("Hole")):
            shown.data.materials.append(material)
        shown.parent = portrait.rig_in(scene, uid)
        shown.location = (0, 0, -BEHIND * rig.UNIT)
        scene.collection.objects.link(shown)
    style = shown.data.materials[INK].grease_pencil
    style.fill_color = (*(part**2.2 for part in ink), 1)
    return shown


def _material(kind: str) -> Any:
    """A new material that fills outlines with ink, or cuts holes into what lies before."""
    material = bpy.data.materials.new(f"Line Portrait {kind}")
    bpy.data.materials.create_gpencil_data(material)
    style: Any = material.grease_pencil
    style.show_stroke, style.show_fill = False, True
    style.use_fill_holdout = kind == "Hole"
    return material
