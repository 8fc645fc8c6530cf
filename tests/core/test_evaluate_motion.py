"""The figures of `lpcore evaluate motion`, against closed forms, numpy and exhaustive search."""

from __future__ import annotations

import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import drop_jaw, frontal_face
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.audio import content
from lpcore.cli import EVALUATIONS
from lpcore.cli import main as command_line
from lpcore.errors import LpError
from lpcore.evaluate import alignment, gestures, motion, tracking
from lpcore.evaluate import motion_figures as figures
from lpcore.evaluate.alignment import align, grid_phones
from lpcore.evaluate.motion import Heard, loud_jaw, measure, shut_mouth
from lpcore.evaluate.motion_cost import peak_mb
from lpcore.evaluate.seeded_motion import LIMITS, seeded_brows, seeded_head, stresses
from lpcore.motion.close import lip_gap
from lpcore.motion.pose import rotation
from lpcore.motion.style import nobody

KEYS = {
    "lmd", "lmd_closed", "lmd_energy", "lmd_first", "sync_corr", "sync_lag_frames", "closure_rate",
    "silence_closed_rate", "open_vowel_rate", "jitter_still", "lip_jitter_ratio", "realtime_factor", "peak_rss_mb_1h",
}  # fmt: skip
OF_HEADS = {
    f"{part}_{figure}"
    for part in ("head", "brow")
    for figure in (
        "energy_score", "energy_score_seeded", "energy_score_still", "energy_score_other_speech",
        "speed_ratio", "speed_ratio_seeded", "range_ratio", "range_ratio_seeded",
    )
} | {
    "head_rise_corr", "head_rise_corr_seeded",
    *(f"{name}{end}" for name in ("head_loudness_corr", "brow_pitch_corr") for end in ("", "_seeded", "_film")),
}  # fmt: skip


def talking(gaps: np.ndarray) -> np.ndarray:
    """(T, 68, 3) schematic faces whose lips are `gaps` apart."""
    return np.stack([drop_jaw(frontal_face(), gap) for gap in gaps])


def test_lip_distance_is_the_mean_distance_of_twenty_points():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 68, 3))
    by_hand = [np.hypot(*(a[t, p, :2] - b[t, p, :2])) for t in range(7) for p in range(48, 68)]
    assert figures.lip_distance(a, b) == pytest.approx(np.mean(by_hand))
    assert figures.eye_distance(frontal_face()) == pytest.approx(np.hypot(202, 0))


@given(st.integers(-5, 5), st.integers(0, 2**32 - 1))
def test_the_best_lag_is_the_delay(delay, seed):
    signal = np.random.default_rng(seed).normal(size=80)
    true, moved = signal[10:70], signal[10 - delay : 70 - delay]
    course = figures.correlations(moved, true, 5)
    assert course.argmax() - 5 == delay and course.max() == pytest.approx(1)
    assert course[5] == pytest.approx(np.corrcoef(moved, true)[0, 1])
    assert not figures.correlations(np.ones(60), true, 5).any()


@given(st.floats(0, 3), st.floats(0.02, 0.5), st.sampled_from([12.0, 25.0, 60.0]))
def test_the_frames_of_a_segment_show_it(start, length, fps):
    shown = figures.frames_of((start, start + length), fps, 1000)
    times = np.arange(1000)[shown] / fps
    assert len(times) >= 1 and times[0] >= start - 0.5001 / fps and times[-1] <= start + length + 0.5001 / fps
    assert np.abs(times - (start + length / 2)).min() <= 0.5001 / fps
    assert len(np.arange(10)[figures.frames_of((start + 9, start + 10), 25, 10)]) == 1


