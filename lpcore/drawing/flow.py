"""Flow B: the piecewise-linear warp between two sets of control points (paper section 3.3.1), fixed topology."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class PiecewiseFlow:
    """Backward sampling positions for frames of one control mesh.

    Args:
        source: (N, 2) control points in the source, any pixel unit.
        triangles: (M, 3) row indices.
        size: (width, height) of the frames in pixels.
        device: where positions are computed.
    """

    def __init__(
        self,
        source: np.ndarray,
        triangles: np.ndarray,
        size: tuple[int, int],
        device: str | torch.device = "cpu",
    ) -> None:
        self.source = np.asarray(source, dtype=np.float64)
        self.triangles = np.asarray(triangles)
        self.size, self.device = size, device
        width, height = size
        self._x = torch.arange(width, device=device, dtype=torch.float32)[None, :]
        self._y = torch.arange(height, device=device, dtype=torch.float32)[:, None]

    def positions(self, targets: np.ndarray) -> Tensor:
        """(T, H, W, 2) float32 source positions (x, y) read by each frame pixel; targets (T, N, 2) in pixels.

        Inside a target triangle the position is the barycentric image in the source triangle; pixels that no
        triangle covers read themselves. Triangles that a frame turns over are hidden, not drawn inside out.
        """
        maps, kept = affine_maps(self.source, np.asarray(targets, dtype=np.float64), self.triangles)
        labels = np.stack(
            [rasterise(t[self.triangles], k, self.size) for t, k in zip(targets, kept, strict=True)]
        )
        # The last row is the identity for pixels outside the mesh.
        identity = np.broadcast_to(np.eye(3)[:2], (len(maps), 1, 2, 3))
        rows = np.concatenate([maps, identity], axis=1)
        # One contiguous plane per coefficient: gathering from planes is several times faster than from rows.
        planes = torch.from_numpy(rows.reshape(-1, 6).T.astype(np.float32)).to(self.device).contiguous()
        index = torch.from_numpy(labels).to(self.device)
        index += torch.arange(len(maps), dtype=index.dtype, device=self.device)[:, None, None] * rows.shape[1]
        positions = torch.empty(*index.shape, 2, device=self.device)
        for axis in range(2):
            along, across, offset = (
                plane.index_select(0, index.flatten()).view(index.shape)
                for plane in planes[3 * axis : 3 * axis + 3]
            )
            positions[..., axis] = (along.mul_(self._x).add_(offset)).addcmul_(across, self._y)
        return positions


def rasterise(corners: np.ndarray, kept: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) int32 index of the triangle that holds each pixel centre, M where there is none.

    corners: (M, 3, 2) in pixels, kept: (M,) bool, size: (width, height). Neighbours share their edge pixels without
    gap or overlap: both compute the same crossing of edge and row, and a pixel on it belongs to the right-hand one.
    """
    width, height = size
    ordered = np.take_along_axis(corners, corners[..., 1].argsort(axis=1)[..., None], axis=1)
    top, bottom = ordered[:, 0, 1], ordered[:, 2, 1]
    first = np.clip(np.ceil(top), 0, height).astype(np.int64)
    rows = np.where(kept, np.clip(np.ceil(bottom), 0, height).astype(np.int64) - first, 0)
    owner = np.repeat(np.arange(len(corners)), rows)
    y = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows) + first[owner]

    a, b, c = (ordered[owner, k] for k in range(3))
    long_side = _crossing(a, c, y)
    short_side = np.where(y < b[:, 1], _crossing(a, b, y), _crossing(b, c, y))
    start, end = (
        np.clip(np.ceil(side), 0, width).astype(np.int64)
        for side in (np.minimum(long_side, short_side), np.maximum(long_side, short_side))
    )
    owner, y, start, end = (values[start < end] for values in (owner, y, start, end))

    # One mark where each span starts, one where the row's last span ends; the rest takes the mark to its left.
    marks = np.full((height, width + 1), -1, dtype=np.int32)
    marks[:, 0] = len(corners)
    last = np.zeros(height, dtype=np.int64)
    np.maximum.at(last, y, end)
    marks[np.arange(height), last] = len(corners)
    marks[y, start] = owner
    flat = marks.ravel()
    places = np.flatnonzero(flat >= 0)
    reach = np.diff(places, append=flat.size)
    return np.repeat(flat[places], reach).reshape(marks.shape)[:, :width]


