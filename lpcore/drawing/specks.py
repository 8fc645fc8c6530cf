"""Crumbs of ink: what stands alone and is too small to be a stroke."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

_FAINT, _SURE = 0.25, 0.5
"""Ink that takes part in a stroke, and that a stroke must have somewhere."""

_SMALLEST = 30
"""Pixels of a stroke, at the drawer's own scale."""

_GAP = 2
"""Half the width in pixels of the gaps that a stroke may have: a line that breaks up is no crumbs."""

PAPER_LOGIT = -8.0
"""Ink logit of bare paper."""


def without_specks(logits: Tensor) -> Tensor:
    """Ink logits (..., H, W) with paper where there were only crumbs; strokes keep every value."""
    planes = logits.flatten(0, -3)
    cleaned = [_cleaned(plane.cpu().numpy()) for plane in planes]
    return torch.from_numpy(np.stack(cleaned)).to(logits.device).view_as(logits)


def _cleaned(logits: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        ink = 1 / (1 + np.exp(-logits))
    drawn = (ink > _FAINT).astype(np.uint8)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GAP + 1,) * 2)
    count, groups = cv2.connectedComponents(cv2.dilate(drawn, brush))
    labels = np.asarray(groups, np.int64)
    area = np.bincount(labels[drawn > 0], minlength=count)
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, labels, ink * drawn)
    crumbs = (area < _SMALLEST) | (peak <= _SURE)
    crumbs[0] = False
    return np.where(crumbs[labels], np.minimum(logits, PAPER_LOGIT), logits).astype(np.float32)
