"""`lpcore evaluate drawing`: its test set, its per-frame baseline, and that the command tells every figure."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from conftest import frontal_face
from drawn_shots import Blind, Drawn, patch_shots, seen_of, spoken
from made_up_faces import write_faces

from lpcore import weights
from lpcore.cli import main as command_line
from lpcore.drawing.stream import FrameStream
from lpcore.drawing.styles import STYLES
from lpcore.evaluate import drawing, drawing_cost, judge, per_frame, reading
from lpcore.evaluate.drawing import published
from lpcore.evaluate.judge import Judge
from lpcore.evaluate.look import best_lag, look_at_teacher
from lpcore.evaluate.methods import Method, drawn_by
from lpcore.evaluate.per_frame import PerFrame
from lpcore.evaluate.results import summary, worst
from lpcore.evaluate.shots import Shot, ShotPlan, held_out_speech, shoot
from lpcore.evaluate.teachers import photos, teachers
from lpcore.points68 import LIPS
from lpcore.train.identity import IdentityNet

KEYS = {
    "ssim", "flicker", "flicker_frame", "fd", "fd_warp", "fd_frame", "lip_error_px", "lip_error_px_frame", "identity",
    "identity_warp", "fps_cpu", "peak_rss_mb",
}  # fmt: skip


@pytest.fixture
def shot(portrait, monkeypatch) -> Shot:
    patch_shots(monkeypatch, portrait)
    return shoot(ShotPlan("a", Path("a.jpg"), Path("b.wav"), 6))


def test_a_calm_take_moves_the_mouth_only(shot):
    assert (
        shot.points.shape == (6, 68, 3)
        and shot.calm.shape == (3, 68, 3)
        and shot.still.shape == (2, 512, 512)
    )
    eyes, lower_lip = frontal_face()[[36, 39, 42, 45], :2], frontal_face()[[56, 57, 58], :2]
    assert all(shot.still[:, round(y), round(x)].all() for x, y in eyes)
    assert not any(shot.still[0, round(y) + 5, round(x)] for x, y in lower_lip)
    assert not shot.still[:, :, :20].any()  # there is no person
    assert np.ptp(shot.points[:, 30, 1]) > 4 and np.ptp(shot.calm[:, 30, 1]) == 0


def test_steady_frames_have_perfect_figures(shot):
    seen = seen_of(shot, Drawn(0), Blind())
    assert seen.figures["ssim"] == pytest.approx(1) and seen.figures["identity"] == pytest.approx(1)
    assert seen.figures["flicker"] == seen.figures["lip_error_px"] == seen.figures["specks"] == 0
    assert seen.looks["fd"].shape == (2, 16) and seen.figures["stroke_px"] == pytest.approx(3, abs=0.5)
    shaky = seen_of(shot, Drawn(60), Blind(error=3.0))
    # Two independent uniform changes of 0 to 60 differ by 61² - 1 over 3 · 61 on average.
    assert shaky.figures["flicker"] == pytest.approx((61**2 - 1) / (3 * 61) / 255, rel=0.05)
    assert shaky.figures["lip_error_px"] == pytest.approx(1.5) and shaky.figures["ssim"] < 0.9
    # The judge sees the whole face to the right: no mouth is out of shape.
    assert shaky.figures["lmd"] == pytest.approx(0, abs=1e-3) == shaky.figures["lmd_sum"]
    assert np.isnan(shaky.figures["warp_error"]) and seen.frames.shape == (6, 256, 256)
    # The sound is loud whenever the jaw is open.
    assert seen.lags[len(seen.lags) // 2] > 0.7


def test_the_per_frame_baseline_draws_the_moved_photo(small_drawer, portrait):
    stream, style = PerFrame(portrait, STYLES["ink"]), STYLES["ink"]
    points = spoken(portrait, "", start=0, frames=2).points
    first, second = stream.frames(points)
    assert first.shape == (512, 512) and first.dtype == np.uint8
    assert (first == stream.static).all()
    # At rest it is the drawing that the engine warps, but for what lies outside the person and the mouth, painted anew.
    inside = portrait.matte > 0.99
    inside[335:390, 190:322] = False
    static = FrameStream(portrait, style.name, engine="warp").static
    assert np.abs(first.astype(int) - static)[inside].max() <= 1
    assert (first != second)[380:420, 220:290].any()


def test_the_per_frame_baseline_follows_the_head(portrait, monkeypatch):
    def dark(image, matte, device):
        return torch.from_numpy((120 - image.mean(axis=-1)) / 10 - 5 * (1 - matte))[None]

    monkeypatch.setattr(per_frame, "draw_logits", dark)
    stream = PerFrame(portrait, STYLES["ink"])
    moved = portrait.landmarks.copy()
    moved[:, :2] += (6, 3)
    (shifted,) = stream.frames(moved[None])
    change = shifted[153:403, 156:406].astype(int) - stream.static[150:400, 150:400]
    assert np.abs(change).max() <= 2 and (stream.static[150:400, 150:400] < 50).mean() > 0.02
    assert (shifted[:20] == stream.static[:20]).all()


def test_teachers_stand_in_the_engines_crop(tmp_path):
    write_faces(tmp_path)
    stems = [photo.stem for photo in photos(tmp_path, held_out=True)]
    assert stems == ["stylegan2_17"]
    assert [photo.stem for photo in photos(tmp_path, held_out=False)] == ["canada_001", "stylegan2_2"]
    (teacher,) = teachers(tmp_path, "ink", stems)
    ink = 255 - teacher.picture
    assert teacher.picture.shape == (512, 512) and not ink[:10].any()
    for x, y in teacher.landmarks[list(LIPS[:12])]:
        assert ink[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5].max() > 200
    # The chin lies where `face.crop` puts it: 3 % of the box above the box's lower edge.
    assert teacher.landmarks[:, 1].max() == pytest.approx(512 * (0.9 - 0.03 * 0.7), abs=1)
    seen = look_at_teacher(teacher, Blind(error=4.0))  # type: ignore[arg-type]
    assert seen.figures["lip_error_px"] == pytest.approx(2) and "flicker" not in seen.figures
    again = tmp_path / "again"
    (again / "drawings_ink").mkdir(parents=True)
    cv2.imwrite(str(again / "drawings_ink" / "stylegan2_17.png"), np.full((512, 512), 255, np.uint8))
    assert (next(teachers(tmp_path, "ink", stems, again)).picture == 255).all()


def test_no_photos_are_told(tmp_path, capsys):
    with pytest.raises(FileNotFoundError):
        photos(tmp_path, held_out=True)


def test_the_held_out_recordings():
    names = [path.name for path in held_out_speech(Path("data"))]
    assert names == ["grid_lwbsza.mpg", "grid_sbwe5n.mpg", "grid_bbaf2n.mpg"]


def _outline(face) -> np.ndarray:
    """(68, 3): the corners of the face's box and its eyes, over and over."""
    box = face.box
    corners = [[box.left, box.top], [box.left + box.width, box.top + box.height], *face.eyes]
    return np.pad(np.tile(corners, (17, 1)), ((0, 0), (0, 1)))


