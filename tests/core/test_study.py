"""Making a user study from result folders, and counting the answers."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from study_takes import COUNT, METHODS, SHOTS, write_frames, write_takes

from lpcore.cli import main
from lpcore.errors import LpError
from lpcore.evaluate.results_on_disk import PICTURES, pictures_in
from lpcore.evaluate.study import make
from lpcore.evaluate.study_films import Take, encode
from lpcore.evaluate.study_key import QUESTIONS, Key, ShotKey, read_key
from lpcore.evaluate.study_tally import COLUMNS, read_answers, tally, wilson_interval


@pytest.fixture(scope="module")
def takes(tmp_path_factory) -> dict[str, Path]:
    return write_takes(tmp_path_factory.mktemp("takes"))


@pytest.fixture(scope="module")
def made(takes, tmp_path_factory) -> tuple[Key, Path]:
    out = tmp_path_factory.mktemp("study")
    return make(takes, out, seed=5), out


def pictures(film: Path) -> list[float]:
    """The mean grey value of every frame."""
    capture, means = cv2.VideoCapture(str(film)), []
    while (read := capture.read())[0]:
        means.append(float(read[1].mean()))
    return means


def test_the_key_tells_which_film_is_whose(made):
    key, out = made
    darkest_first = {}
    for shot in key.shots.values():
        greys = {m: pictures(out / "page" / "films" / f"{code}.mp4")[0] for code, m in shot.films.items()}
        darkest_first[shot.name] = sorted(greys, key=lambda m: greys[m])
    assert darkest_first == {shot: list(METHODS) for shot in SHOTS}
    assert read_key(out / "key.json") == key


def test_nothing_a_participant_gets_speaks_of_methods_or_shots(made):
    _, out = made
    for path in (out / "page").rglob("*"):
        words = path.name.encode() + (path.read_bytes() if path.is_file() else b"")
        for name in (*METHODS, *SHOTS):
            assert name.encode() not in words, (path, name)
        assert path.suffix not in {".html", ".js", ".css"} or b"http" not in words


def test_films_are_alike_in_size_length_and_tags(made):
    _, out = made
    films = sorted((out / "page" / "films").iterdir())
    assert len(films) == len(METHODS) * len(SHOTS)
    for film in films:
        frame = cv2.VideoCapture(str(film)).read()[1]
        assert frame.shape[:2] == (512, 384)
        assert len(pictures(film)) == COUNT
        said = subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-i", film], capture_output=True, text=True
        ).stderr
        assert "Audio: aac" in said
        assert "Lavf" not in said


def test_the_seed_decides_the_codes(made, takes, tmp_path):
    key, _ = made
    again, other = make(takes, tmp_path / "a", seed=5), make(takes, tmp_path / "b", seed=6)
    assert again.shots == key.shots
    assert not set(other.shots) & set(key.shots)
    assert other.study != key.study


def test_frames_in_folders_are_films_with_the_speech_apart(takes, tmp_path):
    folder = takes["ours"].parent
    nested = tmp_path / "nested"
    for shot in SHOTS:
        write_frames(nested / shot / "frames", 200)
    methods = {"flat": folder / "drawn" / "warped", "nested": nested}
    key = make(methods, tmp_path / "out", speech=folder / "speech", fps=Fraction(10))
    for shot in key.shots.values():
        for code, method in shot.films.items():
            found = pictures(tmp_path / "out" / "page" / "films" / f"{code}.mp4")
            assert len(found) == COUNT
            assert (found[0] > 150) == (method == "nested")


@pytest.mark.parametrize("suffix", PICTURES)
def test_frames_of_any_kind_of_picture_play_in_the_order_of_their_numbers(tmp_path, takes, suffix):
    for number in (9, 10, 11):
        cv2.imwrite(str(tmp_path / f"{number}{suffix}"), np.full((64, 48), 20 * number - 150, np.uint8))
    speech = takes["ours"].parent / "speech" / "anna.wav"
    encode(Take(None, tuple(pictures_in(tmp_path)), speech), Fraction(10), tmp_path / "film.mp4")
    assert pictures(tmp_path / "film.mp4") == pytest.approx([30, 50, 70], abs=3)


def test_a_frame_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(LpError, match=r"1\.png is no picture"):
        encode(Take(None, (tmp_path / "1.png",), tmp_path / "s.wav"), Fraction(10), tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda m, _: m.pop("warped") and m.pop("redrawn"), "1 methods were named"),
        (lambda m, _: m.update(warped=m["warped"] / "nowhere"), "there is no folder"),
        (lambda m, f: m.update(warped=f / "silent"), "holds neither films nor folders"),
        (lambda m, f: m.update(warped=f / "few"), "warped has no result for the shot bert"),
        (lambda m, f: m.update(warped=f / "mute"), "no speech"),
    ],
)
def test_result_folders_that_do_not_fit_are_named(takes, tmp_path, spoil, words):
    methods = dict(takes)
    (tmp_path / "silent").mkdir()
    shutil.copytree(takes["warped"], tmp_path / "few")
    (tmp_path / "few" / "bert.mp4").unlink()
    for shot in SHOTS:
        write_frames(tmp_path / "mute" / shot, 9)
    spoil(methods, tmp_path)
    with pytest.raises(LpError, match=words) as caught:
        make(methods, tmp_path / "out")
    assert caught.value.code == "STUDY_WRONG"
    assert not (tmp_path / "out" / "page").exists()


def test_a_study_is_not_written_over(made, takes):
    with pytest.raises(LpError, match="holds a study already"):
        make(takes, made[1])


# Counting

KEY = Key(
    "abc",
    0,
    ("ours", "warp"),
    {
        "s1": ShotKey("anna", {"f1": "ours", "f2": "warp"}),
        "s2": ShotKey("bert", {"f3": "warp", "f4": "ours"}),
    },
)
PAGE = {"s1": "f2 f1", "s2": "f3 f4"}


def answers(participant: str, choices: dict[str, str]) -> list[dict[str, str]]:
    """Rows as the page saves them; choices: shot -> film, the same for every question."""
    return [
        {"study": "abc", "participant": participant, "page": "1", "shot": shot, "question": question,
         "order": PAGE[shot], "choice": film, "seconds": "9.5"}
        for shot, film in choices.items()
        for question in QUESTIONS
    ]  # fmt: skip


def write(path: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_votes_are_counted_by_method(tmp_path):
    rows = answers("p1", {"s1": "f1", "s2": "f4"})
    rows[0]["choice"] = "f2"
    files = [
        write(tmp_path / "1.csv", rows),
        write(tmp_path / "2.csv", answers("p2", {"s1": "f1", "s2": "f3"}), encoding="utf-8-sig"),
    ]
    result = tally(KEY, read_answers(KEY, files))
    first, *others = result["questions"].values()
    assert result["participants"] == 2
    assert (first["methods"]["ours"]["votes"], first["methods"]["warp"]["votes"]) == (2, 2)
    assert [other["methods"]["ours"]["percent"] for other in others] == [75.0] * 3
    assert all(sum(c["percent"] for c in q["methods"].values()) == 100 for q in result["questions"].values())


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_scipys(counts):
    expected = binomtest(*counts).proportion_ci(method="wilson")
    assert wilson_interval(*counts) == pytest.approx((expected.low, expected.high), abs=1e-12)


def spoiled(**values: str) -> list[dict[str, str]]:
    first, *others = answers("p1", {"s1": "f1", "s2": "f4"})
    return [first | values, *others]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (spoiled(study="other"), "belongs to study other"),
        (spoiled(shot="s9"), "line 2 of"),
        (spoiled(question="beauty"), "line 2 of"),
        (spoiled(choice="f3"), "line 2 of"),
        (spoiled(choice=""), "line 2 of"),
        (spoiled(order="f1 f1"), "line 2 of"),
        (spoiled(participant="p2"), "line 3 of"),
        (spoiled(question="lips"), "line 4 of"),
        (answers("p1", {"s1": "f1"}), "holds 4 of 8 answers"),
        ([], "holds 0 of 8 answers"),
    ],
)
def test_answers_that_do_not_fit_are_refused(tmp_path, rows, words):
    with pytest.raises(LpError, match=words) as caught:
        read_answers(KEY, [write(tmp_path / "a.csv", rows)])
    assert caught.value.code == "ANSWERS_WRONG"


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\x89PNG\r\n\xff\xfe", b'"study,participant\n', None]
)
def test_files_that_are_no_answers_are_refused(tmp_path, content):
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LpError) as caught:
        read_answers(KEY, [path])
    assert caught.value.code == "ANSWERS_WRONG"
    assert str(path) in str(caught.value)


def test_short_and_long_lines_are_refused(tmp_path):
    path = write(tmp_path / "a.csv", answers("p1", {"s1": "f1", "s2": "f4"}))
    lines = path.read_text().splitlines()
    for line in ("abc,p1", lines[1] + ",more"):
        path.write_text("\n".join([lines[0], line, *lines[2:]]))
        with pytest.raises(LpError, match="line 2 of"):
            read_answers(KEY, [path])


def test_nobody_votes_twice(tmp_path):
    rows = answers("p1", {"s1": "f1", "s2": "f4"})
    files = [write(tmp_path / "a.csv", rows), write(tmp_path / "b (1).csv", rows)]
    with pytest.raises(LpError, match="are both of participant p1"):
        read_answers(KEY, files)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "lineportrait-study", "version": 2}', None])
def test_a_wrong_key_is_refused(tmp_path, content):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LpError) as caught:
        read_key(path)
    assert caught.value.code == "STUDY_WRONG"


def test_the_command_makes_and_counts(takes, tmp_path, capsys):
    out = tmp_path / "out"
    named = [f"{name}={folder}" for name, folder in takes.items()]
    assert main(["evaluate", "study", "make", "--methods", *named, "--out", str(out)]) == 0
    key = read_key(out / "key.json")
    rows = [
        {"study": key.study, "participant": "p1", "page": "1", "shot": code, "question": question,
         "order": " ".join(shot.films), "choice": next(f for f, m in shot.films.items() if m == "warped"),
         "seconds": "3"}
        for code, shot in key.shots.items()
        for question in QUESTIONS
    ]  # fmt: skip
    answered = write(tmp_path / "a.csv", rows)
    table, figures = tmp_path / "table.csv", tmp_path / "figures.json"
    words = ["evaluate", "study", "tally", str(out / "key.json"), str(answered)]
    assert main([*words, "--csv", str(table), "--json", str(figures)]) == 0
    assert "100.0 [34.2, 100.0]" in capsys.readouterr().out
    result = json.loads(figures.read_text())
    for row in csv.DictReader(table.open()):
        cell = result["questions"][row["question"]]["methods"][row["method"]]
        assert int(row["votes"]) == cell["votes"] == (2 if row["method"] == "warped" else 0)
        assert float(row["high"]) == pytest.approx(cell["high"], abs=0.005)
    assert main([*words, str(answered)]) == 1
    assert "both of participant p1" in capsys.readouterr().err
