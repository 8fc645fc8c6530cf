"""W, the differentiable thin-plate warp of an image from one set of landmarks to another.

The paper uses it in its losses (section 3.3.3, after the sparse image warp of Cole et al.). Gradients flow through
the image and through both sets of points.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .flow import sample

RIDGE = 1e-6
"""Added to the diagonal of the spline's system; makes it solvable where control points coincide (closed lips)."""


def thin_plate_warp(
    image: Tensor, source: Tensor, target: Tensor, *, anchored: bool = False, spacing: int = 1
) -> Tensor:
    """`image` moved so that what lay at the source points comes to lie at the target points.

    Args:
        image: (B, C, H, W), any range; read bilinearly, borders repeated.
        source, target: (B, N, 2) points (x, y) in the image's pixels, N at least 3, not all on one line.
        anchored: also hold the corners and the middles of the edges in place, as the authors do without blending.
        spacing: the spline is evaluated every so many pixels, in between it is interpolated.

    Returns:
        (B, C, H, W) in float32 (float64 if `image` is), whatever autocast says.
    """
    dtype = torch.float64 if image.dtype == torch.float64 else torch.float32
    size = image.shape[-1], image.shape[-2]
    positions = thin_plate_positions(source, target, size, anchored=anchored, spacing=spacing)
    with torch.autocast(image.device.type, enabled=False):
        return sample(image.to(dtype), positions.to(dtype))


def thin_plate_positions(
    source: Tensor,
    target: Tensor,
    size: tuple[int, int],
    *,
    anchored: bool = False,
    ridge: float = RIDGE,
    spacing: int = 1,
) -> Tensor:
    """(B, H, W, 2) positions (x, y) in the source that each target pixel reads, float32 (float64 for such points).

    source, target: (B, N, 2) in pixels. size: (width, height). ridge: smoothing in units where the control points
    spread by about 1, 0 = interpolate exactly (distinct points only). spacing: see `thin_plate_warp`.
    """
    width, height = size
    device, dtype = target.device, torch.promote_types(target.dtype, torch.float32)
    with torch.autocast(device.type, enabled=False):
        if anchored:
            anchors = _border_points(width, height).to(target).expand(len(target), -1, -1)
            source, target = torch.cat([source, anchors], 1), torch.cat([target, anchors], 1)
        # The system mixes distances squared with ones: in float32 and in pixels it loses the answer.
        exact = torch.float32 if device.type == "mps" else torch.float64
        source, target = source.to(exact), target.to(exact)
        centre = target.mean(1, keepdim=True)
        scale = (target - centre).square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-6)
        points = (target - centre) / scale
        weights = _solve(points, (source - target) / scale, ridge)

        counts = [-(-(n - 1) // spacing) + 1 for n in (height, width)]
        steps = (
            torch.linspace(0, n - 1, count, device=device, dtype=exact)
            for n, count in zip((height, width), counts, strict=True)
        )
        ys, xs = torch.meshgrid(*steps, indexing="ij")
        pixels = torch.stack([xs, ys], dim=-1).reshape(1, -1, 2).to(exact)
        places = ((pixels - centre) / scale).to(dtype)
        moved = _basis(places, points.to(dtype)) @ weights.to(dtype)
        positions = (pixels.to(dtype) + moved * scale.to(dtype)).reshape(-1, *counts, 2)
        if spacing == 1:
            return positions
        planes = positions.permute(0, 3, 1, 2)
        finer = F.interpolate(planes, (height, width), mode="bilinear", align_corners=True)
        return finer.permute(0, 2, 3, 1)


def _solve(points: Tensor, values: Tensor, ridge: float) -> Tensor:
    """(B, N + 3, 2) coefficients of the spline that takes `values` (B, N, 2) at `points` (B, N, 2)."""
    count = points.shape[1]
    upper = _basis(points, points)  # (B, N, N + 3)
    upper = upper + ridge * torch.eye(count, count + 3, dtype=points.dtype, device=points.device)
    lower = torch.nn.functional.pad(upper[..., count:].mT, (0, 3))
    system = torch.cat([upper, lower], dim=1)
    return torch.linalg.solve(system, torch.nn.functional.pad(values, (0, 0, 0, 3)))


def _basis(places: Tensor, points: Tensor) -> Tensor:
    """(B, P, N + 3): r^2 ln r to every control point, then 1, x, y; places (B, P, 2), points (B, N, 2)."""
    squared = sum((places[..., None, k] - points[:, None, :, k]).square() for k in range(2))
    assert isinstance(squared, Tensor)
    radial = 0.5 * squared * squared.clamp_min(1e-10).log()
    return torch.cat([radial, torch.ones_like(places[..., :1]), places], dim=-1)


def _border_points(width: int, height: int) -> Tensor:
    """(8, 2) corners and middles of the edges of an image."""
    x, y = width - 1.0, height - 1.0
    return torch.tensor(
        [(0, 0), (x / 2, 0), (x, 0), (0, y / 2), (x, y / 2), (0, y), (x / 2, y), (x, y)], dtype=torch.float32
    )
