"""The motion on other characters: keys of ARKit-named shape keys or of pose bones of these names."""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy
import numpy as np

from . import arkit, compat, curves, keyfit
from .lpcore.errors import LpError

KEY_ERROR = 0.01
"""Bound between a keyed coefficient and the fitted one at every frame."""

BONE_ERROR = 0.01
"""The same for bones, as a share of their length."""


class Driven(NamedTuple):
    """What was driven: how many channels, and the coefficients that the character has no channel for."""

    channels: int
    missing: list[str]


def shape_keys(character: bpy.types.Object) -> dict[str, str]:
    """Names of the character's shape keys -> the coefficients that drive them."""
    keys: Any = getattr(character.data, "shape_keys", None)
    return arkit.matches(block.name for block in keys.key_blocks) if keys else {}


def bones(character: bpy.types.Object) -> dict[str, str]:
    """Names of the character's pose bones -> the coefficients that drive them."""
    return arkit.matches(bone.name for bone in character.pose.bones) if character.pose else {}


def can(character: Any) -> bool:
    """Whether there is anything to drive."""
    return bool(character and (shape_keys(character) or bones(character)))


def drive(character: bpy.types.Object, coefficients: np.ndarray, first_frame: int) -> Driven:
    """Key the character's shape keys and bones of ARKit's names with coefficients (T, 52), in place of older keys.

    A bone moves along its own y axis by its length at coefficient 1. Raises LpError ``NOTHING_TO_DRIVE``.
    """
    if not can(character):
        raise LpError("NOTHING_TO_DRIVE", character.name)
    by_name = dict(zip(arkit.names(), coefficients.T, strict=True))
    keys: Any = getattr(character.data, "shape_keys", None)
    blocks, posed = shape_keys(character), bones(character)
    for name, coefficient in blocks.items():
        path = keys.key_blocks[name].path_from_id("value")
        _key(keys, path, 0, by_name[coefficient], KEY_ERROR, first_frame, "Line Portrait")
    for name, coefficient in posed.items():
        bone = character.pose.bones[name]
        values = by_name[coefficient] * bone.bone.length
        error = BONE_ERROR * bone.bone.length
        _key(character, bone.path_from_id("location"), 1, values, error, first_frame, name)
    driven = {*blocks.values(), *posed.values()}
    return Driven(len(blocks) + len(posed), [name for name in arkit.names() if name not in driven])


def _key(
    block: Any, path: str, index: int, values: np.ndarray, error: float, first_frame: int, group: str
) -> None:
    """One F-curve of a data-block through `values` (T,), in place of an older one."""
    data = block.animation_data or block.animation_data_create()
    if data.action is None:
        compat.assign_action(data, bpy.data.actions.new(f"{block.name} Line Portrait"), block)
    channels = compat.channels_of(data, block)
    older = channels.fcurves.find(path, index=index)
    if older:
        channels.fcurves.remove(older)
    fitted = keyfit.reduce_keys(np.asarray(values)[None, :, None], error)[0]
    curves.write(channels, path, fitted, first_frame, group, first_index=index)
