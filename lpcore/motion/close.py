"""Closing lips: pure functions on landmarks (..., 68, 3), x right, y down, face upright within a few degrees."""

from __future__ import annotations

import numpy as np

from ..points68 import INNER_LIP_PAIRS, JAW, LIP_FOLLOWERS

LOWER_SHARE = 0.6
"""Share of a closing gap that the lower lip covers; the jaw carries it, so it moves more than the upper lip."""

_UPPER = [upper for upper, _ in INNER_LIP_PAIRS]
_LOWER = [lower for _, lower in INNER_LIP_PAIRS]
_FOLLOWERS = list(LIP_FOLLOWERS)
_LEADERS = np.zeros((len(_FOLLOWERS), 68), np.float32)
for _row, _leaders in enumerate(LIP_FOLLOWERS.values()):
    for _leader, _share in _leaders:
        _LEADERS[_row, _leader] = _share


def close_lips(
    points: np.ndarray, amount: np.ndarray | float, lower_share: float = LOWER_SHARE
) -> np.ndarray:
    """Bring the lips together.

    The members of each inner pair move towards each other and the outer lip follows so that the lips keep their
    thickness. Corners stay.

    Args:
        points: (..., 68, 3) landmarks.
        amount: (...) or scalar in [0, 1]; 1 = the inner pairs coincide, 0 = nothing happens.
        lower_share: how much of the way the lower lip goes; 1 = all of it, as it does to the teeth for f and v.

    Returns:
        (..., 68, 3) landmarks of the same type.
    """
    gap = (points[..., _LOWER, :] - points[..., _UPPER, :]) * np.asarray(amount)[..., None, None]
    return _move_inner(points, (1 - lower_share) * gap, -lower_share * gap)


def keep_apart(points: np.ndarray) -> np.ndarray:
    """Where an inner pair crosses (lower above upper) both members meet halfway; everything else stays.

    points (..., 68, 3) -> the same shape, with y[lower] >= y[upper] for every inner pair.
    """
    crossing = np.zeros_like(points[..., _UPPER, :])
    crossing[..., 1] = np.maximum(points[..., _UPPER, 1] - points[..., _LOWER, 1], 0)
    apart = _move_inner(points, -crossing / 2, crossing / 2)
    # Rounding may leave a crossing of one unit in the last place.
    apart[..., _LOWER, 1] = np.maximum(apart[..., _LOWER, 1], apart[..., _UPPER, 1])
    return apart


def closed_mouth(points: np.ndarray) -> np.ndarray:
    """The face with its mouth shut: lips together, and the chin risen with the lower lip.

    points (68, 3) -> (68, 3). The jaw follows by two thirds at the chin, fading to nothing at the ears.
    """
    closed = close_lips(points, 1.0)
    rise = (closed[_LOWER] - points[_LOWER]).mean(axis=0) * 2 / 3
    across = np.linspace(-1, 1, len(JAW))[:, None]
    closed[list(JAW)] += (np.cos(across * np.pi / 2) ** 2 * rise).astype(points.dtype)
    return closed


def lip_gap(points: np.ndarray) -> np.ndarray:
    """(...) mean height of the inner lips' opening of (..., 68, 3) landmarks, in their unit."""
    return (points[..., _LOWER, 1] - points[..., _UPPER, 1]).mean(axis=-1)


def _move_inner(points: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    moved = np.zeros_like(points)
    moved[..., _UPPER, :] = upper
    moved[..., _LOWER, :] = lower
    moved[..., _FOLLOWERS, :] = np.einsum("fp,...pc->...fc", _LEADERS, moved)
    return points + moved
