"""Smoothing along time without delay."""

from __future__ import annotations

import numpy as np


def reach_of(sigma: float) -> int:
    """How many samples to either side `gaussian` looks."""
    return max(0, int(np.ceil(3 * sigma)))


def gaussian(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian low-pass over the first axis, zero-phase; the end values continue beyond the ends.

    Args:
        values: (N, ...) samples.
        sigma: standard deviation in samples; 0 or less returns the values as they are.

    Returns:
        (N, ...) of the same type.
    """
    reach = reach_of(sigma)
    if reach == 0:
        return values
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.concatenate([values[:1]] * reach + [values] + [values[-1:]] * reach)
    result = sum(weight * padded[k : k + len(values)] for k, weight in enumerate(kernel))
    return np.asarray(result, values.dtype)


def ramp(x: np.ndarray) -> np.ndarray:
    """Smooth step from 0 (x <= 0) to 1 (x >= 1) with level ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