def _crossing(upper: np.ndarray, lower: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x at which the edges from `upper` to `lower` (K, 2) cross the rows `y` (K,)."""
    rise = lower[:, 1] - upper[:, 1]
    share = (y - upper[:, 1]) / np.where(rise == 0, 1, rise)
    return upper[:, 0] + share * (lower[:, 0] - upper[:, 0])


def affine_maps(
    source: np.ndarray, targets: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Per frame and triangle, the affine map (T, M, 2, 3) from target to source, and which triangles face up.

    source: (N, 2), targets: (T, N, 2), triangles: (M, 3). The second result is (T, M) bool: False where the frame
    collapses the triangle or turns it over against the majority; its map is then unusable.
    """
    t = targets[:, triangles]  # (T, M, 3, 2)
    e1, e2 = t[:, :, 1] - t[:, :, 0], t[:, :, 2] - t[:, :, 0]
    area = e1[..., 0] * e2[..., 1] - e1[..., 1] * e2[..., 0]
    kept = area * np.sign(np.median(area)) > 1e-6
    safe = np.where(kept, area, 1.0)[..., None]
    # Rows of the inverse edge matrix: barycentric gradients.
    g1 = np.stack([e2[..., 1], -e2[..., 0]], axis=-1) / safe
    g2 = np.stack([-e1[..., 1], e1[..., 0]], axis=-1) / safe
    s = source[triangles]  # (M, 3, 2)
    f1, f2 = s[:, 1] - s[:, 0], s[:, 2] - s[:, 0]
    linear = f1[None, :, :, None] * g1[..., None, :] + f2[None, :, :, None] * g2[..., None, :]
    offset = s[None, :, 0] - (linear * t[:, :, None, 0]).sum(-1)
    return np.concatenate([linear, offset[..., None]], axis=-1), kept


def sample(image: Tensor, positions: Tensor) -> Tensor:
    """`image` (1 or T, C, h, w) read at `positions` (T, H, W, 2) in its pixels, bilinear, borders repeated."""
    height, width = image.shape[-2:]
    images = image.expand(len(positions), -1, -1, -1)
    grid = scaled(positions, (2 / (width - 1), 2 / (height - 1)), (-1, -1))
    return F.grid_sample(images, grid, padding_mode="border", align_corners=True)


def scaled(positions: Tensor, factors: tuple[float, float], shifts: tuple[float, float]) -> Tensor:
    """`positions` (..., W, 2) with x and y multiplied by their factor and moved by their shift."""
    # Over whole rows: loops over an innermost axis of two are eight times slower.
    factor, shift = (positions.new_tensor(pair).repeat(positions.shape[-2]) for pair in (factors, shifts))
    return (positions.flatten(-2) * factor + shift).unflatten(-1, (-1, 2))


def flow_grid(flow: Tensor) -> Tensor:
    """(T, h, w, 2) grid for `warp` from a backward flow (T, 2, h, w) in pixels of its own resolution."""
    height, width = flow.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    return torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], dim=-1)


def grid_flow(grid: Tensor) -> Tensor:
    """(T, 2, S, S) backward flow in pixels from a grid (T, S, S, 2), −1 and +1 at the outermost pixel centres."""
    side = grid.shape[1]
    steps = torch.arange(side, device=grid.device, dtype=grid.dtype)
    pixels = torch.stack(torch.meshgrid(steps, steps, indexing="xy"))
    return (grid.permute(0, 3, 1, 2) + 1) * ((side - 1) / 2) - pixels
