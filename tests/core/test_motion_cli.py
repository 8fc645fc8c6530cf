"""`lpcore speak` and `lpcore draw`: the motion goes out as a file and comes in again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from lpcore.cli import main
from lpcore.frames import write_png
from lpcore.motion.cue_files import read_cues
from lpcore.motion.files import load_motion, save_motion

pytestmark = pytest.mark.weights

SPEECH = Path(__file__).parents[2] / "examples" / "hello.flac"


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    skimage = pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    write_png(path, skimage.data.astronaut())
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_motion_and_cues_go_out_and_frames_come_of_them(photo, tmp_path, capsys):
    motion, cues = tmp_path / "motion.json", tmp_path / "mouth.tsv"
    span = ("--start", 1, "--duration", 1, "--fps", 12, "--hold", 2)
    assert run("speak", photo, SPEECH, "-o", motion, "--cues", cues, *span, "--json") == 0
    assert last_line(capsys) == {"event": "done", "motion": str(motion), "count": 12}
    assert len(load_motion(motion)) == 12 and load_motion(motion).start == 1.0
    shown = read_cues(cues)
    assert shown[0].start == 0 and shown[-1].end == 2.0 and {"X", "A"} < {cue.shape for cue in shown}

    assert run("draw", photo, motion, "-o", tmp_path, "--size", 128, "--json") == 0
    assert last_line(capsys)["count"] == 12
    frames = sorted((tmp_path / "frames").iterdir())
    assert [path.name for path in frames] == [f"frame_{k:05d}.png" for k in range(12)]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in frames]
    assert digests[::2] == digests[1::2] and len(set(digests)) > 3
    assert cv2.imread(str(frames[0]), cv2.IMREAD_UNCHANGED).shape == (128, 128)


def test_an_edited_motion_draws_other_frames(photo, tmp_path):
    path = tmp_path / "motion.json"
    assert run("speak", photo, SPEECH, "-o", path, "--duration", 0.2, "--head", 0) == 0
    assert run("draw", photo, path, "-o", tmp_path / "one", "--size", 128) == 0
    motion = load_motion(path)
    brows = np.zeros_like(motion.parts["brows"])
    brows[2, 17:27, 1] = -30
    save_motion(path, motion.with_part("brows", brows))
    assert run("draw", photo, path, "-o", tmp_path / "two", "--size", 128) == 0
    same = [
        one.read_bytes() == (tmp_path / "two" / "frames" / one.name).read_bytes()
        for one in sorted((tmp_path / "one" / "frames").iterdir())
    ]
    assert same == [True, True, False, True, True]


def test_cues_of_another_tool_move_the_lips(photo, tmp_path):
    cues = tmp_path / "rhubarb.tsv"
    cues.write_text("0.00\tX\n0.20\tD\n0.60\tF\n1.00\tX\n1.20\tX\n")
    motion, again = tmp_path / "motion.npz", tmp_path / "again.json"
    assert (
        run("speak", photo, SPEECH, "-o", motion, "--duration", 1.2, "--lips-from", cues, "--cues", again)
        == 0
    )
    shapes = [cue.shape for cue in read_cues(again)]
    assert shapes[0] == shapes[-1] == "X" and {"D", "F"} < set(shapes)


@pytest.mark.parametrize(
    ("verb", "content", "code"),
    [
        ("draw", "{}", "MOTION_UNREADABLE"),
        ("draw", None, "MOTION_UNREADABLE"),
        ("speak", "0.0\tZ\n1.0\tX\n", "CUES_UNREADABLE"),
        ("speak", None, "CUES_UNREADABLE"),
    ],
)
def test_bad_files_get_one_sentence(photo, tmp_path, capsys, verb, content, code):
    bad, out = tmp_path / "bad.json", tmp_path / "out"
    if verb == "speak":
        bad = bad.with_suffix(".tsv")
    if content is not None:
        bad.write_text(content)
    arguments = (bad, "-o", out) if verb == "draw" else (SPEECH, "-o", out / "m.json", "--lips-from", bad)
    assert run(verb, photo, *arguments, "--json") == 1
    told = last_line(capsys)
    assert told["code"] == code and bad.name in told["message"] and "\n" not in told["message"]
    assert not out.exists()


def test_sources_are_never_written_to(photo, tmp_path, capsys):
    cues = tmp_path / "mine.tsv"
    cues.write_text("0.0\tA\n1.0\tX\n")
    for arguments in (
        ("speak", photo, SPEECH, "-o", photo),
        ("speak", photo, SPEECH, "-o", tmp_path / "m.json", "--cues", cues, "--lips-from", cues),
        ("speak", photo, SPEECH, "-o", tmp_path / "m.json", "--cues", cues, "--style-audio", cues),
    ):
        assert run(*arguments) == 1
        assert "lies where the result goes" in capsys.readouterr().err
    assert cues.read_text() == "0.0\tA\n1.0\tX\n"
    both = tmp_path / "both.json"
    assert run("speak", photo, SPEECH, "-o", both, "--cues", both) == 1 and not both.exists()
    assert "cannot both be written" in capsys.readouterr().err
