"""A sheet of drawn frames, side by side, for the eye to judge what the figures say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..frames import write_png

SIDE = 384
_HEAD = 28


def write_sheet(path: Path, rows: Sequence[tuple[str, Mapping[str, np.ndarray]]]) -> None:
    """Write a PNG with one row per (caption, {column title: (H, W) or (H, W, 3) uint8 picture})."""
    lines = (np.hstack([tile(f"{title}  {caption}", p) for title, p in row.items()]) for caption, row in rows)
    write_png(path, np.vstack(list(lines)))


def tile(caption: str, picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """(28 + side, side, 3) uint8: the (H, W) or (H, W, 3) uint8 picture under its caption."""
    whole = np.full((side + _HEAD, side, 3), 255, np.uint8)
    cv2.putText(whole, caption, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 90, 160), 1, cv2.LINE_AA)
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    whole[_HEAD:] = small if small.ndim == 3 else small[..., None]
    return whole
