"""What head and brows of filmed people teach: the films as motion, the energy score, the training and its use."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import frontal_face
from safetensors import safe_open

from lpcore.audio import content, voice
from lpcore.evaluate.motion_figures import energy_score as plain_energy_score
from lpcore.evaluate.tracking import EAR_UNITS, Clip
from lpcore.motion import brows, prosody
from lpcore.motion.gesture import COURSES, LIMITS, MIRROR, MIRRORED_NOISE, SCALES, UNITS, read_branch, shaped
from lpcore.motion.pose import pose_displacement
from lpcore.motion.speaker_branch import SpeakerBranchConfig
from lpcore.train.gestures import Example, chances, energy_score, examples, filmed, gesture_loss, shown
from lpcore.train.ict import EAR_DISTANCE
from lpcore.train.speaker import Lesson, TrainSpeaker, batch_of, drawn, spread, train

TINY = SpeakerBranchConfig(
    features=content.WIDTH + prosody.WIDTH, hidden=8, layers=1, voice_widths=(2,), noise=len(SCALES) * COURSES,
    placed=False, model=8, feed_forward=8, blocks=1, head=(8,), outputs=6, look_ahead=2, span=64, dropout=0.0,
)  # fmt: skip
QUICK = TrainSpeaker(model=TINY, frames=40, batch=4, draws=3, steps=60, rate=1e-2, content=0.01)


def clip_of(pose: np.ndarray, raised: np.ndarray) -> Clip:
    """A film of 25 pictures a second of somebody whose brows are raised by (T,) shares of `brows.HEIGHT`."""
    points = np.repeat(frontal_face()[None], len(pose), axis=0)
    points[:, 17:27, 1] -= (raised * brows.HEIGHT / EAR_DISTANCE * EAR_UNITS)[:, None]
    return Clip("a", 25.0, np.zeros(len(pose) * 640, np.float32), points, pose)


def test_films_show_smooth_motion_about_its_average():
    time = np.arange(75) / 25
    course = np.sin(2 * time)
    pose = course[:, None] * UNITS[:5] * [1, -2, 0, 1, 1]
    pose[30] += 5 * UNITS[:5]  # one wrong frame of the tracker
    motion = filmed(clip_of(pose, 0.15 * course))
    expected = course[:, None] * [1, -2, 0, 1, 1, 1]
    expected -= expected.mean(axis=0)
    np.testing.assert_allclose(motion[5:-5], expected[5:-5], atol=0.12)
    assert np.abs(motion.mean(axis=0)).max() < 1e-9


def test_a_tilt_about_the_neck_is_no_shift():
    """A head that only tilts moves the point between the ears; what is learnt is the tilt alone."""
    face = frontal_face()
    tilt = np.zeros((50, 5))
    tilt[:, 2] = 0.05 * np.sin(np.arange(50) / 8)
    moved = face + pose_displacement(np.repeat(face[None], 50, 0), face, tilt)
    between = (moved[:, 0] + moved[:, 16]) / 2 - (face[0] + face[16]) / 2
    seen = tilt.copy()
    seen[:, 3:] = between[:, :2] / np.linalg.norm(face[0] - face[16])
    assert np.abs(seen[:, 3]).max() > 0.01
    motion = filmed(clip_of(seen, np.zeros(50)))
    assert np.abs(motion[:, 3]).max() < 0.02 and np.abs(motion[:, 2]).max() > 5


@pytest.fixture
def plain_ears(monkeypatch):
    """Features that hold nothing, one voice, and no search for pitch."""
    monkeypatch.setattr(
        content, "features", lambda samples: np.zeros((-(-len(samples) // 320), content.WIDTH), np.float32)
    )
    monkeypatch.setattr(voice, "embedding", lambda samples: np.full(256, 1 / 16, np.float32))
    monkeypatch.setattr(prosody, "_pitch", lambda samples: np.full(len(samples) // 320 + 1, np.nan))


def test_a_faster_copy_moves_faster(plain_ears):
    samples = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
    motion = np.sin(np.arange(75) / 25)[:, None] * np.ones(6)
    made = examples("a", samples, motion, 25.0, 6, 0)
    assert len(made) == 6 and len({len(one.clock) for one in made}) > 3
    for one in made:
        assert one.motion is not None and len(one.heard) == len(one.clock) == len(one.motion)
        speed = 150 / len(one.clock)
        expected = np.sin(np.minimum(np.arange(len(one.clock)) / 50 * speed, 74 / 25))
        np.testing.assert_allclose(one.motion[:, 0], expected, atol=0.02)
    np.testing.assert_array_equal(made[0].motion, examples("a", samples, motion, 25.0, 1, 9)[0].motion)
    assert examples("a", samples, None, 0.0, 1, 0)[0].motion is None


def test_the_energy_score_is_its_formula():
    rng = np.random.default_rng(0)
    draws, true = rng.normal(size=(5, 3, 7)), rng.normal(size=(3, 7))
    got = energy_score(torch.from_numpy(draws), torch.from_numpy(true)).numpy()
    for k in range(3):
        off = np.mean([np.linalg.norm(d - true[k]) for d in draws[:, k]])
        apart = np.mean(
            [np.linalg.norm(draws[i, k] - draws[j, k]) for i in range(5) for j in range(5) if i != j]
        )
        assert got[k] == pytest.approx(off - apart / 2, rel=1e-5)
        assert plain_energy_score(draws[:, k], true[k]) == pytest.approx(off - apart / 2)


def test_draws_like_the_truth_score_best():
    rng = np.random.default_rng(0)
    truths = rng.normal(size=(400, 12))
    scores = {
        name: np.mean([plain_energy_score(size * rng.normal(size=(16, 12)) + off, true) for true in truths])
        for name, size, off in (
            ("alike", 1, 0),
            ("small", 0.5, 0),
            ("large", 2, 0),
            ("still", 0, 0),
            ("off", 1, 1),
        )
    }
    assert min(scores, key=scores.get) == "alike"  # type: ignore[arg-type]


def test_what_is_trained_is_what_is_shown():
    said = np.random.default_rng(0).normal(0, 4, (200, 6)).cumsum(axis=0).astype(np.float32)
    moved = shaped(said, np.ones(200))
    trained = shown(torch.from_numpy(said)[None, None])[0, 0].numpy() * UNITS
    np.testing.assert_allclose(trained[:, :5], moved.pose, atol=1e-4)
    np.testing.assert_allclose(trained[:, 5], moved.brows, atol=1e-4)
    assert (np.abs(trained) <= LIMITS + 1e-6).all()


def motion_of(film: Example) -> np.ndarray:
    assert film.motion is not None
    return film.motion


def lesson() -> Lesson:
    """Heads that rise with the loudness, which swells at random moments."""
    made = []
    for number in range(9):
        rng = np.random.default_rng(number)
        loud = np.convolve(rng.standard_normal(160), np.hanning(41) / 5, "same")
        heard = np.zeros((160, TINY.features), np.float32)
        heard[:, content.WIDTH] = loud
        motion = np.zeros((160, 6))
        motion[:, 4] = -loud
        motion[:, 0] = np.convolve(rng.standard_normal(160), np.hanning(41) / 5, "same")
        one = examples("x", np.zeros(160 * 320, np.float32), motion, 50.0, 1, 0)[0]
        made.append(replace(one, name=f"x{number}", heard=heard, clock=np.arange(160) / 50))
    return Lesson(made[:6], [replace(one, motion=None) for one in made[6:8]], made[8:])


def test_stretches_are_random_and_mirrored(plain_ears):
    taught = lesson()
    batch = batch_of(taught.films, taught.sounds, QUICK, np.random.default_rng(0))
    assert batch.heard.shape == (5, 42, TINY.features) and batch.voices.shape == (5, 256)
    assert batch.chances.shape == (3, 5, 40, TINY.noise) and batch.motion.shape == (5, 40, 6)
    plain = replace(QUICK, variety=0.0)
    seen = batch_of(taught.films[:1], [], replace(plain, batch=40), np.random.default_rng(1)).motion.numpy()
    own = np.lib.stride_tricks.sliding_window_view(motion_of(taught.films[0]), 40, axis=0).transpose(0, 2, 1)
    kinds = [[np.abs(own * sign - one).max(axis=(1, 2)).min() < 1e-5 for one in seen] for sign in (1, MIRROR)]
    assert np.any(kinds, axis=0).all() and np.any(kinds, axis=1).all()
    again = batch_of(taught.films, taught.sounds, QUICK, np.random.default_rng(0))
    assert torch.equal(again.motion, batch.motion) and torch.equal(again.chances, batch.chances)


def test_training_learns_what_speech_decides_and_draws_the_rest(plain_ears, tmp_path):
    taught = lesson()
    path = train(QUICK, taught, tmp_path / "run")
    with safe_open(path, "np") as file:
        figures = json.loads(file.metadata()["figures"])
    assert figures["energy"] < 0.9 * figures["energy_still"] and figures["energy"] < figures["energy_unheard"]
    branch, film = read_branch(path), taught.unseen[0]
    codes = chances(film.clock, 8, np.random.default_rng(3))
    straight, other = (
        np.stack([branch.predict(film.heard, film.voice, noise=code * side) for code in codes])
        for side in (1, MIRRORED_NOISE)
    )
    draws = (straight + MIRROR * other) / 2
    assert np.corrcoef(draws[:, 10:150, 4].mean(axis=0), motion_of(film)[10:150, 4])[0, 1] > 0.7
    yaw = draws[:, :, 0]
    assert yaw.std(axis=0).mean() > 0.1 and yaw.std(axis=0).mean() > 2 * yaw.mean(axis=0).std()


def test_a_resumed_run_ends_alike(plain_ears, tmp_path):
    taught, short = lesson(), replace(QUICK, steps=6, batch=2, log_every=2)
    whole = read_branch(train(short, taught, tmp_path / "a"))
    from lpcore.train.run import Run

    stopped = Run.__init__

    def stop_early(self, *args, **options):
        stopped(self, *args, **options, stop=3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "__init__", stop_early)
        train(short, taught, tmp_path / "b")
    again = read_branch(train(short, taught, tmp_path / "b"))
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_loss_is_least_for_motions_like_the_film(plain_ears):
    taught = lesson()
    scale = spread(taught.films)
    true = torch.stack([torch.from_numpy(motion_of(f)[:64]) for f in taught.films]).float()
    others = torch.stack([true[[(k + i) % 6 for i in range(6)]] for k in (1, 2, 3)])
    alike = gesture_loss(others, true, scale).mean()
    assert gesture_loss(true[None].repeat(2, 1, 1, 1), true, scale).abs().max() < 1e-4
    assert alike < gesture_loss(torch.zeros_like(others), true, scale).mean()
    assert alike < gesture_loss(4 * others, true, scale).mean()


def test_draws_differ_by_chance_alone(plain_ears):
    taught = lesson()
    batch = batch_of(taught.films, [], QUICK, np.random.default_rng(0))
    torch.manual_seed(0)
    from lpcore.motion.speaker_branch import SpeakerBranch

    branch = SpeakerBranch(TINY).eval()
    some = drawn(branch, batch)
    assert some.shape == (3, 4, 40, 6) and (some[0] - some[1]).abs().max() > 1e-3
    one = replace(batch, chances=batch.chances[:1].repeat(3, 1, 1, 1))
    torch.testing.assert_close(drawn(branch, one)[0], drawn(branch, one)[2])
