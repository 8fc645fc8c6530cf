"""Dense flow between two states of one head: what the flow net learns from (paper section 3.3.1).

The head's mesh is drawn with a z-buffer in both states; hair and neck follow it through a membrane that fades to
rest. Batched, on any device with 64-bit integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import points68
from ..drawing.flow import sample
from .head import FaceState, Head

VISIBLE, HIDDEN, BACKGROUND = 0, 1, 2
"""Classes of a target pixel: the source shows it; on the face but not in the source; not the person."""
_REACH = 0.35
"""Outer-eye-corner distances beyond the person at which the picture stands still."""
_NECK = 1.0
"""Outer-eye-corner distances below the chin at which the picture stands still."""
_SWEEPS = ((8, 400), (4, 150), (2, 60))
"""Membrane: by how much the picture is made coarser, and how often it is smoothed there."""
_AGREEMENT = 1 / 256
"""Share of the side by which forward and backward flow may disagree on a visible pixel."""


@dataclass(frozen=True, eq=False)
class FlowTruth:
    """Truth for B pairs in pictures of S x S pixels.

    backward: (B, 2, S, S) pixels to add to a target pixel to find its source. forward: the reverse.
    visibility: (B, S, S) int64, see `VISIBLE`. face: (B, S, S) bool, target pixels on the mesh that the source
    shows, where the flow is exact. motion: (B, 68, 3) displacement of the landmarks in pixels, depth included.
    """

    backward: Tensor
    forward: Tensor
    visibility: Tensor
    face: Tensor
    motion: Tensor


class FlowTruthMaker:
    """Holds the head on `device`; calls give the truth of a batch."""

    def __init__(self, head: Head, device: str | torch.device = "cpu") -> None:
        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        self.device = device
        self._neutral = tensor(head.neutral)
        self._offsets = tensor(
            np.concatenate([head.identities, head.expressions]).reshape(-1, head.neutral.size)
        )
        self._triangles = tensor(head.triangles)
        self._inside = tensor(head.inside.astype(np.float32))
        self._mobility = tensor(head.mobility)
        self._landmarks = list(head.landmarks)

    @torch.no_grad()
    def __call__(self, start: FaceState, end: FaceState, person: Tensor) -> FlowTruth:
        """Truth from `start` to `end`, batches of B states of equal identities, in pixels of `person`.

        person: (B, S, S) in [0, 1], the person in the source picture; S a multiple of 8.
        """
        size = person.shape[-1]
        before, after = self._place(start), self._place(end)
        delta = (after - before) * self._mobility[:, None]
        after = torch.cat([before[..., :2] + delta[..., :2], after[..., 2:]], dim=-1)

        eyes = [before[:, self._landmarks[k], :2] for k in points68.OUTER_EYE_CORNERS]
        eye_distance = (eyes[0] - eyes[1]).norm(dim=-1)
        still = _far_from(person > 0.5, _REACH * eye_distance)
        chin = self._landmarks[8]
        rows = torch.arange(size, device=person.device)
        exact, faces, rest = [], [], []
        mesh = skin = torch.empty(0)
        for vertices, sign in ((before, 1.0), (after, -1.0)):
            index = draw_mesh(vertices, self._triangles, size)
            inside = self._inside[None, :, None].expand(len(delta), -1, 1)
            drawn = spread(torch.cat([sign * delta[..., :2], inside], -1), index, vertices, self._triangles)
            mesh = index < len(self._triangles)
            skin = mesh & (drawn[:, 2] < 0.5)
            low = rows > (vertices[:, chin, 1] + _NECK * eye_distance)[:, None]
            exact.append(drawn[:, :2])
            faces.append(_eroded(skin))
            rest.append(still | low[:, :, None])

        forward, backward = _membrane(*(torch.cat(parts) for parts in (exact, faces, rest))).chunk(2)
        grid = torch.stack(torch.meshgrid(rows, rows, indexing="xy"), dim=-1).float()
        source = grid + backward.permute(0, 2, 3, 1)
        there_and_back = backward + sample(forward, source)
        seen = there_and_back.norm(dim=1) < _AGREEMENT * size
        moved_person = sample(person[:, None].float(), source)[:, 0] > 0.5
        shown = torch.where(mesh, skin & seen, moved_person)
        visibility = torch.full_like(shown, BACKGROUND, dtype=torch.int64)
        visibility[mesh] = HIDDEN
        visibility[shown] = VISIBLE
        return FlowTruth(backward, forward, visibility, faces[1] & seen, delta[:, self._landmarks])

    def _place(self, state: FaceState) -> Tensor:
        """(B, V, 3) vertices of a batch of states: x, y in pixels, depth (smaller = nearer)."""
        weights = torch.from_numpy(np.concatenate([state.identity, state.expression], -1)).to(self._offsets)
        shape = self._neutral + (weights @ self._offsets).view(len(weights), -1, 3)
        placed = shape @ torch.from_numpy(state.axes).to(shape).mT
        placed[..., :2] += torch.from_numpy(state.shift).to(shape)[:, None]
        return placed


def draw_mesh(vertices: Tensor, triangles: Tensor, size: int) -> Tensor:
    """(B, size, size) int64 index of the nearest triangle at each pixel centre, M where there is none.

    vertices: (B, V, 3) x, y in pixels and depth, smaller = nearer. triangles: (M, 3).
    """
    batch, count = len(vertices), len(triangles)
    corners = vertices[:, triangles].flatten(0, 1)  # (B M, 3, 3)
    flat = corners[..., :2]
    first = flat.amin(1).ceil().clamp(0, size).long()
    extent = (flat.amax(1).floor().clamp(-1, size - 1).long() + 1 - first).clamp_min(0)
    pixels = extent.prod(1)
    # One row per triangle and pixel of its bounding box.
    owner = torch.repeat_interleave(pixels)
    place = torch.arange(len(owner), device=owner.device) - (pixels.cumsum(0) - pixels)[owner]
    x = first[owner, 0] + place % extent[owner, 0]
    y = first[owner, 1] + place // extent[owner, 0]
    shares = _barycentric(corners[owner, :, :2], torch.stack([x, y], -1).float())
    depth = (shares * corners[owner, :, 2]).sum(-1)
    hit = (shares >= -1e-5).all(-1)
    owner, x, y, depth = owner[hit], x[hit], y[hit], depth[hit]
    # Depth and triangle in one number, so that the nearest wins and ties fall the same way on every device.
    key = ((1e4 - depth) * 2**12).long() * 2**20 + owner % count
    cell = (owner // count * size + y) * size + x
    nearest = torch.full((batch * size * size,), -1, dtype=torch.int64, device=vertices.device)
    nearest.scatter_reduce_(0, cell, key, "amax")
    return torch.where(nearest < 0, count, nearest % 2**20).view(batch, size, size)


def spread(values: Tensor, index: Tensor, vertices: Tensor, triangles: Tensor) -> Tensor:
    """(B, C, S, S) values (B, V, C) of the vertices, linear within the triangles of `draw_mesh`, 0 outside."""
    batch, size = index.shape[:2]
    covered = index < len(triangles)
    frame, y, x = covered.nonzero(as_tuple=True)
    picks = triangles[index[covered]]  # (K, 3)
    shares = _barycentric(vertices[frame[:, None], picks, :2], torch.stack([x, y], -1).float())
    result = values.new_zeros(batch, size, size, values.shape[-1])
    result[covered] = (shares[..., None] * values[frame[:, None], picks]).sum(1)
    return result.permute(0, 3, 1, 2)


def _barycentric(corners: Tensor, at: Tensor) -> Tensor:
    """(K, 3) shares of the corners (K, 3, 2) at points (K, 2); negative everywhere for a collapsed triangle."""
    a, b, c = corners.unbind(1)
    (bx, by), (cx, cy), (px, py) = ((v - a).unbind(-1) for v in (b, c, at))
    area = bx * cy - by * cx
    safe = torch.where(area.abs() < 1e-9, torch.ones_like(area), area)
    along, across = (px * cy - py * cx) / safe, (bx * py - by * px) / safe
    shares = torch.stack([1 - along - across, along, across], dim=-1)
    return torch.where((area.abs() < 1e-9)[:, None], -1.0, shares)


def _eroded(mask: Tensor) -> Tensor:
    return F.max_pool2d((~mask)[:, None].float(), 3, 1, 1)[:, 0] < 0.5


def _far_from(person: Tensor, reach: Tensor) -> Tensor:
    """(B, S, S) bool: pixels farther than `reach` (B,) from `person` along rows and columns, and the border."""
    far = []
    for mask, steps in zip(
        person, reach.round().long().clamp(1, person.shape[-1] // 2).tolist(), strict=True
    ):
        near = F.max_pool2d(mask[None, None].float(), (2 * steps + 1, 1), 1, (steps, 0))
        near = F.max_pool2d(near, (1, 2 * steps + 1), 1, (0, steps))
        far.append(near[0, 0] < 0.5)
    return F.pad(torch.stack(far)[:, 1:-1, 1:-1], (1, 1, 1, 1), value=True)


def _membrane(flow: Tensor, face: Tensor, still: Tensor) -> Tensor:
    """`flow` (B, 2, S, S) kept on `face`, 0 where `still`, harmonic in between; `face` wins over `still`."""
    fixed = (face | still)[:, None].float()
    flow = flow * face[:, None]
    filled = torch.zeros_like(flow)
    for factor, sweeps in _SWEEPS:
        share = F.avg_pool2d(fixed, factor)
        held = share > 0
        values = F.avg_pool2d(flow * fixed, factor) / share.clamp_min(1e-6)
        x = F.interpolate(filled, values.shape[-2:], mode="bilinear", align_corners=False)
        x = torch.where(held, values, x)
        for _ in range(sweeps):
            p = F.pad(x, (1, 1, 1, 1), mode="replicate")
            mean = (p[..., 1:-1, :-2] + p[..., 1:-1, 2:] + p[..., :-2, 1:-1] + p[..., 2:, 1:-1]) / 4
            x = torch.where(held, values, mean)
        filled = x
    filled = F.interpolate(filled, flow.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(fixed > 0, flow, filled)
