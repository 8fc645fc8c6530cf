"""Levels in dB and the silence mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lpcore.audio.level import FLOOR_DB, level, loud_level, silence


def tone(seconds: float, amplitude: float = 1.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * 500 * np.arange(round(seconds * 16000)) / 16000)).astype(
        np.float32
    )


def test_a_full_scale_tone_has_minus_three_decibels():
    levels = level(tone(1.0))
    assert len(levels) == 50
    np.testing.assert_allclose(levels[1:-1], -3.0103, atol=1e-3)


@pytest.mark.parametrize(("samples", "frames"), [(320, 1), (321, 2), (641, 3), (16000, 50)])
def test_one_frame_for_each_begun_hop(samples, frames):
    assert len(level(np.zeros(samples, np.float32))) == frames


def test_digital_silence_is_silent_throughout():
    levels = level(np.zeros(16000, np.float32))
    assert (levels == FLOOR_DB).all() and silence(levels).all()


def test_pauses_are_found_and_stop_consonants_are_not():
    parts = [(0.5, 0), (1.0, 0.5), (0.08, 0), (0.8, 0.5), (0.6, 0.001), (0.7, 0.3), (0.4, 0)]
    mask = silence(level(np.concatenate([tone(s, a) for s, a in parts])))
    edges = np.cumsum([s for s, _ in parts])
    middle = {name: int((edges[i] - parts[i][0] / 2) * 50) for i, name in enumerate("asdtpse")}
    assert mask[5] and mask[int((edges[4] - 0.3) * 50)] and mask[-3]
    assert not mask[middle["d"]] and not mask[int((edges[1] - 0.5) * 50)]
    assert abs(np.flatnonzero(~mask)[0] / 50 - 0.5) <= 0.04


def test_the_threshold_is_relative_to_the_loud_level():
    sound = np.concatenate([tone(1, 0.5), tone(1, 0.5 * 10 ** (-30 / 20)), tone(1, 0.5)])
    for gain in (1.0, 0.1):
        levels = level(sound * gain)
        assert loud_level(levels) == pytest.approx(20 * np.log10(0.5 * gain) - 3.01, abs=0.1)
        assert not silence(levels, -40).any()
        assert silence(levels, -20)[60:90].all()


@given(hnp.arrays(np.float32, st.integers(1, 300), elements=st.floats(-100, 0, width=32)))
def test_inner_silences_last(levels):
    mask = silence(levels, shortest=0.2)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        assert end - begin >= 10 or begin == 0 or end == len(mask)
