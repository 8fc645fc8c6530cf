"""The published module as a whole: its numbers with `parity`, and none of its faults without."""

import librosa
import numpy as np
import published_speech as published
import pytest
import scipy.signal
import torch
from published_speech import VOICE, buzz

from lpcore.errors import LpError
from lpcore.motion import makeittalk
from lpcore.motion.makeittalk import face, finish, sound

LIP_PAIRS = [(49, 59), (50, 58), (51, 57), (52, 56), (53, 55), (61, 67), (62, 66), (63, 65)]


@pytest.fixture(scope="module")
def states():
    return published.small_states()


@pytest.fixture(scope="module")
def nets(states):
    return published.small_networks(states)


@pytest.fixture
def speak(nets, portrait, monkeypatch):
    """`predict` for a portrait, with these networks and the same voice for every sound."""
    published.install(nets, monkeypatch)
    return lambda samples, **options: makeittalk.predict(portrait.landmarks, samples, **options)


# The sound


def test_front_end_against_scipy_and_librosa():
    samples = buzz(1.6)[:25_600]
    heard = sound.levelled(samples)
    assert abs(20 * np.log10(np.sqrt((heard**2).mean())) + 20) < 0.01
    np.testing.assert_array_equal(heard * 32768, np.round(heard * 32768))

    appended = np.append(heard, np.float32(1e-6))
    b, a = scipy.signal.butter(5, 30 / 8000, btype="highpass")
    wanted = scipy.signal.filtfilt(b, a, appended) * 0.95
    wanted += (np.random.RandomState(0).rand(len(appended)) - 0.5) * 1e-6
    clean = sound.cleaned(heard)
    np.testing.assert_allclose(clean, wanted, atol=2e-7)

    spectrum = np.abs(librosa.stft(wanted, n_fft=1024, hop_length=256, pad_mode="reflect"))
    mel = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=80, fmin=90, fmax=7600) @ spectrum
    wanted = (20 * np.log10(np.maximum(1e-5, mel)) - 16 + 100) / 100
    bands = sound.mel_bands(clean)
    assert bands.shape == (101, 80) and sound.pitch_track(clean).shape == (101,)
    np.testing.assert_allclose(bands, wanted.T, atol=1e-3)


def test_long_sound_is_cleaned_by_blocks(monkeypatch):
    samples = buzz(5.1)
    whole = sound.cleaned(samples)
    monkeypatch.setattr(sound, "_BLOCK", 20_000)
    np.testing.assert_allclose(sound.cleaned(samples), whole, atol=1e-5)


def test_pitch_classes():
    rising = np.log(np.linspace(120, 300, 40))
    track = np.concatenate([[np.nan], rising, [np.nan, np.nan]])
    away = (rising - rising.mean()) / (4 * rising.std())
    classes = sound.pitch_classes(track)
    np.testing.assert_array_equal(classes[1:-2], 1 + np.round(255 * (away + 1) / 2))
    assert (classes[[0, -2, -1]] == 0).all()
    outlier = sound.pitch_classes(np.append(np.log(np.full(100, 120.0)), np.log(500.0)))
    assert outlier[-1] == 256


@pytest.mark.parametrize(("track", "wanted"), [([np.nan] * 3, 0), ([5.0] * 3, 1 + 128)])
def test_pitch_without_a_melody(track, wanted):
    assert (sound.pitch_classes(np.array(track)) == wanted).all()


def test_published_voice_counts_whole_minutes(monkeypatch):
    seen = []

    def partial(samples):
        seen.append(len(samples) / 16000)
        return np.eye(256, dtype=np.float32)[len(seen) - 1 : len(seen)]

    monkeypatch.setattr("lpcore.audio.voice.partial_embeddings", partial)
    loud = np.sign(buzz(130)) * np.float32(0.1)
    vector = sound.published_voice(loud)
    assert seen == [60, 60] and vector[0] == vector[1] == 0.5
    seen.clear()
    sound.published_voice(loud[: 16000 * 59])
    assert seen == [59]


# The face


def test_normalised_face(portrait, nets):
    points = portrait.landmarks
    resting = face.normalised(points, nets.standard)
    assert resting[16, 0] - resting[0, 0] == pytest.approx(1.6)
    np.testing.assert_allclose(resting[0, :2] + resting[16, :2], 0, atol=1e-6)
    np.testing.assert_allclose(resting[:, 2], nets.standard[:, 2] * 0.1, atol=1e-7)
    middle = (points[0, :2] + points[16, :2]) / 2
    np.testing.assert_allclose(resting[:, :2] * face.unit(points) + middle, points[:, :2], atol=1e-3)
    assert face.depth_direction(nets.standard) == -1


# The whole, line by line


