"""Landmarks as images: what the generator and the flow net see of a face's pose (paper section 3.3.1)."""

from __future__ import annotations

import torch
from torch import Tensor

_ROW_WIDTHS = {3: (1, 5, 5, 7, 5, 5, 1), 5: (1, 7, 9, 9, 9, 11, 9, 9, 9, 7, 1)}
"""Pixels per row of OpenCV's filled circles, which the published weights learnt from."""


def landmark_image(points: Tensor, size: int = 256, radius: int = 3, *, soft: bool = False) -> Tensor:
    """One image per frame, a disc at every landmark.

    Args:
        points: (T, N, 2) positions x, y in pixels of the image; discs outside it are cut off.
        size: side of the image in pixels.
        radius: in pixels; 3 (at size 256) or 5 (at 512).
        soft: False = OpenCV's discs at positions rounded half to even, as the published weights expect;
            True = smooth-edged discs at the exact position, which move without jumps.

    Returns:
        (T, 1, size, size) float32, −1 background, +1 discs.
    """
    offsets = _offsets(radius, points.device)
    if soft:
        values = _soft_edge(_distance(points, offsets), radius)
    else:
        # Empty rows above and below: the offsets reach one pixel beyond the disc.
        widths = torch.tensor([-1, *_ROW_WIDTHS[radius], -1], device=points.device)[
            offsets[:, 1] + radius + 1
        ]
        values = (2 * offsets[:, 0].abs() < widths).expand(*points.shape[:2], -1).float()
    frames = torch.arange(len(points), device=points.device)[:, None].expand(points.shape[:2])
    canvas = _stamp(points, offsets, values, frames, len(points), size)
    return 2 * canvas[:, None] - 1


def disc_maps(points: Tensor, size: int = 224, radius: float = 4, *, soft: bool = False) -> Tensor:
    """One channel per landmark: 1 where (x − px)² + (y − py)² ≤ radius², else 0.

    points: (T, N, 2) pixels of the map, not rounded; a landmark with a coordinate equal to −1 leaves its channel
    empty. soft: edges fall from 1 to 0 over one pixel instead. Returns (T, N, size, size) float32.
    """
    frames, count = points.shape[:2]
    offsets = _offsets(int(radius), points.device)
    distance = _distance(points, offsets)
    values = _soft_edge(distance, radius) if soft else (distance <= radius).float()
    values = values * (points != -1).all(-1, keepdim=True)
    channels = torch.arange(frames * count, device=points.device).view(frames, count)
    return _stamp(points, offsets, values, channels, frames * count, size).view(frames, count, size, size)


def _offsets(radius: int, device: torch.device) -> Tensor:
    """(K, 2) integer steps x, y over a square that holds a disc of `radius` about a rounded centre."""
    steps = torch.arange(-radius - 1, radius + 2, device=device)
    return torch.cartesian_prod(steps, steps).flip(-1)


def _distance(points: Tensor, offsets: Tensor) -> Tensor:
    """(T, N, K) distance from each landmark to the pixels around it."""
    return (points.round()[..., None, :] + offsets - points[..., None, :]).norm(dim=-1)


def _soft_edge(distance: Tensor, radius: float) -> Tensor:
    return (radius + 0.5 - distance).clamp(0, 1)


def _stamp(points: Tensor, offsets: Tensor, values: Tensor, planes: Tensor, count: int, size: int) -> Tensor:
    """(count, size, size): `values` (T, N, K) put at rounded points + offsets of their plane (T, N), maxima kept."""
    at = points.round().long()[..., None, :] + offsets
    inside = ((at >= 0) & (at < size)).all(-1)
    index = (planes[..., None] * size + at[..., 1]) * size + at[..., 0]
    # One cell behind the last plane swallows what lies outside.
    canvas = torch.zeros(count * size * size + 1, device=points.device)
    canvas.scatter_reduce_(0, index.where(inside, canvas.numel() - 1).flatten(), values.flatten(), "amax")
    return canvas[:-1].view(count, size, size)
