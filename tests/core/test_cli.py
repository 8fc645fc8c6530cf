"""The command line: the whole job on a real face, and one sentence for each bad input."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from lpcore import cli
from lpcore.errors import LpError
from lpcore.frames import write_png
from lpcore.production import Animate
from lpcore.types import Recipe


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    skimage = pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    write_png(path, skimage.data.astronaut())
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Half a second of silence, half a second of a buzzing voice-like tone; stereo at 44.1 kHz."""
    path = tmp_path_factory.mktemp("speech") / "speech.flac"
    t = np.arange(44100) / 44100
    voice = (0.3 * np.sign(np.sin(2 * np.pi * 140 * t)) * (t > 0.5)).astype(np.float32)
    soundfile.write(path, np.column_stack([voice, voice]), 44100)
    return path


def digest(*paths: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_help_needs_no_torch():
    code = "import sys; from lpcore import cli; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_wrong_usage_is_code_2():
    with pytest.raises(SystemExit) as caught:
        cli.main(["animate", "a.png", "b.wav", "-o", "out", "--fps", "zero"])
    assert caught.value.code == 2


def test_styles_as_json(capsys):
    assert cli.main(["styles", "--json"]) == 0
    assert {style["name"] for style in json.loads(capsys.readouterr().out)["styles"]} >= {"ink", "pen"}


def test_interrupt_is_code_130(monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("lpcore.weights.listing", interrupt)
    assert cli.main(["weights", "list"]) == 130


@pytest.mark.weights
def test_animate_writes_film_frames_and_recipe(photo, speech, tmp_path, capsys):
    before = digest(photo, speech)
    out = tmp_path / "öut put"
    arguments = ["animate", str(photo), str(speech), "-o", str(out), "--fps", "12", "--size", "256", "--json"]
    assert cli.main([*arguments, "--seed", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["event"] == "done" and lines[-1]["count"] == 12
    assert {line["event"] for line in lines[:-1]} == {"phase"}
    frames = sorted((out / "frames").glob("*.png"))
    assert len(frames) == 12 and (out / "film.mp4").stat().st_size > 1000
    assert cv2.imread(str(frames[0]), cv2.IMREAD_UNCHANGED).shape == (256, 256)
    recipe = json.loads((out / "recipe.json").read_text())
    assert recipe["settings"]["seed"] == 3 and recipe["fps"] == "12"
    assert {"face_mesh", "hama", "content_branch", "speaker_branch", "static_drawer"} <= set(
        recipe["weights"]
    )
    assert set(recipe["versions"]) == {"torch", "numpy", "opencv", "onnxruntime", "python"}
    assert recipe["versions"]["opencv"] == cv2.__version__
    assert digest(photo, speech) == before

    first = digest(*frames)
    assert cli.main([*arguments, "--seed", "3", "--duration", "0.5"]) == 0
    shorter = sorted((out / "frames").glob("*.png"))
    assert len(shorter) == 6
    assert cli.main([*arguments, "--seed", "3"]) == 0
    assert digest(*sorted((out / "frames").glob("*.png"))) == first


@pytest.mark.weights
@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("PHOTO_UNREADABLE", "text photo"),
        ("NO_FACE", "empty photo"),
        ("PHOTO_MISSING", "no photo"),
        ("AUDIO_MISSING", "no speech"),
        ("AUDIO_UNREADABLE", "text speech"),
        ("AUDIO_TOO_SHORT", "tiny speech"),
        ("SPAN_OUTSIDE", "late start"),
        ("FACE_CHOICE", "second face"),
        ("FACE_CHOICE", "no face there"),
        ("STYLE_UNKNOWN", "odd style"),
        ("BAD_VALUE", "odd size"),
        ("OUTPUT_READONLY", "file as folder"),
        ("WEIGHTS_MISSING", "no weights"),
    ],
)
def test_bad_input_gets_one_sentence(photo, speech, tmp_path, capsys, monkeypatch, code, change):
    text = tmp_path / "text.png"
    text.write_text("not an image")
    grey = tmp_path / "grey.png"
    write_png(grey, np.full((300, 300, 3), 128, np.uint8))
    tiny = tmp_path / "tiny.wav"
    soundfile.write(tiny, np.zeros(160), 16000)
    chosen, sound, out, extra = photo, speech, tmp_path / "out", []
    match change:
        case "text photo":
            chosen = text
        case "empty photo":
            chosen = grey
        case "no photo":
            chosen = tmp_path / "none.jpg"
        case "no speech":
            sound = tmp_path / "none.wav"
        case "text speech":
            sound = text
        case "tiny speech":
            sound = tiny
        case "late start":
            extra = ["--start", "99"]
        case "second face":
            extra = ["--face", "1"]
        case "no face there":
            extra = ["--point", "500", "10"]
        case "odd style":
            extra = ["--style", "chalk"]
        case "odd size":
            extra = ["--size", "9"]
        case "file as folder":
            out = text
        case "no weights":
            monkeypatch.setenv("LPCORE_WEIGHTS", str(tmp_path / "empty"))
            _forget_loaded_models()
    sources = [path for path in (chosen, sound) if path.exists()]
    before = digest(*sources)
    assert cli.main(["animate", str(chosen), str(sound), "-o", str(out), *extra, "--json"]) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "failed" and last["code"] == code
    assert "\n" not in last["message"] and "Traceback" not in last["message"]
    assert digest(*sources) == before


def _forget_loaded_models() -> None:
    import lpcore.face
    from lpcore.face import nets

    for value in vars(nets).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()
    assert lpcore.face


@pytest.mark.weights
@pytest.mark.parametrize(
    "place", ["film.mp4", "motion.npz", "frames/frame_00000.png", "frames.partial/x.png"]
)
def test_a_source_in_the_way_of_the_result_is_left_alone(photo, speech, tmp_path, capsys, place):
    source = tmp_path / place
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(speech.read_bytes())
    assert cli.main(["animate", str(photo), str(source), "-o", str(tmp_path)]) == 1
    assert "lies where the result goes" in capsys.readouterr().err
    assert source.read_bytes() == speech.read_bytes()


@pytest.mark.weights
def test_a_failed_run_leaves_the_earlier_take_and_foreign_files_whole(photo, speech, tmp_path, monkeypatch):
    arguments = ["animate", str(photo), str(speech), "-o", str(tmp_path), "--fps", "8", "--size", "64"]
    assert cli.main(arguments) == 0
    for name in ("frame_0300.png", "frame_².png", "notes.txt"):
        (tmp_path / "frames" / name).write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(*arguments, **options):
        raise LpError("FILM_FAILED", "made up")

    with monkeypatch.context() as patched:
        patched.setattr("lpcore.film.encode_film", fail)
        assert cli.main([*arguments, "--duration", "0.5"]) == 1
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list((tmp_path / "frames.partial").iterdir())) == 4
    assert cli.main([*arguments, "--duration", "0.5"]) == 0
    assert len(list((tmp_path / "frames").glob("frame_0000*.png"))) == 4
    assert (tmp_path / "frames" / "frame_0300.png").read_text() == "mine"
    assert not (tmp_path / "frames.partial").exists()


def test_the_recipe_names_every_choice():
    differing = {
        "style",
        "size",
        "canvas",
        "fps",
        "start",
        "duration",
        "face",
        "settings",
        "device",
        "engine",
    }
    assert {f.name for f in fields(Animate)} == differing | {"background", "detector", "point"}
    # A place on a face is told by the face that it picked.
    assert {f.name for f in fields(Animate)} - {"point"} <= {f.name for f in fields(Recipe)}


def test_a_narrow_console_and_missing_data_are_no_tracebacks(tmp_path):
    command = [sys.executable, "-m", "lpcore", "train", "drawer", "--data", str(tmp_path / "ü")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "Data missing" in done.stderr


@pytest.mark.weights
def test_silent_speech_keeps_the_mouth_still(photo, tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(16000), 16000)
    out = tmp_path / "out"
    assert cli.main(["animate", str(photo), str(silent), "-o", str(out), "--fps", "10", "--blink-rate", "0",
                     "--head", "0"]) == 0  # fmt: skip
    assert len(set(digest(*(out / "frames").glob("*.png")))) == 1
