"""How areas and lines are painted into a frame: smooth curves through landmarks, anti-aliased coverage."""

from __future__ import annotations

import functools

import cv2
import numpy as np

_SUPERSAMPLE = 4


def ramp(x: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@functools.cache
def spline(knots: tuple[float, ...], count: int) -> np.ndarray:
    """(count, K) matrix that takes K points to `count` places, evenly spaced, of the natural cubic spline through them.

    knots: (K,) parameters of the points. Evaluating a spline is linear in its points: one matrix serves every frame.
    """
    from scipy.interpolate import CubicSpline

    steps = np.linspace(knots[0], knots[-1], count)
    matrix = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(steps)
    matrix.setflags(write=False)
    return matrix


def window(points: np.ndarray, pad: float, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Rows and columns of a picture of `shape` (H, W) up to `pad` pixels around `points` (n, 2); None where outside."""
    left, top = np.maximum(np.floor(points.min(0) - pad), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(0) + pad), (shape[1], shape[0])).astype(int)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


class Coverage:
    """Anti-aliased masks (h, w) float32 in [0, 1] of areas and lines in one window of the frame."""

    def __init__(self, where: tuple[slice, slice]) -> None:
        rows, columns = where
        self.origin = np.array([columns.start, rows.start])
        self.shape = (rows.stop - rows.start, columns.stop - columns.start)

    def area(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """What lies between two curves (n, 2), (m, 2) that begin on the same side; in pixels of the frame."""
        fine = np.zeros((self.shape[0] * _SUPERSAMPLE, self.shape[1] * _SUPERSAMPLE), np.uint8)
        cv2.fillPoly(fine, [self._fixed(np.concatenate([one, other[::-1]]))], 255, cv2.LINE_8, 4)
        return cv2.resize(fine, self.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255

    def stroke(self, curve: np.ndarray, widths: np.ndarray) -> np.ndarray:
        """A line along `curve` (n, 2) as wide as `widths` (n,) pixels at each of its points, interrupted under 0.05.

        It comes out up to a quarter of a pixel wider: what its border touches counts.
        """
        along = np.gradient(curve, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
        aside = np.stack([-along[:, 1], along[:, 0]], axis=-1) * widths[:, None] / 2
        ends = np.flatnonzero(np.diff(np.pad(widths > 0.05, 1).astype(np.int8))).reshape(-1, 2)
        areas = [self.area((curve - aside)[start:end], (curve + aside)[start:end]) for start, end in ends]
        return np.maximum.reduce([np.zeros(self.shape, np.float32), *areas])

    def _fixed(self, curve: np.ndarray) -> np.ndarray:
        # Pixel centres at integers in the frame, at k + 0.5 in units of whole pixels on the finer canvas.
        fine = (curve - self.origin + 0.5) * _SUPERSAMPLE - 0.5
        return np.round(fine * 16).astype(np.int32)
