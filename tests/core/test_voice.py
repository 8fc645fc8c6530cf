"""Mel spectrograms, pitch and voices against librosa, closed forms and a straight-line evaluation."""

import librosa
import numpy as np
import published_speech
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.audio import voice
from lpcore.audio.load import load
from lpcore.audio.mel import mel_filters, mel_spectrogram
from lpcore.audio.pitch import log_pitch

HELLO = "examples/hello.flac"


@pytest.fixture(scope="module")
def hello(request):
    return load(request.config.rootpath / HELLO)


def harmonic(hertz, seed=0):
    """A buzz whose fundamental follows `hertz`, sample by sample, at 16 kHz."""
    phase = 2 * np.pi * np.cumsum(hertz) / 16000
    sound = sum(np.sin(k * phase) / k for k in range(1, 12)) * 0.1
    return (sound + np.random.default_rng(seed).normal(0, 1e-4, len(sound))).astype(np.float32)


@pytest.mark.parametrize(("bands", "window", "low", "high"), [(80, 1024, 90, 7600), (40, 400, 0, 8000)])
def test_mel_filters(bands, window, low, high):
    wanted = librosa.filters.mel(sr=16000, n_fft=window, n_mels=bands, fmin=low, fmax=high)
    np.testing.assert_allclose(mel_filters(bands, window, low, high), wanted, atol=1e-8)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("count", [20_000, 20_480])
def test_mel_spectrogram(power, count):
    sound = np.random.default_rng(1).normal(0, 0.1, count).astype(np.float32)
    wanted = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_fft=1024, hop_length=256, n_mels=80, fmin=90, fmax=7600, power=power,
        pad_mode="reflect",
    )  # fmt: skip
    ours = mel_spectrogram(sound, mel_filters(80, 1024, 90, 7600), 1024, 256, power)
    assert ours.shape == (count // 256 + 1, 80)
    np.testing.assert_allclose(ours, wanted.T, rtol=1e-4, atol=1e-7)


def test_mel_spectrogram_by_blocks(monkeypatch):
    sound, filters = np.random.default_rng(2).normal(0, 0.1, 5000), mel_filters(40, 400, 0, 8000)
    whole = mel_spectrogram(sound, filters, 400, 160)
    monkeypatch.setattr("lpcore.audio.mel._BLOCK", 7)
    np.testing.assert_array_equal(mel_spectrogram(sound, filters, 400, 160), whole)


@settings(max_examples=15, deadline=None)
@given(begin=st.floats(110, 500), end=st.floats(110, 500), gain=st.floats(0.05, 3))
def test_pitch_of_a_glide(begin, end, gain):
    hertz = np.geomspace(begin, end, 8000)
    found = log_pitch(harmonic(hertz) * np.float32(gain), 256)
    assert found.shape == (32,) and found.dtype == np.float32
    inner = found[1:-3]
    # A frame hears about a hundredth of a second from its place on.
    error = inner - np.log(hertz[np.arange(1, 29) * 256 + 100])
    assert np.isfinite(inner).all() and np.abs(error).max() < 0.02


@pytest.mark.parametrize("count", [1, 40, 256, 5000])
def test_no_pitch_without_a_voice(count):
    assert np.isnan(log_pitch(np.zeros(count, np.float32), 256)).all()
    noise = np.random.default_rng(3).normal(0, 0.1, count)
    found = log_pitch(noise, 256)
    assert found.shape == (count // 256 + 1,) and np.isnan(found).all()


def test_voice_begins_and_ends():
    sound = np.zeros(24_000, np.float32)
    sound[8000:16_000] = harmonic(np.full(8000, 220.0))
    voiced = np.isfinite(log_pitch(sound, 256))
    assert not voiced[:29].any() and voiced[33:60].all() and not voiced[65:].any()


def test_pitch_of_speech_agrees_with_pyin(hello):
    found = log_pitch(hello, 256)
    other, _, _ = librosa.pyin(hello, fmin=100, fmax=600, sr=16000, hop_length=256, frame_length=1024)
    wanted = np.log(other)
    both = np.isfinite(found) & np.isfinite(wanted)
    assert (np.isfinite(found) == np.isfinite(wanted)).mean() > 0.85 and both.sum() > 100
    assert np.median(np.abs(found - wanted)[both]) < 0.02
    assert (np.abs(found - wanted)[both] > 0.2).mean() < 0.07


def test_voice_encoder():
    s = published_speech.Tensors(4)
    mel = torch.rand(2, 12, 40, generator=torch.Generator().manual_seed(1))
    last = s.linear("linear", s.lstm("lstm", mel, 256, 3)[:, -1], 256).relu()
    wanted = last / last.pow(2).sum(dim=1, keepdim=True).sqrt()
    encoder = voice.VoiceEncoder()
    encoder.load_state_dict(s)
    torch.testing.assert_close(encoder(mel), wanted, atol=1e-5, rtol=1e-4)


@pytest.fixture
def stretches(monkeypatch):
    """What the encoder is given: a list of batches of mel stretches; it answers with the first unit vectors."""
    given_mel = []

    def encoder(mel):
        given_mel.append(mel.numpy())
        return torch.eye(256)[: len(mel)]

    monkeypatch.setattr(voice, "_load", lambda path: encoder)
    monkeypatch.setattr("lpcore.weights.require", lambda name: name)
    return given_mel


@pytest.mark.parametrize(
    ("count", "stretches_read"),
    [(1, 1), (16_000, 1), (25_600, 1), (33_000, 2), (35_000, 2), (37_000, 3), (160_000, 18)],
)
def test_stretches_of_speech(stretches, count, stretches_read):
    vectors = voice.partial_embeddings(np.random.default_rng(5).normal(0, 0.1, count).astype(np.float32))
    assert vectors.shape == (stretches_read, 256)
    assert all(batch.shape[1:] == (160, 40) for batch in stretches)


def test_a_long_recording_is_sampled_evenly(stretches):
    sound = np.repeat(np.linspace(0.01, 0.5, 600), 1600) * np.random.default_rng(6).normal(0, 1, 960_000)
    voice.partial_embeddings(sound.astype(np.float32), most=10)
    loudness = stretches[0].mean(axis=(1, 2))
    assert len(loudness) == 10 and (np.diff(loudness) > 0).all()


def test_silence_is_left_out_and_quiet_sound_raised():
    speech = harmonic(np.full(16_000, 150.0)) * 0.01
    kept = voice.voiced(np.concatenate([speech, np.zeros(32_000, np.float32), speech]))
    assert 30_000 < len(kept) < 40_000
    assert 20 * np.log10(np.sqrt((kept**2).mean())) > -31
    assert len(voice.voiced(np.zeros(16_000, np.float32))) == 16_000


@pytest.mark.weights
def test_embeddings_tell_voices_apart(hello):
    half = len(hello) // 2
    before = hello.copy()
    first, second = voice.embedding(hello[:half]), voice.embedding(hello[half:])
    slowed = np.interp(np.arange(half, len(hello) - 1, 0.7), np.arange(len(hello)), hello)
    other = voice.embedding(slowed.astype(np.float32))
    for vector in (first, second, other, voice.embedding(np.zeros(640, np.float32))):
        assert (
            vector.shape == (256,) and vector.dtype == np.float32 and abs(np.linalg.norm(vector) - 1) < 1e-5
        )
    assert first @ second > 0.8 > first @ other + 0.1
    np.testing.assert_array_equal(hello, before)
