"""Landmark motion as F-curves: written in bulk from few keys, read back at any frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compat import Channels
from .keyfit import Keys

FREE, ALIGNED = 0, 3


def write(channels: Channels, path: str, keys: Keys, first_frame: int, group: str) -> None:
    """F-curves for the channels of one landmark; the curve between the keys is exactly that of `keyfit`.

    `keys.frames` count from `first_frame`. Handles at a third of the span make Blender's Bezier the cubic
    Hermite curve of the keys.
    """
    frames = keys.frames + float(first_frame)
    widths = np.diff(frames) / 3
    before = np.concatenate([widths[:1], widths]) if widths.size else np.ones(1)
    after = np.concatenate([widths, widths[-1:]]) if widths.size else np.ones(1)
    for index in range(keys.values.shape[1]):
        values, slopes = keys.values[:, index], keys.slopes[:, index]
        curve = channels.new(path, index, group)
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
    """(len(frames),) values of one F-curve at `frames` (fractions allowed); None where it has no say."""
    curve = channels.fcurves.find(path, index=index)
    if curve is None or curve.mute or curve.is_empty:
        return None
    return np.fromiter((curve.evaluate(float(frame)) for frame in frames), np.float64, len(frames))
