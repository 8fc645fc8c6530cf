"""Long features for networks that read them block by block."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def rows(features: np.ndarray, low: int, high: int, device: torch.device) -> Tensor:
    """Frames [low, high) of features (T, F) as float32 (high - low, F); past the end the last frame is repeated."""
    taken = np.minimum(np.arange(low, high), len(features) - 1)
    return torch.from_numpy(features[taken]).float().to(device)
