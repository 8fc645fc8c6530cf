"""Generator against discriminators: what each pays for one batch (paper section 3.3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..drawing.flow import grid_flow
from ..drawing.flow_net import FlowNet
from ..drawing.generator import Generator, GeneratorConfig, PhotoCode
from ..drawing.landmark_image import landmark_image
from .discriminators import REGIONS, Discriminators, pair_input, region_input, region_masks
from .drawing_batches import DrawingBatch, at_side
from .drawing_landmarks import face_windows, read_landmarks
from .identity import IdentityNet, identity_features
from .losses import (
    LossWeights,
    adversarial_loss,
    content_loss,
    discriminator_loss,
    geometry_loss,
    identity_loss,
    lip_line_loss,
    lip_line_masks,
    pair_discriminator_loss,
    redrawing_loss,
    warp_loss,
)
from .pool import ImagePool


@dataclass(frozen=True, eq=False)
class FrozenNets:
    """Networks that are not trained here: flow A, reader of a drawing's landmarks, identity features.

    Without flow A, flow B stands in for it, as it does where a film is drawn.
    """

    flow: FlowNet | None
    landmarks: nn.Module
    identity: IdentityNet


class Players(nn.Module):
    """The generator and the discriminators, which train each other."""

    def __init__(self, model: GeneratorConfig, critic_width: int) -> None:
        super().__init__()
        self.generator = Generator(model)
        self.critics = Discriminators(model.outputs, critic_width)


class Game:
    """The losses of both players on one batch.

    weights: which losses take part and what they count. side: S, working resolution in pixels. region: side of what
    the discriminators of regions see, as a share of the drawing's; 1 = all, as in the paper.
    """

    def __init__(
        self, players: Players, nets: FrozenNets, weights: LossWeights, side: int, region: float = 1.0
    ) -> None:
        self.players, self.nets, self.weights, self.side = players, nets, weights, side
        self.drawn_side = side * players.generator.config.scale
        self._region_side = round(region * self.drawn_side) if region < 1 else None

    def draw(self, batch: DrawingBatch, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """First and second drawing, (B, outputs, D, D) float32 in [-1, 1], the person over white (equation 1)."""
        generator = generator or self.players.generator
        side, soft = self.side, generator.config.soft_landmarks
        source = at_side(batch.source, side)
        targets = at_side(torch.cat([batch.first, batch.second]), side)
        flow_a, visible = self._flow_a(source.repeat(2, 1, 1), targets, batch.flow_b)
        code = generator.prepare(batch.photo, landmark_image(source, side, soft=soft))
        code = PhotoCode(
            tuple(f.repeat(2, 1, 1, 1) for f in code.features), code.landmarks.repeat(2, 1, 1, 1)
        )
        drawn = generator(
            code, landmark_image(targets, side, soft=soft), batch.flow_b, flow_a, visible, batch.carried
        ).float()
        if self.weights.foreground:
            matte = F.avg_pool2d(batch.matte, generator.config.scale).repeat(2, 1, 1, 1)
            person = F.grid_sample(matte, batch.flow_b, padding_mode="border", align_corners=True)
            person = F.interpolate(person, (self.drawn_side,) * 2, mode="bilinear", align_corners=False)
            drawn = drawn * person + (1 - person)
        first, second = drawn.chunk(2)
        return first, second

    @torch.no_grad()
    def _flow_a(self, source: Tensor, targets: Tensor, flow_b: Tensor) -> tuple[Tensor, Tensor]:
        """Flow (T, 2, S, S) in pixels and visibility (T, 1, S, S)."""
        if self.nets.flow is not None:
            return self.nets.flow.regress(source, targets, flow_b, self.side)
        return grid_flow(flow_b), torch.ones_like(flow_b[..., :1]).permute(0, 3, 1, 2)

    def generator_terms(self, batch: DrawingBatch, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """The losses of the generator that take part, by their names in `LossWeights`."""
        critics, weights, side = self.players.critics, self.weights, self.drawn_side
        source, *targets = (at_side(p, side) for p in (batch.source, batch.first, batch.second))
        both = list(zip((first, second), targets, strict=True))
        terms: dict[str, Tensor] = {}
        if weights.overall:
            terms["overall"] = adversarial_loss(critics.overall(first), critics.overall(second))
        if weights.regions:
            masks = region_masks(targets[0], (side, side))
            shown = [(name, self._region(d, masks[name])) for name in REGIONS for d in (first, second)]
            terms["regions"] = adversarial_loss(*(critics.regions[name](x) for name, x in shown))
        if weights.content:
            if batch.wanted is None:
                terms["content"] = content_loss(first, batch.static, source, targets[0])
            else:
                # W moves lines a little apart from flow B: torn between both, the network would fade them.
                terms["content"] = redrawing_loss(first, batch.wanted)
        if weights.geometry:
            read = [
                geometry_loss(
                    read_landmarks(self.nets.landmarks, _grey(d), face_windows(target)), target, side
                )
                for d, target in both
            ]
            terms["geometry"] = torch.stack(read).sum()
        if weights.lip_line:
            lines = [lip_line_loss(d, lip_line_masks(target, (side, side))) for d, target in both]
            terms["lip_line"] = torch.stack(lines).sum()
        if weights.identity:
            net = self.nets.identity
            drawn = identity_features(net, _grey(first), targets[0])
            with torch.no_grad():
                static = identity_features(net, _grey(batch.static), source)
            terms["identity"] = identity_loss(drawn, static)
        if weights.warp:
            terms["warp"] = warp_loss(first, second, *targets)
        if weights.pair:
            terms["pair"] = adversarial_loss(critics.coherence(pair_input(first, second)))
        return terms

    def critic_loss(self, batch: DrawingBatch, first: Tensor, second: Tensor, pool: ImagePool) -> Tensor:
        """What the discriminators pay for their mistakes on real drawings, if there are any, and on the generator's."""
        critics, weights, side = self.players.critics, self.weights, self.drawn_side
        first, second = first.detach(), second.detach()
        losses, real = [], batch.real
        if real is None:
            return first.new_zeros((), requires_grad=True)
        if weights.overall:
            losses.append(discriminator_loss(*(critics.overall(d) for d in (real.drawings, first, second))))
        if weights.regions:
            true, drawn = (
                region_masks(at_side(p, side), (side, side)) for p in (real.landmarks, batch.first)
            )
            for name in REGIONS:
                shown = ((real.drawings, true), (first, drawn), (second, drawn))
                scores = (critics.regions[name](self._region(d, masks[name])) for d, masks in shown)
                losses.append(discriminator_loss(*scores))
        if weights.pair:
            fake = pool.query(pair_input(first, second))
            scores = (critics.coherence(pair) for pair in (real.adjacent, fake, real.apart))
            losses.append(pair_discriminator_loss(*scores))
        return torch.stack(losses).sum() if losses else first.new_zeros((), requires_grad=True)

    def _region(self, drawing: Tensor, mask: Tensor) -> Tensor:
        return region_input(drawing, mask, self._region_side)


def _grey(drawing: Tensor) -> Tensor:
    """[-1, 1] to one channel in [0, 1]."""
    return (drawing.mean(1, keepdim=True) + 1) / 2
