"""The verb *speak* with the published module in place of ours: length, parts, dials, closed lips and lids."""

from fractions import Fraction

import numpy as np
import published_speech as published
import pytest
import soundfile

from lpcore.errors import LpError
from lpcore.motion import makeittalk
from lpcore.motion.close import lip_gap
from lpcore.motion.cues import Cue
from lpcore.motion.speak import speak, speech_weights
from lpcore.points68 import BROWS, EYES, JAW, LID_PAIRS, LIPS
from lpcore.types import PARTS, SpeakSettings
from lpcore.weights import REGISTRY

MENDED, PARITY = "makeittalk", "makeittalk-parity"
STILL = {"head": 0, "brows": 0, "blink_rate": 0}


@pytest.fixture(scope="module")
def nets():
    return published.small_networks(published.small_states())


@pytest.fixture
def sound(tmp_path, nets, monkeypatch):
    """Three seconds in stereo at 44.1 kHz with a pause from 1.2 s to 2 s."""
    published.install(nets, monkeypatch)
    samples = np.repeat(published.buzz(3.0), 3)
    time = np.arange(len(samples)) / 48000
    samples[(time > 1.2) & (time < 2)] = 0
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.stack([samples, samples * 0.5], axis=1), 48000)
    return path


@pytest.mark.parametrize("module", [MENDED, PARITY])
@pytest.mark.parametrize("fps", [Fraction(12), Fraction(30000, 1001), Fraction(125, 2), Fraction(120)])
def test_motion_is_as_long_as_the_speech(sound, portrait, fps, module):
    before = sound.read_bytes()
    motion = speak(portrait, sound, fps=fps, settings=SpeakSettings(module=module))
    assert len(motion) == int(np.ceil(3 * fps)) and set(motion.parts) == set(PARTS)
    for name, part in motion.parts.items():
        assert part.shape == (len(motion), 68, 3) and part.dtype == np.float32 and np.isfinite(part).all(), (
            name
        )
    assert sound.read_bytes() == before
    assert np.ptp(motion.parts["lips"][:, 66, 1]) > 2 and np.ptp(motion.parts["head"][:, 30, 0]) > 1


def test_parity_at_its_own_rate_is_the_published_motion(sound, portrait):
    from lpcore.audio.load import load

    samples = load(sound)
    wanted = sum(makeittalk.predict(portrait.landmarks, samples, parity=True).values())
    motion = speak(portrait, sound, fps=Fraction(125, 2), settings=SpeakSettings(module=PARITY))
    np.testing.assert_allclose(motion.points[: len(wanted)], portrait.landmarks + wanted, atol=1e-3)
    assert len(motion) == 188 and len(wanted) == 170
    np.testing.assert_allclose(
        motion.points[len(wanted) :], motion.points[len(wanted) - 1 :][:1].repeat(18, 0)
    )


def test_parts_move_what_they_name(sound, portrait):
    motion = speak(portrait, sound, settings=SpeakSettings(module=MENDED))
    for name, landmarks in (("lips", LIPS), ("jaw", JAW), ("brows", (*BROWS, *EYES)), ("blinks", EYES)):
        others = np.setdiff1d(np.arange(68), landmarks)
        assert motion.parts[name].any() and not motion.parts[name][:, others].any()
    assert not motion.parts["emotion"].any()


def test_lips_close_in_silence_and_never_cross(sound, portrait):
    motion = speak(portrait, sound, settings=SpeakSettings(module=MENDED))
    gap = lip_gap(motion.points)
    assert gap.min() > -1e-3 and gap[35:46].max() < 0.5 < np.percentile(gap, 90)


def test_a_still_head_keeps_the_nose_still(sound, portrait):
    motion = speak(portrait, sound, settings=SpeakSettings(module=MENDED, **STILL))
    assert np.abs(np.diff(motion.points[:, 27:31], axis=0)).max() == 0
    assert np.ptp(motion.points[:, 66, 1]) > 2


def test_blinks_close_the_eyes_at_any_rate(sound, portrait):
    for fps in (12, 25, 60):
        settings = SpeakSettings(module=MENDED, blink_rate=60)
        points = speak(portrait, sound, fps=Fraction(fps), settings=settings).points
        opening = np.mean([points[:, low, 1] - points[:, high, 1] for high, low in LID_PAIRS], axis=0)
        assert opening.min() < 0.1
    assert not speak(portrait, sound, settings=SpeakSettings(module=PARITY, blinks=0)).parts["blinks"].any()


def test_emotion_hold_and_style(sound, portrait, monkeypatch):
    settings = SpeakSettings(module=MENDED, emotion="happy", hold=3)
    motion = speak(portrait, sound, settings=settings)
    assert len(motion) == 75 and motion.parts["emotion"][:, 48].any()
    np.testing.assert_array_equal(motion.points[::3], motion.points[1::3])
    plain = speak(portrait, sound, settings=SpeakSettings(module=MENDED))
    other = published.unit(np.random.default_rng(2).random(256))
    monkeypatch.setattr("lpcore.motion.makeittalk.perform.voice.embedding", lambda samples: other)
    styled = speak(portrait, sound, settings=SpeakSettings(module=MENDED, style_audio=str(sound)))
    assert np.abs(styled.parts["head"] - plain.parts["head"]).max() > 1


def test_wrong_choices(sound, portrait, monkeypatch):
    for call in (
        lambda: SpeakSettings(module="paper"),
        lambda: speak(portrait, sound, settings=SpeakSettings(module=MENDED), cues=[Cue(0, 1, "A")]),
    ):
        with pytest.raises(LpError) as caught:
            call()
        assert caught.value.code == "BAD_VALUE"


def test_without_the_import(sound, portrait, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("LPCORE_WEIGHTS", str(tmp_path))
    with pytest.raises(LpError) as caught:
        speak(portrait, sound, settings=SpeakSettings(module=MENDED))
    assert caught.value.code == "WEIGHTS_NOT_IMPORTED" and "weights import" in str(caught.value)


@pytest.mark.parametrize("module", ["default", MENDED, PARITY])
def test_weight_files_of_a_module(module):
    assert set(speech_weights(SpeakSettings(module=module))) <= set(REGISTRY)
