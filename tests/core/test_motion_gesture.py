"""Head and brows of whoever speaks: smooth chance, prosody, and what the shipped branch makes of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from lpcore.audio import content, level
from lpcore.motion import gesture as gesture_module
from lpcore.motion.gesture import LIMITS, RATE, Delivery, gesture, shaped
from lpcore.motion.noise import smooth_noise
from lpcore.motion.prosody import liveliness, prosody
from lpcore.motion.speak import speak
from lpcore.motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from lpcore.motion.style import VOICE, nobody
from lpcore.points68 import BROWS, NOSE
from lpcore.types import SpeakSettings

SMALL = SpeakerBranchConfig(
    features=4, hidden=8, layers=1, voice=3, voice_widths=(4,), noise=2, placed=False, model=8, feed_forward=8,
    blocks=1, head=(8,), outputs=3, look_ahead=2, span=32, dropout=0.0,
)  # fmt: skip


def speech(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features that wander and samples of a humming voice that swells four times a second."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    hum = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 8))
    samples = (0.2 * hum * np.sin(4 * np.pi * time) ** 2).astype(np.float32)
    frames = -(-len(samples) // 320)
    return rng.standard_normal((frames, content.WIDTH)).astype(np.float32), samples


def delivery_of(samples: np.ndarray) -> Delivery:
    levels = level.level(samples)
    return Delivery.of(samples, levels, level.silence(levels))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.7, 3.0]))
@settings(max_examples=20)
def test_noise_is_a_spline_through_random_numbers(seed, scale):
    times = np.linspace(0, 9, 400)
    course = smooth_noise(times, seed, (scale,), 1)[:, 0]
    rng = np.random.default_rng([seed, 0])
    phase = rng.random(1)[0]
    place = times / scale + phase
    lattice = rng.standard_normal((int(place.max()) + 4, 1))[:, 0]
    basis = BSpline.basis_element(np.arange(5))
    weights = np.nan_to_num(basis(place[:, None] - np.arange(len(lattice)) + 3, extrapolate=False))
    expected = (weights * lattice).sum(axis=1) / np.sqrt((weights**2).sum(axis=1))
    np.testing.assert_allclose(course, expected, atol=1e-5)


def test_noise_goes_on_as_it_began_whatever_its_length():
    times = np.arange(3000) / 50
    long, short = (smooth_noise(times[:count], 5, (0.3, 2.0), 2) for count in (3000, 400))
    np.testing.assert_array_equal(long[:400], short)
    many = np.concatenate([smooth_noise(times[::50], seed, (0.3, 2.0), 2) for seed in range(300)])
    np.testing.assert_allclose(many.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(many.std(axis=0), 1, atol=0.05)
    assert np.abs(np.corrcoef(many.T) - np.eye(4)).max() < 0.05


def test_prosody_hears_melody_loudness_and_silence():
    time = np.arange(48000) / 16000
    pitch = np.where(time < 1, 120, 240)
    tone = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / 16000) / k for k in range(1, 8))
    samples = (0.2 * tone * (time < 2)).astype(np.float32)
    levels = level.level(samples)
    silent = level.silence(levels)
    loud, melody, voiced, spoken = prosody(samples, levels, silent).T
    assert melody[70:90].mean() - melody[10:40].mean() == pytest.approx(1, abs=0.05)
    assert voiced[10:90].mean() > 0.95 and not voiced[110:].any()
    assert loud[10:90].min() > 0.9 and not loud[110:].any() and (spoken == ~silent).all()
    lively = liveliness(levels, silent)
    assert lively[30] > 0.9 and lively[-5:].max() < 0.01 and lively.min() >= 0


def test_whispers_have_no_melody():
    whisper = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    levels = level.level(whisper)
    assert np.abs(prosody(whisper, levels, level.silence(levels))[:, 1]).mean() < 0.1


def test_one_code_for_all_frames_is_a_code_for_each():
    torch.manual_seed(0)
    branch = SpeakerBranch(SMALL).eval()
    features, voice, code = torch.randn(2, 30, 4), torch.randn(2, 3), torch.randn(2, 2)
    each = branch(features, voice, code[:, None].expand(-1, 30, -1))
    torch.testing.assert_close(branch(features, voice, code), each)
    assert (each - branch(features, voice)).abs().max() > 1e-3


def test_frames_without_a_place_move_alike_wherever_they_are():
    torch.manual_seed(0)
    branch = SpeakerBranch(SMALL).eval()
    states, voice, codes = torch.randn(1, 20, 8), torch.randn(1, 3), torch.randn(1, 20, 2)
    order = torch.randperm(20)
    shuffled = branch.attend(states[:, order], voice, codes[:, order])
    torch.testing.assert_close(shuffled, branch.attend(states, voice, codes)[:, order])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_gestures_keep_within_their_limits_and_follow_their_seed(seed):
    features, samples = speech(4.0)
    delivery = delivery_of(samples)
    voice = np.full(VOICE, 1 / 16, np.float32)
    one, again = (gesture(20 * features, delivery, voice, seed) for _ in range(2))
    motion = np.column_stack([one.pose, one.brows])
    assert motion.shape == (200, 6) and (np.abs(motion) <= LIMITS).all() and motion.std() > 0
    assert one.pose.tobytes() == again.pose.tobytes() and one.brows.tobytes() == again.brows.tobytes()
    assert one.pose.tobytes() != gesture(20 * features, delivery, voice, seed + 1).pose.tobytes()


def test_left_and_right_are_alike(monkeypatch):
    features, samples = speech(3.0)
    delivery = delivery_of(samples)
    one = gesture(features, delivery, nobody(), 4)
    plain = smooth_noise
    monkeypatch.setattr(
        gesture_module, "smooth_noise", lambda *given: plain(*given) * gesture_module.MIRRORED_NOISE
    )
    other = gesture(features, delivery, nobody(), 4)
    np.testing.assert_allclose(other.pose, one.pose * gesture_module.MIRROR[:5], atol=1e-6)
    np.testing.assert_allclose(other.brows, one.brows, atol=1e-6)
    assert np.abs(one.pose[:, 0]).max() > 1e-3


def test_silence_calms_the_head_and_rests_the_brows():
    features, samples = speech(12.0)
    samples[6 * 16000 :] = 0
    features[6 * RATE :] = features[6 * RATE]
    delivery = delivery_of(samples)
    speeds = []
    for seed in range(8):
        moved = gesture(features, delivery, nobody(), seed)
        speed = np.abs(np.diff(moved.pose, axis=0) / LIMITS[:5]).mean(axis=1)
        speeds.append((speed[50:280].mean(), speed[350:].mean()))
        assert np.abs(moved.brows[:250]).max() > 0 and not moved.brows[350:].any()
    spoken, silent = np.mean(speeds, axis=0)
    assert silent < 0.6 * spoken


def test_what_nobody_listened_to_still_moves():
    _, samples = speech(3.0)
    moved = gesture(None, delivery_of(samples), nobody(), 0)
    assert moved.pose.shape == (150, 5) and moved.pose.std() > 0


def test_long_speech_has_no_seams(monkeypatch):
    """Where one stretch of attention gives way to the next the head is no quicker than elsewhere."""
    features, samples = speech(40.0)
    span = gesture_module.load_branch().config.span
    moved = gesture(features, delivery_of(samples), nobody(), 3)
    bend = np.abs(np.diff(moved.pose / LIMITS[:5], 2, axis=0)).mean(axis=1)
    seams = np.concatenate(
        [np.arange(b - 2, b + 2) for b in range(span // 2, len(features) - span, span // 2)]
    )
    assert bend[seams].mean() < 1.5 * bend.mean() and bend.max() < 8 * bend.mean()


def test_outputs_are_smoothed_and_bounded():
    said = np.zeros((200, 6))
    said[100:] = 1e6
    moved = shaped(said, np.ones(200))
    assert np.isclose(moved.pose[-1], LIMITS[:5]).all() and moved.brows[-1] == pytest.approx(1)
    small = shaped(said / 1e9, np.ones(200)).pose[:, 0]
    assert (np.diff(small) >= 0).all() and np.diff(small).max() < small[-1] / 8


def test_the_head_moves_alike_at_any_frame_rate(babble, portrait):
    rates = (Fraction(12), Fraction(24), Fraction(60), Fraction(120))
    heads = [speak(portrait, babble, fps=fps, settings=SpeakSettings(blinks=0)).parts for fps in rates]
    for fps, parts in zip(rates, heads, strict=True):
        for name, points in (("head", NOSE), ("brows", BROWS)):
            every = parts[name][:: fps // 12][:36, list(points)]
            np.testing.assert_allclose(every, heads[-1][name][::10][:36, list(points)], atol=0.15)
    assert np.abs(heads[0]["head"]).max() > 1


def test_the_film_begins_with_the_photos_own_pose(babble, portrait):
    for seed in range(5):
        parts = speak(
            portrait, babble, fps=Fraction(50), settings=SpeakSettings(seed=seed, head=3, brows=3)
        ).parts
        assert not parts["head"][0].any() and not parts["brows"][0].any()
        step = np.abs(np.diff(parts["head"], axis=0)).max(axis=(1, 2))
        assert step[:5].max() < 0.5
