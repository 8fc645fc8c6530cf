"""Small, smooth, seeded head motion that livens up with the speech."""

from __future__ import annotations

import numpy as np

from .smooth import ramp

LIMITS = np.radians([3.0, 2.0, 1.5])
"""Largest yaw, pitch and roll at amplitude 1, radians."""
SHIFT = 0.012
"""Largest shift in x and y at amplitude 1, as a share of the distance between the ears."""
WAKE = 0.8
"""Seconds in which the motion sets in: the film begins with the photo's own pose."""

_WAVES = 4
_SLOWEST, _FASTEST = 0.08, 0.45
_STILL = 0.4


def head_motion(times: np.ndarray, energy: np.ndarray, seed: int) -> np.ndarray:
    """Head pose over time at amplitude 1.

    Args:
        times: (T,) seconds from the film's start.
        energy: (T,) liveliness of the speech in [0, 1], smooth; the head moves less while it is low, and nods with it.
        seed: decides the motion, which depends on time alone, not on the frame rate.

    Returns:
        (T, 5) float64: yaw, pitch, roll in radians within `LIMITS`, shift x, y in ear distances within `SHIFT`.
    """
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(_SLOWEST, _FASTEST, (_WAVES, 5))
    phase = rng.uniform(0, 2 * np.pi, (_WAVES, 5))
    weight = 1 / frequency
    weight /= weight.sum(axis=0)
    waves = (weight * np.sin(2 * np.pi * frequency * times[:, None, None] + phase)).sum(axis=1)
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


def pose_displacement(
    points: np.ndarray, neutral: np.ndarray, pose: np.ndarray, amplitude: float
) -> np.ndarray:
    """What the head's motion does to the landmarks.

    Args:
        points: (T, 68, 3) landmarks as they are without it, crop units.
        neutral: (68, 3) the photo's landmarks; the head turns about a point below the middle of the ears.
        pose: (T, 5) from `head_motion`.
        amplitude: factor, 0 = exactly no displacement.

    Returns:
        (T, 68, 3) float32 crop units.
    """
    if amplitude == 0:
        return np.zeros(points.shape, np.float32)
    ears, width = (neutral[0] + neutral[16]) / 2, float(np.linalg.norm(neutral[0] - neutral[16]))
    pivot = ears + np.array([0, 0.35 * width, 0])
    pose = pose * amplitude
    turned = (points - pivot) @ np.swapaxes(rotation(pose[:, :3]), 1, 2) + pivot
    turned[..., :2] += pose[:, None, 3:] * width
    return (turned - points).astype(np.float32)
