"""A photo's landmarks in the frame the published branches work in, and back."""

from __future__ import annotations

import numpy as np

EAR_DISTANCE = 1.6
_DEPTH = 0.1
"""Share of the standard face's depth that every face gets; the photo's own depth is not used."""
_SLIM, _WIDEN = 1.0, 2.0


def tweaked(landmarks: np.ndarray) -> np.ndarray:
    """(68, 3) with outer lips one unit slimmer on both sides and lids two units wider, as published.

    The authors meant crops of 256 pixels; in crop units of 512 the change is half as strong.
    """
    points = np.array(landmarks, np.float64)
    points[49:54, 1] += _SLIM
    points[55:60, 1] -= _SLIM
    points[[37, 38, 43, 44], 1] -= _WIDEN
    points[[40, 41, 46, 47], 1] += _WIDEN
    return points


def unit(landmarks: np.ndarray) -> float:
    """Crop units in one unit of the normalised frame."""
    return float(landmarks[16, 0] - landmarks[0, 0]) / EAR_DISTANCE


def normalised(landmarks: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """The resting face for the content branch.

    Args:
        landmarks: (68, 2) or (68, 3) crop units.
        standard: (68, 3), the published standard face, for its depth alone.

    Returns:
        (68, 3) float32: ears 1.6 apart, their middle at the origin, x right, y down.
    """
    middle = (landmarks[0, :2] + landmarks[16, :2]) / 2
    flat = (landmarks[:, :2] - middle) / unit(landmarks)
    return np.column_stack([flat, standard[:, 2] * _DEPTH]).astype(np.float32)


def depth_direction(standard: np.ndarray) -> int:
    """1 where the frame's depth grows away from the viewer, as crop units' does, else -1; standard is (68, 3)."""
    nose_tip, ears = standard[30, 2], standard[[0, 16], 2].mean()
    return 1 if nose_tip < ears else -1
