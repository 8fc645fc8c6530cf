"""From the normalised frame of the networks to one person's photo: pure functions on landmarks.

The photo's face is registered rigidly (with scale) on the mean face by the landmarks that speech does not move, so
a displacement predicted for an upright mean face gets the photo's size and the head's orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..points68 import JAW, LIPS, STABLE

MOUTH_RANGE = (0.85, 1.2)
"""Limits of the anatomy scale; a broad smile in the photo is not a broad mouth."""

_CORNERS = (48, 54)

_JAW_SHARE = np.minimum(1, np.minimum(np.arange(17), np.arange(17)[::-1]) / 3).astype(np.float32)[:, None]
"""How much of a predicted displacement the landmarks of the jaw make: the jaw turns about joints in front of the ears,
where a face stands still. What trackers of films see there is cheeks; ears would sway with it."""


@dataclass(frozen=True, eq=False)
class Registration:
    """Similarity from the normalised frame to crop units: p = scale * rotation @ q + shift.

    rotation (3, 3) float64, shift (3,) float64, scale in crop units per normalised unit.
    """

    rotation: np.ndarray
    scale: float
    shift: np.ndarray

    def place(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points of the normalised frame in crop units."""
        return self.vectors(points) + self.shift.astype(np.float32)

    def vectors(self, displacement: np.ndarray) -> np.ndarray:
        """(..., 3) displacements of the normalised frame in crop units, turned with the head."""
        return displacement @ (self.scale * self.rotation.T).astype(np.float32)

    def normalised(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points in crop units in the normalised frame: the inverse of `place`."""
        return ((points - self.shift) @ self.rotation / self.scale).astype(np.float32)


def register(landmarks: np.ndarray, reference: np.ndarray) -> Registration:
    """The similarity that best maps the reference's stable landmarks onto the photo's (least squares).

    Args:
        landmarks: (68, 3) crop units.
        reference: (68, 3) normalised frame.
    """
    goal, source = landmarks[list(STABLE)].astype(float), reference[list(STABLE)].astype(float)
    goal_mean, source_mean = goal.mean(axis=0), source.mean(axis=0)
    goal, source = goal - goal_mean, source - source_mean
    u, singular, vt = np.linalg.svd(goal.T @ source)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum() / (source**2).sum())
    return Registration(rotation, scale, goal_mean - scale * rotation @ source_mean)


def mouth_scale(landmarks: np.ndarray, reference: np.ndarray, registration: Registration) -> float:
    """How wide this mouth is for its face, 1 = as in the reference, within `MOUTH_RANGE`."""
    left, right = (registration.normalised(landmarks[i]) for i in _CORNERS)
    usual = reference[_CORNERS[0]] - reference[_CORNERS[1]]
    return float(np.clip(np.linalg.norm(left - right) / np.linalg.norm(usual), *MOUTH_RANGE))


def speech_displacement(
    moved: np.ndarray, registration: Registration, mouth: float, lips: float = 1.0, jaw: float = 1.0
) -> np.ndarray:
    """What speech does to this face.

    Args:
        moved: (T, 68, 3) displacement in the normalised frame.
        mouth: anatomy scale from `mouth_scale`.
        lips, jaw: amplitudes of the lip and jaw landmarks.

    Returns:
        (T, 68, 3) float32 crop units; only lips and jaw move, the jaw's ends (landmarks 0 and 16) do not.
    """
    amplitude = np.zeros((68, 1), np.float32)
    amplitude[list(LIPS)] = lips * mouth
    amplitude[list(JAW)] = jaw * mouth * _JAW_SHARE
    return registration.vectors(moved * amplitude).astype(np.float32)
