"""Drawings of adjacent moments of real films, for the discriminator of coherence (paper section 3.3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..drawing.canvas import canvas
from ..drawing.styles import STYLES
from ..drawing.warp_stream import WarpStream
from ..face import analyze
from ..face.detect import detect
from ..face.landmarks import landmarks
from ..types import CROP, Portrait


def film_pairs(film: Path, styles: tuple[str, ...], count: int) -> list[np.ndarray]:
    """Up to `count` moments of a film of one person, drawn, and the frames that follow them.

    The first frame of a pair is drawn by the static drawer; its lines are then moved to the landmarks tracked in the
    next. Drawn anew, the second would differ in more than the motion: the flicker that the generator shall not learn.

    Returns:
        Per moment (styles, 2, 512, 512) uint8, ink = 255; moments in which no face is found are missing.
    """
    frames = list(_frames(film))
    moments = np.linspace(0, len(frames) - 2, min(count, max(len(frames) - 1, 0))).round().astype(int)
    pairs = []
    for moment in moments:
        now, after = frames[moment : moment + 2]
        before, next_ = (next((found for found in detect(frame) if found), None) for frame in (now, after))
        if before and next_:
            pairs.append(_drawn(analyze(now), landmarks(after, next_[0]).points, styles))
    return pairs


def _drawn(portrait: Portrait, photo_points: np.ndarray, styles: tuple[str, ...]) -> np.ndarray:
    matrix = portrait.crop.matrix()
    moved = portrait.landmarks.copy()
    moved[:, :2] = photo_points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    whole = canvas(portrait, "crop", CROP)
    moments = np.stack([portrait.landmarks, moved])
    inks = [np.stack(list(WarpStream(portrait, STYLES[style], whole).ink(moments))) for style in styles]
    return np.rint(255 * np.stack(inks).clip(0, 1)).astype(np.uint8)


def _frames(film: Path) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 RGB."""
    capture = cv2.VideoCapture(str(film))
    try:
        while True:
            taken, frame = capture.read()
            if not taken:
                return
            yield np.ascontiguousarray(frame[..., ::-1])
    finally:
        capture.release()
