"""Motion as a file: ``.json`` as in `json_file`, every other name ``.npz``.

The ``.npz`` holds arrays points (T, 68, 3), neutral (68, 3) and one per part, float32 crop units; fps (2,) int64
numerator and denominator; start float64 seconds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import LpError
from ..files import replacing
from ..types import PARTS, Motion
from .json_file import read_json, write_json

Result = TypeVar("Result")


def save_motion(path: Path, motion: Motion) -> None:
    """Write `motion`; the file appears only when it is whole.

    Raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``.
    """
    with replacing(path) as file:
        if path.suffix.lower() == ".json":
            write_json(file, motion)
            return
        landmarks = {"points": motion.points, "neutral": motion.neutral, **motion.parts}
        arrays: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in landmarks.items()}
        arrays["fps"] = np.array([motion.fps.numerator, motion.fps.denominator], np.int64)
        arrays["start"] = np.array(motion.start, np.float64)
        np.savez(file, **arrays)


def load_motion(path: Path) -> Motion:
    """Read what `save_motion` wrote; raises LpError ``MOTION_UNREADABLE``, saying what is wrong."""
    return _read(path, _motion, read_json)


def load_points(path: Path) -> np.ndarray:
    """The (T, 68, 3) float32 points of a motion file, T at least 1, crop units; an ``.npz`` needs nothing else.

    Raises LpError ``MOTION_UNREADABLE``, saying what is wrong.
    """
    return _read(path, lambda data: _landmarks(data, "points"), lambda text: read_json(text).points)


def _read(
    path: Path, unpack: Callable[[np.lib.npyio.NpzFile], Result], parse: Callable[[str], Result]
) -> Result:
    try:
        if zipfile.is_zipfile(path):
            with np.load(path, allow_pickle=False) as data:
                return unpack(data)
        return parse(path.read_text("utf-8-sig"))
    except OSError as error:
        raise LpError("MOTION_UNREADABLE", f"{path.name} cannot be read ({error.strerror})") from error
    except Exception as error:  # damaged archives fail in a dozen ways
        raise LpError("MOTION_UNREADABLE", f"{path.name} is not a motion file: {error}") from error


def _motion(data: np.lib.npyio.NpzFile) -> Motion:
    parts = {name: _landmarks(data, name) for name in PARTS if name in data.files}
    if len({len(part) for part in parts.values()}) != 1:
        raise ValueError("it holds no parts of one length")
    fps = Fraction(*(int(value) for value in data["fps"]))
    return Motion(fps, float(data["start"]), _landmarks(data, "neutral"), parts)


def _landmarks(data: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    array = np.asarray(data[name], np.float32)
    shape = (68, 3) if name == "neutral" else (len(array), 68, 3)
    if array.shape != shape or not len(array) or not np.isfinite(array).all():
        raise ValueError(
            f"its {name} are not finite numbers of shape {'' if len(shape) == 2 else 'frames, '}68, 3"
        )
    return array