def test_closed_open_and_shut_by_shares_of_the_clip():
    gap = np.full(100, 1.0)
    gap[20:23], gap[40], gap[60:80] = 0.09, 0.11, 0.39
    assert figures.closed(gap, [(0.8, 0.88), (1.6, 1.6), (3.2, 3.3)], 25) == [True, False, False]
    assert figures.opened(gap, [(0.4, 0.5), (2.5, 3.0), (3.1, 3.3)], 25) == [True, False, True]
    silent = np.zeros(100, bool)
    silent[19:23] = True
    assert figures.shut(gap, silent) == [False, True, True, True]


def test_jitter_is_the_second_difference():
    time = np.arange(30.0)
    points = np.zeros((30, 4, 3))
    points[:, 0, 0] = 0.5 * time**2
    assert figures.jitter(points) == pytest.approx(1 / 12)
    points[:, :, 1] = 3 * time[:, None] + 7
    assert figures.jitter(points) == pytest.approx(1 / 12)
    assert figures.jitter(points[:2]) == 0


def test_a_turning_head_is_told_from_a_talking_mouth(face):
    """A person turns, tilts and wanders while talking: the mouth and the head come apart again."""
    rng = np.random.default_rng(0)
    face = face.copy()
    face[:, 2] = 0.002 * ((face[:, 0] - 256) ** 2 + (face[:, 1] - 256) ** 2) * rng.uniform(0.9, 1.1, 68)
    time = np.arange(60) / 25
    angles = np.stack([0.1 * np.sin(5 * time), 0.06 * np.sin(3 * time), 0.04 * np.cos(4 * time)], axis=1)
    mouth = np.stack([drop_jaw(face, 10 * (1 - np.cos(9 * t))) for t in time])
    turned = (mouth - 256) @ np.swapaxes(rotation(angles), 1, 2) * 0.5 + np.array([400, 300, 0])
    turned[:, :, 0] += 20 * np.sin(2 * time)[:, None]
    reference = (face - (face[0] + face[16]) / 2) * (1.6 / np.linalg.norm(face[0] - face[16]))
    points, pose = tracking.without_head(turned, reference)
    scale = tracking.EAR_UNITS / np.linalg.norm(face[0] - face[16])
    np.testing.assert_allclose(lip_gap(points), scale * lip_gap(mouth), atol=0.02)
    np.testing.assert_allclose(pose[:, :3], angles - angles.mean(axis=0), atol=2e-3)
    assert figures.jitter(points[:, 27:31]) < 1e-3
    clip = tracking.Clip("a", 25.0, np.zeros(16000), points, pose)
    assert lip_gap(clip.neutral) < 0.1 * lip_gap(points).max()


def test_a_film_without_a_face_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "load", lambda path: np.zeros(16000, np.float32))
    with pytest.raises(LpError, match=r"nothing\.mpg"):
        tracking.track(tmp_path / "nothing.mpg", frontal_face())


def test_file_names_of_the_corpus_tell_the_words():
    assert grid_phones("grid_lwbsza") == "lA" + "wIt" + "bI" + "ɛs" + "zɪɹO" + "əɡɛn"
    assert grid_phones("bbaf2n").startswith("bɪnbluætɛf")
    for wrong in ("grid_lwbsz", "grid_xwbsza"):
        with pytest.raises(ValueError, match="GRID"):
            grid_phones(wrong)


def posteriors(rows: np.ndarray) -> np.ndarray:
    """(T, WIDTH) features with posteriors (T, 3) of p, i and blank."""
    features = np.zeros((len(rows), content.WIDTH), np.float32)
    features[:, content.HIDDEN + np.array([35, 20, 190])] = rows
    return features


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_alignment_finds_the_best_of_all_paths(seed):
    """Of all ways to place "pip" in nine frames, each phone once and blank elsewhere, none scores higher."""
    rows = np.random.default_rng(seed).dirichlet(np.ones(3), 9)
    found = [round(start * content.RATE) for _, start, _ in align(posteriors(rows), "pip")]
    scores = np.log(rows + alignment._FLOOR)

    def best(starts: tuple[int, ...]) -> float:
        """Score of the best path whose phones begin at `starts`: every phone lasts as long as it pays."""
        total, ends = scores[: starts[0], 2].sum(), [*starts[1:], len(rows)]
        for column, start, end in zip((0, 1, 0), starts, ends, strict=True):
            lasting = [
                scores[start:stop, column].sum() + scores[stop:end, 2].sum()
                for stop in range(start + 1, end + 1)
            ]
            total += max(lasting)
        return float(total)

    every = {starts: best(starts) for starts in combinations(range(9), 3)}
    assert every[tuple(found)] == pytest.approx(max(every.values()), abs=1e-5)


