"""Voices and how much they move faces: what is measured of people, the training, and the use of what it wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from conftest import drop_jaw, frontal_face
from safetensors import safe_open

from lpcore import weights
from lpcore.audio import content
from lpcore.audio import voice as voice_module
from lpcore.errors import LpError
from lpcore.evaluate.tracking import Clip
from lpcore.motion import style as style_module
from lpcore.motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from lpcore.motion.style import STRONGEST, Style, read_style, style_of
from lpcore.train import speaker
from lpcore.train.speaker import (
    Example,
    Person,
    TrainSpeaker,
    examples,
    filmed,
    liveliness,
    style_loss,
    train,
    vowel_rate,
)  # fmt: skip
from lpcore.types import SpeakSettings

SMALL = SpeakerBranchConfig(
    features=4, hidden=8, layers=1, voice=3, voice_widths=(4,), model=8, feed_forward=8, blocks=1, head=(8,),
    outputs=4, look_ahead=2, span=64, dropout=0.0,
)  # fmt: skip


def film(name: str, opening: float, swing: float) -> Clip:
    time = np.arange(50) / 25
    points = np.stack([drop_jaw(frontal_face(), opening * np.sin(9 * t) ** 2) for t in time])
    points[:, 17:27, 1] += 0.1 * swing * np.sin(5 * time)[:, None]
    pose = np.zeros((50, 5))
    pose[:, :3] = np.radians(swing) * np.sin(3 * time)[:, None]
    return Clip(name, 25.0, np.zeros(32000, np.float32), points, pose)


def test_films_tell_how_far_people_move():
    little, much = filmed([film("a", 6, 0.3), film("b", 12, 0.6)])
    np.testing.assert_allclose(much.amounts - little.amounts, np.log(2), atol=1e-3)


def test_lively_voices_vary_in_pitch_and_loudness():
    time = np.arange(48000) / 16000

    def say(swing: float) -> np.ndarray:
        pitch = 150 * np.exp(swing * np.sin(2 * np.pi * time))
        phase = 2 * np.pi * np.cumsum(pitch) / 16000
        tone = sum(np.sin(k * phase) / k for k in range(1, 12))
        return (0.1 * tone * (1 + swing * np.sin(9 * time))).astype(np.float32)

    assert liveliness(say(0.3)) > liveliness(say(0.05)) + 0.5
    assert liveliness(np.zeros(16000, np.float32)) == 0


def test_vowels_are_counted_once_each():
    features = np.zeros((100, content.WIDTH), np.float32)
    for begin in (10, 30, 31, 70):
        features[begin, content.HIDDEN + 101] = 0.9
    assert vowel_rate(features, np.ones(100, bool)) == pytest.approx(3 / 2)


def test_only_known_targets_count():
    predicted = torch.zeros(2, 5, 4)
    target = torch.tensor([[0.5, float("nan"), float("nan"), -0.5], [float("nan")] * 4])
    assert style_loss(predicted, target) == pytest.approx(0.5)
    assert torch.isfinite(style_loss(predicted, torch.full((2, 4), float("nan"))))


@pytest.fixture
def plain_ears(monkeypatch):
    """Features and embeddings that hold the loudness alone, and no search for pitch."""

    def features(samples, progress=None):
        hops = np.resize(samples, (-(-len(samples) // 320), 320))
        wide = np.zeros((len(hops), content.WIDTH), np.float32)
        wide[:, :4] = np.abs(hops).mean(axis=1)[:, None]
        return wide

    monkeypatch.setattr(content, "features", features)
    loudness = lambda samples: np.full(256, np.abs(samples).mean(), np.float32)  # noqa: E731
    monkeypatch.setattr(voice_module, "embedding", loudness)
    monkeypatch.setattr(speaker, "liveliness", lambda samples: 0.2)


def test_what_nobody_filmed_is_taken_from_the_voice(plain_ears):
    sound = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
    known, unknown = np.log([1.2, 0.9, 4.0]), np.full(3, np.nan)
    made = examples([Person("a", sound, known), Person("b", sound, unknown)], 2, 0)
    assert [one.name for one in made] == ["a", "a", "b", "b"]
    limit = np.log(STRONGEST)
    np.testing.assert_allclose(made[0].target[:3], [np.log(1.2) / limit, np.log(0.9) / limit, 1])
    assert np.isnan(made[2].target[0]) and made[2].target[1] == pytest.approx(speaker.TRUST * 0.2 / limit)
    assert made[0].target[3] == -1  # this sound has no vowels


def test_training_learns_and_what_it_writes_is_used(tmp_path, plain_ears, monkeypatch):
    """Loud people move much here: after training a loud recording gets larger factors than a quiet one."""
    rng = np.random.default_rng(0)
    people = [film(f"f{k}", 18 + 4 * k, 0.6 + 0.1 * k) for k in range(3)]
    people = [
        replace(clip, samples=rng.normal(0, 0.05 * 2**k, 32000).astype(np.float32))
        for k, clip in enumerate(people)
    ]
    monkeypatch.setattr(speaker, "vary", lambda samples, rng: (samples, 1.0))
    monkeypatch.setattr(speaker, "tracked", lambda folder, model, cache, names=None: people)
    monkeypatch.setattr(speaker, "load_sounds", lambda folder: [])
    monkeypatch.setattr(speaker, "load_takes", lambda folder, model: [])
    monkeypatch.setattr(speaker, "TRUST", 1.0)
    monkeypatch.setattr(speaker, "FaceModel", SimpleNamespace(load=lambda path: None))
    config = TrainSpeaker(
        model=replace(SMALL, features=content.WIDTH, voice=256), steps=120, frames=40, rate=1e-2
    )
    path = train(config, *(tmp_path,) * 4, tmp_path / "cache")
    with safe_open(path, "np") as file:
        figures = json.loads(file.metadata()["figures"])
    assert figures["film_mouth"] < 0.6 * figures["film_mouth_flat"]

    monkeypatch.setattr(weights, "require", lambda name: path)
    said = []
    for loudness in (0.05, 0.2):
        soundfile.write(tmp_path / "voice.wav", rng.normal(0, loudness, 32000).clip(-1, 1), 16000)
        said.append(style_of(tmp_path / "voice.wav"))
    quiet, loud = said
    assert 1 / STRONGEST <= quiet.mouth < loud.mouth <= STRONGEST and quiet.head < loud.head


def test_a_style_scales_the_settings_and_nobody_s_changes_nothing():
    settings = SpeakSettings(lips=1.5, head=0.5)
    assert Style().applied(settings) == settings
    moved = Style(mouth=1.2, brows=0.8, head=1.1, tempo=1.3).applied(settings)
    assert moved.lips == pytest.approx(1.8) and moved.jaw == pytest.approx(1.2)
    assert moved.brows == pytest.approx(0.8) and moved.head == pytest.approx(0.55)
    assert moved.seed == settings.seed and moved.blink_rate == settings.blink_rate


def test_silence_has_the_average_style():
    torch.manual_seed(0)
    branch = SpeakerBranch(SMALL).eval()
    features, voice = np.ones((30, 4), np.float32), np.ones(3, np.float32)
    assert read_style(branch, features, voice, np.zeros(30, bool)) == Style()
    some = read_style(branch, features, voice, np.ones(30, bool))
    assert some != Style() and all(1 / STRONGEST <= value <= STRONGEST for value in vars(some).values())


def test_a_missing_recording_says_so(tmp_path):
    with pytest.raises(LpError) as error:
        style_of(tmp_path / "nobody.wav")
    assert error.value.code == "AUDIO_MISSING" and style_module.LONGEST == 60


def test_examples_are_kept_whole():
    one = Example("a", np.zeros((10, 4)), np.zeros(256), np.array([0.5, np.nan, np.nan, 0]))
    features, voices, target = speaker.batch_of(
        [one], TrainSpeaker(batch=3, frames=20), np.random.default_rng(0)
    )
    assert features.shape == (3, 20, 4) and voices.shape == (3, 256) and target.isnan().sum() == 6
