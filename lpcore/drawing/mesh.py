"""The control mesh of flow B: 68 landmarks plus anchors, joined once per portrait so that nothing pops.

The paper triangulates the target landmarks anew in every frame (section 3.3.1), which lets edges flip between
frames. Here the triangles are found once, on the photo's landmarks with mouth and eyes opened, so that no edge
ever crosses an opening.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import points68
from ..types import CROP

_BORDER_STEPS = 5
_MARGIN = 12.0
_LOWER_FACE = [*range(4, 13), *range(55, 60), 65, 66, 67]

_SIDES = list(points68.JAW_SIDES)
_BESIDE = (0.03, 0.03, 0.04, 0.08, 0.13)
"""Face sizes from the jaw's sides, ears first, to points of the hair: further where the jaw moves more."""
_LET_GO = (0.01, 0.025)
"""Face sizes that the jaw's sides move beside the head: up to the first the hair stays with the head, as it does in
speech; from the second on it goes along, or a jaw drawn wider would cover it."""


@dataclass(frozen=True, eq=False)
class ControlMesh:
    """Control points and triangles in crop units.

    source: (N, 2) float64; rows 0–67 are the landmarks, then 10 of the hair beside the jaw, then `skull` points that
    follow the head, then points that stand still (shoulders and the crop's border).
    skull: how many points follow the head.
    triangles: (M, 3) int row indices.
    """

    source: np.ndarray
    skull: int
    triangles: np.ndarray

    def targets(self, points: np.ndarray) -> np.ndarray:
        """(T, N, 2) float64 control points of each frame from landmarks (T, 68, 2 or 3) in crop units.

        Skull and hair follow the similarity that brings the photo's stable landmarks to the frame's, the hair also the
        jaw's ends, and the jaw beside it where that moves far.
        """
        landmarks = np.asarray(points, dtype=np.float64)[..., :2]
        face, hair, skull, still = np.split(self.source, np.cumsum([points68.COUNT, len(_SIDES), self.skull]))
        stable = list(points68.STABLE)
        following = np.concatenate([face[_SIDES], hair, skull])
        moved = _similarity(face[stable], landmarks[:, stable], following)
        sides, hair, skull = np.split(moved, np.cumsum([len(_SIDES)] * 2), axis=1)
        beside = landmarks[:, _SIDES] - sides
        # A turning head moves the sides against the nose, hair and all; the jaw's ends by the ears tell how far.
        turned = np.repeat(beside[:, [0, -1]], len(_SIDES) // 2, axis=1)
        drawn = beside - turned
        far = np.linalg.norm(drawn, axis=-1, keepdims=True) / _face_size(face)
        hair = hair + turned + np.interp(far, _LET_GO, (0, 1)) * drawn
        still = np.broadcast_to(still, (len(landmarks), *still.shape))
        return np.concatenate([landmarks, hair, skull, still], axis=1)


def build_mesh(landmarks: np.ndarray) -> ControlMesh:
    """The mesh of a portrait from its landmarks (68, 2 or 3) in crop units."""
    from scipy.spatial import Delaunay

    face = np.asarray(landmarks, dtype=np.float64)[:, :2]
    skull = _skull(face)
    others = np.concatenate([_hair(face), skull, _shoulders(face), _border()])
    triangles = Delaunay(np.concatenate([_opened(face), others])).simplices
    return ControlMesh(np.concatenate([face, others]), len(skull), triangles)


def _face_size(face: np.ndarray) -> float:
    # The larger of ear-to-ear and brow-to-chin: one of them survives any turn of the head.
    return float(max(np.linalg.norm(face[16] - face[0]), 1.1 * np.linalg.norm(face[8] - face[27])))


def _opened(face: np.ndarray) -> np.ndarray:
    """The face with mouth and eyes wide open, used only to choose edges."""
    opened = face.copy()
    down = face[8] - face[27]
    down /= np.linalg.norm(down)
    opened[_LOWER_FACE] += 0.3 * np.linalg.norm(face[54] - face[48]) * down
    for upper, lower in points68.LID_PAIRS:
        opened[upper] -= 0.02 * _face_size(face) * down
        opened[lower] += 0.02 * _face_size(face) * down
    return opened


def _hair(face: np.ndarray) -> np.ndarray:
    """Points beside the `_SIDES` of the jaw: without them its every move in speech would make the hair shimmer."""
    across = face[16] - face[0]
    away = _face_size(face) * across / np.linalg.norm(across)
    beside = np.array(_BESIDE)
    return face[_SIDES] + np.concatenate([-beside, beside[::-1]])[:, None] * away


def _skull(face: np.ndarray) -> np.ndarray:
    """Points around forehead and hair, inside the crop."""
    size = _face_size(face)
    up = face[27] - face[8]
    up /= np.linalg.norm(up)
    side = np.array([-up[1], up[0]])
    rings = [
        face[27] + size * radius * (0.72 * np.sin(angle) * side + 0.85 * np.cos(angle) * up)
        # The outer ring reaches down beside the ears: an opening jaw must not drag the hair along.
        for radius, reach, count in ((0.75, 80, 9), (1.1, 120, 13))
        for angle in np.deg2rad(np.linspace(-reach, reach, count))
    ]
    points = np.array([p for p in rings if (p > _MARGIN).all() and (p < CROP - 1 - _MARGIN).all()])
    return points.reshape(-1, 2)


def _shoulders(face: np.ndarray) -> np.ndarray:
    """Still points below the chin: opening the jaw must not drag the collar along."""
    size = _face_size(face)
    y = face[8, 1] + 0.5 * size
    if y > CROP - 1 - _MARGIN:
        return np.empty((0, 2))
    xs = face[8, 0] + size * np.linspace(-0.9, 0.9, 7)
    return np.array([[x, y] for x in xs if _MARGIN < x < CROP - 1 - _MARGIN]).reshape(-1, 2)


def _border() -> np.ndarray:
    steps = np.linspace(0, CROP - 1, _BORDER_STEPS)
    ends = (0.0, CROP - 1.0)
    across = [(x, y) for x in steps for y in ends]
    along = [(x, y) for x in ends for y in steps[1:-1]]
    return np.array(across + along)


def _similarity(source: np.ndarray, targets: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`points` (P, 2) moved by the least-squares similarity from `source` (K, 2) to each of `targets` (T, K, 2)."""
    as_complex = lambda a: a[..., 0] + 1j * a[..., 1]  # noqa: E731 one expression, used three times below
    s, t, p = as_complex(source), as_complex(targets), as_complex(points)
    s0, t0 = s.mean(), t.mean(axis=1, keepdims=True)
    factor = ((t - t0) * np.conj(s - s0)).sum(axis=1, keepdims=True) / (np.abs(s - s0) ** 2).sum()
    moved = factor * (p - s0) + t0
    return np.stack([moved.real, moved.imag], axis=-1)