@pytest.fixture
def judge_files(tmp_path, monkeypatch):
    """The judge's networks with made-up weights."""
    monkeypatch.setattr(judge, "load_identity_net", lambda device: IdentityNet().eval())
    monkeypatch.setattr(reading, "find_landmarks", lambda photo, face: SimpleNamespace(points=_outline(face)))
    monkeypatch.setattr(
        judge,
        "load_efficientnet",
        lambda device: SimpleNamespace(features=lambda x: x.mean((2, 3)).expand(-1, 1280)),
    )
    monkeypatch.setattr(weights, "require", lambda name: tmp_path)
    monkeypatch.setattr(weights, "sha256", lambda name: name)


def test_the_judge_looks_at_any_number_of_pictures(judge_files, portrait):
    pictures = list(Drawn(30).frames(range(9)))
    points = np.repeat(portrait.landmarks[None], 9, axis=0)
    seen = Judge()
    assert seen.looks(pictures)["fd"][:, 0] == pytest.approx(np.mean(pictures, axis=(1, 2)) / 255, rel=1e-5)
    assert seen.people(pictures, points).shape == (9, 128)
    found = seen.landmarks(pictures, points)
    # The detector is sent to where the face should be.
    wanted = portrait.landmarks[:, :2]
    assert found.shape == (9, 68, 2)
    np.testing.assert_allclose(found[8, :2], [wanted.min(axis=0), wanted.max(axis=0)])
    np.testing.assert_allclose(found[8, 2:4], [wanted[36:42].mean(axis=0), wanted[42:48].mean(axis=0)])


