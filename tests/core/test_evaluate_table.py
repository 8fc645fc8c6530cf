"""`lpcore evaluate table`: its test set, films of other programs, what is kept, and that the report says everything."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
import soundfile
from drawn_shots import Blind, Drawn, film, patch_shots, pictures, plans_of
from heads import made_up_head
from made_up_faces import write_faces

from lpcore import weights
from lpcore.cli import main as command_line
from lpcore.errors import LpError
from lpcore.evaluate import manifest as manifests
from lpcore.evaluate import shots, table
from lpcore.evaluate.drawing_figures import warping_error
from lpcore.evaluate.kept import Kept, code_digest
from lpcore.evaluate.look import Seen
from lpcore.evaluate.manifest import TABLE_1
from lpcore.evaluate.methods import Method, drawn_by
from lpcore.evaluate.report import Report, best, write_report
from lpcore.evaluate.results import MEANINGS, known
from lpcore.evaluate.truth import TrueMotions
from lpcore.points68 import LIPS

# The test set


def test_a_test_set_survives_its_file(tmp_path):
    data = write_faces(tmp_path / "data")
    plans = plans_of(data)
    manifests.write(tmp_path / "set.toml", "mine", data, plans)
    found = manifests.read(tmp_path / "set.toml", data)
    assert found.name == "mine" and list(found.shots) == plans
    assert found.chosen(quick=False) == plans
    assert [plan.frames for plan in found.chosen(quick=True, frames=14)] == [14, 12]
    found.check_reference(data, "ink")


def test_other_data_are_not_the_test_set(tmp_path):
    data = write_faces(tmp_path / "data")
    manifests.write(tmp_path / "set.toml", "mine", data, plans_of(data))
    found = manifests.read(tmp_path / "set.toml", data)
    soundfile.write(data / "speech.wav", np.ones(32000), 16000)
    with pytest.raises(LpError, match=r"speech\.wav") as told:
        found.chosen(quick=False)
    assert told.value.code == "TEST_SET_CHANGED"
    drawing = data / "drawings_ink" / "canada_001.png"
    drawing.write_bytes(drawing.read_bytes() + b" ")
    with pytest.raises(LpError, match="drawings_ink"):
        found.check_reference(data, "ink")
    # The drawings of those who are measured are no reference.
    with pytest.raises(FileNotFoundError):
        manifests.read(tmp_path / "set.toml", tmp_path / "nowhere").chosen(quick=False)


@pytest.mark.parametrize("text", ["name = ", "name = 'x'", "name = 'x'\nreference = {}\nshot = [{name = 1}]"])
def test_a_file_that_is_no_test_set(tmp_path, text):
    (tmp_path / "set.toml").write_text(text)
    with pytest.raises(LpError) as told:
        manifests.read(tmp_path / "set.toml", tmp_path)
    assert told.value.code == "TEST_SET_UNREADABLE"


def test_our_test_set_is_of_held_out_faces_and_speech():
    found = manifests.read(TABLE_1, Path("data"))
    assert len(found.shots) == 42 and len(found.quick) == 4 and set(found.reference) == {"ink", "pen"}
    assert {plan.speech.name for plan in found.shots} <= {
        "grid_lwbsza.mpg", "grid_sbwe5n.mpg", "grid_bbaf2n.mpg", "1114_3_16.flac",
    }  # fmt: skip
    assert all(plan.start == shots.START and plan.frames == 50 for plan in found.shots)
    assert all(re.search(r"7(_\d+)?$", plan.photo.stem) for plan in found.shots)
    assert all(len(value) == 64 for pair in found.digests.values() for value in pair)


# Films of other programs


# What is kept


def test_what_was_seen_is_looked_at_once(tmp_path):
    calls = []

    def look() -> Seen:
        calls.append(1)
        frames = np.full((2, 256, 256), len(calls), np.uint8)
        looks = {"fd": np.ones((1, 3)) * len(calls), "fid": np.zeros((1, 5))}
        return Seen({"ssim": 0.5, "flicker": float("nan")}, looks, frames[0], np.arange(11.0), frames, "so")

    first = Kept(tmp_path, {"judge": "a"})("name", {"seed": 1}, look)
    again = Kept(tmp_path, {"judge": "a"})("name", {"seed": 1}, look)
    assert len(calls) == 1 and again.figures["ssim"] == 0.5 and np.isnan(again.figures["flicker"])
    for name in ("picture", "lags", "frames"):
        assert (getattr(first, name) == getattr(again, name)).all()
    assert (again.looks["fd"] == 1).all() and again.looks["fid"].shape == (1, 5) and again.note == "so"
    Kept(tmp_path, {"judge": "a"})("name", {"seed": 2}, look)
    Kept(tmp_path, {"judge": "b"})("name", {"seed": 1}, look)
    assert len(calls) == 3
    for file in tmp_path.iterdir():
        file.write_bytes(b"half a file")
    assert (
        Kept(tmp_path, {"judge": "a"})("name", {"seed": 1}, look).figures["ssim"] == 0.5 and len(calls) == 4
    )


def test_a_change_anywhere_in_the_program_is_seen(tmp_path):
    names = ("points68.py", "train/facts.py", "weights/registry.py")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("A = 1")
    seen = {code_digest(tmp_path)}
    for name in names:
        (tmp_path / name).write_text("A = 2")
        seen.add(code_digest(tmp_path))
    assert len(seen) == 1 + len(names) and len(code_digest()) == 64


# True flow


def test_moves_of_known_flow(portrait):
    truth = TrueMotions(made_up_head())(portrait, seed=1)
    assert truth.points.shape == (5, 68, 3) and truth.backward.shape == (4, 2, 512, 512)
    assert (truth.points[0] == portrait.landmarks).all()
    again = TrueMotions(made_up_head())(portrait, seed=1)
    assert (again.points == truth.points).all() and (again.backward == truth.backward).all()
    errors = []
    for moved, flow, exact in zip(truth.points[1:], truth.backward, truth.exact, strict=True):
        assert 0.02 < exact.mean() < 0.7
        # A landmark of the moved head comes from where it was before.
        for k in (30, *LIPS[:6]):
            x, y = np.rint(moved[k, :2]).astype(int)
            if exact[y, x]:
                errors.append(np.hypot(*(moved[k, :2] + flow[:, y, x] - portrait.landmarks[k, :2])))
    assert len(errors) > 8 and np.mean(errors) < 1.5
    # What follows the flow has a smaller warping error than what stands still.
    rest = portrait.image.mean(axis=-1).astype(np.uint8)
    flow, exact = truth.backward[0], truth.exact[0]
    columns, rows = np.meshgrid(np.arange(512.0), np.arange(512.0))
    places = (columns + flow[0]).astype(np.float32), (rows + flow[1]).astype(np.float32)
    follows = cv2.remap(rest, *places, cv2.INTER_LINEAR)
    assert warping_error(rest, follows, flow, exact) < 0.2 * warping_error(rest, rest, flow, exact)


# The report


def test_the_report_names_what_it_shows(tmp_path):
    figures = {
        "warp": {"ssim": 0.98, "fd": 12.0, "ink": 0.2},
        "a <b>": {"ssim": 0.99, "fd": np.nan, "ink": 0.1},
    }
    assert known(figures) == ["ssim", "fd", "ink"] and best("ssim", figures) == {"a <b>"}
    assert best("fd", figures) == best("ink", figures) == set()
    (tmp_path / "one & two.png").write_bytes(b"")
    about = Report(
        "Title <i>", ["All & nothing."], {"warp": "moved"}, figures, plots=[("P", tmp_path / "one & two.png")]
    )
    write_report(tmp_path / "report.html", about)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Title &lt;i&gt;" in page and "a &lt;b&gt;" in page and "<b>" not in page and "0.99" in page
    assert "http" not in page and "<script" not in page
    links = re.findall(r"src='([^']+)'", page)
    assert links and all((tmp_path / unquote(link)).is_file() for link in links)


@pytest.fixture
def world(tmp_path, monkeypatch, portrait):
    """A data folder with a test set, and methods and a judge without networks."""
    data = write_faces(tmp_path / "data")
    manifests.write(tmp_path / "set.toml", "mine", data, plans_of(data))
    patch_shots(monkeypatch, portrait)
    monkeypatch.setattr(table, "load", shots.load)
    methods = {
        name: Method(drawn_by(lambda portrait, noise=noise: Drawn(noise)), f"role of {name}")
        for name, noise in (("warp", 5), ("frame", 40))
    }
    monkeypatch.setattr(table, "own_methods", lambda style, device: methods)
    monkeypatch.setattr(table, "Judge", lambda device, inception: Blind(error=2.0))
    monkeypatch.setattr(table, "QUICK_STEP", 1)
    monkeypatch.setattr(weights, "present", lambda name: True)
    monkeypatch.setattr(weights, "sha256", lambda name: "0")
    arguments = ["evaluate", "table", "--data", data, "--out", tmp_path / "out", "--device", "cpu"]
    return tmp_path, [*map(str, arguments), "--manifest", str(tmp_path / "set.toml")]


def test_the_table_with_another_program(world, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    folder, arguments = world
    pictures(folder / "rival" / "one", 7)
    film(folder / "rival" / "two.avi", 12, 25.0)
    assert command_line([*arguments, "--external", f"rival={folder / 'rival'}"]) == 0
    out, told = folder / "out", capsys.readouterr().out
    assert "rival" in told and "7 pictures of 64 x 64" in told and "FD-EffLite0 to 2 teacher drawings" in told
    figures = json.loads((out / "table.json").read_text())["figures"]
    assert set(figures) == {"warp", "frame", "rival", "teacher"} and set(figures["warp"]) <= set(MEANINGS)
    assert figures["rival"]["flicker"] is None and figures["warp"]["flicker"] < figures["frame"]["flicker"]
    assert figures["warp"]["sync_lag_frames"] == 0 and figures["warp"]["lip_error_px"] == pytest.approx(1)
    rows = list(csv.DictReader((out / "table.csv").open()))
    assert len(rows) == 4 * 3 and rows[0]["face"] == "stylegan2_17"
    assert (out / "shots" / "one" / "photo.png").is_file()
    assert soundfile.info(out / "shots" / "one" / "speech.wav").duration == pytest.approx(16 / 25)
    page = (out / "report.html").read_text("utf-8")
    links = re.findall(r"src='([^']+)'", page)
    assert len(links) == 5 and all((out / unquote(link)).stat().st_size > 1000 for link in links)
    capture = cv2.VideoCapture(str(out / "films" / "one.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 16 and capture.get(cv2.CAP_PROP_FRAME_WIDTH) == 4 * 256
    capture.release()
    # Nothing is drawn again.
    monkeypatch.setattr(Drawn, "frames", None)
    assert command_line([*arguments, "--external", f"rival={folder / 'rival'}"]) == 0
    assert json.loads((out / "table.json").read_text())["figures"] == figures


def test_what_the_command_refuses(world, capsys):
    folder, arguments = world
    assert command_line([*arguments, "--external", f"rival={folder / 'nowhere'}"]) == 1
    assert "one, two" in capsys.readouterr().err
    two = ["a=x", "--external-photos", "a=y"]
    for wrong in (["rival"], ["=x"], ["warp=x"], ["a/b=x"], ["a=x", "--external", "a=y"], two):
        with pytest.raises(SystemExit):
            command_line([*arguments, "--external", *wrong])
    with pytest.raises(SystemExit):
        command_line([*arguments, "--write-manifest", str(folder / "new.toml")])


def test_data_that_are_not_there_are_named(world, capsys):
    folder, arguments = world
    assert command_line([*arguments, "--data", str(folder / "nowhere")]) == 1
    told = capsys.readouterr().err
    assert "nowhere" in told and "the command's --help" in told


def test_without_matplotlib_it_stops_at_once(world, capsys, monkeypatch):
    _, arguments = world
    monkeypatch.setattr(
        table,
        "require_matplotlib",
        raiser := lambda: (_ for _ in ()).throw(LpError("PLOTS_NOT_INSTALLED", "matplotlib")),
    )
    assert raiser and command_line(arguments) == 1
    assert "extra `evaluate`" in capsys.readouterr().err


def test_a_test_set_is_written_by_the_command(world):
    folder, _ = world
    (folder / "data" / "clips").mkdir()
    for name in ("grid_lwbsza", "grid_sbwe5n", "grid_bbaf2n"):
        (folder / "data" / "clips" / f"{name}.mpg").write_bytes(b"film")
    data = ["evaluate", "table", "--data", str(folder / "data")]
    assert command_line([*data, "--write-manifest", str(folder / "new.toml")]) == 0
    (plan,) = manifests.read(folder / "new.toml", folder / "data").chosen(quick=True)
    assert plan.name == "stylegan2_17" and plan.frames == 50
