"""Motion as a ``.npz`` file: arrays points (T, 68, 3), neutral (68, 3) and one per part, float32 crop units;
fps (2,) int64 numerator and denominator; start float64 seconds.
"""

from __future__ import annotations

import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LpError
from ..files import replacing
from ..types import PARTS, Motion


def save_motion(path: Path, motion: Motion) -> None:
    """Write `motion`; the file appears only when it is whole.

    Raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``.
    """
    landmarks = {"points": motion.points, "neutral": motion.neutral, **motion.parts}
    arrays: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in landmarks.items()}
    arrays["fps"] = np.array([motion.fps.numerator, motion.fps.denominator], np.int64)
    arrays["start"] = np.array(motion.start, np.float64)
    with replacing(path) as file:
        np.savez(file, **arrays)


def load_motion(path: Path) -> Motion:
    """Read what `save_motion` wrote; raises LpError ``BAD_REQUEST`` when the file is not a motion."""
    try:
        with np.load(path, allow_pickle=False) as data:
            parts = {name: data[name] for name in PARTS if name in data.files}
            fps = Fraction(*(int(value) for value in data["fps"]))
            return Motion(fps, float(data["start"]), data["neutral"], parts)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise LpError("BAD_REQUEST", f"{path} is not a motion file") from error


def load_points(path: Path) -> np.ndarray:
    """The (T, 68, 3) float32 `points` of a motion file, T at least 1, crop units.

    Raises LpError ``BAD_VALUE`` when the file holds no such array or a number that is not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            points = np.asarray(data["points"], np.float32)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise LpError("BAD_VALUE", f"{path.name} is not a motion file") from error
    if points.ndim != 3 or points.shape[1:] != (68, 3) or not len(points) or not np.isfinite(points).all():
        raise LpError(
            "BAD_VALUE", f"the landmarks in {path.name} are not finite and of shape (frames, 68, 3)"
        )
    return points