def test_drawings_are_read_as_from_afar(monkeypatch):
    seen = []

    def detector(photo, face):
        seen.append(photo[..., 0].astype(float))
        return SimpleNamespace(points=_outline(face))

    monkeypatch.setattr(reading, "find_landmarks", detector)
    sheet, face = np.full((512, 512), 255, np.uint8), frontal_face()
    sheet[200:300, 250] = 0
    reading.read_landmarks(sheet, face)
    reading.read_landmarks(sheet, face, blur=0)
    # A line one pixel wide becomes the bell curve itself.
    ink = 255 - seen[0][250, 230:271]
    bell = np.exp(-(((np.arange(230, 271) - 250) / reading.BLUR) ** 2) / 2)
    np.testing.assert_allclose(ink, 255 * bell / bell.sum(), atol=1)
    assert (seen[1] == sheet).all()


def test_how_well_drawings_of_known_landmarks_are_read_is_told_by_blur(tmp_path, monkeypatch, capsys):
    stem = photos(write_faces(tmp_path), held_out=False)[0].stem
    (drawing,) = teachers(tmp_path, "ink", [stem])

    def detector(photo, face):
        """Right for a contrast of 10, further to the right for any other."""
        return SimpleNamespace(points=drawing.landmarks + np.array([abs(photo.std() - 10), 0]))

    monkeypatch.setattr(reading, "find_landmarks", detector)
    found = reading.calibrate([drawing], (0.0, 6.0))
    blurred = cv2.GaussianBlur(drawing.picture, (0, 0), 6)
    assert found == {
        blur: pytest.approx(abs(picture.std() - 10) / 2)
        for blur, picture in ((0.0, drawing.picture), (6.0, blurred))
    }
    assert command_line(["evaluate", "reading", "--data", str(tmp_path), "--step", "2"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(reading.BLURS) and told[0] == f"blur 0: lips {found[0.0]:.2f} px off"


def test_the_published_figures_are_those_of_the_best_method():
    table = {
        name: {"ssim": k, "flicker": k, "fd": k, "lip_error_px": k, "identity": k}
        for k, name in enumerate(("generator", "warp", "frame", "teacher"))
    }
    found = published(table, 7.0, None)
    assert set(found) == KEYS and found["fps_cpu"] == 7 and found["peak_rss_mb"] is None
    assert found["ssim"] == found["fd"] == 0 and found["fd_warp"] == found["identity_warp"] == 1
    assert found["flicker_frame"] == found["fd_frame"] == found["lip_error_px_frame"] == 2
    del table["generator"]
    assert published(table, 7.0, None)["fd"] == 1


@pytest.mark.parametrize("generator", [True, False])
def test_the_command_tells_every_figure(generator, portrait, tmp_path, monkeypatch, capsys):
    data = write_faces(tmp_path / "data")
    noises = {"generator": 0, "warp": 10, "frame": 60} if generator else {"warp": 10, "frame": 60}
    methods = {
        name: Method(drawn_by(lambda portrait, noise=noise: Drawn(noise))) for name, noise in noises.items()
    }
    patch_shots(monkeypatch, portrait)
    monkeypatch.setattr(drawing, "own_methods", lambda style, device: methods)
    monkeypatch.setattr(drawing, "Judge", lambda device, inception: Blind(error=2.0))
    monkeypatch.setattr(drawing, "QUICK_STEP", 1)
    monkeypatch.setattr(drawing, "QUICK_FRAMES", 6)
    monkeypatch.setattr(weights, "present", lambda name: True)
    monkeypatch.setattr(drawing, "cost", lambda *arguments: (42.0, 1000.0))
    (data / "x.wav").write_bytes(b"sound")
    out = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "png")}
    arguments = [
        "--data",
        data,
        "--speech",
        data / "x.wav",
        "--json",
        out["json"],
        "--csv",
        out["csv"],
        "--sheet",
        out["png"],
    ]
    assert command_line(["evaluate", "drawing", "--quick", "--device", "cpu", *map(str, arguments)]) == 0
    figures = json.loads(out["json"].read_text())
    assert set(figures) == KEYS and figures["fps_cpu"] == 42 and figures["peak_rss_mb"] == 1000
    assert figures["flicker"] < figures["flicker_frame"] and figures["lip_error_px"] == pytest.approx(1)
    assert (figures["fd"] == figures["fd_warp"]) != generator
    told = capsys.readouterr().out
    assert "FD-EffLite0 to 2 teacher drawings" in told and "FID" not in told and "stylegan2_17" in told
    assert ("weights are not here" in told) != generator
    rows = list(csv.DictReader(out["csv"].open()))
    assert [row["face"] for row in rows] == ["stylegan2_17", "all"] * (len(noises) + 1)
    assert float(rows[0]["ssim"]) == pytest.approx(figures["ssim"]) and rows[-1]["method"] == "teacher"
    sheet = cv2.imread(str(out["png"]))
    assert sheet is not None and sheet.shape[1] == 384 * (len(noises) + 2)