def test_phones_last_from_their_spike_to_the_next():
    rows = np.full((60, 3), [0.01, 0.01, 0.98])
    rows[10], rows[14], rows[40] = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.9, 0.05, 0.05]
    assert align(posteriors(rows), "pip") == [("p", 0.2, 0.28), ("i", 0.28, 0.53), ("p", 0.8, 1.05)]


@pytest.fixture
def heard() -> list[Heard]:
    """A film of two seconds: noise in its first half, the mouth open with it, and closed for a b."""
    rng = np.random.default_rng(0)
    samples = (0.2 * rng.standard_normal(32000) * (np.arange(32000) < 16000)).astype(np.float32)
    gaps = np.where(np.arange(50) < 25, 20 + 4 * rng.standard_normal(50), 0)
    gaps[10:12] = 0
    phones = [("ɑ", 0.1, 0.3), ("b", 0.4, 0.46), ("ɑ", 0.5, 0.9)]
    return [
        Heard("film", "f", None, samples, phones, frontal_face(), talking(gaps)),  # type: ignore[arg-type]
        Heard("sentence", "s", None, samples, phones, frontal_face(), None),  # type: ignore[arg-type]
    ]


def test_a_perfect_engine_has_perfect_figures(heard):
    perfect = measure(heard, lambda one: heard[0].true)
    assert perfect["lmd"] == 0 and perfect["lip_jitter_ratio"] == 1 and perfect["jitter_still"] == 0
    assert perfect["sync_corr"] == pytest.approx(1) and perfect["sync_lag_frames"] == 0
    assert perfect["closure"] == perfect["open"] == perfect["silence"] == 1 and perfect["take_lmd"] is None
    late = measure(heard, lambda one: np.concatenate([heard[0].true[:1], heard[0].true[:-1]]))
    assert late["sync_lag_frames"] == 1 and late["lmd"] > 0
    wide = measure(heard, lambda one: talking(np.full(50, 9.0)))
    assert wide["closure"] == wide["silence"] == 0 and wide["sync_corr"] == 0


def test_the_baselines_are_what_they_say(heard):
    shut, loud = shut_mouth(heard[0]), loud_jaw(heard[0])
    assert shut.shape == loud.shape == (50, 68, 3) and np.abs(lip_gap(shut)).max() < 1e-3
    gap = lip_gap(loud)
    assert gap[5:20].min() > 0.9 * gap.max() and gap[30:].max() == 0
    assert gap.max() == pytest.approx(motion.OPENING * 202, rel=0.05)
    assert loud[5, 8, 1] > shut[5, 8, 1] and loud[5, 0, 1] == pytest.approx(shut[5, 0, 1], abs=1e-4)


def swaying() -> list[tracking.Clip]:
    """Two films of three seconds in which a head nods with its voice."""
    made = []
    for number in range(2):
        rng = np.random.default_rng(number)
        swell = np.convolve(rng.standard_normal(75), np.hanning(15) / 2, "same")
        samples = rng.standard_normal(48000) * np.repeat(np.exp(swell), 640) * 0.05
        pose = np.outer(swell, [0.005, 0.01, 0.003, 0.004, -0.008])
        points = np.repeat(frontal_face()[None], 75, axis=0)
        points[:, 17:27, 1] -= swell[:, None]
        made.append(tracking.Clip(f"f{number}", 25.0, samples.astype(np.float32), points, pose))
    return made


