"""ARKit's face coefficients from landmarks: the motion without the head's, in the 52 shapes that fit it best.

numpy alone, no Blender. The table of shapes is derived from ICT-FaceKit (see `lpcore.train.arkit_shapes`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from .lpcore.points68 import STABLE

TABLE = Path(__file__).with_name("arkit.json")

RIDGE, SPARSE = 0.005, 2e-4
"""Cost of a coefficient's square and of a coefficient, beside squared misfits in shares of the distance of the ears:
among shapes that look alike on 68 points, the motion goes to few and small ones."""

GAZE = "eyeLook"
"""Beginning of the names of the coefficients that stay 0: where the eyes look is in no landmark."""

ROUNDS = 400
SIDES = {"l": "left", "r": "right"}


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, ...], np.ndarray]:
    shapes = json.loads(TABLE.read_text("utf-8"))
    return tuple(shapes), np.array(list(shapes.values()), np.float64)


def names() -> tuple[str, ...]:
    """The 52 coefficients' names."""
    return _table()[0]


def shapes() -> np.ndarray:
    """(52, 68, 2) displacements at coefficient 1, in shares of the distance of the ears, x right, y down."""
    return _table()[1]


def name_of(other: str) -> str | None:
    """ARKit's name of what another program calls ``jaw_open``, ``MouthSmile_L`` or ``eyeBlink.R``; None if unknown."""
    parts = re.split(r"[^A-Za-z0-9]+", other.strip())
    if len(parts) > 1:
        parts[-1] = SIDES.get(parts[-1].lower(), parts[-1])
    return _by_plain_name().get("".join(parts).lower())


def matches(others: Iterable[str]) -> dict[str, str]:
    """What others call them -> ARKit's names, of those that are known."""
    found = ((other, name_of(other)) for other in others)
    return {other: name for other, name in found if name}


@lru_cache(maxsize=1)
def _by_plain_name() -> dict[str, str]:
    return {name.lower(): name for name in names()}


def solve(points: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and head rotation of landmarks in motion.

    Args:
        points: (T, 68, 3) landmarks; x and y count.
        rest: (68, 3) the face at rest, to which all coefficients are 0.

    Returns:
        (T, 52) coefficients in [0, 1] in the order of `names`, the bounded least-squares fit that is sparse; and
        (T, 3, 3) rotations of the head, x right, y down, z away from the viewer.
    """
    turned, faces = _without_head(points, rest)
    ears = float(np.linalg.norm(rest[16, :2] - rest[0, :2]))
    goal = ((faces - rest[:, :2]) / ears).reshape(len(points), -1)
    seen = [[not name.startswith(GAZE)] for name in names()]
    return _bounded(shapes().reshape(len(names()), -1) * seen, goal), turned


def _without_head(points: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Head rotations (T, 3, 3), and (T, 68, 2) the landmarks as they would lie without head motion.

    Weak perspective from the landmarks that speech does not move: the best affine map from the face at rest, made a
    rotation. Small head turns move expressions hardly at all, so these are taken as they are.
    """
    stable = list(STABLE)
    centre = rest[stable].mean(axis=0)
    away = rest[stable] - centre
    # Depth is the least certain; a little ridge keeps it from explaining noise.
    normal = away.T @ away + 1e-3 * np.trace(away.T @ away) / 3 * np.eye(3)
    middle = points[:, stable, :2].mean(axis=1)
    affine = np.einsum("tsi,sj->tij", points[:, stable, :2] - middle[:, None], away) @ np.linalg.inv(normal)
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    turned = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    carried = np.einsum("tij,sj->tsi", rows, rest - centre) + middle[:, None]
    return turned, points[..., :2] - carried + rest[:, :2]


def _bounded(basis: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(T, N) weights in [0, 1] that fit weights @ basis to the goal: accelerated projected gradients.

    basis (N, D), goal (T, D). Method: FISTA, Beck and Teboulle, 2009.
    """
    square = basis @ basis.T + RIDGE**2 * np.eye(len(basis))
    linear = goal @ basis.T - SPARSE
    step = 1 / float(np.linalg.eigvalsh(square)[-1])
    weights = ahead = np.zeros((len(goal), len(basis)))
    pace = 1.0
    for _ in range(ROUNDS):
        moved = np.clip(ahead - step * (ahead @ square - linear), 0, 1)
        quicker = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead = moved + (pace - 1) / quicker * (moved - weights)
        weights, pace = moved, quicker
    return weights
