"""Landmark motion as F-curves: written in bulk from few keys, read back at any frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compat import Channels
from .keyfit import Keys

FREE, ALIGNED = 0, 3
BEZIER = 2

# Frames that a handle may lie beside its third of the span and still count as being there: far less than moves
# a value visibly, more than single precision loses on the way into Blender and back.
THIRD_TOLERANCE = 2e-3


def write(
    channels: Channels, path: str, keys: Keys, first_frame: int, group: str, first_index: int = 0
) -> None:
    """F-curves for the channels of one landmark; the curve between the keys is exactly that of `keyfit`.

    `keys.frames` count from `first_frame`, array indices from `first_index`. Handles at a third of the span make
    Blender's Bezier the cubic Hermite curve of the keys.
    """
    frames = keys.frames + float(first_frame)
    widths = np.diff(frames) / 3
    before = np.concatenate([widths[:1], widths]) if widths.size else np.ones(1)
    after = np.concatenate([widths, widths[-1:]]) if widths.size else np.ones(1)
    for index in range(keys.values.shape[1]):
        values, slopes = keys.values[:, index], keys.slopes[:, index]
        curve = channels.new(path, first_index + index, group)
        curve.color_mode = "AUTO_RGB"
        points = curve.keyframe_points
        points.add(len(frames))
        _set(points, "co", frames, values)
        _set_all(points, "handle_left_type", FREE)
        _set_all(points, "handle_right_type", FREE)
        _set(points, "handle_left", frames - before, values - slopes * before)
        _set(points, "handle_right", frames + after, values + slopes * after)
        # Aligned from now on, so that an edited key stays smooth; the handles already are.
        _set_all(points, "handle_left_type", ALIGNED)
        _set_all(points, "handle_right_type", ALIGNED)
        for part in ("select_control_point", "select_left_handle", "select_right_handle"):
            _set_all(points, part, False)
        curve.update()


def _set(points: Any, name: str, frames: np.ndarray, values: np.ndarray) -> None:
    points.foreach_set(name, np.column_stack([frames, values]).astype(np.float32).ravel())


def _set_all(points: Any, name: str, value: int) -> None:
    points.foreach_set(name, np.full(len(points), value, np.int32))


def read(channels: Channels, path: str, index: int, frames: np.ndarray) -> np.ndarray | None:
    """(len(frames),) values of one F-curve at `frames` (fractions allowed); None where it has no say.

    The spans that `write` makes are computed for all frames at once; what the animator has shaped otherwise is
    asked of Blender frame by frame.
    """
    curve = channels.fcurves.find(path, index=index)
    if curve is None or curve.mute or curve.is_empty:
        return None
    frames = np.asarray(frames, np.float64)
    step = _only_step(curve)
    if step:
        frames = stepped(frames, step.frame_step, step.frame_offset)
    values, known = _bezier_thirds(curve, frames, bool(step))
    for row in np.flatnonzero(~known):
        values[row] = curve.evaluate(float(frames[row]))
    return values


def stepped(frames: np.ndarray, step: float, offset: float) -> np.ndarray:
    """The frames whose values hold at `frames` where every `step` frames from `offset` on are one pose."""
    return offset + step * np.floor((frames - offset) / step + 1e-6)


def set_steps(curve: Any, frames: int, offset: float) -> None:
    """Let each value of a curve last `frames` frames, counted from `offset`; 1 lets it move in every frame."""
    for modifier in [modifier for modifier in curve.modifiers if modifier.type == "STEPPED"]:
        curve.modifiers.remove(modifier)
    if frames > 1:
        modifier = curve.modifiers.new("STEPPED")
        modifier.frame_step, modifier.frame_offset = frames, offset % frames


def _only_step(curve: Any) -> Any | None:
    """The curve's one modifier where that is a plain stepping."""
    if len(curve.modifiers) != 1:
        return None
    modifier = curve.modifiers[0]
    plain = not (
        modifier.type != "STEPPED"
        or modifier.mute
        or modifier.use_frame_start
        or modifier.use_frame_end
        or modifier.use_restricted_range
        or (modifier.use_influence and modifier.influence != 1)
    )
    return modifier if plain else None


def _bezier_thirds(curve: Any, frames: np.ndarray, is_stepped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values at the frames within Bezier spans whose handles lie at a third of the span, and which those are."""
    points = curve.keyframe_points
    values, known = np.zeros(len(frames)), np.zeros(len(frames), bool)
    if len(points) < 2 or (len(curve.modifiers) and not is_stepped):
        return values, known
    keys, left, right = (_get(points, name) for name in ("co", "handle_left", "handle_right"))
    kinds = np.zeros(len(points), np.int32)
    points.foreach_get("interpolation", kinds)
    x, y = keys.T
    third = np.diff(x) / 3
    off = np.abs([right[:-1, 0] - x[:-1] - third, x[1:] - left[1:, 0] - third]).max(axis=0)
    plain = (kinds[:-1] == BEZIER) & (off < THIRD_TOLERANCE) & (third > 0)
    span = np.clip(np.searchsorted(x, frames, side="right") - 1, 0, len(x) - 2)
    known = plain[span] & (frames >= x[0]) & (frames <= x[-1])
    u = (frames - x[span]) / np.where(third > 0, 3 * third, 1)[span]
    v = 1 - u
    values = y[span] * v**3 + y[span + 1] * u**3
    values += 3 * u * v * (right[span, 1] * v + left[span + 1, 1] * u)
    return values, known


def _get(points: Any, name: str) -> np.ndarray:
    flat = np.zeros(2 * len(points), np.float32)
    points.foreach_get(name, flat)
    return flat.reshape(-1, 2).astype(np.float64)
