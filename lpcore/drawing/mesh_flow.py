"""Flow B of one portrait: from landmarks to what the pixels of a frame read in the photo."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .canvas import apply
from .flow import PiecewiseFlow
from .mesh import build_mesh


class MeshFlow:
    """Flow B (paper section 3.3.1) on the portrait's control mesh.

    Args:
        landmarks: (68, 2 or 3) of the photo in crop units.
        to_frame: (2 or 3, 3) similarity from crop units to the frame's pixels, in which the photo is read too.
        size: (width, height) of the frames in pixels.
        device: where positions are computed.
    """

    def __init__(
        self,
        landmarks: np.ndarray,
        to_frame: np.ndarray,
        size: tuple[int, int],
        device: str | torch.device = "cpu",
    ) -> None:
        self._mesh, self._to_frame = build_mesh(landmarks), to_frame
        self._flow = PiecewiseFlow(apply(to_frame, self._mesh.source), self._mesh.triangles, size, device)

    def positions(self, points: np.ndarray) -> Tensor:
        """(T, H, W, 2) float32 pixels read by each pixel, for landmarks (T, 68, 2 or 3) in crop units."""
        return self._flow.positions(apply(self._to_frame, self._mesh.targets(points)))
