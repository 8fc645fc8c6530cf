"""What the generator and its discriminators see in one step (paper section 3.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import points68
from ..drawing.canvas import canvas as find_canvas
from ..drawing.flow import sample
from ..drawing.mesh_flow import MeshFlow
from ..drawing.static import StaticLayers, person_layer
from ..drawing.styles import STYLES
from ..drawing.warp_stream import WarpStream
from ..types import CROP, WHOLE_CROP, Portrait
from .flow_truth import FlowTruthMaker
from .head import FaceState
from .pack import Pack
from .pairs import Pair, compose, random_pair, random_place, to_side

_REAL_FLOW = 128
"""Side in pixels at which true flow for real adjacent frames is made."""


@dataclass(frozen=True)
class TargetMix:
    """Where the target landmarks come from.

    own: share of the photo's own (reconstruction). other: share of another face's, as in the paper; the rest are the
    photo's, moved by the ICT head. level: greatest strength of such motion. step: greatest share of the motion
    between two adjacent frames. calm: share of adjacent frames between which lips and lids move alone, so that all else
    has to stand still. jitter: greatest offset between adjacent foreign targets, as a share of the crop.
    film: share of real adjacent drawings that come from films, if the pack has any; the rest are teacher drawings,
    moved by true flow.
    """

    own: float = 0.1
    other: float = 0.25
    level: float = 1.3
    step: float = 0.25
    calm: float = 0.5
    jitter: float = 3 / 256
    film: float = 0.5


@dataclass(frozen=True, eq=False)
class RealDrawings:
    """What the discriminators compare with.

    drawings: (B, 1, D, D) of other people, landmarks (B, 68, 2) theirs. adjacent: (B, 2, D, D) drawings of adjacent
    moments. apart: (B, 2, D, D) the former's first moment and somebody else.
    """

    drawings: Tensor
    landmarks: Tensor
    adjacent: Tensor
    apart: Tensor


@dataclass(frozen=True, eq=False)
class DrawingBatch:
    """B portraits to draw twice, and real drawings. Pictures in [-1, 1], 1 = paper; landmarks in crop units.

    photo: (B, 3, D, D). matte: (B, 1, D, D) in [0, 1], where what is drawn moves with the person. static: (B, 1, D, D)
    the photo's drawing. source, first, second: (B, 68, 2) landmarks of the photo and of two adjacent targets.
    flow_b: (2 B, S, S, 2) flow B of all first, then of all second targets, see `Generator.forward`.
    carried: (2 B, 1, D, D) likewise. wanted: (B, 1, D, D) `static` moved to the first targets as `carried` was. Both
    are None unless asked for, and so is `real`.
    """

    photo: Tensor
    matte: Tensor
    static: Tensor
    source: Tensor
    first: Tensor
    second: Tensor
    flow_b: Tensor
    carried: Tensor | None
    wanted: Tensor | None
    real: RealDrawings | None


class DrawingBatches:
    """Endless batches from the training part of a pack, or from its held-out part.

    style: whose drawings. side: S, working resolution in pixels. scale: drawing pixels D / S. carried: also draw the
    photo with the shipped static drawer and move that, as a film does. foreground: show the generator the person
    alone, on white.
    """

    def __init__(
        self,
        pack: Pack,
        style: str,
        side: int,
        scale: int,
        *,
        mix: TargetMix | None = None,
        carried: bool = False,
        foreground: bool = True,
        held_out: bool = False,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self._faces, self._head = pack.held_out if held_out else pack.train, pack.head
        self._style, self._side, self._drawn = style, side, side * scale
        self._carried, self._foreground = carried, foreground
        self._mix, self._seed, self._device = mix or TargetMix(), seed, device
        self._truth = FlowTruthMaker(pack.head, device)

    def batch(self, step: int, size: int, *, real: bool = True) -> DrawingBatch:
        """`size` portraits of one step; the same for the same step and seed. real: with real drawings beside them."""
        rng = np.random.default_rng([self._seed, step])
        shown, others, moving = (
            [self._pair(int(k), rng) for k in rng.integers(0, len(self._faces), size)] for _ in range(3)
        )
        targets = [self._targets(pair, rng) for pair in shown]
        photo, matte = self._photos(shown)
        carried, wanted = self._moved(shown, targets) if self._carried else (None, None)
        return DrawingBatch(
            photo=photo,
            matte=matte,
            static=self._inks(shown),
            source=self._tensor([pair.source for pair in shown]),
            first=self._tensor([first for first, _ in targets]),
            second=self._tensor([second for _, second in targets]),
            flow_b=self._flow_b(shown, targets),
            carried=carried,
            wanted=wanted,
            real=self._real(others, moving, rng) if real else None,
        )

    def _real(self, others: Sequence[Pair], moving: Sequence[Pair], rng: np.random.Generator) -> RealDrawings:
        drawings = self._inks(others)
        between = [p.start.towards(p.end, 1 - rng.uniform(0.2, 1) * self._mix.step) for p in moving]
        adjacent = self._moments(moving, between)
        for k in (rng.random(len(moving)) < self._mix.film).nonzero()[0] if self._faces.films else ():
            adjacent[k] = self._film(rng)
        landmarks = self._tensor([pair.source for pair in others])
        return RealDrawings(drawings, landmarks, adjacent, torch.cat([adjacent[:, :1], drawings], dim=1))

    def _photos(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Photos (B, 3, D, D) in [-1, 1] as the generator wants them, and mattes (B, 1, D, D) in [0, 1]."""
        photo = self._stack([p.picture(self._faces.photo(p.index), self._drawn, 255) for p in pairs])
        matte = self._stack([p.picture(self._faces.mask(p.index), self._drawn, 0) for p in pairs])
        if self._foreground:
            photo = photo * matte + (1 - matte)
        whole = [p.picture(self._faces.mask(p.index), CROP, 0).astype(np.float32) / 255 for p in pairs]
        layers = torch.cat([person_layer(mask, self._device) for mask in whole])
        size = (self._drawn,) * 2
        layers = F.interpolate(layers, size, mode="bilinear", align_corners=False, antialias=True)
        return 2 * photo - 1, layers

    def _moved(
        self, pairs: Sequence[Pair], targets: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[Tensor, Tensor]:
        """The photos' drawings by the static drawer, moved to all first, then to all second targets, (2 B, 1, D, D);
        those by the teacher, moved to the first targets, (B, 1, D, D).
        """
        carried, wanted, style = [], [], STYLES[self._style]
        for pair, moments in zip(pairs, targets, strict=True):
            portrait = self._portrait(pair)
            canvas = find_canvas(portrait, "crop", self._drawn)
            with torch.autocast(str(self._device), torch.bfloat16):
                stream = WarpStream(portrait, style, canvas, self._device)
            carried += stream.ink(np.stack(moments))
            ink = pair.picture(self._faces.ink(pair.index, self._style), CROP, 0).astype(np.float32) / 255
            logits = torch.logit(torch.from_numpy(ink), 1e-3).to(self._device)[None, None]
            person = person_layer(portrait.matte, self._device)
            teacher = StaticLayers(canvas, np.linalg.inv(canvas.crop_to_frame), logits, person)
            stream = WarpStream(portrait, style, canvas, self._device, layers=teacher)
            wanted += stream.ink(moments[0][None])
        # (B, 2) to (2, B): all first targets come first.
        order = np.arange(2 * len(pairs)).reshape(-1, 2).T.ravel()
        moved, taught = (
            torch.from_numpy(ink).to(self._device) for ink in (np.stack(carried)[order], np.stack(wanted))
        )
        return 1 - 2 * moved[:, None], 1 - 2 * taught[:, None]

    def _portrait(self, pair: Pair) -> Portrait:
        """The placed photo as if it had been analysed; its crop is all there is of it."""
        image = pair.picture(self._faces.photo(pair.index), CROP, 255)
        matte = pair.picture(self._faces.mask(pair.index), CROP, 0).astype(np.float32) / 255
        landmarks = np.column_stack([pair.source, np.zeros(len(pair.source))]).astype(np.float32)
        confidence = np.ones(len(landmarks), np.float32)
        return Portrait("", image, matte, (), 0, WHOLE_CROP, image, matte, landmarks, confidence)

    def _flow_b(self, pairs: Sequence[Pair], targets: Sequence[tuple[np.ndarray, np.ndarray]]) -> Tensor:
        """(2 B, S, S, 2) grids of flow B: first targets of all portraits, then second ones."""
        side = self._side
        grids = [
            MeshFlow(pair.source, to_side(side), (side, side)).positions(np.stack(moments))
            for pair, moments in zip(pairs, targets, strict=True)
        ]
        return torch.stack(grids, dim=1).flatten(0, 1).to(self._device) * (2 / (side - 1)) - 1

    def _pair(self, index: int, rng: np.random.Generator) -> Pair:
        level = self._mix.level * float(np.sqrt(rng.uniform()))
        # A picture's border in the middle of the crop would teach lines that no portrait has.
        place = random_place(rng, covering=True)
        return random_pair(self._faces, self._head, index, rng, level=level, place=place)

    def _targets(self, pair: Pair, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(68, 2) landmarks of two adjacent moments for one portrait."""
        first, second = self._adjacent(pair, rng)
        if rng.random() < self._mix.calm:
            moving = [*points68.LIPS, *(lid for pair in points68.LID_PAIRS for lid in pair)]
            step = second - first
            # Less the head's own way: it stays where it is.
            step -= step[list(points68.STABLE)].mean(axis=0)
            second = first.copy()
            second[moving] += step[moving]
        return first, second

    def _adjacent(self, pair: Pair, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        mix, kind = self._mix, rng.random()
        motion = pair.target - pair.source
        if kind < mix.own:
            return pair.source, pair.source + mix.step * rng.uniform(0, 1) * motion
        if kind < mix.own + mix.other:
            other = self._pair(int(rng.integers(0, len(self._faces))), rng).target
            foreign = _brought_to(other, pair.source)
            # As in the paper: every point for itself, the lips as one; the authors' offsets only go right and down.
            offset = rng.uniform(-0.5, 0.5, foreign.shape) * mix.jitter * CROP
            offset[list(points68.LIPS)] = offset[points68.LIPS[0]]
            return foreign, foreign + offset
        return pair.target, pair.target - mix.step * rng.uniform(0, 1) * motion

    def _moments(self, pairs: Sequence[Pair], between: Sequence[FaceState]) -> Tensor:
        """(B, 2, D, D) teacher drawings moved by true flow to the ends of `pairs` and to states just before."""
        side = _REAL_FLOW
        masks = self._stack([p.picture(self._faces.mask(p.index), side, 0) for p in pairs])[:, 0]
        matrix = to_side(side)
        start = FaceState.stack([p.start for p in pairs]).moved(matrix)
        ink = self._inks(pairs)
        steps = torch.arange(self._drawn, device=ink.device, dtype=torch.float32)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
        moments = []
        for states in (between, [p.end for p in pairs]):
            flow = self._truth(start, FaceState.stack(list(states)).moved(matrix), masks).backward
            flow = F.interpolate(flow, (self._drawn,) * 2, mode="bilinear", align_corners=False)
            moments.append(sample(ink, grid + flow.permute(0, 2, 3, 1) * (self._drawn / side)))
        return torch.cat(moments, dim=1)

    def _film(self, rng: np.random.Generator) -> Tensor:
        """(2, D, D) drawings of adjacent frames of a film, placed at random."""
        drawings = self._faces.film(int(rng.integers(0, self._faces.films)), self._style)
        matrix = compose(to_side(self._drawn), random_place(rng, covering=True))
        size = (self._drawn, self._drawn)
        placed = cv2.warpAffine(drawings.transpose(1, 2, 0), matrix, size, flags=cv2.INTER_LINEAR)
        return 1 - 2 * self._stack([placed])[0]

    def _inks(self, pairs: Sequence[Pair]) -> Tensor:
        ink = self._stack([p.picture(self._faces.ink(p.index, self._style), self._drawn, 0) for p in pairs])
        return 1 - 2 * ink

    def _stack(self, pictures: list[np.ndarray]) -> Tensor:
        array = np.stack(pictures).reshape(len(pictures), *pictures[0].shape[:2], -1)
        return torch.from_numpy(array).to(self._device).permute(0, 3, 1, 2).float() / 255

    def _tensor(self, arrays: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays).astype(np.float32)).to(self._device)


def at_side(points: Tensor, side: int) -> Tensor:
    """Crop units to pixels of the whole crop at side x side pixels."""
    return (points + 0.5) * (side / CROP) - 0.5


def _brought_to(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """`points` (68, 2) with the middle and the size of `place` (68, 2), as if both photos were cropped alike."""
    size = place.std(0).mean() / points.std(0).mean()
    return (points - points.mean(0)) * size + place.mean(0)
