"""The ICT-FaceKit head (MIT) as a whole mesh, and one person's state of it in a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .ict import VERTICES

MODES = 40
"""Identity offsets in use; later ones move landmarks by less than they are known."""
_LIDLESS = 24591
"""Tear film and lashes follow from this vertex on; they are left out."""
_MOUTH = ((11248, 13294), (14062, 21451))
"""Vertices of the mouth's socket, gums, tongue and teeth."""
_NECK, _FADE = -14.0, 5.0


@dataclass(frozen=True, eq=False)
class Head:
    """A linear head; x to image right, y up, z towards the viewer, about a centimetre per unit.

    neutral (V, 3), identities (I, V, 3) per standard deviation, expressions (E, V, 3) at weight 1: float32.
    triangles (M, 3) int64. inside (V,) bool: vertices of the mouth's interior. landmarks: 68 vertices in iBUG order.
    names: of the E expressions.
    """

    neutral: np.ndarray
    identities: np.ndarray
    expressions: np.ndarray
    triangles: np.ndarray
    inside: np.ndarray
    landmarks: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read ``ict_light.npz``: arrays neutral, faces, ids, expr, names."""
        with np.load(path, allow_pickle=False) as data:
            triangles = data["faces"].astype(np.int64)
            inside = np.zeros(_LIDLESS, bool)
            for first, end in _MOUTH:
                inside[first:end] = True
            return cls(
                data["neutral"][:_LIDLESS].astype(np.float32),
                data["ids"][:MODES, :_LIDLESS].astype(np.float32),
                data["expr"][:, :_LIDLESS].astype(np.float32),
                triangles[(triangles < _LIDLESS).all(1)],
                inside,
                VERTICES,
                tuple(str(name) for name in data["names"]),
            )

    @property
    def mobility(self) -> np.ndarray:
        """(V,) float32 in [0, 1]: how far a vertex follows the head; the lower neck stands still."""
        return np.clip((self.neutral[:, 1] - _NECK) / _FADE, 0, 1)


@dataclass(frozen=True, eq=False)
class FaceState:
    """A head with a shape and a place in a picture (weak perspective); leading dimensions may be batches.

    identity (..., I), expression (..., E). A vertex X lies at ``axes[:2] @ X + shift`` in pixels and, in the same
    unit, at depth ``axes[2] @ X``, smaller = nearer; axes (..., 3, 3), shift (..., 2).
    """

    identity: np.ndarray
    expression: np.ndarray
    axes: np.ndarray
    shift: np.ndarray

    def moved(self, matrix: np.ndarray) -> FaceState:
        """The state in a picture moved by the similarity `matrix` (..., 2, 3), which may mirror it."""
        linear = matrix[..., :2]
        stretch = np.sqrt(np.abs(np.linalg.det(linear)))[..., None, None]
        axes = np.concatenate([linear @ self.axes[..., :2, :], self.axes[..., 2:, :] * stretch], axis=-2)
        shift = (linear @ self.shift[..., None])[..., 0] + matrix[..., 2]
        return replace(self, axes=axes, shift=shift)

    def towards(self, other: FaceState, share: float) -> FaceState:
        """The state that lies `share` of the way to `other`; for small turns only."""
        fields = zip(self._values(), other._values(), strict=True)
        return FaceState(*((1 - share) * mine + share * theirs for mine, theirs in fields))

    def _values(self) -> tuple[np.ndarray, ...]:
        return self.identity, self.expression, self.axes, self.shift

    @staticmethod
    def stack(states: list[FaceState]) -> FaceState:
        """One batch of single states."""
        return FaceState(*(np.stack(values) for values in zip(*(s._values() for s in states), strict=True)))

    def __getitem__(self, index: int) -> FaceState:
        return FaceState(*(values[index] for values in self._values()))


def landmark_vertices(head: Head, state: FaceState) -> np.ndarray:
    """(68, 3) float64 place of the landmark vertices of one state: x, y in pixels, depth in the same unit."""
    picks = list(head.landmarks)
    shape = head.neutral[picks] + np.tensordot(state.identity, head.identities[:, picks], 1)
    shape = shape + np.tensordot(state.expression, head.expressions[:, picks], 1)
    placed = shape @ state.axes.T
    placed[:, :2] += state.shift
    return placed


def landmark_motion(head: Head, start: FaceState, end: FaceState) -> np.ndarray:
    """(68, 3) float32 displacement of the landmarks between two states of one person, in pixels, depth included."""
    moved = landmark_vertices(head, end) - landmark_vertices(head, start)
    return (moved * head.mobility[list(head.landmarks), None]).astype(np.float32)
