"""Motion and mouth cues as files that other tools read and write."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lpcore.errors import LpError
from lpcore.motion.cue_files import read_cues, write_cues
from lpcore.motion.cues import Cue, cues_of
from lpcore.motion.files import load_motion, load_points, save_motion
from lpcore.motion.shapes import MOUTHS, load_shapes
from lpcore.motion.speak import speak
from lpcore.types import EMOTIONS, PARTS, Motion, SpeakSettings

same_folder = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
floats = st.floats(-1e6, 1e6, width=32)
STILL = SpeakSettings(head=0, brows=0, blink_rate=0)


@st.composite
def motions(draw) -> Motion:
    frames = draw(st.integers(1, 4))
    parts = {}
    for name in draw(st.sets(st.sampled_from(PARTS), min_size=1)):
        moving = draw(st.lists(st.integers(0, 67), unique=True, max_size=4))
        parts[name] = np.zeros((frames, 68, 3), np.float32)
        parts[name][:, moving] = draw(hnp.arrays(np.float32, (frames, len(moving), 3), elements=floats))
    fps = Fraction(draw(st.integers(1, 120_000)), draw(st.integers(1, 1001)))
    start = draw(st.floats(0, 1e5))
    return Motion(fps, start, draw(hnp.arrays(np.float32, (68, 3), elements=floats)), parts)


@same_folder
@given(motions(), st.sampled_from(["m.json", "m.npz"]))
def test_motion_comes_back_bit_for_bit(tmp_path, motion, name):
    path = tmp_path / name
    save_motion(path, motion)
    again = load_motion(path)
    assert (again.fps, again.start, len(again)) == (motion.fps, motion.start, len(motion))
    assert again.neutral.tobytes() == motion.neutral.tobytes()
    assert again.parts.keys() == motion.parts.keys()
    for part, moved in motion.parts.items():
        assert again.parts[part].dtype == np.float32
        assert again.parts[part].tobytes() == moved.tobytes(), part
    np.testing.assert_array_equal(load_points(path), motion.points)


def test_spoken_motion_comes_back(babble, portrait, tmp_path):
    motion = speak(portrait, babble, settings=SpeakSettings(emotion="happy", hold=2))
    save_motion(tmp_path / "m.json", motion)
    again = load_motion(tmp_path / "m.json")
    assert all(again.parts[name].tobytes() == motion.parts[name].tobytes() for name in PARTS)
    text = (tmp_path / "m.json").read_text()
    assert len(text.splitlines()) < 6 * len(motion) + 100, "a line a frame"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("m")] == ["m.json"]


def test_the_documented_schema_is_read(tmp_path):
    row = [0.0, 5.0, 0.0]
    values = {
        "format": "lineportrait-motion", "version": 1, "fps": [24, 1], "start": 0, "frames": 3,
        "neutral": [[float(i), 0, 0] for i in range(68)],
        "parts": {"jaw": {"landmarks": [8], "frames": [row, row, [0, 9, 0]]},
                  "emotion": {"landmarks": [48, 54], "frames": [[-1, -2, 0, 1, -2, 0]]}},
    }  # fmt: skip
    path = tmp_path / "by hand.json"
    path.write_text(json.dumps(values))
    motion = load_motion(path)
    assert motion.points[:, 8].tolist() == [[8, 5, 0], [8, 5, 0], [8, 9, 0]]
    assert motion.points[2, 54].tolist() == [55, -2, 0] and motion.fps == 24
    assert motion.points[1, 30].tolist() == [30, 0, 0]


def damaged(values: dict, path: str, value) -> dict:
    """A copy with the entry at the dotted `path` replaced, or removed for None."""
    copy = json.loads(json.dumps(values))
    *way, last = path.split(".")
    place = copy
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("format", "other", "lineportrait-motion"),
        ("version", 2, "version 2"),
        ("fps", [25, 0], "fps"),
        ("fps", 25, ""),
        ("fps", [25], ""),
        ("start", None, "start"),
        ("frames", 0, "frames"),
        ("frames", 3.5, "3.5"),
        ("frames", 10**12, "frames"),
        ("neutral", [[0, 0, 0]], "shape"),
        ("neutral", [[float("nan")] * 3] * 68, "finite"),
        ("neutral", [[1e39] * 3] * 68, "finite"),
        ("parts", {}, "no parts"),
        ("parts", [], ""),
        ("parts.lips.frames", [[0, 0, 0]] * 5, "5 rows"),
        ("parts.lips.frames", [[0, 0], [0, 0, 0]], ""),
        ("parts.lips.frames", [["a", "b", "c"]] * 2, ""),
        ("parts.lips.landmarks", [68], "landmarks"),
        ("parts.lips.landmarks", [48, 48], "landmarks"),
        ("parts.tail", {"landmarks": [], "frames": []}, "tail"),
    ],
)
def test_damaged_motion_gets_one_sentence(tmp_path, place, value, says):
    good = {
        "format": "lineportrait-motion", "version": 1, "fps": [25, 1], "start": 0.0, "frames": 2,
        "neutral": [[0, 0, 0]] * 68, "parts": {"lips": {"landmarks": [48], "frames": [[1, 2, 3]] * 2}},
    }  # fmt: skip
    path = tmp_path / "m.json"
    path.write_text(json.dumps(good))
    assert len(load_motion(path)) == 2
    path.write_text(json.dumps(damaged(good, place, value)))
    for read in (load_motion, load_points):
        with pytest.raises(LpError) as caught:
            read(path)
        assert caught.value.code == "MOTION_UNREADABLE"
        assert "m.json" in caught.value.detail and says in caught.value.detail
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b"PK\x03\x04 torn", b"null", b"[1]"]
)
@pytest.mark.parametrize("name", ["m.json", "m.npz"])
def test_what_is_no_motion_at_all_gets_one_sentence(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    for target in (path, tmp_path / "absent.json", tmp_path):
        with pytest.raises(LpError) as caught:
            load_points(target)
        assert caught.value.code == "MOTION_UNREADABLE"


def test_a_torn_npz_gets_one_sentence(tmp_path, face):
    path = tmp_path / "m.npz"
    save_motion(path, Motion(Fraction(25), 0.0, face, {"lips": np.ones((9, 68, 3), np.float32)}))
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(LpError) as caught:
            load_motion(path)
        assert caught.value.code == "MOTION_UNREADABLE"


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_damaged_npz_is_read_or_gets_one_sentence(tmp_path, face, data):
    path = tmp_path / "m.npz"
    save_motion(path, Motion(Fraction(25), 0.0, face, {"lips": np.ones((3, 68, 3), np.float32)}))
    spoilt = bytearray(path.read_bytes())
    for _ in range(3):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(spoilt)
    try:
        load_motion(path)
    except LpError as error:
        assert error.code == "MOTION_UNREADABLE"


# mouth cues

timed = st.lists(st.tuples(st.integers(1, 300), st.sampled_from(MOUTHS)), min_size=1, max_size=20)


@same_folder
@given(timed, st.sampled_from(["c.tsv", "c.json", "c.txt"]))
def test_cues_come_back(tmp_path, lengths, name):
    ends = np.cumsum([hundredths for hundredths, _ in lengths])
    starts = [0, *ends[:-1]]
    cues = [Cue(a / 100, b / 100, shape) for a, b, (_, shape) in zip(starts, ends, lengths, strict=True)]
    write_cues(tmp_path / name, cues, tmp_path / "speech.wav")
    assert read_cues(tmp_path / name) == cues


def test_rhubarbs_own_files_are_read(tmp_path):
    tsv, as_json = tmp_path / "hi.tsv", tmp_path / "hi.json"
    tsv.write_text("0.00\tX\n0.05\tD\n0.27\tC\n0.31\tB\n0.43\tX\n0.47\tX\n")
    entries = [(0.0, 0.05, "X"), (0.05, 0.27, "D"), (0.27, 0.31, "C"), (0.31, 0.43, "B"), (0.43, 0.47, "X")]
    cues = [{"start": start, "end": end, "value": value} for start, end, value in entries]
    as_json.write_text(json.dumps({"metadata": {"soundFile": "hi.wav", "duration": 0.47}, "mouthCues": cues}))
    assert read_cues(tsv) == read_cues(as_json) == [Cue(*entry) for entry in entries]
    write_cues(tmp_path / "again.tsv", read_cues(as_json), tmp_path / "hi.wav")
    assert (tmp_path / "again.tsv").read_text() == tsv.read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.tsv", ""),
        ("c.tsv", "0.00\tX\n"),
        ("c.tsv", "0.00\tQ\n0.5\tX\n"),
        ("c.tsv", "0.00\tAB\n0.5\tX\n"),
        ("c.tsv", "0.5\tA\n0.1\tX\n"),
        ("c.tsv", "nan\tA\n0.1\tX\n"),
        ("c.tsv", "0\tA\ninf\tX\n"),
        ("c.tsv", "-1\tA\n0.1\tX\n"),
        ("c.tsv", "0.00 A B\n0.1\tX\n"),
        ("c.tsv", "\x00\x01"),
        ("c.json", "{}"),
        ("c.json", '{"mouthCues": []}'),
        ("c.json", '{"mouthCues": [{"start": 0, "end": 1}]}'),
        ("c.json", '{"mouthCues": [{"start": 1, "end": 0, "value": "A"}]}'),
        ("c.json", '{"mouthCues": [{"start": 0, "end": 1, "value": ["A"]}]}'),
        ("c.json", '{"mouthCues": [{"start": 0, "end": 1' + 400 * "0" + ', "value": "A"}]}'),
        ("c.json", "[" * 100_000),
    ],
)
def test_bad_cues_get_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    for path in (tmp_path / name, tmp_path / "absent.tsv"):
        with pytest.raises(LpError) as caught:
            read_cues(path)
        assert caught.value.code == "CUES_UNREADABLE" and path.name in caught.value.detail
        assert "\n" not in str(caught.value)


SPOKEN = [
    Cue(0.0, 0.3, "X"), Cue(0.3, 0.5, "A"), Cue(0.5, 0.8, "D"), Cue(0.8, 1.1, "F"), Cue(1.1, 1.4, "C"),
    Cue(1.4, 1.6, "B"), Cue(1.6, 1.8, "A"), Cue(1.8, 2.1, "E"), Cue(2.1, 2.6, "X"), Cue(2.6, 3.0, "D"),
]  # fmt: skip


@pytest.mark.parametrize("emotion", ["neutral", "happy"])
@pytest.mark.parametrize("start", [0.0, 0.4])
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(60)])
def test_lips_made_from_cues_show_those_cues(babble, portrait, fps, start, emotion):
    chosen = SpeakSettings(head=0, emotion=emotion)
    motion = speak(portrait, babble, start=start, fps=fps, cues=SPOKEN, settings=chosen)
    shown = cues_of(motion)
    assert shown[0].start == 0.0 and shown[-1].end == pytest.approx(3.0, abs=float(1 / fps))
    assert all(one.end == other.start for one, other in pairwise(shown))
    for cue in SPOKEN:
        middle = (cue.start + cue.end) / 2
        if middle > start:
            assert [c.shape for c in shown if c.start <= middle < c.end] == [cue.shape]


def test_cues_need_no_recogniser(babble, portrait, monkeypatch):
    from lpcore.audio import content

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(content, "features", refuse)
    motion = speak(portrait, babble, cues=[Cue(0.0, 1.0, "D")], settings=STILL)
    rest = motion.points[-1]
    assert not (motion.points[40:] - rest).any() and np.abs(motion.points[12] - rest).max() > 10


def test_the_shapes_are_what_they_are_called():
    shapes = load_shapes()
    assert shapes.emotions.shape == (len(EMOTIONS), 68, 3) and shapes.mouths.shape == (len(MOUTHS), 68, 3)
    faces = dict(zip(MOUTHS, shapes.rest + shapes.mouths, strict=True))
    opening = {name: face[66, 1] - face[62, 1] for name, face in faces.items()}
    assert opening["A"] == pytest.approx(0, abs=1e-6) and opening["X"] == pytest.approx(0, abs=1e-6)
    assert 0 < opening["G"] < opening["B"] < opening["C"] < opening["H"] < opening["D"]
    width = {name: face[54, 0] - face[48, 0] for name, face in faces.items()}
    assert width["F"] < width["E"] < width["C"] and not shapes.mouths[MOUTHS.index("X")].any()
    assert not shapes.emotion("neutral").any()
    for face in shapes.rest + shapes.emotions:
        np.testing.assert_allclose(face[[65, 66, 67]], face[[63, 62, 61]], atol=1e-5)
