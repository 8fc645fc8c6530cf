"""Flow B: the piecewise-linear warp between two sets of control points (paper section 3.3.1), fixed topology."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_SUBPIXEL_BITS = 6


class PiecewiseFlow:
    """Backward sampling positions for frames of one control mesh.

    Args:
        source: (N, 2) control points in the source, any pixel unit.
        triangles: (M, 3) row indices, M < 65536.
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
        ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        self._pixels = torch.stack([xs, ys], dim=-1).to(device, torch.float32)

    def positions(self, targets: np.ndarray) -> Tensor:
        """(T, H, W, 2) float32 source positions (x, y) read by each frame pixel; targets (T, N, 2) in pixels.

        Inside a target triangle the position is the barycentric image in the source triangle; pixels that no
        triangle covers read themselves. Triangles that a frame turns over are hidden, not drawn inside out.
        """
        maps, kept = affine_maps(self.source, np.asarray(targets, dtype=np.float64), self.triangles)
        labels = np.stack([self._labels(t, k) for t, k in zip(targets, kept, strict=True)])
        # The last row is the identity for pixels outside the mesh.
        identity = np.broadcast_to(np.eye(3)[:2], (len(maps), 1, 2, 3))
        table = torch.from_numpy(np.concatenate([maps, identity], axis=1)).to(self.device, torch.float32)
        index = torch.from_numpy(labels.astype(np.int64)).to(self.device)
        offsets = torch.arange(len(maps), device=self.device)[:, None, None] * table.shape[1]
        chosen = F.embedding(index + offsets, table.reshape(-1, 6))  # (T, H, W, 6)
        x, y = self._pixels[..., 0], self._pixels[..., 1]
        first, second = chosen[..., :3], chosen[..., 3:]
        return torch.stack(
            [
                first[..., 0] * x + first[..., 1] * y + first[..., 2],
                second[..., 0] * x + second[..., 1] * y + second[..., 2],
            ],
            dim=-1,
        )

    def _labels(self, target: np.ndarray, kept: np.ndarray) -> np.ndarray:
        width, height = self.size
        labels = np.full((height, width), len(self.triangles), dtype=np.uint16)
        corners = np.round(target[self.triangles] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        for k in np.flatnonzero(kept):
            cv2.fillConvexPoly(labels, corners[k], int(k), cv2.LINE_8, _SUBPIXEL_BITS)
        return labels


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
    offset = s[None, :, 0] - np.einsum("tmij,tmj->tmi", linear, t[:, :, 0])
    return np.concatenate([linear, offset[..., None]], axis=-1), kept


def sample(image: Tensor, positions: Tensor) -> Tensor:
    """`image` (1 or T, C, h, w) read at `positions` (T, H, W, 2) in its pixels, bilinear, borders repeated."""
    height, width = image.shape[-2:]
    scale = positions.new_tensor([2 / (width - 1), 2 / (height - 1)])
    images = image.expand(len(positions), -1, -1, -1)
    return F.grid_sample(images, positions * scale - 1, padding_mode="border", align_corners=True)
