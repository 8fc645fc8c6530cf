"""Which stretch of a drawing goes to which piece of its speech, once the speech has been cut.

Everything is counted in frames of the take: 0 is its first picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A piece of the speech: it plays frames `first` to `end` - 1; frame 0 would be heard at timeline frame `at`."""

    first: int
    end: int
    at: int
    mute: bool = False

    def within(self, frames: int) -> Piece:
        """What of it a take of so many frames can show; empty where first == end."""
        first = min(max(self.first, 0), frames)
        return self._replace(first=first, end=max(min(self.end, frames), first))


class Part(NamedTuple):
    """A drawing strip as it lies. keep_first, keep_end: whether the edge stays instead of going with the speech."""

    first: int
    end: int
    at: int
    keep_first: bool = False
    keep_end: bool = False


class Cut(NamedTuple):
    """Frames `first` to `end` - 1, shown by (a copy of) part number `part` beside piece number `piece`."""

    part: int
    piece: int
    first: int
    end: int


def divide(parts: Sequence[Part], pieces: Sequence[Piece]) -> list[Cut]:
    """Give each piece the part that shows most of it, and its stretch thereof; further cuts in the drawing stay.

    A part may serve several pieces, of which the first in the list is its own and the others need copies. It serves
    none only where no piece holds any of its frames. Layers, parts that lie over a part, go wherever that goes. A
    piece of which all is heard in another one too is not served: its copies would be layers the next time.
    """
    heard, under = _outermost(pieces), _outermost(parts)
    served = [piece for piece, outer in heard.items() if outer == piece]
    bases = [part for part, base in under.items() if base == part]
    cuts = [
        Cut(bases[cut.part], served[cut.piece], cut.first, cut.end)
        for cut in _divide([parts[base] for base in bases], [pieces[piece] for piece in served])
    ]
    return cuts + [
        cut
        for layer, base in under.items()
        if layer != base
        for cut in _layered(layer, parts, [cut for cut in cuts if cut.part == base], pieces)
    ]


def _outermost(spans: Sequence[Part] | Sequence[Piece]) -> dict[int, int]:
    """Span -> the one that holds all its frames at the same time, itself if there is none; in the order of `spans`."""
    outer: dict[int, int] = {}
    for number in sorted(range(len(spans)), key=lambda n: spans[n].first - spans[n].end):
        span = spans[number]
        outer[number] = next(
            (
                n
                for n in outer
                if outer[n] == n
                and spans[n].at == span.at
                and spans[n].first <= span.first
                and span.end <= spans[n].end
            ),
            number,
        )
    return dict(sorted(outer.items()))


def _layered(layer: int, parts: Sequence[Part], base: Sequence[Cut], pieces: Sequence[Piece]) -> list[Cut]:
    """The layer's share of the cuts of what it lies over; of the piece that holds most of it, if those have none."""
    part, cuts = parts[layer], []
    for cut in base:
        under = parts[cut.part]
        # Edges that lay with those of the part below go with them.
        first = cut.first if part.first == under.first else max(part.first, cut.first)
        end = cut.end if part.end == under.end else min(part.end, cut.end)
        if first < end and _overlap(part, pieces[cut.piece]) > 0:
            cuts.append(Cut(layer, cut.piece, first, end))
    if not cuts:
        most = max(range(len(pieces)), key=lambda n: _overlap(part, pieces[n]))
        first, end = max(part.first, pieces[most].first), min(part.end, pieces[most].end)
        cuts = [Cut(layer, most, first, end)] if first < end else []
    return cuts


def _divide(parts: Sequence[Part], pieces: Sequence[Piece]) -> list[Cut]:
    """`divide` without layers."""
    owners = _owners(parts, pieces)
    cuts: list[Cut] = []
    for number, piece in enumerate(pieces):
        own = sorted((part for part in owners if owners[part] == number), key=lambda part: parts[part].first)
        if own:
            cuts += _stretches(parts, own, piece, number)
        else:
            nearest = max(range(len(parts)), key=lambda part: _overlap(parts[part], piece))
            cuts.append(Cut(nearest, number, piece.first, piece.end))
    return sorted(cuts, key=lambda cut: owners.get(cut.part) != cut.piece)


def _owners(parts: Sequence[Part], pieces: Sequence[Piece]) -> dict[int, int]:
    """Part -> piece: each piece takes the part that shows most of it, then the other parts go where they show most.

    Of the pieces of one part, the first keeps it, as in a split; of the parts of one piece, the one that lies nearest.
    """
    pairs = sorted(
        (-shared / (piece.end - piece.first), piece.first, abs(part.at - piece.at), i, j)
        for i, part in enumerate(parts)
        for j, piece in enumerate(pieces)
        if (shared := _overlap(part, piece)) > 0
    )
    owners: dict[int, int] = {}
    for *_, i, j in pairs:
        if i not in owners and j not in owners.values():
            owners[i] = j
    for *_, i, j in pairs:
        owners.setdefault(i, j)
    return owners


def _stretches(parts: Sequence[Part], own: Sequence[int], piece: Piece, number: int) -> list[Cut]:
    """The parts `own` one after the other, then those that show only what another one shows: layers, and repeats."""
    row, hidden, reached = [], [], piece.first
    for part in own:
        first, end = max(parts[part].first, reached), min(parts[part].end, piece.end)
        if first < end:
            row.append(Cut(part, number, first, end))
            reached = end
        else:
            hidden.append(part)
    head, tail = parts[row[0].part], parts[row[-1].part]
    if not head.keep_first:
        row[0] = row[0]._replace(first=piece.first)
    if not tail.keep_end:
        row[-1] = row[-1]._replace(end=piece.end)
    cuts = list(row)
    for part in hidden:
        # Edges that lay with those of the others go with them.
        first = row[0].first if parts[part].first == head.first else max(parts[part].first, piece.first)
        end = row[-1].end if parts[part].end == tail.end else min(parts[part].end, piece.end)
        cuts.append(Cut(part, number, first, end))
    return cuts


def _overlap(part: Part, piece: Piece) -> int:
    """Frames that both hold; where there are none, minus the frames between them."""
    return min(part.end, piece.end) - max(part.first, piece.first)