@pytest.fixture
def deaf(monkeypatch):
    """Ears that hear no words and know nobody."""
    monkeypatch.setattr(
        content, "features", lambda samples: np.zeros((-(-len(samples) // 320), content.WIDTH), np.float32)
    )
    monkeypatch.setattr(gestures.style, "heard_style", lambda samples: nobody())


def test_head_and_brows_are_measured_by_films(deaf):
    table = gestures.measure(swaying(), draws=4)
    assert all(
        value == pytest.approx(0, abs=1e-9) for name, value in table["film"].items() if "energy" in name
    )
    assert all(
        table["film"][name] == pytest.approx(1)
        for name in ("head_speed", "head_range", "brow_range", "head_rise")
    )
    assert table["film"]["head_loud"] > 0.5 and table["still head"]["head_speed"] == 0
    assert table["still head"]["head_energy"] > 0.1
    for method in ("branch", "seeded"):
        assert table[method]["head_speed"] > 0 and table[method]["head_energy"] > 0
    assert set(gestures.published(table)) == OF_HEADS


@given(st.integers(0, 2**31))
def test_seeded_heads_keep_within_their_limits(seed):
    times = np.arange(500) / 25
    pose = seeded_head(times, (np.sin(times) + 1) / 2, seed)
    assert (np.abs(pose) <= LIMITS).all()
    assert np.abs(np.diff(pose[:, :3], axis=0)).max() < np.radians(0.6)


def test_seeded_brows_follow_stresses():
    time = np.arange(500) / 50
    peaks = np.exp(-(((time[:, None] - [2.0, 5.0, 8.0]) / 0.1) ** 2)).sum(axis=1)
    levels = (-60 + 40 * peaks).astype(np.float32)
    found = stresses(levels, levels < -55, 50)
    np.testing.assert_allclose(found, [2.0, 5.0, 8.0], atol=0.03)
    raised = max((seeded_brows(time, found, seed) for seed in range(5)), key=lambda h: h.max())
    assert 0.4 <= raised.max() <= 1 and raised[0] == 0
    assert min(abs(time[raised.argmax()] - found)) < 0.03
    assert len(stresses(levels, np.ones(500, bool), 50)) == 0


def test_the_command_writes_every_figure(heard, deaf, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(motion, "load_branch", lambda: SimpleNamespace(mean_face=torch.zeros(68, 3)))
    monkeypatch.setattr(motion, "films", lambda *arguments: heard[:1])
    monkeypatch.setattr(motion, "spoken", lambda one: heard[0].true)
    monkeypatch.setattr(motion, "cost", lambda folder, seconds: (42.0, 1000.0))
    monkeypatch.setattr(motion, "people", lambda *arguments: swaying())
    out = tmp_path / "figures.json"
    arguments = ["--clips", str(tmp_path), "--first", str(tmp_path / "x"), "--json", str(out)]
    assert command_line(["evaluate", "motion", *arguments]) == 0
    figures_written = json.loads(out.read_text())
    assert set(figures_written) == KEYS | OF_HEADS
    assert figures_written["lmd"] == figures_written["lmd_first"] == 0 < figures_written["lmd_energy"]
    assert figures_written["lmd_energy"] < figures_written["lmd_closed"]
    assert figures_written["realtime_factor"] == 42 and figures_written["peak_rss_mb_1h"] == 1000
    told = capsys.readouterr().out
    assert "shut mouth" in told and "still head" in told
    command_line(["evaluate", "motion", "--quick", "--json", str(out)])
    assert json.loads(out.read_text())["peak_rss_mb_1h"] is None
    assert set(EVALUATIONS) >= {"motion"}


def test_memory_is_told_in_megabytes():
    before = peak_mb()
    if before is None:
        pytest.skip("this system does not tell")
    block = np.ones(40_000_000)
    after = peak_mb()
    assert after is not None and block.all() and (after - before > 100 or before > 1000) and after < 1e5
