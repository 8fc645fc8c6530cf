"""Motion in parts: every dial moves its own part, stillness is exact, poses hold, pieces join, lips still meet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lpcore.errors import LpError
from lpcore.motion import performance, pose, speak, style
from lpcore.motion.close import lip_gap
from lpcore.motion.retime import frame_count
from lpcore.points68 import BROWS, EYES, INNER_LIP_PAIRS, JAW, LID_PAIRS, LIPS, NOSE
from lpcore.types import EMOTIONS, SpeakSettings

STILL = SpeakSettings(head=0, brows=0, blink_rate=0)
AXES = ("yaw", "pitch", "roll", "shift")
NTSC = Fraction(24000, 1001)
films = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
rates = st.sampled_from(
    [Fraction(12), NTSC, Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(120)]
)


@films
@given(fps=rates, hold=st.integers(1, 4), frames=st.integers(1, 80) | st.none(), seed=st.integers(0, 99))
def test_poses_hold_for_exactly_their_frames(babble, portrait, fps, hold, frames, seed):
    chosen = SpeakSettings(hold=hold, seed=seed, emotion="sad")
    points = speak.speak(portrait, babble, fps=fps, frames=frames, settings=chosen).points
    assert len(points) == (frames or frame_count(3.0, fps))
    for first in range(0, len(points), hold):
        assert (points[first : first + hold] == points[first]).all()
    poses = np.unique(points.reshape(len(points), -1), axis=0)
    assert len(poses) <= ceil(len(points) / hold)


@pytest.mark.parametrize("hold", [2, 3])
@pytest.mark.parametrize("fps", [Fraction(12), Fraction(25), Fraction(120)])
def test_lids_and_lips_still_close_on_twos_and_threes(babble, portrait, fps, hold):
    chosen = SpeakSettings(hold=hold, blink_rate=40, head=0, brows=0)
    points = speak.speak(portrait, babble, fps=fps, settings=chosen).points
    openings = np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in LID_PAIRS])
    assert openings.min() < 0.01 and openings.max() > 5
    time = np.arange(len(points)) / float(fps)
    for spike in (0.4, 0.9, 2.4):
        assert lip_gap(points)[np.abs(time - spike) < hold / fps + 0.03].min() < 0.01


@pytest.mark.parametrize("hold", [1, 2])
@pytest.mark.parametrize("fps", [Fraction(25), NTSC, Fraction(120)])
def test_pieces_join_without_seams(babble, portrait, monkeypatch, fps, hold):
    chosen = SpeakSettings(hold=hold, emotion="happy", blink_rate=60, smoothing=3)
    whole = speak.speak(portrait, babble, fps=fps, settings=chosen)
    monkeypatch.setattr(performance, "_BLOCK", 7)
    for name, part in speak.speak(portrait, babble, fps=fps, settings=chosen).parts.items():
        np.testing.assert_allclose(part, whole.parts[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_nothing_trembles_that_is_to_stand_still(babble, portrait, emotion):
    chosen = SpeakSettings(head=0, blink_rate=60, emotion=emotion)
    points = speak.speak(portrait, babble, fps=NTSC, settings=chosen).points
    assert not np.diff(points[:, list(NOSE)], 2, axis=0).any()
    assert not np.diff(points[:, list(NOSE)], axis=0).any()


@pytest.mark.parametrize("emotion", ["neutral", "surprised"])
def test_silence_leaves_every_frame_the_same(tmp_path, monkeypatch, portrait, emotion):
    from lpcore.audio import content

    noise = np.random.default_rng(0).standard_normal((100, content.WIDTH)).astype(np.float32)
    monkeypatch.setattr(content, "features", lambda samples, progress=None: noise)
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    chosen = replace(STILL, brows=1, emotion=emotion)
    points = speak.speak(portrait, tmp_path / "silent.wav", settings=chosen).points
    assert len(points) == 50 and (points == points[0]).all()


def test_without_the_gate_lips_move_on_in_pauses(babble, portrait):
    loose, gated = (
        speak.speak(portrait, babble, settings=replace(STILL, silence_db=level)).points[33:48, 48:]
        for level in (-200, -40)
    )
    assert np.abs(np.diff(loose, axis=0)).max() > 1e-3 > np.abs(np.diff(gated, axis=0)).max()


@pytest.mark.parametrize("axis", AXES)
def test_each_axis_of_the_head_has_its_own_dial(babble, portrait, axis):
    alone = replace(STILL, head=2, **{other: 0 for other in AXES if other != axis})
    motion = speak.speak(portrait, babble, settings=alone)
    face = portrait.landmarks + sum(part for name, part in motion.parts.items() if name != "head")
    turned, span = motion.points, np.linalg.norm(portrait.landmarks[0] - portrait.landmarks[16])
    moved = motion.parts["head"]
    if axis == "shift":
        np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1], moved.shape), atol=1e-3)
        assert np.abs(moved).max() <= 2 * pose.SHIFT * span + 1e-3
        return
    for before, after in zip(face[::10], turned[::10], strict=True):
        found, _ = Rotation.align_vectors(after - after.mean(0), before - before.mean(0))
        turn = found.as_rotvec()
        others = np.delete(turn, {"yaw": 1, "pitch": 0, "roll": 2}[axis])
        assert np.abs(others).max() < 1e-3
    assert not speak.speak(portrait, babble, settings=replace(alone, **{axis: 0})).parts["head"].any()


@given(st.floats(-60, 60), st.floats(-40, 40), st.floats(-40, 40))
def test_turns_are_scipys(yaw, pitch, roll):
    # Ours: y down, roll last; positive yaw turns the nose (towards -z) to the right.
    expected = Rotation.from_euler("ZYX", [roll, -yaw, pitch], degrees=True).as_matrix()
    np.testing.assert_allclose(pose.rotation(np.radians([[yaw, pitch, roll]]))[0], expected, atol=1e-12)


def test_seeds_decide_head_and_blinks_apart(babble, portrait):
    def parts(**chosen):
        return speak.speak(portrait, babble, settings=SpeakSettings(blink_rate=60, **chosen)).parts

    one, again, blinks, head = (
        parts(seed=1),
        parts(seed=1),
        parts(seed=1, blink_seed=2),
        parts(seed=2, blink_seed=1),
    )
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["brows"] == blinks["brows"]).all() and (one["blinks"] != blinks["blinks"]).any()
    assert (one["head"] != head["head"]).any()
    np.testing.assert_allclose(one["blinks"], head["blinks"], atol=1e-4)


def test_half_a_blink_closes_half_the_eye(babble, portrait):
    full, half = (
        speak.speak(portrait, babble, settings=replace(STILL, blink_rate=60, blinks=share)).parts["blinks"]
        for share in (1.0, 0.5)
    )
    np.testing.assert_allclose(half, full / 2, atol=1e-4)


def test_smoothing_takes_speed_and_leaves_closures(babble, portrait):
    def lips(smoothing):
        return speak.speak(
            portrait, babble, fps=Fraction(50), settings=replace(STILL, smoothing=smoothing)
        ).points

    roughness = [np.abs(np.diff(lips(s)[:, 48:68], 2, axis=0)).mean() for s in (0, 1, 4)]
    assert roughness[0] > roughness[1] > roughness[2] > 0
    time = np.arange(150) / 50
    for spike in (0.4, 0.9, 2.4):
        assert lip_gap(lips(8))[np.abs(time - spike) < 0.03].min() < 0.01


@films
@given(
    emotion=st.sampled_from(EMOTIONS),
    strength=st.floats(0, 1),
    lips=st.floats(0, 2),
    head=st.sampled_from([0.0, 1.5]),
)
def test_emotions_let_lips_and_lids_meet(babble, portrait, emotion, strength, lips, head):
    chosen = SpeakSettings(emotion=emotion, emotion_strength=strength, lips=lips, head=head, blink_rate=50)
    points = speak.speak(portrait, babble, settings=chosen).points
    for upper, lower in INNER_LIP_PAIRS:
        assert (points[:, lower, 1] - points[:, upper, 1]).min() > -1e-3
    time = np.arange(75) / 25
    gap = np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in INNER_LIP_PAIRS])
    # A hair of it opens where turned lips would cross.
    assert gap[:, (time > 1.24) & (time < 1.96)].max() < 0.01 + head
    openings = np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in LID_PAIRS])
    assert (openings.min(axis=1) < 0.01).all()


def test_emotions_last_and_grow_with_their_strength(babble, portrait):
    def shown(emotion, strength):
        chosen = replace(STILL, emotion=emotion, emotion_strength=strength)
        return speak.speak(portrait, babble, settings=chosen).parts["emotion"]

    assert not shown("neutral", 1.0).any() and not shown("happy", 0.0).any()
    for emotion in EMOTIONS[1:]:
        full = shown(emotion, 1.0)
        assert (full == full[0]).all() and np.abs(full).max() > 3
        np.testing.assert_allclose(shown(emotion, 0.5), full / 2, atol=1e-4)
    up = -shown("happy", 1.0)[0, :, 1]
    assert up[48] > 2 and up[54] > 2
    assert shown("sad", 1.0)[0, 48, 1] > 1
    assert (
        shown("angry", 1.0)[0, list(BROWS), 1].min() >= 0 > shown("surprised", 1.0)[0, list(BROWS), 1].max()
    )
    assert np.abs(shown("surprised", 1.0)[0, list(EYES)]).max() > 1


def test_jaw_and_lips_have_dials_of_their_own(babble, portrait):
    motion = speak.speak(portrait, babble, settings=STILL)
    lips, jaw = (
        speak.speak(portrait, babble, settings=replace(STILL, **off)) for off in ({"jaw": 0}, {"lips": 0})
    )
    assert lips.parts["jaw"].std(axis=0).max() < 1e-4 < jaw.parts["jaw"].std(axis=0).max()
    assert jaw.parts["lips"].std(axis=0).max() < 1e-3 < lips.parts["lips"].std(axis=0).max()
    assert not motion.parts["jaw"][:, list(LIPS)].any() and not motion.parts["lips"][:, list(JAW)].any()


@pytest.fixture
def two_voices(monkeypatch):
    """Ears that know loud voices from quiet ones, and nothing else of them."""

    def heard(samples):
        return np.eye(style.VOICE, dtype=np.float32)[int(np.abs(samples).max() > 0.8)]

    monkeypatch.setattr(style, "heard_style", heard)
    monkeypatch.setattr(speak, "present", lambda name: True)


def test_another_voice_lends_its_manner_to_head_and_brows(babble, portrait, tmp_path, two_voices):
    soundfile.write(tmp_path / "loud.wav", 0.9 * np.ones(16000), 16000)
    chosen = SpeakSettings(style_audio=str(tmp_path / "loud.wav"))
    own, lent = (speak.speak(portrait, babble, settings=s).parts for s in (SpeakSettings(), chosen))
    for part in ("head", "brows"):
        assert np.abs(own[part] - lent[part]).max() > 1e-3, part
    for part in ("blinks", "emotion"):
        np.testing.assert_allclose(own[part], lent[part], atol=1e-3)
    np.testing.assert_allclose(own["lips"] + own["jaw"], lent["lips"] + lent["jaw"], atol=0.1)


def test_a_missing_voice_is_named(babble, portrait, tmp_path):
    with pytest.raises(LpError) as caught:
        speak.speak(portrait, babble, settings=SpeakSettings(style_audio=str(tmp_path / "nobody.wav")))
    assert caught.value.code == "AUDIO_MISSING" and "nobody.wav" in caught.value.detail
