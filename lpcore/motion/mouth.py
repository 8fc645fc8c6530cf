"""What a mouth does while it speaks, before any film or portrait is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio import content
from ..types import Progress
from . import closure

RATE = content.RATE
"""Frames per second of an articulation."""

ARTICULATION = 1.2
"""A network trained to be right on average moves too little: the spread of its lip gaps is about this much smaller than
that of the speech it learnt from."""


@dataclass(frozen=True, eq=False)
class Articulation:
    """Lips and jaw of one span of speech, T frames at `RATE` from the span's start.

    moved: (T, 68, 3) float32 displacement from the shut mouth in the normalised frame, zero while the mouth rests;
        lips and jaw alone count.
    resting, pressed: (T,) in [0, 1], how far the lips are together because nobody speaks, and for a consonant.
    mean_face: (68, 3) the face that moves so, normalised frame.
    """

    moved: np.ndarray
    resting: np.ndarray
    pressed: np.ndarray
    mean_face: np.ndarray


def articulate(features: np.ndarray, silent: np.ndarray, progress: Progress) -> Articulation:
    """The articulation that the content branch hears in (T, content.WIDTH) features; silent (T,) bool.

    Raises LpError ``WEIGHTS_MISSING``.
    """
    from .content import load_branch

    branch = load_branch()
    # The mean face, not the photo's: what a face adds is its size, which the registration knows more surely.
    moved = branch.predict(features, progress=progress)
    resting = closure.rest(silent, RATE)
    pressed = closure.bilabial_closure(features[:, list(content.BILABIALS)].sum(axis=1), RATE)
    moved *= (ARTICULATION * (1 - resting))[:, None, None].astype(np.float32)
    return Articulation(moved, resting, pressed, branch.mean_face.numpy())
