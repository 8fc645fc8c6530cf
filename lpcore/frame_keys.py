"""What a frame shows, as a name: two frames with the same key are the same picture, byte for byte.

A key is made of the *look* (portrait, style, size, ...; see `look`) and of the landmarks, snapped to a sixteenth of a
crop unit, finer than the eye tells apart in motion. Frames are drawn from the snapped landmarks, so the key says all.
The add-on computes the same keys as the engine, to know beforehand what a Draw will cost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .finish import Finish

STEP = 1 / 16
"""Crop units to which landmarks are snapped."""

_DIGITS = 32  # hex digits of a key: 128 bits, far from any chance of two alike


def look(
    photo_sha256: str,
    face: int,
    landmarks: np.ndarray,
    crop: Mapping[str, Any],
    *,
    style: str,
    size: int,
    canvas: str,
    background: bool,
    drawn_by: str,
) -> dict[str, Any]:
    """Everything that a frame's pixels depend on besides its landmarks.

    landmarks: (68, 2 or 3) crop units, the photo's own. crop: {centre, scale, roll} of `types.CropTransform`.
    drawn_by: the engine's digest of code, libraries, networks and device.
    """
    at_rest = hashlib.sha256(_sixteenths(np.asarray(landmarks)[None]).tobytes()).hexdigest()
    return {
        "photo": photo_sha256,
        "face": face,
        "landmarks": at_rest[:_DIGITS],
        "crop": [round(float(part), 6) for part in (*crop["centre"], crop["scale"], crop["roll"])],
        "style": style,
        "size": size,
        "canvas": canvas,
        "background": background,
        "drawn_by": drawn_by,
    }


def snapped(points: np.ndarray) -> np.ndarray:
    """`points` (T, 68, 2 or 3) crop units with x and y on the grid of `STEP`; depth, which no frame shows, is kept."""
    result = np.array(points, np.float32)
    result[..., :2] = _sixteenths(points) * np.float32(STEP)
    return result


def drawing_keys(look: Mapping[str, Any], points: np.ndarray) -> list[str]:
    """The key of the drawing for each row of `points` (T, 68, 2 or 3) crop units."""
    base = hashlib.sha256(json.dumps(look, sort_keys=True).encode())
    keys = []
    for row in _sixteenths(points):
        digest = base.copy()
        digest.update(row.tobytes())
        keys.append(digest.hexdigest()[:_DIGITS])
    return keys


def finished_keys(keys: Sequence[str], finish: Finish) -> list[str]:
    """The keys of the frames that `finish` makes of drawings; a plain finish leaves them as drawn."""
    if finish.plain:
        return list(keys)
    tail = json.dumps(finish.to_dict(), sort_keys=True)
    return [hashlib.sha256(f"{key} {tail}".encode()).hexdigest()[:_DIGITS] for key in keys]


def stored_at(store: Path, key: str) -> Path:
    """Where the frame `key` lies in the folder of a store."""
    return store / key[:2] / f"{key}.png"


def _sixteenths(points: np.ndarray) -> np.ndarray:
    """(..., 2) int32, little-endian on every machine."""
    return np.ascontiguousarray(np.rint(np.asarray(points, np.float64)[..., :2] / STEP), dtype="<i4")
