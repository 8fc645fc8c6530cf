"""Frames are drawn once: keys, the store, the finish, and what a second Draw costs."""

import io
import json
import os
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lpcore import frame_keys, png, protocol, redraw
from lpcore.drawing.styles import style
from lpcore.errors import LpError
from lpcore.exr import encode_exr
from lpcore.finish import Finish
from lpcore.frame_store import FrameStore, Take, key_of, signed
from lpcore.frames import encode_png, read_png
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


def bar() -> np.ndarray:
    image = np.full((40, 40), 255, np.uint8)
    image[18:22] = 0
    return image


@pytest.mark.parametrize(
    ("weight", "rows"), [(0.0, 4.0), (1.0, 6.0), (0.5, 5.0), (2.5, 9.0), (-1.0, 2.0), (-0.5, 3.0)]
)
def test_line_weight_moves_each_edge_by_its_amount(weight, rows):
    finished = Finish(weight=weight).drawn(bar(), 1.0)
    assert (1 - finished[:, 20] / 255).sum() == pytest.approx(rows, abs=0.01)


def test_line_weight_is_the_same_at_every_size():
    large = cv2.resize(bar(), (80, 80), interpolation=cv2.INTER_NEAREST)
    finished = Finish(weight=1.0).drawn(large, 2.0)
    assert (1 - finished[:, 40] / 255).sum() == pytest.approx(12, abs=0.01)


def finished(finish: Finish, drawing: np.ndarray) -> np.ndarray:
    """What another program reads of a finished frame, as (H, W, 4) RGBA."""
    picture = finish.coloured(encode_png(finish.drawn(drawing, 1.0)))
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))


def test_ink_and_paper_and_transparency():
    grey = np.array([[0, 255, 128]], np.uint8)
    coloured = finished(Finish(ink=(10, 20, 30), paper=(250, 240, 230)), grey)
    assert coloured[0].tolist() == [[10, 20, 30, 255], [250, 240, 230, 255], [130, 130, 130, 255]]
    clear = finished(Finish(ink=(10, 20, 30), alpha=True), grey)
    assert clear[0].tolist() == [[10, 20, 30, 255], [10, 20, 30, 0], [10, 20, 30, 127]]
    assert finished(Finish(mark=False), grey)[0, :, 0].tolist() == [0, 255, 128]


def test_drawings_in_colour_keep_theirs_and_can_be_transparent():
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[0] = 255
    assert Finish(ink=(9, 9, 9), weight=1.0).drawn(colour, 1) is colour
    assert Finish(alpha=True).drawn(colour, 1)[..., 3].tolist() == [[0, 0], [255, 255]]


@given(arrays(np.uint8, (3, 4, 3)))
def test_a_transparent_drawing_over_white_is_the_drawing(drawing):
    clear = Finish(alpha=True).drawn(drawing, 1).astype(np.float64)
    alpha = clear[..., 3:] / 255
    assert np.array_equal(np.rint(clear[..., :3] * alpha + 255 * (1 - alpha)), drawing)
    assert np.array_equal(clear[..., 3] == 0, (drawing == 255).all(-1))


def test_finishing_anew_makes_the_same_bytes_as_drawing(draw):
    for name, finish in (("ink", Finish(ink=(9, 9, 90))), ("bold", Finish(weight=1.5, alpha=True))):
        draw(f"{name} drawn", finish=finish, look=LOOK | {"size": 65})
        fresh = draw.files(f"{name} drawn")
        for path in draw.store.glob("??/*.png"):
            if path.read_bytes() in fresh:
                path.unlink()
        assert draw(f"{name} again", finish=finish, look=LOOK | {"size": 65}).finished == 6
        assert draw.files(f"{name} again") == fresh


@pytest.mark.parametrize(
    "values",
    [
        {"weight": 9},
        {"weight": "x"},
        {"weight": True},
        {"weight": float("nan")},
        {"ink": [0, 0]},
        {"ink": [0, 0, 300]},
        {"ink": [0, 0, True]},
        {"ink": {0: 1, 1: 1, 2: 1}},
        {"paper": 3},
        {"alpha": 1},
        {"alpha": "no"},
        {"mark": None},
        {"gloss": 1},
    ],
)
def test_what_is_no_finish_is_refused(values):
    with pytest.raises(LpError, match="no finish"):
        Finish.from_dict(values)


def test_a_finish_survives_the_pipe():
    finish = Finish(0.5, (1, 2, 3), (4, 5, 6), False, False)
    request = protocol.Draw(1, "p", "m", "f", finish=finish.to_dict(), former=["x"], recipe={"a": 1})
    heard = protocol.decode_request(protocol.encode(request))
    assert heard == request and isinstance(heard, protocol.Draw)
    assert Finish.from_dict(json.loads(json.dumps(heard.finish))) == finish


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """The channels of an EXR file as written here, undone step by step."""
    data = path.read_bytes()
    assert struct.unpack_from("<ii", data) == (20000630, 2)
    at, found = 8, {}
    while data[at]:
        name, kind = data[at : data.index(0, at)], None
        at = data.index(0, at) + 1
        kind = data[at : data.index(0, at)]
        at = data.index(0, at) + 1
        (size,) = struct.unpack_from("<i", data, at)
        found[name.decode()] = (kind, data[at + 4 : at + 4 + size])
        at += 4 + size
    _, _, right, bottom = struct.unpack("<4i", found["dataWindow"][1])
    width, height = right + 1, bottom + 1
    names = [name.decode() for name in re.findall(rb"([A-Z])\0", found["channels"][1])]
    lines = []
    for (offset,) in struct.iter_unpack("<Q", data[at + 1 : at + 1 + 8 * -(-height // 16)]):
        first, size = struct.unpack_from("<ii", data, offset)
        count = min(16, height - first)
        raw = data[offset + 8 : offset + 8 + size]
        if size < count * width * len(names) * 2:
            steps = np.frombuffer(zlib.decompress(raw), np.uint8).astype(np.int64)
            steps[1:] -= 128
            split = np.cumsum(steps).astype(np.uint8)
            raw = np.stack([split[: len(split) // 2], split[len(split) // 2 :]], axis=1).tobytes()
        lines.append(np.frombuffer(raw, "<f2").reshape(count, len(names), width))
    return {name: np.concatenate(lines)[:, index] for index, name in enumerate(names)}


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


@pytest.mark.parametrize("content", [b"", b"no picture", encode_png(np.zeros((8, 8), np.uint8))[:30]])
def test_a_file_that_is_no_picture_is_named(content):
    with pytest.raises(LpError) as caught:
        read_png(content, "frame_00001.png")
    assert (caught.value.code, caught.value.detail) == ("FRAME_UNREADABLE", "frame_00001.png")


@pytest.mark.parametrize("shape", [(5, 3), (33, 20), (40, 7, 3), (17, 9, 4)])
def test_exr_holds_linear_light(tmp_path, shape):
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "x.exr"
    path.write_bytes(encode_exr(image))
    channels = read_exr(path)
    red = (image if image.ndim == 2 else image[..., 0]) / 255
    light = np.where(red <= 0.04045, red / 12.92, ((red + 0.055) / 1.055) ** 2.4)
    alpha = image[..., 3] / 255 if shape[2:] == (4,) else 1
    assert np.abs(channels["R"] - light * alpha).max() < 1e-3
    assert ("A" in channels) == (shape[2:] == (4,))
