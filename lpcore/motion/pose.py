"""The head's pose as a motion of the landmarks: a turn about the neck and a shift."""

from __future__ import annotations

import numpy as np

LIMITS = np.radians([4.0, 5.0, 3.0])
"""Largest yaw, pitch and roll at amplitude 1, radians."""
SHIFT = 0.04
"""Largest shift in x and y at amplitude 1, as a share of the distance between the ears."""
WAKE = 0.8
"""Seconds in which the motion sets in: the film begins with the photo's own pose."""


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
        pose: (T, 5) yaw, pitch, roll in radians, shift x, y in ear distances; all zero = exactly no displacement.

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