def evaluate_published(states, nets, landmarks, samples, voice):
    """Source and target landmarks (68, 2), (T, 68, 2) of the published programs, blinks and all."""
    source = np.array(landmarks[:, :2], float)
    source[49:54, 1] += 1
    source[55:60, 1] -= 1
    source[[37, 38, 43, 44], 1] -= 2
    source[[40, 41, 46, 47], 1] += 2
    scale = 1.6 / (source[0, 0] - source[16, 0])
    shift = -(source[0] + source[16]) / 2
    resting = np.column_stack([-(source + shift) * scale, nets.standard[:, 2] * 0.1])

    heard = sound.cleaned(sound.levelled(samples))
    mel, pitch = torch.from_numpy(sound.mel_bands(heard)), torch.from_numpy(sound.pitch_track(heard))
    frames = len(mel)
    padding = -frames % 32
    mel = torch.cat([mel, torch.zeros(padding, 80)])[None]
    one_hot = torch.cat([torch.eye(257)[pitch], torch.zeros(padding, 257)])[None]
    voice, target = torch.from_numpy(voice), torch.from_numpy(nets.target_voice)
    converted = published.convert_voice(states[0], mel, voice[None], target[None], one_hot, neck=8, width=64)[
        0, :frames
    ].numpy()
    features = torch.from_numpy((converted - nets.mel_mean) / nets.mel_std).float()
    windows = published.windows_of(features)[: frames - 18]

    parts = []
    for begin in range(0, len(windows), 512):
        segment = windows[begin : begin + 512]
        count = len(segment)
        if count < 10:
            continue
        flat = torch.from_numpy(resting.reshape(204)).float()
        said = published.content(states[1], segment, flat, hidden=32, code=20).numpy().astype(float)
        moved = published.speaker(states[2], segment, voice, hidden=32).numpy().astype(float)
        window = min(31, (count - 1) if (count - 1) % 2 else count - 2)
        moved = scipy.signal.savgol_filter(moved, window, 3, axis=0).reshape(-1, 68, 3)
        for upper, lower in LIP_PAIRS:
            mean = (moved[:, upper] + moved[:, lower]) / 2
            moved[:, upper] = 0.01 * moved[:, upper] + 0.99 * mean
            moved[:, lower] = 0.01 * moved[:, lower] + 0.99 * mean
        said -= np.sort(said, axis=0)[: count // 2].mean(axis=0)
        said = said.reshape(-1, 68, 3)
        said[:, 48:, 0] *= 2
        said[:, 48:, 1] *= 2
        points = resting + said + 0.5 * moved
        for k in range(count):
            x, y = points[k, 60:, 0], points[k, 60:, 1]
            if sum(x[i] * y[(i + 1) % 8] - x[(i + 1) % 8] * y[i] for i in range(8)) < 0:
                # The first frame of a clip has none before it; the published programs say nothing of it.
                earlier = points[k - 1] if k else (parts[-1][-1] if parts else resting)
                for one, other in ((63, 65), (62, 66), (61, 67)):
                    points[k, one] = points[k, other] = (points[k, one] + points[k, other]) / 2
                pairs = [(55, 64), (56, 65), (57, 66), (58, 67), (59, 60)]
                pairs += [(49, 60), (50, 61), (51, 62), (52, 63), (53, 64)]
                for outer, inner in pairs:
                    points[k, outer, 1] = points[k, inner, 1] + earlier[outer, 1] - earlier[inner, 1]
        parts.append(points)
    points = np.concatenate(parts)
    points[:, 27] = 2 * points[:, 28] - points[:, 29]
    points = scipy.signal.savgol_filter(points, 5, 3, axis=0)
    points[:, :, :2] = -points[:, :, :2] / scale - shift
    return source, smooth_at_last(blink(points[:, :, :2]))


def blink(points):
    points = points.copy()
    for frame in points:
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            frame[upper], frame[lower] = (
                0.95 * frame[upper] + 0.05 * frame[lower],
                0.95 * frame[lower] + 0.05 * frame[upper],
            )
    random, at, times = np.random.RandomState(0), 30, []
    while len(points) - at >= 16:
        times.append(at)
        at += 60 + random.randint(30, 90)
    for at in times:
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            points[at, [upper, lower]] = 0.25 * points[at, upper] + 0.75 * points[at, lower]
        for lid in (37, 38, 40, 41, 43, 44, 46, 47):
            for k in range(at - 9, at):
                points[k, lid] = (at - k) / 10 * points[at - 10, lid] + (k - at + 10) / 10 * points[at, lid]
            for k in range(at + 1, at + 15):
                shut = (at + 14 - k) / 15
                points[k, lid] = shut * points[at, lid] + (1 - shut) * points[at + 15, lid]
    return points


def smooth_at_last(points):
    points[:, :48] = scipy.signal.savgol_filter(points[:, :48], 15, 3, axis=0)
    points[:, 48:] = scipy.signal.savgol_filter(points[:, 48:], 5, 3, axis=0)
    return points


@pytest.mark.parametrize("seconds", [3.0, 10.0, 8.55])
def test_parity_gives_the_published_landmarks(speak, states, nets, portrait, seconds):
    samples = buzz(seconds)
    source, wanted = evaluate_published(states, nets, portrait.landmarks, samples, VOICE)
    parts = speak(samples, parity=True)
    ours = source + sum(parts.values())[:, :, :2]
    assert set(parts) == {"speech", "speaker", "blinks"}
    assert ours.shape == wanted.shape and len(wanted) <= len(samples) // 256 + 1 - 18
    assert np.ptp(wanted[:, 66, 1]) > 5 and np.abs(parts["blinks"]).max() > 5
    np.testing.assert_allclose(ours, wanted, atol=0.01)


def test_bookkeeping_of_the_example(speak):
    """The authors' 13.08 s example: 818 frames of sound, 800 of motion."""
    samples = np.resize(buzz(4.0), 209_319)
    assert len(speak(samples)["speech"]) == 818
    assert len(speak(samples, parity=True)["speech"]) == 800
    # 522 windows: ten more than a segment are a segment of their own, nine are not.
    assert len(speak(samples[: 256 * (512 + 10 + 17)], parity=True)["speech"]) == 522
    assert len(speak(samples[: 256 * (512 + 9 + 17)], parity=True)["speech"]) == 512


# What parity does not have


@pytest.mark.parametrize("count", [640, 1000, 256 * 27, 256 * 45])
def test_short_clips(speak, count):
    parts = speak(buzz(1)[:count])
    assert set(parts) == {"speech", "speaker"}
    for part in parts.values():
        assert part.shape == (count // 256 + 1, 68, 3) and part.dtype == np.float32
        assert np.isfinite(part).all()


def test_parity_refuses_clips_on_which_the_published_programs_fail(speak):
    with pytest.raises(LpError) as caught:
        speak(buzz(1)[: 256 * 27 - 1], parity=True)
    assert caught.value.code == "BAD_VALUE"
    assert len(speak(buzz(1)[: 256 * 28], parity=True)["speech"]) == 11


def test_no_jump_every_eight_seconds(speak):
    """Syllables, then from 6 s on one steady note: nothing happens at 8.19 s but the published segment's end."""
    samples = buzz(12.0)
    samples[6 * 16000 :] = np.resize(buzz(0.2)[1600:1856], 6 * 16000)

    def jump(part):
        steps = np.abs(np.diff(part, axis=0)).max(axis=(1, 2))
        return steps[506:517].max() / np.concatenate([steps[450:506], steps[517:600]]).max()

    faulty, mended = speak(samples, parity=True), speak(samples)
    for name in ("speech", "speaker"):
        assert jump(faulty[name]) > 2
        assert jump(mended[name]) < 1.3


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(
    "samples", [np.zeros(16_000, np.float32), np.random.default_rng(1).normal(0, 0.1, 16_000)]
)
def test_no_voice_no_harm(speak, samples, parity):
    assert all(np.isfinite(part).all() for part in speak(samples.astype(np.float32), parity=parity).values())


def test_inputs_are_left_alone(speak, portrait):
    samples, landmarks = buzz(2), portrait.landmarks.copy()
    before = samples.copy()
    speak(samples)
    speak(samples, parity=True)
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(portrait.landmarks, landmarks)


def test_same_inputs_same_motion_and_seeded_blinks(speak):
    samples = buzz(5)
    first, again, other = (speak(samples, parity=True, seed=seed) for seed in (0, 0, 1))
    for name, part in first.items():
        np.testing.assert_array_equal(part, again[name])
    assert np.abs(first["blinks"] - other["blinks"]).max() > 1
    np.testing.assert_array_equal(first["speech"], other["speech"])


def test_gains(speak):
    samples = buzz(2)
    still = speak(samples, gains=makeittalk.Gains(0, 0, 0, 0))
    assert all(np.abs(part).max() == 0 for part in still.values())
    lips = speak(samples, gains=makeittalk.Gains(1, 0, 0, 0))["speech"]
    assert np.abs(lips[:, :48]).max() == 0 and np.ptp(lips[:, 66, 1]) > 2


def test_the_manner_of_another_voice(speak):
    samples = buzz(2)
    own, other = speak(samples), speak(samples, voice=published.unit(np.random.default_rng(3).random(256)))
    assert np.abs(own["speaker"] - other["speaker"]).max() > 1


def test_lips_are_never_inside_out():
    random = np.random.default_rng(6)
    rest = np.zeros((68, 3))
    rest[60:, 0] = [-3, -2, 0, 2, 3, 2, 0, -2]
    rest[60:, 1] = [0, -1, -1, -1, 0, 1, 1, 1]
    rest[48:60, 1] = [0, -3, -3, -3, -3, -3, 0, 3, 3, 3, 3, 3]
    crossed = rest + np.zeros((4, 1, 1))
    crossed[2, [61, 62, 63], 1], crossed[2, [65, 66, 67], 1] = 2, -2
    crossed += random.normal(0, 1e-3, crossed.shape)
    mended = finish.uninverted(crossed, rest)
    np.testing.assert_array_equal(mended[[0, 1, 3]], crossed[[0, 1, 3]])
    gap = mended[2, [65, 66, 67], 1] - mended[2, [63, 62, 61], 1]
    np.testing.assert_allclose(gap, 0, atol=1e-12)
    np.testing.assert_allclose(
        mended[2, 51, 1] - mended[2, 62, 1], crossed[1, 51, 1] - crossed[1, 62, 1], atol=1e-12
    )
