"""Small, smooth, seeded head motion that livens up with the speech."""

from __future__ import annotations

import numpy as np

from ..audio.level import loud_level
from .smooth import gaussian, ramp

LIMITS = np.radians([3.0, 2.0, 1.5])
"""Largest yaw, pitch and roll at amplitude 1, radians."""
SHIFT = 0.012
"""Largest shift in x and y at amplitude 1, as a share of the distance between the ears."""
WAKE = 0.8
"""Seconds in which the motion sets in: the film begins with the photo's own pose."""

_LIVELINESS_RANGE_DB = 30.0
_LIVELINESS_SIGMA = 0.35
_WAVES = 4
_SLOWEST, _FASTEST = 0.08, 0.45
_STILL = 0.4


def liveliness(levels: np.ndarray, silent: np.ndarray, rate: float) -> np.ndarray:
    """How lively the speech is: (T,) levels in dB and (T,) bool, True = silent, at `rate` -> (T,) float64 in [0, 1].

    0 = 30 dB or more below the loud level, 1 = at it; smooth over about a second.
    """
    if silent.all():
        return np.zeros(len(levels))
    share = 1 + (levels - loud_level(levels)) / _LIVELINESS_RANGE_DB
    return gaussian(np.clip(share, 0, 1).astype(np.float64), _LIVELINESS_SIGMA * rate)


def head_motion(times: np.ndarray, energy: np.ndarray, seed: int, tempo: float = 1.0) -> np.ndarray:
    """Head pose over time at amplitude 1.

    Args:
        times: (T,) seconds from the film's start.
        energy: (T,) liveliness of the speech in [0, 1], smooth; the head moves less while it is low, and nods with it.
        seed: decides the motion, which depends on time alone, not on the frame rate.
        tempo: factor on how quickly the head moves.

    Returns:
        (T, 5) float64: yaw, pitch, roll in radians within `LIMITS`, shift x, y in ear distances within `SHIFT`.
    """
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(_SLOWEST, _FASTEST, (_WAVES, 5))
    phase = rng.uniform(0, 2 * np.pi, (_WAVES, 5))
    weight = 1 / frequency
    weight /= weight.sum(axis=0)
    waves = (weight * np.sin(2 * np.pi * tempo * frequency * times[:, None, None] + phase)).sum(axis=1)
    lively = (_STILL + (1 - _STILL) * energy)[:, None]
    pose = waves * lively
    pose[:, 1] = np.clip(pose[:, 1] + 0.35 * (energy - 0.5), -1, 1)
    return pose * ramp(times / WAKE)[:, None] * [*LIMITS, SHIFT, SHIFT]


def rotation(angles: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations from (T, 3) yaw, pitch, roll in radians, x right, y down, z away from the viewer.

    Positive yaw turns the nose to image right, positive pitch nods down, positive roll tilts the head clockwise
    as seen in the image; roll is applied last.
    """
    yaw, pitch, roll = angles.T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(rows: list[list[np.ndarray]]) -> np.ndarray:
        return np.moveaxis(np.array(rows), -1, 0)

    c, s = np.cos(yaw), np.sin(yaw)
    turn = matrix([[c, zero, -s], [zero, one, zero], [s, zero, c]])
    c, s = np.cos(pitch), np.sin(pitch)
    nod = matrix([[one, zero, zero], [zero, c, -s], [zero, s, c]])
    c, s = np.cos(roll), np.sin(roll)
    tilt = matrix([[c, -s, zero], [s, c, zero], [zero, zero, one]])
    return tilt @ turn @ nod


def pose_displacement(points: np.ndarray, neutral: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """What the head's motion does to the landmarks: a rotation of the points in space, and a shift.

    Args:
        points: (T, 68, 3) landmarks as they are without it, crop units.
        neutral: (68, 3) the photo's landmarks; the head turns about a point below the middle of the ears.
        pose: (T, 5) as from `head_motion`; all zero = exactly no displacement.

    Returns:
        (T, 68, 3) float32 crop units.
    """
    if not pose.any():
        return np.zeros(points.shape, np.float32)
    ears, width = (neutral[0] + neutral[16]) / 2, float(np.linalg.norm(neutral[0] - neutral[16]))
    pivot = ears + np.array([0, 0.35 * width, 0])
    turned = (points - pivot) @ np.swapaxes(rotation(pose[:, :3]), 1, 2) + pivot
    turned[..., :2] += pose[:, None, 3:] * width
    return (turned - points).astype(np.float32)
