"""Shots by methods: every film drawn, looked at and summed up; what `evaluate drawing` and `evaluate table` share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from ..provenance import digest
from .judge import Judge
from .look import Seen, look, look_at_teacher
from .methods import Method
from .reading import SIDE
from .results import Table, summary
from .shots import ShotPlan, shoot
from .teachers import Teacher, drawings_digest, photos, teachers
from .truth import TrueMotions

TEACHER = "teacher"


class Keep(Protocol):
    """Gives what was seen before, or what `look` sees now. name: for people. depends: on what it depends."""

    def __call__(self, name: str, depends: Mapping[str, Any], look: Callable[[], Seen]) -> Seen: ...


def keep_nothing(name: str, depends: Mapping[str, Any], look: Callable[[], Seen]) -> Seen:
    """The `Keep` that looks every time."""
    return look()


@dataclass(frozen=True)
class Drawings:
    """The teacher drawings of a data folder, or better ones of the folder `redrawn`.

    step: every so-many-th of those of other people is compared with.
    """

    data: Path
    style: str
    redrawn: Path | None = None
    step: int = 1

    @property
    def stems(self) -> list[str]:
        """The photos of other people whose drawings are compared with."""
        return [photo.stem for photo in photos(self.data, held_out=False)][:: self.step]

    def digest(self, stems: list[str]) -> str:
        """Hex SHA-256 of these drawings; raises FileNotFoundError."""
        return drawings_digest(self.data, self.style, stems, self.redrawn)

    def of(self, stem: str) -> Teacher:
        """The drawing of one photo; raises as `teachers`."""
        return next(teachers(self.data, self.style, [stem], self.redrawn))

    def others(self, judge: Judge) -> Seen:
        """What a judge sees in the drawings of people who are not held out."""
        drawn = teachers(self.data, self.style, self.stems, self.redrawn)
        pictures, looks = [], []
        for teacher in tqdm(drawn, "teachers", len(self.stems), disable=None):
            pictures, looks = [teacher.picture], [*looks, judge.looks([teacher.picture])]
        together = {name: np.concatenate([some[name] for some in looks]) for name in looks[0]}
        return Seen({}, together, pictures[0])


@dataclass(frozen=True, eq=False)
class Measured:
    """seen: what was seen of each of `plans` by each method, and under "teacher" of the drawings of the same photos.

    references: what the judge sees in the drawings of others, by distance.
    """

    plans: Sequence[ShotPlan]
    seen: dict[str, list[Seen]]
    references: dict[str, np.ndarray]

    @functools.cached_property
    def table(self) -> Table:
        return summary(self.seen, self.references)


def measure(
    plans: Sequence[ShotPlan],
    methods: Mapping[str, Method],
    drawings: Drawings,
    judge: Judge,
    *,
    truths: TrueMotions | None = None,
    keep: Keep = keep_nothing,
    show: Callable[[ShotPlan, dict[str, Seen]], None] = lambda plan, seen: None,
) -> Measured:
    """Draw every shot by every method and look at it.

    show: gets each shot with its frames; they are let go then.
    """
    seen: dict[str, list[Seen]] = {name: [] for name in (*methods, TEACHER)}
    for plan in tqdm(plans, "shots", disable=None):
        found = _measure_shot(plan, methods, drawings, judge, truths, keep)
        show(plan, found)
        for name, one in found.items():
            seen[name].append(replace(one, frames=np.zeros((0, SIDE, SIDE), np.uint8)))
    others = keep("reference", {"drawings": drawings.digest(drawings.stems)}, lambda: drawings.others(judge))
    return Measured(plans, seen, others.looks)


def _measure_shot(
    plan: ShotPlan,
    methods: Mapping[str, Method],
    drawings: Drawings,
    judge: Judge,
    truths: TrueMotions | None,
    keep: Keep,
) -> dict[str, Seen]:
    shot = functools.cache(lambda: shoot(plan, truths))
    found = {}
    for name, method in methods.items():
        depends = {
            **_digests(plan),
            "method": name,
            "moves": truths is not None,
            "made_of": dict(method.made_of(plan.name)),
        }
        found[name] = keep(
            f"{plan.name}_{name}", depends, lambda m=method: look(m.draw(shot()), shot(), judge)
        )
    stem = plan.photo.stem
    depends = {"drawings": drawings.digest([stem])}
    found[TEACHER] = keep(
        f"{plan.name}_{TEACHER}", depends, lambda: look_at_teacher(drawings.of(stem), judge)
    )
    return found


def _digests(plan: ShotPlan) -> dict[str, Any]:
    files = {"photo": digest(plan.photo), "speech": digest(plan.speech)}
    return {**files, "frames": plan.frames, "start": plan.start, "seed": plan.seed}
