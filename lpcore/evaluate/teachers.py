"""The teacher drawings of the data folder (see `train.portraits`), in the crop in which the engine draws a face."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..face.crop import crop_window
from ..face.window import BLACK, cut, to_window
from ..points68 import OUTER_EYE_CORNERS
from ..train.portraits import FAULTY, grown, is_held_out, read_image
from ..types import CROP


@dataclass(frozen=True, eq=False)
class Teacher:
    """picture: (512, 512) uint8 grey, ink 0, the person alone. landmarks: (68, 2) of the photo in crop units."""

    stem: str
    picture: np.ndarray
    landmarks: np.ndarray


def photos(data: Path, *, held_out: bool) -> list[Path]:
    """The photos kept for measuring, or those for training, sorted by name.

    Raises:
        FileNotFoundError: there is none.
    """
    found = [path for path in sorted((data / "faces").glob("*.jpg")) if path.stem not in FAULTY]
    chosen = [path for path in found if is_held_out(path.stem) == held_out]
    if not chosen:
        raise FileNotFoundError(data / "faces")
    return chosen


def teachers(data: Path, style: str, stems: list[str], redrawn: Path | None = None) -> Iterator[Teacher]:
    """The drawings of these photos, from ``redrawn/drawings_STYLE`` if `redrawn` is given.

    Raises:
        FileNotFoundError: a drawing or mask is missing.
        KeyError: a photo has no landmarks.
    """
    folder = (redrawn or data) / f"drawings_{style}"
    with np.load(data / "landmarks68.npz", allow_pickle=False) as landmarks:
        for stem in stems:
            mask = read_image(data / "masks" / f"{stem}.png", cv2.IMREAD_GRAYSCALE)
            ink = 255 - read_image(folder / f"{stem}.png", cv2.IMREAD_GRAYSCALE)
            # Teachers draw the clutter behind the person; the engine's frames show the person alone.
            ink[grown(mask) <= 127] = 0
            points = landmarks[stem]
            right, left = points[list(OUTER_EYE_CORNERS)]
            place = crop_window(points, float(np.arctan2(left[1] - right[1], left[0] - right[0])))
            yield Teacher(stem, 255 - cut(ink, place, CROP, BLACK), to_window(points, place))


def drawings_digest(data: Path, style: str, stems: Iterable[str], redrawn: Path | None = None) -> str:
    """Hex SHA-256 of names and contents of the drawings of these photos; raises FileNotFoundError."""
    whole = hashlib.sha256()
    for stem in stems:
        drawing = (redrawn or data) / f"drawings_{style}" / f"{stem}.png"
        whole.update(stem.encode() + b"\0" + drawing.read_bytes())
    return whole.hexdigest()
