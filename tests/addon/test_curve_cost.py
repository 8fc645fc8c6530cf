"""The benchmark's child process writes real curves."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def test_curves_are_written_and_timed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from lpcore.evaluate.curve_cost import curve_cost

    rng = np.random.default_rng(0)
    neutral = rng.uniform(100, 400, (68, 3)).astype(np.float32)
    moved = np.sin(np.arange(50) / 4)[:, None, None] * np.array([2.0, 5.0, 0.0])
    points = (neutral + moved).astype(np.float32)
    np.savez(
        tmp_path / "motion.npz", points=points, neutral=neutral, fps=np.array([25, 1]), start=np.array(0.0)
    )
    figures = curve_cost(Path(sys.executable), ROOT, tmp_path / "motion.npz")
    assert figures["curves_keys"] >= 68 * 2
    assert figures["curves_write_s"] > 0 and figures["curves_fit_s"] > 0
