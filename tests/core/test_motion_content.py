"""The content branch: the published sizes, the future it may see, and blocks that join without seams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lpcore.motion import content
from lpcore.motion.content import PUBLISHED, ContentBranch, ContentConfig, load_branch

SMALL = ContentConfig(features=6, look_ahead=3, prior=8, code=5, hidden=7, layers=2, head=(8, 6))


def branch_of(config: ContentConfig) -> ContentBranch:
    torch.manual_seed(1)
    branch = ContentBranch(config)
    branch.mean_face.normal_()
    torch.nn.init.normal_(branch.head[-1].weight)
    return branch.eval()


def speech(frames: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((frames, width)).astype(np.float32)


def test_the_published_sizes():
    assert sum(p.numel() for p in ContentBranch(PUBLISHED).parameters()) == 1_965_677


def test_ours_is_small():
    assert sum(p.numel() for p in ContentBranch(ContentConfig()).parameters()) < 2_000_000


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("frames", [1, 2, 17, 64, 65, 200])
def test_blocks_join_without_seams(windowed, frames, monkeypatch):
    monkeypatch.setattr(content, "_BLOCK", 64)
    branch = branch_of(replace(SMALL, windowed=windowed))
    features = speech(frames)
    whole = branch(torch.from_numpy(features)[None], branch.mean_face[None])[0].detach().numpy()
    result = branch.predict(features)
    assert result.shape == (frames, 68, 3) and result.dtype == np.float32
    np.testing.assert_allclose(result, whole, atol=1e-5)


@pytest.mark.parametrize("windowed", [False, True])
def test_the_future_counts_for_the_look_ahead_alone(windowed):
    branch = branch_of(replace(SMALL, windowed=windowed))
    features = speech(40)
    changed = features.copy()
    changed[20] += 5
    moved = np.abs(branch.predict(changed) - branch.predict(features)).max(axis=(1, 2))
    assert (moved[: 20 - 3] == 0).all() and (moved[20 - 3 : 21] > 1e-4).all()
    assert (moved[21:] == 0).all() == windowed


def test_a_window_predicts_its_first_frame():
    branch = branch_of(replace(SMALL, windowed=True))
    features = speech(30)
    window = torch.from_numpy(features[11:15])[None]
    states, _ = branch.lstm(branch.prior(window))
    face = branch.mean_face.flatten()[None]
    expected = branch.head(torch.cat([states[:, -1], face], dim=1)).reshape(68, 3)
    np.testing.assert_allclose(branch.predict(features)[11], expected.detach().numpy(), atol=1e-5)


def test_features_are_standardised():
    branch = branch_of(SMALL)
    features = speech(20)
    before = branch.predict(features)
    branch.feature_mean.fill_(3.0)
    branch.feature_std.fill_(2.0)
    np.testing.assert_allclose(branch.predict(features * 2 + 3), before, atol=1e-4)


def test_the_trained_branch_loads():
    branch = load_branch()
    assert branch is load_branch() and not branch.training
    face = branch.mean_face.numpy()
    assert np.linalg.norm(face[0] - face[16]) == pytest.approx(1.6, abs=1e-2)
    assert face[8, 1] > face[57, 1] > face[33, 1] > face[27, 1]
    assert face[30, 2] < face[27, 2] < face[0, 2]
