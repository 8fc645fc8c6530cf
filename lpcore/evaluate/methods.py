"""The ways to draw a shot: the engine's own and the paper's baselines (section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from .. import weights
from ..drawing.stream import FrameStream
from ..drawing.styles import STYLES, weight_files
from ..types import Portrait
from .per_frame import PerFrame
from .shots import Shot

ROLES = {
    "generator": "ours: drawn by the generator",
    "warp": "the static drawing, moved by the landmarks (the role of UPD+Warp)",
    "frame": "the photo, moved by the landmarks, each frame drawn for itself (the role of MakeItTalk+UPD)",
    "teacher": "the drawings that the networks learnt from, of the same photos",
}
"""What stands behind the names of a table."""


class Stream(Protocol):
    """A way to draw one portrait; see `drawing.stream.FrameStream`."""

    @property
    def static(self) -> np.ndarray: ...

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True, eq=False)
class Film:
    """What a method made of one shot: grey pictures of 512 x 512, ink 0 and paper 255.

    static: the drawing of the photo itself. frames: (T, 512, 512). calm, moves: the shot's other takes, None where
    the method has none. note: what the user ought to know of it.
    """

    static: np.ndarray
    frames: np.ndarray
    calm: np.ndarray | None = None
    moves: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A way to draw shots.

    role: what it is, for people. made_of: of a shot's name, what its film depends on besides the shot, as digests.
    """

    draw: Callable[[Shot], Film]
    role: str = ""
    made_of: Callable[[str], Mapping[str, str]] = field(default=lambda name: {})


def drawn_by(make: Callable[[Portrait], Stream]) -> Callable[[Shot], Film]:
    """How the streams that `make` makes draw a shot."""

    def draw(shot: Shot) -> Film:
        stream = make(shot.portrait)
        takes = [shot.points, shot.calm, shot.truth.points if shot.truth else None]
        frames, calm, moves = (
            None if take is None else np.stack(list(stream.frames(take))) for take in takes
        )
        assert frames is not None  # every shot has points
        return Film(stream.static, frames, calm, moves)

    return draw


def own_methods(style: str, device: str) -> dict[str, Method]:
    """The engine's ways to draw that are at hand and the baselines, the engine's best first."""
    chosen = STYLES[style]

    def engine(name: str) -> Method:
        make = lambda portrait: FrameStream(portrait, style, device=device, engine=name)  # noqa: E731
        digests = {file: weights.sha256(file) for file in weight_files(chosen, name)}
        return Method(drawn_by(make), ROLES[name], lambda shot: digests)

    names = ["generator", "warp"] if weights.present(chosen.generator) else ["warp"]
    frame = Method(
        drawn_by(lambda portrait: PerFrame(portrait, chosen, device)),
        ROLES["frame"],
        lambda shot: {"static_drawer": weights.sha256("static_drawer")},
    )
    return {name: engine(name) for name in names} | {"frame": frame}
