"""What is drawn over a photo: boxes round the faces, and landmarks with the lines between them."""

from __future__ import annotations

import numpy as np

from ..landmark_drag import Drag
from ..lpcore.points68 import CLOSED_CURVES, NAMES, OPEN_CURVES
from . import overlay

DOT = 3.5  # crop units: radius of a landmark
DOTS = (1.5, 6.0)  # region pixels within which that stays

FOUND = (0.45, 0.80, 1.0, 1.0)
MOVED = (1.0, 0.65, 0.15, 1.0)
UNSURE = (1.0, 0.25, 0.25, 1.0)
UNDER_HAND = (1.0, 1.0, 1.0, 1.0)
OUTLINE = (0.45, 0.80, 1.0, 0.55)
SHADOW = (0.0, 0.0, 0.0, 0.8)


def paint_faces(stage: overlay.Stage, boxes: np.ndarray, hover: int, now: int) -> None:
    """The `boxes` (N, 4: left, top, width, height), marking the one under the pointer and the one drawn by `now`."""
    for index, (left, top, width, height) in enumerate(boxes):
        right, bottom = left + width, top + height
        corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        colour = UNDER_HAND if index == hover else MOVED if index == now else FOUND
        path = stage.view.to_region(np.array(corners))
        overlay.lines([path], SHADOW, 5)
        overlay.lines([path], colour, 3 if index in (hover, now) else 2)
        overlay.words(str(index), path[0] + (4, 5), colour)


def paint_landmarks(stage: overlay.Stage, drag: Drag, doubt: np.ndarray, hover: int) -> None:
    """The landmarks of `drag`; `doubt` (68,) tells the uncertain ones, `hover` which lies under the pointer, or -1."""
    at = stage.view.to_region(drag.points[:, :2])
    closed = [at[[*curve, curve[0]]] for curve in CLOSED_CURVES]
    overlay.lines(closed + [at[list(curve)] for curve in OPEN_CURVES], OUTLINE)
    moved, active = drag.moved, {*drag.held, hover}
    colours = [
        UNDER_HAND if index in active else MOVED if moved[index] else UNSURE if doubt[index] else FOUND
        for index in range(len(at))
    ]
    size = float(np.clip(DOT * stage.view.scale, *DOTS))
    radii = [1.5 * size if index in active else size for index in range(len(at))]
    overlay.discs(at, [radius + 1 for radius in radii], [SHADOW] * len(at))
    overlay.discs(at, radii, colours)
    if hover >= 0:
        overlay.words(NAMES[hover], at[hover] + (10, 8), UNDER_HAND)
