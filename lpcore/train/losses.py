"""The six losses of the generator and the losses of its discriminators (paper section 3.3.3).

Drawings are (B, C, H, W) in [-1, 1], 1 = paper; landmarks (B, 68, 2) in their pixels. The generator draws a portrait
twice, as `first` and `second`, for targets that differ slightly. All losses are float32 scalars whatever autocast
says, 0 at the perfect answer, with the authors' reductions; weights and ablations are in `LossWeights`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import points68
from ..drawing.thin_plate import thin_plate_warp


@dataclass(frozen=True)
class LossWeights:
    """What each loss counts, the paper's λ1 to λ6 and the authors' weights of the adversarial terms; 0 = left out.

    foreground: draw the person alone and compose over the static drawing (section 3.3.2), not a loss but ablated
    with them.
    """

    overall: float = 1.0
    """Adversarial, whole drawing; for each of the two drawings."""
    regions: float = 0.5
    """Adversarial, each of nose, eyes and lips; for each of the two drawings."""
    content: float = 5.0
    """λ1, the first drawing only."""
    geometry: float = 50.0
    """λ2, the sum over both drawings."""
    lip_line: float = 50.0
    """λ3, the sum over both drawings."""
    identity: float = 3.0
    """λ4, the first drawing only."""
    warp: float = 10.0
    """λ5, inter-frame warping, the paper's first coherence loss."""
    pair: float = 0.5
    """λ6, adversarial, pairs of adjacent frames, the paper's second coherence loss."""
    foreground: bool = True

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of `terms`, named as the fields here; terms may be missing, unknown ones may not.

        Raises:
            ValueError: a term has no weight, or there is no term at all.
        """
        known = {name: getattr(self, name) for name in LOSSES}
        unknown = terms.keys() - known.keys()
        if unknown or not terms:
            raise ValueError(f"losses without a weight: {sorted(unknown)}" if unknown else "no losses")
        return torch.stack([known[name] * term for name, term in terms.items()]).sum()


LOSSES = tuple(f.name for f in fields(LossWeights) if f.name != "foreground")
"""The names of the losses."""

FULL = LossWeights()
"""The paper's."""

CARRIED = LossWeights(content=50.0, identity=0.5, geometry=500.0, lip_line=2.0, warp=40.0)
"""Ours, for a generator that redraws a moved drawing: it is shown the very drawing it shall come to, and the features
of our identity network differ several times as much as the paper's. Its landmarks are nearly right from the start: at
the paper's weight, what is left of their error would count for nothing beside the content; six times more than here, it
paints lips grey where their reader looks. Its lips have their lines: at the paper's weight they would be filled."""

_LEFT_OUT: dict[str, tuple[str, ...]] = {
    "full": (),
    "no_content": ("content",),
    "no_geometry": ("geometry", "lip_line"),
    "no_identity": ("identity",),
    "no_warp": ("warp",),
    "no_pair": ("pair",),
    "no_foreground": ("foreground",),
}
ABLATIONS = tuple(_LEFT_OUT)
"""The rows of the paper's ablation figure (Fig. 6); `no_warp` and `no_pair` leave out its coherence losses 1 and 2."""


def ablated(weights: LossWeights, ablation: str) -> LossWeights:
    """`weights` without what the row `ablation` of `ABLATIONS` leaves out."""
    return replace(weights, **{name: type(getattr(weights, name))(0) for name in _LEFT_OUT[ablation]})


def adversarial_loss(*logits: Tensor) -> Tensor:
    """What the generator pays for being found out: Σ mean (D - 1)^2 over one drawing's logits each.

    The paper writes the logarithmic form, its code trains this least-squares one.
    """
    return torch.stack([(score.float() - 1).square().mean() for score in logits]).sum()


def discriminator_loss(real: Tensor, *fakes: Tensor) -> Tensor:
    """Least squares for a discriminator of single drawings: half for the real one, half for the mean of the fakes."""
    wrong = torch.stack([fake.float().square().mean() for fake in fakes]).mean()
    return 0.5 * (adversarial_loss(real) + wrong)


