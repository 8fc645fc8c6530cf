"""Fit the ICT-FaceKit head to the 68 landmarks of a photo: pose and shape in turn, by linear least squares."""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from .. import points68
from .head import FaceState, Head, landmark_vertices

_ROUNDS = 8
_JAW_WEIGHT = 0.6
_IDENTITY_RIDGE, _EXPRESSION_RIDGE = 0.15, 0.4
_IDENTITY_LIMIT = 3.0


def fit(head: Head, points: np.ndarray) -> FaceState:
    """The state of `head` whose landmarks lie nearest to `points` (68, 2), in their unit.

    Identity weights lie in [-3, 3], expression weights in [0, 1]; both are drawn towards 0. Some expressions
    (cheek puff, mouth shifted to a side) also soak up identity: read changes of expression, not its value.
    """
    points = np.asarray(points, dtype=np.float64)[:, :2]
    picks = list(head.landmarks)
    weights = np.ones(points68.COUNT)
    weights[list(points68.JAW)] = _JAW_WEIGHT
    modes, count = len(head.identities), len(head.expressions)
    offsets = np.concatenate([head.identities[:, picks], head.expressions[:, picks]]).astype(np.float64)
    lower = np.r_[np.full(modes, -_IDENTITY_LIMIT), np.zeros(count)]
    upper = np.r_[np.full(modes, _IDENTITY_LIMIT), np.ones(count)]
    ridge = np.r_[np.full(modes, _IDENTITY_RIDGE), np.full(count, _EXPRESSION_RIDGE)]

    shape = np.zeros(modes + count)
    axes, shift = np.eye(3), np.zeros(2)
    for _ in range(_ROUNDS):
        vertices = head.neutral[picks] + np.tensordot(shape, offsets, 1)
        axes, shift = _pose(vertices, points, weights)
        scale = float(np.linalg.norm(axes[0]))
        seen = np.einsum("kvc,dc->vdk", offsets, axes[:2]) * weights[:, None, None]
        wanted = (points - shift - head.neutral[picks] @ axes[:2].T) * weights[:, None]
        rows = np.concatenate([seen.reshape(-1, modes + count), np.diag(ridge * scale)])
        goal = np.r_[wanted.ravel(), np.zeros(modes + count)]
        shape = lsq_linear(rows, goal, (lower, upper), tol=1e-6).x
    float32 = (a.astype(np.float32) for a in (shape[:modes], shape[modes:], axes, shift))
    return FaceState(*float32)


def fit_error(head: Head, state: FaceState, points: np.ndarray) -> float:
    """Mean distance of the fitted landmarks to `points` (68, 2) in outer-eye-corner distances."""
    right, left = points68.OUTER_EYE_CORNERS
    distance = np.linalg.norm(landmark_vertices(head, state)[:, :2] - points[:, :2], axis=-1)
    return float(distance.mean() / np.linalg.norm(points[right, :2] - points[left, :2]))


def _pose(vertices: np.ndarray, points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes (3, 3) and shift (2,) that bring vertices (68, 3) nearest to points (68, 2) with weights (68,)."""
    share = weights / weights.sum()
    middle, goal = share @ vertices, share @ points
    root = np.sqrt(weights)[:, None]
    affine = np.linalg.lstsq(root * (vertices - middle), root * (points - goal), rcond=None)[0].T
    left, sizes, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    axes = sizes.mean() * np.vstack([rows, np.cross(rows[0], rows[1])])
    return axes, goal - axes[:2] @ middle
