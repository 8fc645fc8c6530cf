"""How cost grows: the cases that are run, what their processes tell, the table and the plot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lpcore.errors import LpError
from lpcore.evaluate import plots, scaling
from lpcore.evaluate.curve_cost import blender_python
from lpcore.evaluate.scaling import (
    BATCHES,
    CORES,
    FRAMES,
    SIZES,
    Case,
    Row,
    in_words,
    measured,
    on_cores,
    plot,
)

CASE = Case("draw", "photo.png", "speech.wav", "motion.npz", threads=2)


@pytest.fixture
def asked(monkeypatch) -> list[Case]:
    """The cases that would run; a frame takes 10 ms of one core, the published steps 3 s."""
    cases = []

    def measured(case: Case) -> dict:
        cases.append(case)
        one = 3.0 if case.stage == "reference" else 0.01 * case.frames
        return {"seconds": one / case.threads, "peak_mb": 100.0, "gpu_mb": None}

    monkeypatch.setattr(scaling, "measured", measured)
    return cases


def test_every_axis_is_measured_beside_the_published_steps_on_as_many_cores(asked):
    rows = list(scaling.scaling(CASE, cores=6))
    values = {axis: [row.value for row in rows if row.axis == axis] for axis in {row.axis for row in rows}}
    assert values == {
        "stage": ["analyze", "speak", "draw", "reference"],
        "frames": list(FRAMES),
        "size": list(SIZES),
        CORES: [1, 2, 4, 6],
        "batch": list(BATCHES),
    }
    for row in rows:
        if row.axis in ("frames", "size", CORES):
            assert row.ratio == pytest.approx(300)
        else:
            assert row.ratio is None
    cores = [row.seconds for row in rows if row.axis == CORES]
    assert cores == pytest.approx([0.01 / n for n in (1, 2, 4, 6)])
    assert {case.threads for case in asked if case.stage == "reference"} == {1, 2, 4, 6}


def test_a_process_of_its_own_tells_its_time_and_memory():
    case = Case("generator", "", "", "", frames=1, threads=1)
    alone = measured(case)
    burden = np.ones(300_000_000, np.uint8)  # in the process that starts the other
    found = measured(case)
    assert found["seconds"] > 0 and burden[-1] == 1
    if found["peak_mb"] is not None:
        assert 100 < found["peak_mb"] < alone["peak_mb"] + 100


@pytest.mark.skipif(CORES != "cores", reason="the system does not bind processes to cores")
def test_every_thread_of_a_measured_process_has_the_cores_of_its_case():
    before = os.sched_getaffinity(0)
    most = "max(len(os.sched_getaffinity(int(thread))) for thread in os.listdir('/proc/self/task'))"
    seen = f"import numpy, os, sys; sys.exit({most})"
    with on_cores(1):
        assert subprocess.run([sys.executable, "-c", seen]).returncode == 1
    assert os.sched_getaffinity(0) == before


def test_the_table_names_what_is_not_known():
    table = in_words([Row("size", 512, 0.02, None, None, 154.4), Row("stage", "speak", 0.5, 321.0, 12.0)])
    _, size, stage = table.splitlines()
    assert size.split() == ["size", "512", "20.0", "50.0", "-", "-", "154"]
    assert stage.split() == ["stage", "speak", "500.0", "2.0", "321", "12", "-"]


def test_the_curves_are_drawn(asked, tmp_path):
    pytest.importorskip("matplotlib")
    picture = cv2.imread(str(plot(list(scaling.scaling(CASE, cores=2)), tmp_path / "new")))
    assert picture is not None and picture.shape[1] > 1000
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_plots_without_matplotlib_are_refused_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LpError) as caught:
        plot([], tmp_path / "none")
    assert caught.value.code == "PLOTS_NOT_INSTALLED"


def test_rows_are_plain_values():
    assert json.loads(json.dumps(vars(Row("size", 512, 0.02, 1.0, None, 2.0))))["value"] == 512


def test_blenders_python_is_that_of_the_addon_tests(tmp_path):
    for version in ("4.2.23", "5.0.1"):
        python = tmp_path / f".venv-bpy-{version}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    assert blender_python(tmp_path) == Path(tmp_path / ".venv-bpy-5.0.1" / "bin" / "python")
