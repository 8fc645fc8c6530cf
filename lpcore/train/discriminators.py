"""The paper's discriminators (section 3.3.3): whole drawing, nose, eyes, lips, and coherence of adjacent frames."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from .. import points68

REGIONS = {
    "nose": (points68.NOSE,),
    "eyes": (points68.EYE_RIGHT, points68.EYE_LEFT),
    "lips": (points68.OUTER_LIPS,),
}
"""The landmarks whose hulls, widened by `_MARGIN`, make up each region."""

_MARGIN = 0.06
"""Share of the distance between the outer eye corners by which a region reaches beyond its landmarks."""


class PatchDiscriminator(nn.Sequential):
    """Images (B, C, H, W) to one logit per overlapping patch; (B, 1, 30, 30) for 256 x 256, each seeing 70 pixels.

    Three 4 x 4 convolutions that halve the size, two that keep it; instance normalisation in between. No sigmoid:
    the least-squares loss wants logits. 2.76 M parameters at width 64.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for factor, stride in ((1, 2), (2, 2), (4, 1)):
            layers += [
                nn.Conv2d(factor * width, 2 * factor * width, 4, stride, 1),
                nn.InstanceNorm2d(2 * factor * width),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        super().__init__(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0, 0.02)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)


class Discriminators(nn.Module):
    """All five, with `channels` (1 = grey drawing, 3 = colour) per drawing; width 64 is the paper's.

    overall: one drawing. regions["nose" | "eyes" | "lips"]: see `region_input`. coherence: see `pair_input`.
    """

    def __init__(self, channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.overall = PatchDiscriminator(channels, width)
        self.regions = nn.ModuleDict({name: PatchDiscriminator(channels + 1, width) for name in REGIONS})
        self.coherence = PatchDiscriminator(2 * channels, width)


def region_input(drawing: Tensor, mask: Tensor, side: int | None = None) -> Tensor:
    """(B, C + 1, H, W): the drawing with paper outside the region, and the mask.

    drawing: (B, C, H, W) in [-1, 1], 1 = paper. mask: (B, 1, H, W) in [0, 1], 1 = inside. side: show a square cut of
    so many pixels about the region; None = the whole picture, as the authors do, so that the discriminator also knows
    where in the face it is, for several times the work.
    """
    shown = torch.cat([1 + (drawing - 1) * mask, mask], dim=1)
    if side is None:
        return shown
    return torch.stack(
        [one[:, rows, columns] for one, (rows, columns) in zip(shown, _cuts(mask, side), strict=True)]
    )


def _cuts(mask: Tensor, side: int) -> list[tuple[slice, slice]]:
    """Rows and columns of a square of `side` pixels about what is inside each mask (B, 1, H, W)."""
    cuts = []
    for one in mask[:, 0]:
        starts = []
        for axis in (1, 0):
            inside = one.amax(axis).nonzero()
            middle = int(inside.float().mean()) if len(inside) else one.shape[1 - axis] // 2
            starts.append(min(max(middle - side // 2, 0), one.shape[1 - axis] - side))
        cuts.append((slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)))
    return cuts


def pair_input(first: Tensor, second: Tensor) -> Tensor:
    """(B, 2 C, H, W): two drawings (B, C, H, W) of adjacent moments, one after the other."""
    return torch.cat([first, second], dim=1)


def region_masks(landmarks: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
    """Per region (B, 1, H, W) float32 of 0 and 1 on the landmarks' device.

    landmarks: (B, 68, 2) in pixels. size: (width, height). The authors' masks come with their data set; these are
    the widened hulls of the regions' landmarks.
    """
    width, height = size
    faces = landmarks.detach().cpu().double().numpy()
    masks = {name: np.zeros((len(faces), height, width), np.uint8) for name in REGIONS}
    for k, face in enumerate(faces):
        eyes = [face[i] for i in points68.OUTER_EYE_CORNERS]
        reach = max(1, round(_MARGIN * float(np.linalg.norm(eyes[0] - eyes[1]))))
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        for name, groups in REGIONS.items():
            for group in groups:
                hull = cv2.convexHull(face[list(group)].round().astype(np.int32))
                cv2.fillConvexPoly(masks[name][k], hull, 1)
            masks[name][k] = cv2.dilate(masks[name][k], brush)
    return {name: torch.from_numpy(m)[:, None].to(landmarks.device).float() for name, m in masks.items()}
