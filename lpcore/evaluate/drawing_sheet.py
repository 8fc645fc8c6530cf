"""A sheet of drawn frames, side by side, for the eye to judge what the figures say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..frames import write_png

_TILE = 384
_HEAD = 28


def write_sheet(path: Path, rows: Sequence[tuple[str, Mapping[str, np.ndarray]]]) -> None:
    """Write a PNG with one row per (caption, {column title: (H, W) or (H, W, 3) uint8 picture})."""
    write_png(path, np.vstack([np.hstack([_tile(f"{title}  {caption}", picture) for title, picture in row.items()])
                               for caption, row in rows]))  # fmt: skip


def _tile(caption: str, picture: np.ndarray) -> np.ndarray:
    tile = np.full((_TILE + _HEAD, _TILE, 3), 255, np.uint8)
    cv2.putText(tile, caption, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 90, 160), 1, cv2.LINE_AA)
    small = cv2.resize(picture, (_TILE, _TILE), interpolation=cv2.INTER_AREA)
    tile[_HEAD:] = small if small.ndim == 3 else small[..., None]
    return tile
