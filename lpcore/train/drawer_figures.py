"""Figures of a static drawer on people it never saw: likeness to the teacher, clean skin, specks, grey strokes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from .. import points68

DARK, LIGHT = 90, 150
"""Skin whose median grey (0 to 255) is below the first counts as dark, from the second on as light."""

SPECK = 12
"""Pixels below which a connected piece of ink is a speck."""

_NOSE_BRIDGE, _CHIN = 27, 8
_MOUTH_CORNERS, _BROWS = [48, 54], [20, 23]
_RADIUS = 0.07


@dataclass(frozen=True, eq=False)
class Drawn:
    """One drawing: photo grey (H, W) uint8; landmarks (68, 2) in pixels; ink, teacher (H, W) in [0, 1], 1 = black."""

    grey: np.ndarray
    landmarks: np.ndarray
    ink: np.ndarray
    teacher: np.ndarray


def skin_discs(landmarks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(4, H, W) bool: discs on both cheeks and on both sides of the forehead, 0.14 outer-eye distances wide."""
    right, left = landmarks[list(points68.OUTER_EYE_CORNERS)].astype(float)
    unit = float(np.linalg.norm(left - right))
    up = landmarks[_NOSE_BRIDGE] - landmarks[_CHIN]
    up = up / np.linalg.norm(up)
    cheeks = 0.55 * np.stack([right, left]) + 0.45 * landmarks[_MOUTH_CORNERS]
    centres = [*cheeks, *(landmarks[_BROWS] + 0.28 * unit * up)]
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack([np.hypot(columns - x, rows - y) <= _RADIUS * unit for x, y in centres])


def skin_ink(drawn: Drawn) -> tuple[float, float]:
    """Median grey of the skin in the photo (0 to 255), and mean ink (0 to 1) on its discs.

    Discs that differ much from the median of all, because hair or a shadow falls into them, do not count.
    """
    discs = skin_discs(drawn.landmarks, drawn.ink.shape)
    tones = np.array([np.median(drawn.grey[disc]) if disc.any() else np.nan for disc in discs])
    skin = float(np.nanmedian(tones))
    clear = [disc for disc, tone in zip(discs, tones, strict=True) if abs(tone - skin) <= 0.25 * skin]
    return skin, float(drawn.ink[np.any(clear, axis=0)].mean()) if clear else 0.0


def specks(ink: np.ndarray) -> int:
    """Number of connected pieces (8 neighbours) of ink over 0.3 that have fewer than `SPECK` pixels."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((ink > 0.3).astype(np.uint8))
    return int((stats[1:, cv2.CC_STAT_AREA] < SPECK).sum())


def grey_share(ink: np.ndarray) -> float:
    """Share of the drawing's pixels that are neither paper nor ink: 0.2 to 0.8."""
    return float(((ink > 0.2) & (ink < 0.8)).mean())


def figures(drawings: Iterable[Drawn]) -> dict[str, float]:
    """Means over `drawings`: soft Dice overlap with the teacher, ink on dark and light skin, specks, `grey_share`.

    With the numbers of dark and of light faces; without such faces their ink is left out.
    """
    rows = []
    for drawn in drawings:
        skin, ink = skin_ink(drawn)
        both = float((drawn.ink * drawn.teacher).sum())
        total = float(np.square(drawn.ink).sum() + np.square(drawn.teacher).sum())
        rows.append((2 * both / max(total, 1e-6), skin, ink, specks(drawn.ink), grey_share(drawn.ink)))
    dices, skins, inks, counts, greys = np.array(rows).T
    result = {"dice": dices.mean(), "specks": counts.mean(), "grey": greys.mean()}
    for name, faces in (("dark", skins < DARK), ("light", skins >= LIGHT)):
        result[f"{name}_faces"] = faces.sum()
        if faces.any():
            result[f"ink_on_{name}_skin"] = inks[faces].mean()
    return {name: round(float(value), 5) for name, value in result.items()}
