"""What is measured on landmark motion: pure functions of (T, 68, 3) landmarks and of lip gaps (T,)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..points68 import LIPS, OUTER_EYE_CORNERS

Segment = tuple[float, float]
"""Start and end in seconds."""

CLOSED, OPEN = 0.1, 0.4
"""Gaps that count as closed and as open, as shares of the clip's 95th percentile."""


def eye_distance(face: np.ndarray) -> float:
    """Distance of the outer eye corners of (68, 3) in the picture plane: the unit of distances."""
    right, left = OUTER_EYE_CORNERS
    return float(np.linalg.norm(face[right, :2] - face[left, :2]))


def lip_distance(moved: np.ndarray, true: np.ndarray) -> float:
    """Mean distance in the picture plane of the lip landmarks of two (T, 68, 3) motions, in their unit."""
    return float(np.linalg.norm((moved - true)[:, list(LIPS), :2], axis=-1).mean())


def correlations(moved: np.ndarray, true: np.ndarray, reach: int) -> np.ndarray:
    """(2 reach + 1,) correlation of two signals (T,) at the lags -reach ... reach.

    At a positive lag the true signal is compared with the moved one that many frames later, so a best lag above zero
    says that the motion comes late. A signal that never changes correlates with nothing: 0.
    """
    values = []
    for lag in range(-reach, reach + 1):
        late, early = moved[max(lag, 0) :], true[max(-lag, 0) :]
        count = min(len(late), len(early))
        late, early = late[:count] - late[:count].mean(), early[:count] - early[:count].mean()
        power = np.sqrt((late**2).sum() * (early**2).sum())
        values.append(float((late * early).sum() / power) if power > 1e-12 else 0.0)
    return np.array(values)


def frames_of(segment: Segment, fps: float, count: int) -> slice:
    """The frames that show a segment: from the first to the last nearer to it than half a frame."""
    first = int(np.ceil(segment[0] * fps - 0.5))
    last = int(np.floor(segment[1] * fps + 0.5))
    return slice(min(max(first, 0), count - 1), min(max(last, first), count - 1) + 1)


def closed(gap: np.ndarray, segments: Sequence[Segment], fps: float) -> list[bool]:
    """Whether the lips shut in some frame of each segment; gap (T,)."""
    limit = CLOSED * np.percentile(gap, 95)
    return [bool(gap[frames_of(segment, fps, len(gap))].min() <= limit) for segment in segments]


def opened(gap: np.ndarray, segments: Sequence[Segment], fps: float) -> list[bool]:
    """Whether the lips open in some frame of each segment; gap (T,)."""
    limit = OPEN * np.percentile(gap, 95)
    return [bool(gap[frames_of(segment, fps, len(gap))].max() >= limit) for segment in segments]


def shut(gap: np.ndarray, silent: np.ndarray) -> list[bool]:
    """Of every silent frame, whether the lips are shut in it; gap (T,), silent (T,) bool."""
    return [bool(value) for value in gap[silent] <= CLOSED * np.percentile(gap, 95)]


def jitter(points: np.ndarray) -> float:
    """Mean absolute second difference along time of landmarks (T, N, 2 or 3), in their unit."""
    return float(np.abs(np.diff(points, 2, axis=0)).mean()) if len(points) > 2 else 0.0


def energy_score(drawn: np.ndarray, true: np.ndarray) -> float:
    """The energy score of K >= 2 draws (K, D) for what happened (D,), lower is better.

    Mean distance of the draws from the truth less half the mean distance between two of them (Gneiting and Raftery,
    "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007).
    """
    off = np.linalg.norm(drawn - true, axis=1).mean()
    apart = np.linalg.norm(drawn[:, None] - drawn[None], axis=2).sum() / (len(drawn) * (len(drawn) - 1))
    return float(off - apart / 2)
