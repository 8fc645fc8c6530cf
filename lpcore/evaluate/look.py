"""What there is to see in one drawn shot: its figures, and what is kept of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from ..motion.close import lip_gap
from ..types import CROP
from . import drawing_figures as figures
from .judge import Judge
from .methods import Film
from .motion_figures import correlations
from .reading import SIDE
from .shots import Shot
from .teachers import Teacher

EVERY = 5
"""Of so many adjacent frames one is looked at for what hardly changes between them: lines, looks, identity."""

REACH = 5
"""Lags in frames among which lips and sound agree best."""

Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class Seen:
    """One method on one shot.

    looks: features of some frames, see `Judge.looks`. picture: (512, 512) its frame with the mouth most open.
    lags: (2 `REACH` + 1,) correlation of lips and sound by lag, zeros where nobody speaks. frames: (T, 256, 256).
    """

    figures: Figures
    looks: dict[str, np.ndarray]
    picture: np.ndarray
    lags: np.ndarray = field(default_factory=lambda: np.zeros(2 * REACH + 1))
    frames: np.ndarray = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))
    note: str = ""


def look(film: Film, shot: Shot, judge: Judge) -> Seen:
    """Measure a film; what needs a take that it has not is NaN."""
    some, places = list(film.frames[::EVERY]), shot.points[::EVERY]
    read = judge.landmarks(list(film.frames), shot.points)
    person = judge.people([film.static], shot.portrait.landmarks[None])[0]
    found = {
        "ssim": float(np.mean([figures.structural_similarity(*pair) for pair in pairwise(film.frames)])),
        "flicker": figures.flicker(film.calm, shot.still)
        if film.calm is not None and shot.still is not None
        else float("nan"),
        "warp_error": _warping_error(film, shot),
        **_mouth(read, shot.points),
        "identity": figures.likeness(judge.people(some, places), person),
    }
    unheard = np.zeros(2 * REACH + 1)
    return Seen(
        found | lines(some),
        judge.looks(some),
        film.frames[int(lip_gap(shot.points).argmax())],
        unheard if shot.loudness is None else correlations(lip_gap(read), shot.loudness, REACH),
        np.stack([cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in film.frames]),
        film.note,
    )


def look_at_teacher(teacher: Teacher, judge: Judge) -> Seen:
    """Measure what can be measured of a single drawing."""
    read = judge.landmarks([teacher.picture], teacher.landmarks[None])
    found = _mouth(read, teacher.landmarks[None]) | lines([teacher.picture])
    return Seen(found, judge.looks([teacher.picture]), teacher.picture)


def lines(pictures: Sequence[np.ndarray]) -> Figures:
    """Mean `drawing_figures.line_statistics` of the pictures."""
    return means([figures.line_statistics(picture) for picture in pictures])


def means(rows: Sequence[Figures]) -> Figures:
    """The mean of every figure over `rows`, those that are not numbers left out; NaN where none is a number."""
    result = {}
    for name in rows[0]:
        values = [row[name] for row in rows if not np.isnan(row[name])]
        result[name] = float(np.mean(values)) if values else float("nan")
    return result


def best_lag(rows: Sequence[np.ndarray]) -> tuple[float, float]:
    """Correlation of lips and sound at the lag, in frames, where its mean over `rows` is largest, and that lag.

    rows: `Seen.lags`. Above 0 the lips come late. NaN where nobody speaks.
    """
    course = np.mean(rows, axis=0)
    if not course.any():
        return float("nan"), float("nan")
    return float(course.max()), float(course.argmax()) - REACH


def _mouth(read: np.ndarray, wanted: np.ndarray) -> Figures:
    to_side = SIDE / CROP
    mean, total = figures.mouth_distance(read, wanted)
    return {
        "lip_error_px": to_side * figures.lip_error(read, wanted),
        "lmd": to_side * mean,
        "lmd_sum": to_side * total,
    }


def _warping_error(film: Film, shot: Shot) -> float:
    if film.moves is None or shot.truth is None:
        return float("nan")
    truth = shot.truth
    moves = zip(film.moves[1:], truth.backward, truth.exact, strict=True)
    errors = [figures.warping_error(film.moves[0], *move) for move in moves]
    return float(np.nanmean(errors)) if not np.isnan(errors).all() else float("nan")
