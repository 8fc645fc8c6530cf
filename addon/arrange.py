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
    lying = [_lying(strip, now, take) for strip, now in zip(strips, shown, strict=True)]
    follows = renew is None
    parts = [one.part._replace(keep_first=False, keep_end=False) if follows else one.part for one in lying]
    uses: dict[int, list[cuts.Cut]] = {}
    for cut in cuts.divide(parts, pieces):
        of_part = uses.setdefault(cut.part, [])
        if not of_part or take.frames > 1:  # a single picture cannot be split
            of_part.append(cut)
    sources = [number for number in uses for _ in uses[number]]
    laid = [_laid(lying[number], use, pieces[use.piece], follows) for number in uses for use in uses[number]]
    if len(laid) == len(strips) and all(
        _is_there(strips[source], one, take) for source, one in zip(sources, laid, strict=True)
    ):
        placed = [strips[source] for source in sources]
        if renew:
            for strip in placed:
                renew(strip)
    else:
        placed = _relay(scene, strips, sources, laid, renew)
    for strip, one, use in zip(placed, laid, (use for part in uses.values() for use in part), strict=True):
        strip[LAID] = one
        if follows:
            strip.mute = pieces[use.piece].mute


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


def _laid(lying: Lying, use: cuts.Cut, piece: cuts.Piece, follows: bool) -> Laid:
    shift = lying.offset if follows else 0  # the take changes, and with it what picture 0 is
    return Laid(piece.at + shift, lying.lag(piece), use.first - shift, use.end - shift)


def _is_there(strip: Any, laid: Laid, take: Take) -> bool:
    lies, content = compat.handles(strip), laid.at + laid.lag
    now = round(compat.content_start(strip)), lies.start, lies.end
    return now == (content, content + laid.first, content + laid.end) and len(strip.elements) == take.frames


def _relay(
    scene: bpy.types.Scene,
    strips: Sequence[Any],
    sources: Sequence[int],
    laid: Sequence[Laid],
    renew: Callable[[Any], None] | None,
) -> list[Any]:
    """Lay (copies of) the strips number `sources`, and remove strips that are no source; returns what was laid."""
    # All leave for the empty end of the timeline first: on their ways they must not push each other, or others, aside.
    room = max(compat.handles(strip).end for strip in compat.strips(scene))

    def park(strip: Any) -> int:
        nonlocal room
        at, room = room, room + len(strip.elements)
        compat.lay(strip, at, at, room)
        return at

    placed: list[Any] = []
    channels = [strip.channel for strip in strips]
    for strip in strips:
        park(strip)
        if renew:
            renew(strip)
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
    for strip, one in zip(placed, laid, strict=True):
        content = one.at + one.lag
        compat.lay(strip, content, content + one.first, content + one.end)
    for strip, source in zip(placed, sources, strict=True):
        if _is_free(scene, channels[source], compat.handles(strip)):
            strip.channel = channels[source]
    return placed


def _is_free(scene: bpy.types.Scene, channel: int, lies: compat.Handles) -> bool:
    others = (compat.handles(strip) for strip in compat.strips(scene) if strip.channel == channel)
    return not any(other.start < lies.end and other.end > lies.start for other in others)
