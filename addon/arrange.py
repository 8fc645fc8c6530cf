"""Laying the drawing strips beside the pieces of their speech: cut, copied, moved and removed as these were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import bpy

from . import compat, cuts

LAID = "lineportrait_laid"
"""Custom property: how the strip was last laid, see `Laid`."""


class Take(NamedTuple):
    """Pictures of a speech from `start` seconds of its sound on."""

    start: float
    fps: Fraction
    frames: int


class Laid(NamedTuple):
    """Where a strip was put: its picture 0 was heard at timeline frame `at` and shown `lag` frames later; of its
    pictures `first` to `end` - 1 could be seen.
    """

    at: int
    lag: int
    first: int
    end: int


class Lying(NamedTuple):
    """A strip as it lies: picture 0, at timeline frame `content`, is frame `offset` of the take that is to be shown."""

    part: cuts.Part
    content: int
    offset: int
    laid: Laid

    def lag(self, piece: cuts.Piece) -> int:
        """How far behind the speech the animator wants the picture: moved along with the speech, it lags no more."""
        heard = piece.at + self.offset
        if self.content - self.laid.at - self.laid.lag == heard - self.laid.at:
            return self.laid.lag
        return self.content - self.laid.at


class Plan(NamedTuple):
    """Where strip number `source` (or a copy of it) goes, beside the piece number `piece`."""

    source: int
    piece: int
    laid: Laid


def arrange(
    scene: bpy.types.Scene,
    strips: Sequence[Any],
    shown: Sequence[Take],
    pieces: Sequence[cuts.Piece],
    take: Take,
    renew: Callable[[Any], None] | None = None,
) -> None:
    """Lay the strips of one portrait, which show the takes `shown`, beside `pieces`, counted in frames of `take`.

    With `renew`, which lets a strip show `take` instead of the take it shows, edges that the animator trimmed stay.
    Without, they go on showing what they show and follow the speech: as long as it is, and muted as it is.
    """
    follows = renew is None
    plans = _plan(strips, shown, pieces, take, keep_trims=not follows, renewed=not follows)
    if not _is_done(strips, plans, take):
        placed = _relay(scene, strips, plans, renew)
    else:
        placed = [strips[plan.source] for plan in plans]
        if renew:
            for strip in placed:
                renew(strip)
    for strip, plan in zip(placed, plans, strict=True):
        strip[LAID] = plan.laid
        if follows:
            strip.mute = pieces[plan.piece].mute


def is_arranged(
    strips: Sequence[Any], shown: Sequence[Take], pieces: Sequence[cuts.Piece], take: Take
) -> bool:
    """Whether the strips lie beside the pieces, trims by hand aside."""
    return _is_done(strips, _plan(strips, shown, pieces, take, keep_trims=True, renewed=False), take)


def _plan(
    strips: Sequence[Any],
    shown: Sequence[Take],
    pieces: Sequence[cuts.Piece],
    take: Take,
    keep_trims: bool,
    renewed: bool,
) -> list[Plan]:
    lying = [_lying(strip, now, take) for strip, now in zip(strips, shown, strict=True)]
    parts = [one.part if keep_trims else one.part._replace(keep_first=False, keep_end=False) for one in lying]
    plans: list[Plan] = []
    for cut in cuts.divide(parts, pieces):
        if take.frames < 2 and any(plan.source == cut.part for plan in plans):
            continue  # a single picture cannot be split
        one, piece = lying[cut.part], pieces[cut.piece]
        shift = 0 if renewed else one.offset  # renewed, picture 0 is frame 0
        laid = Laid(piece.at + shift, one.lag(piece), cut.first - shift, cut.end - shift)
        plans.append(Plan(cut.part, cut.piece, laid))
    return plans


def _is_done(strips: Sequence[Any], plans: Sequence[Plan], take: Take) -> bool:
    if sorted(plan.source for plan in plans) != list(range(len(strips))):
        return False
    return all(_is_there(strips[plan.source], plan.laid, take) for plan in plans)


def _lying(strip: Any, shown: Take, take: Take) -> Lying:
    lies, content = compat.handles(strip), round(compat.content_start(strip))
    offset = round((shown.start - take.start) * take.fps)
    first, end = lies.start - content, lies.end - content
    laid = Laid(*strip[LAID]) if LAID in strip else Laid(content, 0, first, end)
    part = cuts.Part(
        round(first * take.fps / shown.fps) + offset,
        round(end * take.fps / shown.fps) + offset,
        content - offset,
        first != laid.first,
        end != laid.end,
    )
    return Lying(part, content, offset, laid)


def _is_there(strip: Any, laid: Laid, take: Take) -> bool:
    lies, content = compat.handles(strip), laid.at + laid.lag
    now = round(compat.content_start(strip)), lies.start, lies.end
    return now == (content, content + laid.first, content + laid.end) and len(strip.elements) == take.frames


def _relay(
    scene: bpy.types.Scene,
    strips: Sequence[Any],
    plans: Sequence[Plan],
    renew: Callable[[Any], None] | None,
) -> list[Any]:
    """Lay (copies of) the strips as planned, and remove those for which nothing is planned; returns what was laid."""
    # All leave for the empty end of the timeline first: on their ways they must not push each other, or others, aside.
    room = max(compat.handles(strip).end for strip in compat.strips(scene))

    def park(strip: Any) -> int:
        nonlocal room
        at, room = room, room + len(strip.elements)
        compat.lay(strip, at, at, room)
        return at

    sources = [plan.source for plan in plans]
    placed: list[Any] = []
    channels = [strip.channel for strip in strips]
    for strip in strips:
        park(strip)
        if renew:
            renew(strip)
            # With more pictures now, perhaps, than its place had room for: the next one would lie on them.
            park(strip)
    for number, source in enumerate(sources):
        strip = strips[source]
        if source in sources[:number]:
            at = park(strip)
            strip = compat.split(strip, at + 1)
            park(strip)
        placed.append(strip)
    for number, strip in enumerate(strips):
        if number not in sources:
            compat.remove_strip(scene, strip)
    for strip, plan in zip(placed, plans, strict=True):
        content = plan.laid.at + plan.laid.lag
        compat.lay(strip, content, content + plan.laid.first, content + plan.laid.end)
    for strip, source in zip(placed, sources, strict=True):
        if _is_free(scene, channels[source], compat.handles(strip)):
            strip.channel = channels[source]
    return placed


def _is_free(scene: bpy.types.Scene, channel: int, lies: compat.Handles) -> bool:
    others = (compat.handles(strip) for strip in compat.strips(scene) if strip.channel == channel)
    return not any(other.start < lies.end and other.end > lies.start for other in others)
