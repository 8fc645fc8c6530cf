"""Mouth cues after Rhubarb Lip Sync: which of nine mouths is shown when, to and from motion.

Its mouths are drawings that 2D animators exchange; `shapes.MOUTHS` says which is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..points68 import INNER_LIP_PAIRS, JAW, LIPS
from ..types import Motion
from . import closure
from .close import closed_mouth
from .mouth import RATE, Articulation
from .retime import frame_times
from .shapes import MOUTHS, load_shapes
from .smooth import gaussian

BLEND = 0.03
"""Standard deviation in seconds of the passage from one mouth to the next."""
SHORTEST = 0.07
"""Seconds for which an open mouth is shown at least before another one."""

_PRESSED, _REST = MOUTHS.index("A"), MOUTHS.index("X")
_OPEN = [MOUTHS.index(name) for name in "BCDEF"]
"""Open mouths that landmarks tell apart; the teeth of a G and the tongue of an H are none of them."""
_TOUCHING = 0.015
"""Lips closer than this share of the mouth's width are pressed together."""
_STILL = 0.005
"""Lips and jaw nowhere farther than this share of the mouth's width from where they rest are at rest."""
_GRAVITY = np.array([1.0, 1.0, 1.5])
"""How much the opening, the width and the lower lip's thickness count in comparing mouths."""


class Cue(NamedTuple):
    """One of `MOUTHS` from start to end, in seconds of the sound file."""

    start: float
    end: float
    shape: str


def articulate_cues(cues: Sequence[Cue], start: float, count: int) -> Articulation:
    """What a mouth does that follows `cues`; where there is none it rests.

    Args:
        start: second of the sound file at which the articulation begins.
        count: its length in frames at `mouth.RATE`.

    Raises LpError ``WEIGHTS_MISSING``.
    """
    shapes = load_shapes()
    times = start + (np.arange(count) + 0.5) / RATE
    shown = np.full(count, _REST)
    for cue in cues:
        shown[slice(*np.searchsorted(times, (cue.start, cue.end)))] = MOUTHS.index(cue.shape)
    share = gaussian(np.eye(len(MOUTHS), dtype=np.float32)[shown], BLEND * RATE)
    # Lips stay together for as long as the cue lasts; half of the passage lies beyond it.
    pressed = np.where(shown == _PRESSED, 1.0, np.minimum(2 * share[:, _PRESSED], 1.0))
    resting = closure.rest(shown == _REST, RATE)
    share *= (1 - resting)[:, None].astype(np.float32)
    moved = np.tensordot(share, shapes.mouths, 1)
    return Articulation(moved, resting, pressed, shapes.rest)


def cues_of(motion: Motion) -> list[Cue]:
    """The mouths that a motion's lips and jaw show, one after the other without gaps from second 0.

    Neither the head's turn nor the emotion counts. Raises LpError ``WEIGHTS_MISSING``.
    """
    rest = closed_mouth(motion.neutral)
    spoken = sum((motion.parts[name] for name in ("lips", "jaw") if name in motion.parts), motion.neutral)
    shown = _classified(np.broadcast_to(spoken, (len(motion), 68, 3)), rest)
    _calm(shown, SHORTEST * float(motion.fps))
    times = (motion.start + frame_times(len(motion) + 1, motion.fps)).tolist()
    # Rhubarb's files begin at second 0.
    times[0] = 0.0 if shown[0] == _REST else times[0]
    cues = [Cue(times[a], times[b], MOUTHS[shown[a]]) for a, b in pairwise(_edges(shown))]
    return cues if cues[0].start == 0 else [Cue(0.0, cues[0].start, "X"), *cues]


def _edges(shown: np.ndarray) -> list[int]:
    """Where each run of equal values begins, and where the last one ends."""
    return [0, *(np.flatnonzero(np.diff(shown)) + 1).tolist(), len(shown)]


def _calm(shown: np.ndarray, fewest: float) -> None:
    """Let open mouths of less than `fewest` frames give way to the longer open mouth beside them, in place."""
    is_open = np.isin(shown, _OPEN)
    for begin, end in pairwise(_edges(is_open)):
        if not is_open[begin]:
            continue
        edges = [begin + edge for edge in _edges(shown[begin:end])]
        while len(edges) > 2:
            lengths = [0, *np.diff(edges), 0]
            brief = int(np.argmin(lengths[1:-1]))
            if lengths[brief + 1] >= fewest:
                break
            longer = brief - 1 if lengths[brief] >= lengths[brief + 2] else brief + 1
            shown[edges[brief] : edges[brief + 1]] = shown[edges[longer]]
            del edges[max(brief, longer)]


def _classified(faces: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(T,) index in `MOUTHS` of each of faces (T, 68, 3); rest (68, 3) is the same face with its mouth shut."""
    shapes = load_shapes()
    examples = _measures(shapes.rest + shapes.mouths[_OPEN], shapes.rest)
    found = _measures(faces, rest)
    distance = np.linalg.norm((found[:, None] - examples) * _GRAVITY, axis=-1)
    shown = np.array(_OPEN)[distance.argmin(axis=1)]
    shown[found[:, 0] < _TOUCHING] = _PRESSED
    mouth = [*LIPS, *JAW]
    away = np.linalg.norm(faces[:, mouth] - rest[mouth], axis=-1).max(axis=1)
    shown[away < _STILL * _distance(rest, 48, 54)] = _REST
    return shown


def _measures(faces: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(..., 3) opening, width and lower lip's thickness of faces (..., 68, 3) beyond those of the mouth at rest.

    All are shares of the resting mouth's width, whichever way the head looks.
    """

    def sizes(points: np.ndarray) -> np.ndarray:
        opening = np.mean([_distance(points, upper, lower) for upper, lower in INNER_LIP_PAIRS], axis=0)
        return np.stack([opening, _distance(points, 48, 54), _distance(points, 57, 66)], axis=-1)

    return (sizes(faces) - sizes(rest)) / _distance(rest, 48, 54)


def _distance(points: np.ndarray, one: int, other: int) -> np.ndarray:
    return np.linalg.norm(points[..., one, :] - points[..., other, :], axis=-1)
