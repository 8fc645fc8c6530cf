"""Which stretch of a drawing goes to which piece of its speech."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import part

spans = st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(-50, 50)).map(
    lambda values: (values[0], values[0] + values[1], values[2])
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans, min_size=1, max_size=5), st.lists(spans, min_size=1, max_size=5))
def test_every_piece_is_shown_whole_and_every_part_that_shows_any_of_it_is_kept(blender_once, parts, pieces):
    cuts = part("cuts")
    divided = cuts.divide([cuts.Part(*span) for span in parts], [cuts.Piece(*span) for span in pieces])
    for first, end, at in pieces:
        # A piece of which all is heard in another one too is shown by that one's strips.
        own = [
            cut
            for cut in divided
            if (whole := pieces[cut.piece])[2] == at and whole[0] <= first and end <= whole[1]
        ]
        assert min(cut.first for cut in own) <= first
        assert max(cut.end for cut in own) >= end
        assert all(cut.first < cut.end for cut in own)
    for number, (first, end, _) in enumerate(parts):
        if any(first < piece_end and piece_first < end for piece_first, piece_end, _ in pieces):
            assert any(cut.part == number for cut in divided)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 60), min_size=2, max_size=6, unique=True), spans)
def test_parts_that_lie_in_a_row_stay_in_a_row(blender_once, edges, piece):
    cuts = part("cuts")
    row = [cuts.Part(first, end, 0) for first, end in itertools.pairwise(sorted(edges))]
    shown = sorted((cut.first, cut.end) for cut in cuts.divide(row, [cuts.Piece(*piece)]))
    assert all(before[1] == after[0] for before, after in itertools.pairwise(shown))
    assert (shown[0][0], shown[-1][1]) == piece[:2]


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans, min_size=1, max_size=4), st.lists(spans, min_size=1, max_size=4))
def test_what_was_laid_once_needs_no_more_strips(blender_once, parts, pieces):
    """Laying strips again and again beside the same speech must not make more and more of them."""
    cuts = part("cuts")
    held = [cuts.Piece(*span) for span in pieces]
    laid, counts = [cuts.Part(*span) for span in parts], []
    for _ in range(4):
        divided = cuts.divide(laid, held)
        laid = [cuts.Part(cut.first, cut.end, held[cut.piece].at) for cut in divided]
        counts.append(len(laid))
    assert counts[-1] == counts[-2]


def test_layers_go_to_every_piece_of_a_split_speech(blender_once):
    cuts = part("cuts")
    parts = [cuts.Part(0, 18, 11), cuts.Part(0, 18, 11), cuts.Part(5, 15, 11)]
    divided = cuts.divide(parts, [cuts.Piece(0, 9, 11), cuts.Piece(9, 18, 41)])
    whole = {(0, 0, 9), (1, 9, 18)}
    for number in (0, 1):
        assert {cut[1:] for cut in divided if cut.part == number} == whole
    assert {cut[1:] for cut in divided if cut.part == 2} == {(0, 5, 9), (1, 9, 15)}


def test_a_layer_goes_with_what_it_lies_over_and_a_repeat_keeps_its_edges(blender_once):
    cuts = part("cuts")
    parts = [cuts.Part(0, 18, 11), cuts.Part(0, 18, 11), cuts.Part(4, 18, 111), cuts.Part(5, 9, 11)]
    divided = cuts.divide(parts, [cuts.Piece(2, 25, 9)])
    assert sorted(divided) == [
        cuts.Cut(0, 0, 2, 25),
        cuts.Cut(1, 0, 2, 25),
        cuts.Cut(2, 0, 4, 25),
        cuts.Cut(3, 0, 5, 9),
    ]
