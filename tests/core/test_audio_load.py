"""Reading sound: exact spans at any rate, channels and format, the source untouched, clear errors."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.audio import load as loading
from lpcore.audio.load import length, load
from lpcore.errors import LpError

TONES = ((440.0, 0.3), (1777.0, 0.2), (3001.0, 0.1))


def sound(seconds: float, rate: int) -> np.ndarray:
    """Three tones, whose value at any time is known."""
    time = np.arange(round(seconds * rate)) / rate
    return sum(a * np.sin(2 * np.pi * f * time + f) for f, a in TONES).astype(np.float32)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("sound")
    files = {}
    for rate in (8000, 11025, 16000, 22050, 44100, 48000, 96000):
        files[rate] = folder / f"{rate}.wav"
        soundfile.write(files[rate], sound(3.0, rate), rate, subtype="FLOAT")
    return files


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 44100, 48000, 96000])
def test_samples_are_those_of_the_sound_at_16_khz(recordings, rate):
    samples = load(recordings[rate])
    assert samples.dtype == np.float32 and abs(len(samples) - 48000) <= 1
    inner = slice(800, -800)
    np.testing.assert_allclose(samples[inner], sound(3.0, 16000)[: len(samples)][inner], atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([8000, 11025, 22050, 44100, 48000]),
    start=st.floats(0, 2.5),
    duration=st.floats(0.05, 0.5),
)
def test_a_span_is_a_slice_of_the_whole(recordings, rate, start, duration):
    whole = load(recordings[rate])
    first, last = round(start * 16000), round((start + duration) * 16000)
    span = load(recordings[rate], start, duration)
    assert len(span) == min(last, len(whole)) - first
    np.testing.assert_allclose(span, whole[first:last], atol=2e-4)


def test_long_files_pass_in_blocks(recordings, monkeypatch):
    whole = load(recordings[44100])
    monkeypatch.setattr(loading, "_BLOCK", 1000)
    np.testing.assert_allclose(load(recordings[44100]), whole, atol=1e-6)


def test_channels_are_averaged(tmp_path):
    left, right = sound(0.5, 16000), np.linspace(-0.5, 0.5, 8000, dtype=np.float32)
    soundfile.write(tmp_path / "six.wav", np.stack([left, right] * 3, axis=1), 16000, subtype="FLOAT")
    np.testing.assert_allclose(load(tmp_path / "six.wav"), (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "kind", "tolerance"),
    [
        ("8 bit.wav", "PCM_U8", 0.01),
        ("l'été.wav", "PCM_16", 1e-4),
        ('say "24".wav', "PCM_24", 1e-4),
        ("-x.flac", "PCM_16", 1e-4),
        ("音 声.ogg", "VORBIS", 0.05),
        ("a;b.mp3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_formats_and_names(tmp_path, name, kind, tolerance):
    path = tmp_path / name
    soundfile.write(path, sound(1.0, 16000), 16000, subtype=kind)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    samples = load(path, 0.2, 0.5)
    assert len(samples) == 8000
    assert np.abs(samples - sound(1.0, 16000)[3200:11200]).mean() < tolerance
    assert length(path) == pytest.approx(1.0, abs=0.1)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_what_only_ffmpeg_reads(tmp_path):
    soundfile.write(tmp_path / "in.wav", sound(1.5, 44100), 44100)
    film = tmp_path / "a film: one.m4a"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "in.wav")]
    subprocess.run([*command, "-b:a", "192k", f"file:{film}"], check=True)
    samples = load(film, 0.25, 1.0)
    assert len(samples) == 16000
    # AAC may shift by its own delay; the tones are found again at the best shift.
    true = sound(1.5, 16000)
    best = max(np.corrcoef(samples[2000:14000], true[k : k + 12000])[0, 1] for k in range(4000, 8000))
    assert best > 0.98
    assert length(film) == pytest.approx(1.5, abs=0.1)


def test_values_that_are_no_numbers_become_silence(tmp_path):
    samples = sound(0.2, 16000)
    samples[100:200] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    assert np.isfinite(load(tmp_path / "nan.wav")).all()


def test_silence_is_sound(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    assert not load(tmp_path / "silent.wav").any()


def code_of(*arguments) -> str:
    with pytest.raises(LpError) as caught:
        load(*arguments)
    return caught.value.code


def test_errors_have_codes(tmp_path, recordings):
    (tmp_path / "text.wav").write_text("this is no sound")
    (tmp_path / "empty.mp3").write_bytes(b"")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16000)
    soundfile.write(tmp_path / "short.wav", np.zeros(500), 16000)
    assert code_of(tmp_path / "nothing.wav") == "AUDIO_MISSING"
    assert code_of(tmp_path) == "AUDIO_MISSING"
    assert code_of(tmp_path / "text.wav") == "AUDIO_UNREADABLE"
    assert code_of(tmp_path / "empty.mp3") == "AUDIO_UNREADABLE"
    assert code_of(tmp_path / "none.wav") in ("AUDIO_UNREADABLE", "AUDIO_TOO_SHORT")
    assert code_of(tmp_path / "short.wav") == "AUDIO_TOO_SHORT"
    assert code_of(recordings[44100], 1.0, 0.03) == "AUDIO_TOO_SHORT"
    assert code_of(recordings[44100], 3.5) == "SPAN_OUTSIDE"
    assert code_of(recordings[44100], -0.1) == "SPAN_OUTSIDE"
    assert code_of(recordings[44100], 0.0, -1.0) == "SPAN_OUTSIDE"
    assert code_of(recordings[44100], 2.0, 2.0) == "SPAN_OUTSIDE"


def test_a_torn_file_is_unreadable(tmp_path):
    soundfile.write(tmp_path / "whole.flac", sound(6.0, 44100), 44100)
    content = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "torn.flac").write_bytes(content[: len(content) // 2])
    assert code_of(tmp_path / "torn.flac") == "AUDIO_UNREADABLE"
    assert code_of(tmp_path / "torn.flac", 5.0, 0.5) == "AUDIO_UNREADABLE"
    assert len(load(tmp_path / "torn.flac", 0.5, 0.5)) == 8000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_spans_are_finite(recordings, value):
    assert code_of(recordings[16000], value) == "BAD_VALUE"
    assert code_of(recordings[16000], 0.0, value) == "BAD_VALUE"


def test_a_span_may_overhang_by_less_than_a_frame(recordings):
    assert len(load(recordings[16000], 2.5, 0.54)) == 8000
