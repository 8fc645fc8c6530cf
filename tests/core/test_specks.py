"""Crumbs go, strokes stay as they are, broken ones too."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lpcore.drawing.specks import without_specks

INK, PAPER = 6.0, -6.0


def blank(side: int = 96) -> torch.Tensor:
    return torch.full((1, side, side), PAPER)


def test_a_crumb_goes_and_a_stroke_keeps_every_value():
    drawn = blank()
    drawn[0, 10:14, 10:14] = INK
    drawn[0, 50, 5:90] = torch.linspace(-0.5, INK, 85)
    cleaned = without_specks(drawn)
    assert (cleaned[0, 8:16, 8:16] <= PAPER).all()
    assert torch.equal(cleaned[0, 40:60], drawn[0, 40:60])


def test_a_dashed_line_is_no_crumbs_but_scattered_dots_are():
    drawn = blank()
    for x in range(5, 90, 8):
        drawn[0, 30:32, x : x + 5] = INK
        drawn[0, 60:62, x : x + 2] = INK
    cleaned = without_specks(drawn)
    assert torch.equal(cleaned[0, 20:40], drawn[0, 20:40])
    assert (cleaned[0, 55:65] < 0).all()


def test_a_large_but_faint_smear_goes():
    drawn = blank()
    drawn[0, 20:60, 20:60] = -0.5
    assert (without_specks(drawn) <= PAPER).all()


@given(st.integers(0, 2**32 - 1))
def test_ink_is_only_ever_taken_away_and_a_second_pass_finds_nothing(seed):
    drawn = torch.from_numpy(np.random.default_rng(seed).normal(-4, 3, (2, 32, 48)).astype(np.float32))
    once = without_specks(drawn)
    assert ((once == drawn) | (once < drawn)).all()
    assert torch.equal(without_specks(once), once)
