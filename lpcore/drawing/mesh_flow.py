"""Flow B of one portrait: from landmarks to what the pixels of a frame read in the photo."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .canvas import apply, scale_of
from .flow import PiecewiseFlow
from .mesh import build_mesh, head_moves

_FAINT, _WHOLE = 0.15, 0.6
"""Crop units by which a face moves a place beside the move of its head: up to the first it is left with the head, from
the second on it moves as far as the mesh says. Talking, a face shifts the hair beside it by less than one can see as a
move, but thin lines shimmer with it."""


class MeshFlow:
    """Flow B (paper section 3.3.1) on the portrait's control mesh.

    Args:
        landmarks: (68, 2 or 3) of the photo in crop units.
        to_frame: (2 or 3, 3) similarity from crop units to the frame's pixels, in which the photo is read too.
        size: (width, height) of the frames in pixels.
        device: where positions are computed.
        steady: leave out the faintest moves of the face beside those of the head, as coring leaves out faint noise.
    """

    def __init__(
        self,
        landmarks: np.ndarray,
        to_frame: np.ndarray,
        size: tuple[int, int],
        device: str | torch.device = "cpu",
        *,
        steady: bool = False,
    ) -> None:
        self._mesh = build_mesh(landmarks)
        self._to_frame = to_frame
        self._flow = PiecewiseFlow(apply(to_frame, self._mesh.source), self._mesh.triangles, size, device)
        self._steady = steady

    def positions(self, points: np.ndarray) -> Tensor:
        """(T, H, W, 2) float32 pixels read by each pixel, for landmarks (T, 68, 2 or 3) in crop units."""
        targets = apply(self._to_frame, self._mesh.targets(points))
        if not self._steady:
            return self._flow.positions(targets)
        unit = scale_of(self._to_frame)
        head = head_moves(self._flow.source, targets)
        # From a head shrunk to a point no way leads back.
        head[np.abs(np.linalg.det(head)) < 1e-6] = np.eye(3)
        back = np.linalg.inv(head)[:, :2]
        return self._flow.positions(targets, back, (_FAINT * unit, _WHOLE * unit))
