"""Frame rates, smoothing, blinks: exact in time at any rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from lpcore.motion.blink import CLOSE, EARLIEST, HOLD, OPEN, blink_envelope, blink_times, close_lids
from lpcore.motion.retime import frame_count, frame_times, retime, retime_peaks
from lpcore.motion.smooth import gaussian
from lpcore.points68 import EYES, LID_PAIRS

NTSC = Fraction(24000, 1001)
RATES = [Fraction(12), NTSC, Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60), Fraction(120)]
rates = st.sampled_from(RATES)


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [
        (4.0, 25, 100),
        (10.01, NTSC, 240),
        (0.04, 12, 1),
        (1001.0, NTSC, 24000),
        (2.0, 60, 120),
        (0.01, 25, 1),
        (0.1, 25, 3),
    ],
)
def test_a_span_fills_its_frames(seconds, fps, frames):
    assert frame_count(seconds, Fraction(fps)) == frames


def test_frames_do_not_drift():
    times = frame_times(24001, NTSC)
    assert times[-1] == 1001.0
    assert times[24] == 1.001


@pytest.mark.parametrize("fps", RATES)
def test_a_slow_signal_is_the_same_at_any_rate(fps):
    source = np.arange(501) / 50
    signal = np.stack([np.sin(2 * np.pi * 0.7 * source), source], axis=1).astype(np.float32)
    count = frame_count(10.0, fps)
    result = retime(signal, 50, fps, count)
    time = frame_times(count, fps)
    inner = (time > 0.5) & (time < 9.5)
    np.testing.assert_allclose(result[inner, 0], np.sin(2 * np.pi * 0.7 * time)[inner], atol=0.03)
    np.testing.assert_allclose(result[inner, 1], time[inner], atol=1e-4)
    assert result.dtype == np.float32


def test_the_same_rate_gives_the_samples_back():
    signal = np.random.default_rng(0).standard_normal((40, 68, 3)).astype(np.float32)
    np.testing.assert_array_equal(retime(signal, 50, Fraction(50), 40), signal)


def test_what_film_cannot_show_is_smoothed_away():
    flicker = np.tile([1.0, -1.0], 100)
    assert np.abs(retime(flicker, 50, Fraction(12), 40)[2:]).max() < 0.05


def test_beyond_the_end_the_last_value_holds():
    signal = np.linspace(0, 1, 20)
    assert (retime(signal, 50, Fraction(50), 30)[20:] == 1).all()
    assert retime(np.ones((1, 3)), 50, Fraction(25), 4).shape == (4, 3)


@given(rates, st.integers(0, 149))
def test_no_peak_is_missed(fps, spike):
    signal = np.zeros(150)
    signal[spike] = 1.0
    count = frame_count(3.0, fps) + 1
    assert retime_peaks(signal, 50, fps, count).max() == 1.0


@given(st.floats(0.3, 5), st.integers(1, 80))
@settings(max_examples=30)
def test_the_low_pass_is_scipys(sigma, length):
    values = np.random.default_rng(length).standard_normal((length, 2))
    radius = int(np.ceil(3 * sigma))
    expected = gaussian_filter1d(values, sigma, axis=0, mode="nearest", radius=radius)
    np.testing.assert_allclose(gaussian(values, sigma), expected, atol=1e-9)


@given(st.floats(0, 120), st.floats(0, 300), st.integers(0, 2**31))
@settings(max_examples=50)
def test_blinks_neither_come_early_nor_overlap(duration, rate, seed):
    times = blink_times(duration, rate, seed)
    assert (times - CLOSE >= EARLIEST).all() and (times < duration).all()
    assert (np.diff(times) > CLOSE + HOLD + OPEN).all()
    np.testing.assert_array_equal(times, blink_times(duration, rate, seed))


def test_the_blink_rate_is_kept_and_seeds_differ():
    minutes = 20
    for rate in (5, 15, 40):
        assert len(blink_times(60 * minutes, rate, 1)) == pytest.approx(rate * minutes, rel=0.15)
    assert not np.array_equal(blink_times(60, 15, 1)[:3], blink_times(60, 15, 2)[:3])
    assert len(blink_times(600, 0, 1)) == 0
    np.testing.assert_array_equal(
        blink_times(60, 15, 1), blink_times(120, 15, 1)[: len(blink_times(60, 15, 1))]
    )


@given(rates, st.integers(0, 1000))
def test_every_blink_shuts_the_eye_at_any_rate(fps, seed):
    times = blink_times(30.0, 20, seed)
    count = frame_count(31.0, fps)
    envelope = blink_envelope(count, fps, times)
    shut = np.flatnonzero(envelope == 1.0)
    for moment in times:
        assert (np.abs(shut / float(fps) - moment) <= 1 / float(fps) + 1e-6).any()
    assert envelope.min() >= 0 and envelope.max() <= 1
    assert not envelope[: int(EARLIEST * fps)].any()


def test_lids_fall_faster_than_they_rise():
    envelope = blink_envelope(200, Fraction(100), np.array([1.0]))
    assert np.flatnonzero(envelope > 0.5)[0] > 100 - 8
    assert np.flatnonzero(envelope > 0.02)[-1] - 100 > 1.5 * (100 - np.flatnonzero(envelope > 0.02)[0])


def test_shut_lids_coincide_in_the_lower_third(face):
    moved = close_lids(np.stack([face, face]), np.array([0.0, 1.0]))
    assert not moved[0].any()
    shut = face + moved[1]
    for upper, lower in LID_PAIRS:
        np.testing.assert_allclose(shut[upper], shut[lower], atol=1e-4)
        height = (face[lower, 1] - shut[lower, 1]) / (face[lower, 1] - face[upper, 1])
        assert height == pytest.approx(1 / 3, abs=1e-3)
    assert not moved[:, [i for i in range(68) if i not in EYES]].any()
