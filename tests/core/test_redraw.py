"""Frames are drawn once: keys, the store, the finish, and what a second Draw costs."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from exr_files import read_exr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lpcore import frame_keys, png, redraw
from lpcore.drawing.styles import style
from lpcore.errors import LpError
from lpcore.finish import Finish
from lpcore.frame_store import FrameStore, Take, key_of, signed
from lpcore.frames import encode_png
from lpcore.redraw import Redraw, drawn_by

LOOK = {"style": "ink", "size": 64}
POINTS = np.random.default_rng(0).uniform(100, 400, (6, 68, 3)).astype(np.float32)


def picture(row: np.ndarray) -> np.ndarray:
    """A drawing that depends on the landmarks: a disk at their mean."""
    image = np.full((64, 64), 255, np.uint8)
    x, y = (row[:, :2].mean(0) / 8).astype(int)
    return cv2.circle(image, (int(x), int(y)), 5, 0, -1)


class Draw:
    """Draws `points` into a folder through a store, counting what the network had to draw."""

    def __init__(self, tmp_path: Path) -> None:
        self._root, self.asked = tmp_path, 0
        self.store = tmp_path / "store"

    def __call__(self, name: str, points=POINTS, look=LOOK, finish=None, former=(), store=True) -> Redraw:
        folder = self._root / name
        folder.mkdir(exist_ok=True)
        shelf = FrameStore(self.store if store else None, former)
        made = Redraw(
            folder,
            "frame_",
            range(len(points)),
            frame_keys.snapped(points),
            look,
            finish or Finish(),
            shelf,
            0.125,
        )
        done = list(made.gather())
        self.asked = len(made.rest)
        done += made.draw(picture(row) for row in made.rest)
        assert sorted(done) == list(range(len(points)))
        return made

    def files(self, name: str) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self._root / name).glob("frame_*.png"))]


@pytest.fixture
def draw(tmp_path):
    return Draw(tmp_path)


def test_keys_tell_apart_where_the_face_lies_in_the_photo():
    crop = {"centre": [200.0, 180.0], "scale": 1.5, "roll": 0.1}

    def key(**other) -> str:
        look = frame_keys.look(
            "photo",
            0,
            POINTS[0],
            crop | other,
            style="ink",
            size=64,
            canvas="photo",
            background=False,
            drawn_by="",
        )
        return frame_keys.drawing_keys(look, POINTS[:1])[0]

    assert key(roll=0.1 + 1e-9) == key()
    assert len({key(), key(roll=0.101), key(scale=1.51), key(centre=[200.0, 180.5])}) == 4


def test_the_digest_of_what_draws_names_compiler_and_libraries(monkeypatch):
    ink = style("ink")
    digests = {drawn_by(ink, "warp", "cpu"), drawn_by(ink, "warp", "cuda")}
    monkeypatch.setenv("LPCORE_COMPILE", "inductor")
    digests.add(drawn_by(ink, "warp", "cpu"))
    monkeypatch.delenv("LPCORE_COMPILE")
    for library in (np, cv2, torch):
        with monkeypatch.context() as patched:
            patched.setattr(library, "__version__", "0.0")
            digests.add(drawn_by(ink, "warp", "cpu"))
    assert len(digests) == 6


@pytest.mark.parametrize("part", ["drawing", "face"])
def test_the_digest_of_what_draws_covers_its_code(monkeypatch, part):
    before, read = drawn_by(style("ink"), "warp", "cpu"), Path.read_bytes
    folder = Path(redraw.__file__).parent / part
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * (folder in path.parents))
    redraw._code_digest.cache_clear()
    after = drawn_by(style("ink"), "warp", "cpu")
    redraw._code_digest.cache_clear()
    assert after != before


@given(arrays(np.float32, (2, 68, 2), elements=st.floats(-600, 1100, width=32)))
def test_keys_do_not_see_what_the_snap_takes_away(points):
    once = frame_keys.snapped(points)
    assert np.abs(once - points).max() <= frame_keys.STEP / 2 + 1e-4
    assert frame_keys.drawing_keys(LOOK, once) == frame_keys.drawing_keys(LOOK, points)
    assert np.array_equal(frame_keys.snapped(once), once)


def test_keys_tell_apart_what_looks_different():
    moved = POINTS.copy()
    moved[3, 48, 0] += 0.1
    before, after = frame_keys.drawing_keys(LOOK, POINTS), frame_keys.drawing_keys(LOOK, moved)
    assert [i for i in range(6) if before[i] != after[i]] == [3]
    assert not set(before) & set(frame_keys.drawing_keys(LOOK | {"style": "pen"}, POINTS))
    deeper = POINTS + np.float32([0, 0, 5])
    assert frame_keys.drawing_keys(LOOK, deeper) == before
    assert frame_keys.finished_keys(before, Finish()) == before
    assert not set(before) & set(frame_keys.finished_keys(before, Finish(weight=0.5)))


def test_only_what_changed_is_drawn_again(draw):
    assert draw("one").drawn == 6
    moved = POINTS.copy()
    moved[2:4, 0, 1] += 1
    again = draw("two", moved)
    assert (again.drawn, again.written) == (2, sum(map(len, draw.files("two")[2:4])))
    assert draw.files("two")[:2] == draw.files("one")[:2]
    assert draw("undone").drawn == 0
    assert draw.files("undone") == draw.files("one")
    assert draw("pen", look=LOOK | {"style": "pen"}).drawn == 6


def test_held_frames_are_drawn_once(draw):
    assert draw("held", POINTS[[0, 0, 0, 1, 1, 0]]).drawn == 2
    files = draw.files("held")
    assert files[0] == files[1] == files[2] == files[5] != files[3] == files[4]


def test_a_program_that_saves_in_place_changes_one_frame_alone(draw, tmp_path):
    held = POINTS[[0, 0, 1]]
    draw("one", held)
    draw("two", held)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    painted = tmp_path / "two" / "frame_00000.png"
    with painted.open("r+b") as file:
        file.write(b"painted over")
    assert [path for path, content in kept.items() if path.read_bytes() != content] == [painted]


def test_an_earlier_take_serves_where_there_is_no_store(draw, tmp_path):
    draw("one", store=False)
    assert draw("two", store=False).drawn == 6
    assert draw("three", store=False, former=[tmp_path / "one"]).drawn == 0
    assert draw.files("three") == draw.files("one")


def test_an_unfinished_take_is_continued(draw):
    draw("broken off", POINTS[:4])
    assert draw("whole").drawn == 2


@pytest.mark.parametrize("in_store", [True, False])
@pytest.mark.parametrize("damage", ["painted over", "cut short", "emptied"])
def test_a_frame_that_somebody_changed_is_not_handed_out(draw, tmp_path, damage, in_store):
    draw("one", store=in_store)
    before = draw.files("one")
    path = tmp_path / "one" / "frame_00002.png"
    if in_store:
        path = frame_keys.stored_at(draw.store, key_of(path))
    content = path.read_bytes()
    if damage == "painted over":
        texts = png.texts(content)
        content = png.with_texts(encode_png(np.zeros((64, 64), np.uint8)), texts)
    content = {"cut short": content[:-20], "emptied": b""}.get(damage, content)
    path.write_bytes(content)
    again = draw("two", store=in_store, former=[] if in_store else [tmp_path / "one"])
    assert again.drawn == 1
    assert draw.files("two") == before
    # What they made of a take stays theirs, the store's own is mended.
    assert path.read_bytes() == (before[2] if in_store else content)


def test_another_finish_asks_no_network(draw):
    draw("plain")
    red = Finish(ink=(200, 0, 0), weight=1.0)
    finished = draw("red", finish=red)
    assert (draw.asked, finished.drawn, finished.finished) == (0, 0, 6)
    assert draw("red again", finish=red).finished == 0
    assert draw("plain again").finished == 0
    assert draw.files("plain again") == draw.files("plain")


def test_a_first_draw_with_a_finish_keeps_its_drawings(draw):
    assert draw("red", finish=Finish(ink=(200, 0, 0))).drawn == 6
    assert draw("blue", finish=Finish(ink=(0, 0, 200))).drawn == 0


def test_the_store_keeps_its_limit_and_forgets_the_oldest(draw, tmp_path):
    draw("one")
    sizes = sum(path.stat().st_size for path in draw.store.glob("??/*.png"))
    shelf, keys = FrameStore(draw.store), frame_keys.drawing_keys(LOOK, POINTS)
    for age, key in enumerate(reversed(keys)):
        os.utime(frame_keys.stored_at(draw.store, key), ns=(10**18 - age, 10**18))
    assert shelf.find(keys[0])  # of use just now
    shelf.trim(sizes)
    assert len(list(draw.store.glob("??/*.png"))) == 6
    shelf.trim(sizes // 2)
    left = [key for key in keys if shelf.find(key)]
    assert keys[0] in left and 1 <= len(left) <= 3
    assert keys[-2] not in left or keys[1] not in left
    assert len(draw.files("one")) == 6


def test_a_store_that_cannot_be_written_to_is_done_without(draw, tmp_path):
    (tmp_path / "store").write_text("not a folder")
    assert draw("one").drawn == 6
    assert draw("two").drawn == 6


def test_a_frame_that_vanishes_once_it_is_found_is_shown_all_the_same(draw, tmp_path):
    class Fleeting(FrameStore):
        def find(self, key):
            found = super().find(key)
            for path in (tmp_path / "one").iterdir():
                if key_of(path) == key:
                    path.unlink()
            return found

    draw("one", store=False)
    before = draw.files("one")
    (tmp_path / "two").mkdir()
    keys = frame_keys.drawing_keys(LOOK, POINTS)
    take = Take(tmp_path / "two", "frame_", range(6), keys, Fleeting(None, [tmp_path / "one"]))
    assert list(take.gather()) == list(range(6)) and not take.missing
    assert draw.files("two") == before


def test_a_frame_that_vanishes_before_it_is_found_is_drawn(draw, tmp_path):
    draw("one", store=False)
    store = FrameStore(None, [tmp_path / "one"])
    keys = frame_keys.drawing_keys(LOOK, POINTS)
    assert store.find(keys[0])
    (tmp_path / "one" / "frame_00003.png").unlink()
    take = Take(tmp_path, "frame_", range(6), keys, store)
    assert list(take.gather()) == [0, 1, 2, 4, 5]
    assert list(take.missing) == [keys[3]]


def test_a_frame_that_is_there_already_is_left_as_it_is(draw, tmp_path):
    draw("one")
    before = [path.stat().st_mtime_ns for path in sorted((tmp_path / "one").iterdir())]
    draw("one")
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "one").iterdir())] == before


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    take = Take(tmp_path, "frame_", [0], ["k"], FrameStore(None))

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(LpError) as caught:
        take.add("k", b"picture")
    assert caught.value.code == "DISK_FULL"


def test_texts_stand_in_a_png_that_reads_as_before(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (9, 7), np.uint8)
    plain = encode_png(image)
    marked = png.with_texts(plain, {"Disclaimer": "made by “AI”", "Software": "x"})
    assert png.texts(marked) == {"Disclaimer": "made by “AI”", "Software": "x"}
    assert np.array_equal(cv2.imdecode(np.frombuffer(marked, np.uint8), cv2.IMREAD_UNCHANGED), image)
    assert png.pixel_checksum(marked) == png.pixel_checksum(plain) != ""
    assert png.pixel_checksum(marked[:-1]) == "" and png.texts(b"") == {}
    path = tmp_path / "x.png"
    path.write_bytes(signed(plain, "abc", {}))
    assert key_of(path) == "abc" and key_of(tmp_path / "none.png") == ""


def test_frames_say_that_they_are_ai_made_unless_told_not_to(draw):
    draw("marked")
    draw("silent", finish=Finish(mark=False))
    marked, silent = png.texts(draw.files("marked")[0]), png.texts(draw.files("silent")[0])
    assert "AI-made" in marked["Disclaimer"] and "TrainedAlgorithmicMedia" in marked[png.XMP]
    assert "Disclaimer" not in silent and png.XMP not in silent


def test_finishing_anew_makes_the_same_bytes_as_drawing(draw):
    for name, finish in (("ink", Finish(ink=(9, 9, 90))), ("bold", Finish(weight=1.5, alpha=True))):
        draw(f"{name} drawn", finish=finish, look=LOOK | {"size": 65})
        fresh = draw.files(f"{name} drawn")
        for path in draw.store.glob("??/*.png"):
            if path.read_bytes() in fresh:
                path.unlink()
        assert draw(f"{name} again", finish=finish, look=LOOK | {"size": 65}).finished == 6
        assert draw.files(f"{name} again") == fresh


def test_exr_files_lie_beside_the_frames(draw, tmp_path):
    held = POINTS[[0, 0, 1]]
    film = draw("film", held, finish=Finish(ink=(255, 0, 0), alpha=True))
    paths = list(film.write_exr())
    assert [path.name for path in paths] == [f"frame_{index:05d}.exr" for index in range(3)]
    assert paths[0].read_bytes() == paths[1].read_bytes() and not paths[0].samefile(paths[1])
    assert b"AI-made" in paths[0].read_bytes()
    ink = 1 - picture(held[2]) / 255
    channels = read_exr(paths[2])
    assert list(channels) == ["A", "B", "G", "R"]
    assert np.array_equal(channels["A"], ink) and np.array_equal(channels["R"], ink)
    assert not channels["G"].any()


def test_exr_files_go_with_the_frames_that_they_show(draw, tmp_path):
    before = list(draw("film").write_exr())
    before = {path: path.stat().st_mtime_ns for path in before}
    moved = POINTS.copy()
    moved[2] += 40
    film = draw("film", moved, former=[tmp_path / "film"])
    assert sorted(path.name for path in (tmp_path / "film").glob("*.exr")) == [
        f"frame_{index:05d}.exr" for index in (0, 1, 3, 4, 5)
    ]
    changed = [path.name for path in film.write_exr() if path.stat().st_mtime_ns != before[path]]
    assert changed == ["frame_00002.exr"]
    ink = 1 - picture(frame_keys.snapped(moved)[2]) / 255
    light = read_exr(tmp_path / "film" / "frame_00002.exr")["R"]
    assert np.array_equal(light < 0.5, ink > 0.5)
