"""Motion whose dense flow is known: a head fitted to the portrait, and small random moves of it.

The landmarks of 68 places say nothing of the skin between them; the mesh of the ICT-FaceKit head does. What the engine
draws for the moved landmarks can then be compared with what it drew for the photo, place by place
(`drawing_figures.warping_error`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ..points68 import OUTER_EYE_CORNERS
from ..train.expressions import random_expression, random_turn
from ..train.fit import fit
from ..train.flow_truth import FlowTruthMaker
from ..train.head import FaceState, Head, landmark_motion
from ..train.pairs import to_side
from ..types import CROP, Portrait

MOVES = 4
"""Moves of every portrait."""

SHARE = 0.2
"""Share of a random expression and turn that one move goes: about what lies between two frames of fast speech."""

_SIDE = 256
"""Height and width at which the flow is computed; it is smooth."""


@dataclass(frozen=True, eq=False)
class TrueMotion:
    """Moves of one portrait, each from the photo's own pose. H = W = 512, crop units.

    points: (1 + M, 68, 3) landmarks, the photo's own first. backward: (M, 2, H, W) pixels to add to a place in move k
    to find it in the photo. exact: (M, H, W) bool, the places on the head that the photo shows, where that is exact.
    """

    points: np.ndarray
    backward: np.ndarray
    exact: np.ndarray


def true_motions(data: Path, device: str = "cpu") -> TrueMotions | None:
    """`TrueMotions` of the head in the data folder, ``ict/ict_light.npz``; None where it has none."""
    path = data / "ict" / "ict_light.npz"
    return TrueMotions(Head.load(path), device) if path.is_file() else None


class TrueMotions:
    """Makes `TrueMotion` of portraits with the `head`."""

    def __init__(self, head: Head, device: str = "cpu") -> None:
        self._head, self._truth, self._device = head, FlowTruthMaker(head, device), device

    def __call__(
        self, portrait: Portrait, seed: int, *, moves: int = MOVES, share: float = SHARE
    ) -> TrueMotion:
        """Random moves, the same for the same seed. share: how far they go, 1 = as far as training faces are moved."""
        rng = np.random.default_rng(seed)
        rest = fit(self._head, portrait.landmarks)
        right, left = portrait.landmarks[list(OUTER_EYE_CORNERS), :2]
        eyes = float(np.linalg.norm(right - left))
        states = []
        for _ in range(moves):
            changed = replace(rest, expression=random_expression(self._head.names, rng))
            states.append(rest.towards(random_turn(changed, eyes, rng), share))
        points = [portrait.landmarks] + [
            portrait.landmarks + landmark_motion(self._head, rest, state) for state in states
        ]
        small = to_side(_SIDE).astype(np.float32)
        person = torch.from_numpy(portrait.matte).to(self._device)[None, None]
        person = F.interpolate(person, (_SIDE, _SIDE), mode="area")[:, 0].expand(moves, -1, -1)
        start, end = (FaceState.stack(batch).moved(small) for batch in ([rest] * moves, states))
        found = self._truth(start, end, person)
        size, scale = (CROP, CROP), CROP / _SIDE
        backward = scale * F.interpolate(found.backward, size, mode="bilinear", align_corners=False)
        exact = F.interpolate(found.face[:, None].float(), size, mode="nearest")[:, 0] > 0.5
        return TrueMotion(np.stack(points).astype(np.float32), backward.cpu().numpy(), exact.cpu().numpy())
