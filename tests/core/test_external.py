"""Films of other programs: folders of pictures and film files become frames beside ours."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn_shots import film, pictures
from hypothesis import given
from hypothesis import strategies as st

from lpcore.drawing.drawer import DrawerConfig
from lpcore.errors import LpError
from lpcore.evaluate import external as externals
from lpcore.evaluate.external import external, read_frames
from lpcore.evaluate.results_on_disk import pictures_in
from lpcore.evaluate.shots import Shot


def test_pictures_are_spread_over_the_shot(tmp_path):
    frames, note = read_frames(pictures(tmp_path / "a", 5), 9)
    assert [int(frame.mean()) for frame in frames] == [5, 5, 15, 25, 25, 25, 35, 45, 45]
    assert frames[0].shape == (512, 512, 3) and "5 pictures of 64 x 64 shown as 9" in note


def test_a_film_runs_at_its_own_rate(tmp_path):
    frames, note = read_frames(film(tmp_path / "a.avi", 40, 50.0), 20)
    # At half the rate every second frame is shown.
    assert np.abs(np.array([frame.mean() for frame in frames]) - np.arange(20) * 10 - 5).max() < 3
    assert "a film of 50 frames a second of 64 x 64 shown as 20" in note


def test_a_film_that_ends_a_little_early_holds_its_last_picture(tmp_path):
    frames, _ = read_frames(film(tmp_path / "a.avi", 18, 25.0), 20)
    assert (frames[17] == frames[19]).all() and (frames[16] != frames[17]).any()


def test_a_film_is_read_no_further_than_it_is_shown(tmp_path, monkeypatch):
    read, opened = [], cv2.VideoCapture

    def counted(path: str) -> SimpleNamespace:
        film = opened(path)
        taken = lambda: read.append(1) or film.read()  # noqa: E731
        return SimpleNamespace(read=taken, get=film.get, grab=film.grab, release=film.release)

    place = film(tmp_path / "a.avi", 50, 25.0)
    monkeypatch.setattr(cv2, "VideoCapture", counted)
    frames, _ = read_frames(place, 20)
    assert len(frames) == 20 and len(read) <= 21


def test_pictures_are_in_the_order_of_their_numbers(tmp_path):
    pictures(tmp_path / "a", 12)
    for k in range(12):
        (tmp_path / "a" / f"{k:03d}.png").rename(tmp_path / "a" / f"frame {k + 1}.png")
    (tmp_path / "a" / "._frame 1.png").write_bytes(b"what some systems leave")
    frames, _ = read_frames(tmp_path / "a", 12)
    assert [int(frame.mean()) for frame in frames] == [10 * k + 5 for k in range(12)]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=9, unique=True), st.integers(1, 7))
def test_numbers_count_with_and_without_leading_zeros(numbers, digits):
    with TemporaryDirectory() as folder:
        for number in numbers:
            (Path(folder) / f"take²_{number:0{digits}}.PNG").touch()
        found = [int(path.stem.rpartition("_")[2]) for path in pictures_in(Path(folder))]
    assert found == sorted(numbers)


@pytest.mark.parametrize("make", ["short", "few pictures", "wide", "damaged", "wide pictures"])
def test_frames_that_will_not_do(tmp_path, make):
    place = tmp_path / "a.avi"
    if make == "short":
        film(place, 10, 25.0)
    elif make == "wide":
        film(place, 20, 25.0, (64, 96))
    elif make == "few pictures":
        place = pictures(tmp_path / "b", 6)
    elif make == "damaged":
        place.write_bytes(b"no film")
    else:
        place = pictures(tmp_path / "b", 9)
        cv2.imwrite(str(place / "000.png"), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(LpError) as told:
        read_frames(place, 20)
    assert told.value.code == "SHOTS_MISSING"
    place.rename(tmp_path / f"one{place.suffix}")
    with pytest.raises(LpError, match="one"):  # before anything is drawn
        external(tmp_path, {"one": 20}, "ink", "cpu", photos=False)


def test_missing_shots_are_told_before_anything_is_drawn(tmp_path):
    pictures(tmp_path / "one", 3)
    (tmp_path / "empty").mkdir()
    film(tmp_path / "two.avi", 3, 25.0)
    method = external(tmp_path, {"one": 3, "two": 3}, "ink", "cpu", photos=False)
    with pytest.raises(LpError, match="empty, three"):
        external(tmp_path, dict.fromkeys(["one", "empty", "two", "three"], 3), "ink", "cpu", photos=False)
    # What it is made of tells one film from another.
    before = method.made_of("two")
    film(tmp_path / "two.avi", 4, 25.0)
    assert method.made_of("two") != before and len(method.made_of("one")) == 3


def shot_of(portrait, count: int) -> Shot:
    return Shot("one", portrait, np.repeat(portrait.landmarks[None], count, axis=0))


def test_drawings_of_another_program_become_grey_frames(tmp_path, portrait):
    pictures(tmp_path / "one", 4)
    made = external(tmp_path, {"one": 4}, "ink", "cpu", photos=False).draw(shot_of(portrait, 4))
    assert made.frames.shape == (4, 512, 512) and (made.frames[2] == 25).all() and (made.static == 5).all()
    assert made.calm is None and made.moves is None and made.note


def test_photos_of_another_program_are_drawn(tmp_path, portrait, monkeypatch, small_drawer: DrawerConfig):
    (tmp_path / "one").mkdir()
    for k, shift in enumerate((0, 9)):
        photo = np.roll(portrait.image, shift, axis=1)
        cv2.imwrite(str(tmp_path / "one" / f"{k}.png"), photo[..., ::-1])
    monkeypatch.setattr(externals, "mattes", lambda photo, crop, image, points: (None, portrait.matte))
    method = external(tmp_path, {"one": 2}, "ink", "cpu", photos=True)
    made = method.draw(shot_of(portrait, 2))
    assert made.frames.shape == (2, 512, 512) and np.ptp(made.frames[0]) > 0
    assert (made.frames[0] != made.frames[1]).any() and method.made_of("one")["style"] == "ink"