def pair_discriminator_loss(adjacent: Tensor, fake: Tensor, apart: Tensor) -> Tensor:
    """Least squares for the coherence discriminator, a third each.

    Logits of adjacent film frames (real), of the generator's pair, and of film frames that are not adjacent: those
    are drawings as good as the real ones, so only their coherence can give them away.
    """
    wrong = [score.float().square().mean() for score in (fake, apart)]
    return (adversarial_loss(adjacent) + wrong[0] + wrong[1]) / 3


_MISSED = 2.0
"""What a line left out costs, where a line too many costs 1."""

_LATTICE = 128
"""Points per side at which W is evaluated: it is smooth, and dear."""


def _moved(drawing: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """W(drawing)."""
    return thin_plate_warp(drawing, source, target, spacing=max(1, drawing.shape[-1] // _LATTICE))


def content_loss(first: Tensor, static: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Mean |first - W(static)|: the drawing is the photo's static drawing, warped from its landmarks to the target's.

    static: the static drawing, (B, C, H, W). source, target: the photo's landmarks and the target's. No gradient
    flows to the static drawing.
    """
    return F.l1_loss(first.float(), _moved(static, source, target).detach())


def redrawing_loss(first: Tensor, wanted: Tensor) -> Tensor:
    """Mean |first - wanted|, wanted ink counted `_MISSED` times: the content loss of a generator that carries.

    wanted: the static drawing by the teacher, moved as the carried one was. No gradient flows to it. Unweighted, every
    line that is less than certain would fade.
    """
    weight = 1 + (_MISSED - 1) * (1 - wanted.detach()) / 2
    return (weight * (first.float() - wanted.detach()).abs()).mean()


def geometry_loss(read: Tensor, target: Tensor, side: int, lip_weight: float = 2.0) -> Tensor:
    """Mean squared distance of landmarks read off the drawing to the target's, lips apart and weighted more.

    read: (B, 68, 2), from `drawing_landmarks.read_landmarks`; target: the same in shape. side: the drawing's side in
    pixels; coordinates count as shares of it.
    """
    squared = ((read.float() - target.detach().float()) / side).square()
    lips = list(points68.LIPS)
    return squared[:, : lips[0]].mean() + lip_weight * squared[:, lips].mean()


def lip_line_masks(target: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 1, H, W) float32 of 0 and 1: the closed outlines of outer and inner lips, 2 pixels thick at 256.

    target: (B, 68, 2). size: (width, height).
    """
    width, height = size
    thickness = max(1, round(height / 128))
    masks = np.zeros((len(target), height, width), np.uint8)
    for mask, face in zip(masks, target.detach().cpu().numpy().astype(np.int32), strict=True):
        for loop in (points68.OUTER_LIPS, points68.INNER_LIPS):
            cv2.polylines(mask, [face[list(loop)]], True, 1, thickness)
    return torch.from_numpy(masks)[:, None].to(target.device).float()


def lip_line_loss(drawing: Tensor, masks: Tensor) -> Tensor:
    """Mean over all pixels of the paper left along the lips' outlines, (drawing + 1) masks.

    masks: (B, 1, H, W) of `lip_line_masks` for the drawing's own target.
    """
    return ((drawing.float() + 1) * masks).mean()


def identity_loss(drawn: Sequence[Tensor], static: Sequence[Tensor]) -> Tensor:
    """Σ over levels of the mean difference of features of the drawing and of the static drawing.

    drawn, static: levels of `identity.identity_features`, each face cut out by its own landmarks; no gradient flows
    to `static`. The paper names one feature, its code compares five levels.
    """
    pairs = zip(drawn, static, strict=True)
    return torch.stack([F.l1_loss(one.float(), other.detach().float()) for one, other in pairs]).sum()


def warp_loss(first: Tensor, second: Tensor, first_target: Tensor, second_target: Tensor) -> Tensor:
    """Mean |second - W(first)|: what moves between two frames is the same line, not a new one.

    first_target, second_target: the two targets' landmarks. Only `second` gets a gradient, as in the authors' code.
    """
    return F.l1_loss(second.float(), _moved(first.detach(), first_target, second_target))