def test_networks_that_only_measuring_needs_are_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(weights, "present", lambda name: False)
    assert command_line(["evaluate", "drawing", "--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "efficientnet_lite0" in told and "weights fetch" in told


def test_worst_first():
    seen = [
        SimpleNamespace(
            figures={"lip_error_px": value}, looks={"fd": np.full((2, 3), value)}, lags=np.zeros(11)
        )
        for value in (1.0, 5.0, 3.0)
    ]
    assert worst(seen) == [1, 2, 0]  # type: ignore[arg-type]
    table = summary({"warp": seen}, {"fd": np.zeros((2, 3))})  # type: ignore[dict-item]
    assert table["warp"]["lip_error_px"] == pytest.approx(3) and table["warp"]["fd_frames"] == 6
    # Means 3 apart along three axes, and a spread of variance 16 / 5 on each along one line.
    assert table["warp"]["fd"] == pytest.approx(27 + 3 * 16 / 5)


def test_lips_and_sound_agree_best_where_all_shots_agree():
    rows = [np.zeros(11), np.zeros(11)]
    rows[0][[4, 6]], rows[1][[6, 9]] = (0.9, 0.8), (0.7, 0.9)
    assert best_lag(rows) == (pytest.approx(0.75), 1)
    assert np.isnan(best_lag([np.zeros(11)])).all()


def test_the_cost_is_measured_with_the_files_written(small_drawer, portrait, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drawing_cost, "analyze", lambda photo: portrait)
    points = tmp_path / "points.npy"
    np.save(points, spoken(portrait, "", start=0, frames=3).points)
    drawing_cost.main(["photo.jpg", str(points), "ink", "warp", str(tmp_path)])
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] > 0 and len(list(tmp_path.glob("frame_*.png"))) == 3
    assert told["peak_mb"] is None or told["peak_mb"] > 50


def test_the_cost_comes_from_a_process_of_its_own(tmp_path, monkeypatch):
    commands = []

    def run(command, **options):
        commands.append(command)
        return SimpleNamespace(stdout=b'hello\n{"seconds": 2.0, "peak_mb": 300.0}\n')

    monkeypatch.setattr(drawing_cost.subprocess, "run", run)
    found = drawing_cost.cost(Path("photo.jpg"), np.zeros((5, 68, 3)), "pen", "warp", tmp_path)
    assert found == (2.5, 300.0) and commands[0][0] == sys.executable and "pen" in commands[0]
    assert np.load(tmp_path / "points.npy").shape == (5, 68, 3)
