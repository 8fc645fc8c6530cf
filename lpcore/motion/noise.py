"""Seeded noise as smooth as a head that moves: random numbers on a lattice, a cubic B-spline through them."""

from __future__ import annotations

import numpy as np


def smooth_noise(times: np.ndarray, seed: int, scales: tuple[float, ...], width: int) -> np.ndarray:
    """Independent random courses, twice differentiable, of mean 0 and variance 1 at every moment.

    Args:
        times: (T,) seconds from 0 on.
        seed: decides the courses; how long they are watched does not change them.
        scales: seconds between the lattice points, one scale after the other: how slowly the courses change.
        width: courses of each scale.

    Returns:
        (T, len(scales) * width) float32.
    """
    courses = []
    for number, scale in enumerate(scales):
        rng = np.random.default_rng([seed, number])
        place = times[:, None] / scale + rng.random(width)
        index = place.astype(int)
        lattice = rng.standard_normal((int(index.max(initial=0)) + 4, width))
        f = place - index
        weights = np.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, 3 * (f + f**2 - f**3) + 1, f**3])
        weights /= np.sqrt((weights**2).sum(axis=0))
        column = np.arange(width)
        near = sum(lattice[index + k, column] * weight for k, weight in enumerate(weights))
        courses.append(np.asarray(near, np.float32))
    return np.concatenate(courses, axis=1)
