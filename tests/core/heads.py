"""A made-up head: a dome with 68 landmarks, lips that open over a dark inside, two shapes, three expressions."""

import functools

import numpy as np
from conftest import frontal_face
from scipy.spatial import Delaunay

from lpcore import points68
from lpcore.train.head import Head

CROP_PER_UNIT = 20.0


@functools.cache
def made_up_head() -> Head:
    """About 15 units wide like the real one; names are jawOpen, mouthSmile_L and mouthSmile_R."""
    face = (frontal_face()[:, :2].astype(np.float64) - 256) / CROP_PER_UNIT * [1, -1]
    # Coinciding points would be dropped by the triangulation.
    face += 1e-3 * np.random.default_rng(0).normal(size=face.shape)
    xs, ys = np.meshgrid(np.linspace(-9, 9, 21), np.linspace(-13, 11, 25))
    grid = np.stack([xs.ravel(), ys.ravel()], -1)
    grid = grid[(np.abs(grid[:, 0]) > 3.2) | (np.abs(grid[:, 1] + 5.4) > 1.2)]
    flat = np.concatenate([face, grid])
    triangles = Delaunay(flat).simplices
    triangles = triangles[~np.isin(triangles, points68.INNER_LIPS).all(1)]
    inside = np.array([[x, y] for x in (-3, 3) for y in (-10, -4)], float)
    count = len(flat)
    triangles = np.concatenate([triangles, count + np.array([[0, 1, 2], [1, 2, 3]])])
    flat = np.concatenate([flat, inside])
    depth = 5 * (1 - (flat[:, 0] / 11) ** 2 - (flat[:, 1] / 16) ** 2)
    depth[[30, 33]] += 1.5
    depth[count:] = -3
    neutral = np.column_stack([flat, depth])

    x, y, _ = neutral.T
    shapes = np.zeros((2, len(flat), 3))
    shapes[0, :, 1] = -0.6 * np.exp(-(((y + 9) / 3) ** 2))
    shapes[1, :, 0] = 0.3 * np.sign(x) * np.exp(-(((y - 3) / 2) ** 2)) * np.minimum(np.abs(x), 2)
    expressions = np.zeros((3, len(flat), 3))
    lower = np.zeros(len(flat), bool)
    lower[[*range(4, 13), *range(55, 60), *range(65, 68)]] = True
    lower[68:count] = y[68:count] < -5.2
    expressions[0, lower, 1] = -4 * np.exp(-((x[lower] / 6) ** 2))
    for k, side in ((1, 1), (2, -1)):
        reach = np.exp(-(((x - 2.5 * side) / 1.5) ** 2) - ((y + 5.2) / 1.5) ** 2)
        expressions[k, :count] = (reach[:, None] * [1.2 * side, 0.6, 0])[:count]
    return Head(
        neutral.astype(np.float32),
        shapes.astype(np.float32),
        expressions.astype(np.float32),
        triangles.astype(np.int64),
        np.arange(len(flat)) >= count,
        tuple(range(points68.COUNT)),
        ("jawOpen", "mouthSmile_L", "mouthSmile_R"),
    )
