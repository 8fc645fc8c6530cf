"""`lpcore evaluate ablation`: every row trained once, the same people, and a wall that stands still or does not."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import drop_jaw
from drawn_shots import Blind
from heads import made_up_head
from made_up_faces import write_faces

from lpcore import weights
from lpcore.cli import main as command_line
from lpcore.drawing.generator import Generator, GeneratorConfig
from lpcore.drawing.styles import STYLES
from lpcore.evaluate import ablation
from lpcore.evaluate.background_test import background, before_a_wall, change
from lpcore.evaluate.trained_stream import TrainedStream
from lpcore.train.drawing_landmarks import DrawingLandmarkNet, LandmarkNetConfig
from lpcore.train.generator import MODELS
from lpcore.train.identity import IdentityNet
from lpcore.train.losses import ABLATIONS
from lpcore.train.pack import Pack, pack

TINY = GeneratorConfig(
    widths=(4, 8, 8), landmark_widths=(4, 4, 4), blocks=1, scale=2, laterals=True, warp_align_corners=True,
    carried=True,
)  # fmt: skip
SIDE = 64


def turned(portrait):
    """(2, 68, 3): at rest, and with the whole head to the right and the mouth open."""
    moved = drop_jaw(portrait.landmarks, 15)
    moved[:, 0] += 12
    return np.stack([portrait.landmarks, moved])


def tiny(carried: bool = True) -> Generator:
    torch.manual_seed(0)
    return Generator(replace(TINY, carried=carried)).eval()


def test_an_untrained_generator_that_carries_draws_the_carried_drawing(portrait, small_drawer):
    stream = TrainedStream(tiny(), portrait, STYLES["ink"], SIDE)
    first, second = stream.frames(turned(portrait))
    assert first.shape == (512, 512) and first.dtype == np.uint8
    assert (stream.static == first).all() and (first != second).any()
    # Nothing is drawn far from the person.
    assert (first[:20, :20] > 250).all()


@pytest.mark.parametrize("carried", [True, False])
def test_the_wall_stands_still_with_the_person_apart(portrait, small_drawer, carried):
    before = before_a_wall(portrait)
    assert (before.image != portrait.image).any() and (
        before.image[200, 256] == portrait.image[200, 256]
    ).all()
    points = turned(before)
    where = background(before, points)
    assert 0.1 < where.mean() < 0.9 and not where[150:400, 180:330].any()
    torch.manual_seed(1)
    net = tiny(carried)
    torch.nn.init.normal_(net.decoder.out.weight, 0, 0.1)
    changes = {}
    for separate in (True, False):
        stream = TrainedStream(net, before, STYLES["ink"], SIDE, separate=separate, background=True)
        first, last = stream.frames(points)
        assert np.ptp(first[where]) > 0, "the wall is drawn"
        changes[separate] = change(first, last, where)
    assert changes[True] < 0.2 * changes[False]


def test_change_is_the_mean_of_the_chosen_pixels():
    first, last = np.random.default_rng(0).integers(0, 256, (2, 9, 7), dtype=np.uint8)
    where = first > 100
    by_hand = [abs(int(a) - int(b)) / 255 for a, b in zip(first[where], last[where], strict=True)]
    assert change(first, last, where) == pytest.approx(np.mean(by_hand))
    assert np.isnan(change(first, last, np.zeros_like(where)))


def test_every_ablation_is_explained():
    assert set(ablation.ABOUT) == {*ABLATIONS, ablation.BASELINE}


@pytest.fixture
def packed(tmp_path, monkeypatch, small_drawer) -> Path:
    """A tiny pack, networks and judge."""
    data = write_faces(tmp_path / "data")
    pack(data, tmp_path / "faces.pack", ("ink",), head=made_up_head(), identity=False)
    landmarks = DrawingLandmarkNet(LandmarkNetConfig(widths=(4, 4, 4, 4))).eval().requires_grad_(False)
    monkeypatch.setattr(Pack, "identity_net", lambda self, device: IdentityNet().eval().requires_grad_(False))
    monkeypatch.setattr(ablation, "load_landmark_net", lambda path, device: landmarks)
    monkeypatch.setattr(ablation, "Judge", lambda device: Blind(error=1.0))
    monkeypatch.setattr(weights, "present", lambda name: name in ("efficientnet_lite0", "face_identity"))
    monkeypatch.setitem(MODELS, "default", TINY)
    return tmp_path / "faces.pack"


def test_the_command_trains_once_and_shows_everything(packed, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    options = ["--side", "32", "--steps", "2", "--judged", "1", "--faces", "3", "--device", "cpu"]
    names = ["full", "no_foreground"]
    arguments = [
        "evaluate",
        "ablation",
        "--data",
        str(packed),
        "--out",
        str(out),
        *options,
        "--ablations",
        *names,
    ]
    assert command_line(arguments) == 0
    figures = json.loads((out / "ablation.json").read_text())["figures"]
    assert list(figures) == ["warp", *names]
    assert all(np.isfinite(figures[name]["unseen_content"]) for name in names)
    assert all(figures[name]["background_change"] >= 0 for name in names)
    assert figures["warp"]["background_change"] is None
    rows = list(csv.DictReader((out / "ablation.csv").open()))
    assert [row["face"] for row in rows] == ["stylegan2_17", "all"] * 3
    faces, walls = (cv2.imread(str(out / name)) for name in ("faces.png", "walls.png"))
    assert faces is not None and faces.shape[1] == 4 * 384 and walls is not None and walls.shape[1] == 5 * 384
    page = (out / "report.html").read_text("utf-8")
    assert "faces.png" in page and "walls.png" in page and ablation.ABOUT["no_foreground"] in page
    # A second run trains nothing, and another number of steps trains anew.
    trainings = []
    monkeypatch.setattr(ablation, "train", lambda config, *rest: trainings.append(config.steps))
    capsys.readouterr()
    assert command_line(arguments) == 0 and not trainings
    assert json.loads((out / "ablation.json").read_text())["figures"] == figures
    command_line([*arguments, "--steps", "3"])
    assert trainings == [3]


def test_what_the_command_refuses_before_it_trains(tmp_path, capsys):
    nowhere = ["evaluate", "ablation", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert command_line(nowhere) == 1
    assert f"there is no file {tmp_path / 'none'};" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    for none in ("0", "-1", "x"):
        with pytest.raises(SystemExit):
            command_line([*nowhere, "--faces", none])
        assert "--faces" in capsys.readouterr().err
