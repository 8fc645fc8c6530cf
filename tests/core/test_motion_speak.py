"""The verb *speak*: length, parts, closed lips, determinism, dials. The recogniser is replaced where its files are
not needed; the content branch is the trained one that ships with the package.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpcore import weights
from lpcore.audio import content
from lpcore.errors import Cancelled, LpError
from lpcore.motion.close import lip_gap
from lpcore.motion.speak import speak
from lpcore.points68 import BROWS, EYES, INNER_LIP_PAIRS, JAW, LID_PAIRS, LIPS
from lpcore.types import PARTS, SpeakSettings

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello.flac"
STILL = SpeakSettings(head=0, brows=0, blink_rate=0)


@pytest.mark.parametrize("fps", [Fraction(12), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_motion_is_as_long_as_the_speech(babble, portrait, fps):
    motion = speak(portrait, babble, fps=fps)
    assert len(motion) == round(3.0 * fps) and motion.fps == fps
    assert set(motion.parts) == set(PARTS)
    assert all(p.shape == (len(motion), 68, 3) and p.dtype == np.float32 for p in motion.parts.values())
    assert np.isfinite(motion.points).all()
    np.testing.assert_array_equal(motion.neutral, portrait.landmarks)


def test_spans_and_exact_frame_counts(babble, portrait):
    assert len(speak(portrait, babble, start=0.5, duration=1.0)) == 25
    assert speak(portrait, babble, start=0.5, duration=1.0).start == 0.5
    assert len(speak(portrait, babble, duration=1.0, frames=26)) == 26
    assert len(speak(portrait, babble, duration=0.04, frames=1)) == 1


def test_the_same_seed_gives_the_same_bytes(babble, portrait):
    one, two = (speak(portrait, babble, settings=SpeakSettings(seed=3)).points for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != speak(portrait, babble, settings=SpeakSettings(seed=4)).points.tobytes()


def test_each_part_moves_its_own_landmarks(babble, portrait):
    motion = speak(portrait, babble, settings=replace(STILL, brows=1, blink_rate=60))
    own_landmarks = {"lips": LIPS, "jaw": JAW, "brows": BROWS, "blinks": EYES, "emotion": (), "head": ()}
    for part, own in own_landmarks.items():
        others = [i for i in range(68) if i not in own]
        assert not motion.parts[part][:, others].any(), part
        assert motion.parts[part].any() == bool(own), part


def test_dials_at_zero_are_off(babble, portrait):
    motion = speak(portrait, babble, settings=replace(STILL, lips=0, jaw=0))
    shut = motion.points[0]
    np.testing.assert_allclose(motion.points, np.broadcast_to(shut, motion.points.shape), atol=1e-3)
    moving = speak(portrait, babble, settings=replace(STILL, jaw=0))
    assert moving.parts["lips"][:, list(LIPS)].std() > 0.1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    lips=st.floats(0, 3),
    head=st.floats(0, 2),
    fps=st.sampled_from([Fraction(12), Fraction(25), Fraction(60)]),
)
def test_inner_lips_never_cross(babble, portrait, seed, lips, head, fps):
    points = speak(portrait, babble, fps=fps, settings=SpeakSettings(seed=seed, lips=lips, head=head)).points
    for upper, lower in INNER_LIP_PAIRS:
        assert (points[:, lower, 1] - points[:, upper, 1]).min() > -1e-3


def test_lips_rest_in_pauses_and_meet_in_bilabials(babble, portrait):
    gap = lip_gap(speak(portrait, babble, settings=STILL).points)
    time = np.arange(75) / 25
    assert np.abs(gap[(time > 1.24) & (time < 1.96)]).max() < 0.01
    for spike in (0.4, 0.9, 2.4):
        assert gap[np.abs(time - spike) < 0.045].min() < 0.01
    assert gap.max() > 1


@pytest.mark.parametrize("open_by", [0, 25])
def test_silent_audio_keeps_the_mouth_shut(tmp_path, monkeypatch, portrait, open_by):
    def features(samples, progress=None):
        return np.ones((-(-len(samples) // 320), content.WIDTH), np.float32)

    monkeypatch.setattr(content, "features", features)
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    landmarks = portrait.landmarks.copy()
    landmarks[[55, 56, 57, 58, 59, 65, 66, 67], 1] += open_by
    motion = speak(replace(portrait, landmarks=landmarks), tmp_path / "silent.wav")
    assert np.abs(lip_gap(motion.points)).max() < 0.01
    assert not motion.parts["brows"].any()


def test_blinks_shut_the_eyes_of_a_turned_head(babble, portrait):
    points = speak(
        portrait, babble, frames=250, duration=3.0, settings=SpeakSettings(blink_rate=40, head=2)
    ).points
    openings = np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in LID_PAIRS])
    assert (openings.min(axis=1) < 0.01).all() and (openings.max(axis=1) > 5).all()


def test_the_nose_stands_still_without_head_motion(babble, portrait):
    points = speak(portrait, babble, settings=replace(STILL, blink_rate=30)).points
    assert not np.diff(points[:, 27:36], axis=0).any()


def test_values_out_of_range_are_named(babble, portrait):
    for wrong in (
        {"lips": -1},
        {"head": float("nan")},
        {"silence_db": 3.0},
        {"blink_rate": float("inf")},
        {"seed": -1},
    ):
        with pytest.raises(LpError) as caught:
            speak(portrait, babble, settings=SpeakSettings(**wrong))
        assert caught.value.code == "BAD_VALUE" and next(iter(wrong)) in caught.value.detail
    nan, inf = float("nan"), float("inf")
    for arguments in (
        {"fps": Fraction(0)},
        {"frames": 0},
        {"start": nan},
        {"start": inf},
        {"duration": nan},
        {"duration": inf, "frames": 5},
    ):
        with pytest.raises(LpError) as caught:
            speak(portrait, babble, **arguments)
        assert caught.value.code == "BAD_VALUE"


def test_progress_rises_to_one_and_can_stop_the_work(babble, portrait):
    shares: list[float] = []
    speak(portrait, babble, progress=lambda _, share: shares.append(share))
    assert shares == sorted(shares) and shares[-1] == 1.0

    def cancel(_, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        speak(portrait, babble, progress=cancel)


def test_the_landmark_modules_load_without_torch():
    modules = ["speak", "assemble", "blink", "brows", "close", "closure", "files", "pose", "retime", "smooth"]
    imports = "; ".join(f"import lpcore.motion.{name}" for name in modules)
    check = f"{imports}; import sys; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.weights
def test_real_speech_opens_vowels_and_closes_consonants(portrait):
    gap = lip_gap(speak(portrait, EXAMPLE, settings=STILL).points)
    wide = np.percentile(gap, 95)
    time = np.arange(len(gap)) / 25
    # Middle of p, b or m in: am, portrait, made, from, bring, me, my, lips, become, become, part, moving, picture.
    for moment in (1.53, 1.67, 2.34, 2.64, 4.35, 4.61, 5.61, 5.89, 6.05, 6.31, 6.43, 6.76, 7.10):
        assert gap[np.abs(time - moment) < 0.07].min() <= 0.1 * wide, moment
    # Stressed vowels of: hello, I, portrait, photo, voice, become, part.
    for moment in (0.5, 1.36, 1.78, 3.4, 4.95, 6.18, 6.5):
        assert gap[np.abs(time - moment) < 0.09].max() >= 0.4 * wide, moment
    assert wide > 0.03 * np.linalg.norm(portrait.landmarks[36] - portrait.landmarks[45])


@pytest.mark.weights
def test_long_speech_heard_in_pieces_moves_as_if_heard_at_once(tmp_path, portrait, monkeypatch):
    """The recogniser measures its input against the whole of it, so pieces differ a little, but no more at seams."""
    sound, rate = soundfile.read(EXAMPLE)
    soundfile.write(tmp_path / "long.wav", np.tile(sound, 3)[: 22 * rate], rate)
    pieces = speak(portrait, tmp_path / "long.wav", settings=STILL).points
    session = content._session(weights.require("hama"))
    monkeypatch.setattr(content, "features", lambda samples, progress=None: content._run(session, samples))
    whole = speak(portrait, tmp_path / "long.wav", settings=STILL).points
    assert np.corrcoef(lip_gap(pieces), lip_gap(whole))[0, 1] > 0.99
    apart = np.abs(pieces - whole)[:, list(LIPS)].mean(axis=(1, 2))
    assert apart.mean() < 0.1 * whole[:, list(LIPS)].std(axis=0).mean()
    for seam in (250, 500):
        assert apart[seam - 12 : seam + 12].max() < 1.5
