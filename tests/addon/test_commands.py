"""Line Portrait without a window: verbs, exit codes, JSON lines, shot lists."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, fields

import pytest
from worlds import DATA, part


@pytest.fixture
def run(world, capfd):
    """Run a command; returns its exit code and what it said, JSON lines as dictionaries."""

    def run(*words: str):
        capfd.readouterr()
        code = part("commands").main([str(word) for word in words])
        out = capfd.readouterr().out.splitlines()
        said = [json.loads(line) for line in out if line.startswith("{")] if "--json" in words else out
        return code, said

    return run


def events(said, kind: str) -> list[dict]:
    return [line for line in said if line["event"] == kind]


def test_render_does_what_is_missing_and_saves_when_told(world, run, blender):
    code, said = run("render", "--json", "--save")
    assert code == 0
    assert [line["what"] for line in events(said, "done")] == [world.portrait.name]
    assert "9 of 18 frames drawn" in events(said, "done")[0]["message"]
    assert len(events(said, "frame")) == 18
    assert said[-1] == {"event": "end", "done": 1, "failed": 0, "skipped": 0, "code": 0}
    blender.ops.wm.open_mainfile(filepath=str(world.folder / "shot.blend"))
    assert len(world.frames()) == 18


def test_resume_leaves_out_what_is_complete(world, run):
    assert run("render")[0] == 0
    code, said = run("render", "--resume", "--json")
    assert (code, said[-1]["skipped"]) == (0, 1)
    world.frames()[3].unlink()
    code, said = run("render", "--resume", "--json")
    assert (code, said[-1]["done"]) == (0, 1)
    assert all(path.is_file() for path in world.frames())


def test_analyze_and_speak_alone(world, run):
    assert run("analyze") == (0, [f"{world.portrait.name}: Working", f"{world.portrait.name}: Face found."])
    assert run("speak")[0] == 0
    assert part("motion").has_prediction(world.rig)
    assert world.drawing is None


def test_a_span_goes_to_a_folder_and_changes_no_strip(world, run, tmp_path):
    code, _ = run("render", "--frames", "20:23", "--out", tmp_path / "part", "--json")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "part").glob("*.png"))
    assert names == [f"frame_{index:05d}.png" for index in range(9, 13)]  # the speech begins at frame 11
    assert world.drawing is None


def test_of_several_portraits_one_fails_and_the_others_are_done(world, run):
    name = world.portrait.name
    missing = part("portrait").add(world.scene, str(world.folder / "nobody.png"))
    assert missing.name == "nobody"
    code, said = run("render", "--all", "--json")
    assert code == 4
    assert [line["what"] for line in events(said, "done")] == [name]
    failed = events(said, "failed")
    assert [(line["what"], line["code"]) for line in failed] == [("nobody", "PHOTO_MISSING")]
    assert run("render", "--portrait", "nobody")[0] == 1
    assert run("render", "--portrait", name)[0] == 0


def test_an_engine_that_dies_is_one_failure(world, run, engine):
    engine.mood(verb="draw", after=5, then="die")
    code, said = run("render", "--json")
    assert code == 1
    assert events(said, "failed")[0]["code"] == "ENGINE_DIED"
    assert "14 of 18 frames are kept" in events(said, "failed")[0]["message"]
    engine.mood()
    code, said = run("render", "--json")
    assert "4 of 18 frames drawn" in events(said, "done")[0]["message"] or "redrawn" in said[-2]["message"]


@pytest.mark.parametrize(
    "words",
    [
        ["sing"],
        ["render", "--photo", "a.png"],
        ["render", "--frames", "9:3", "--out", "x"],
        ["render", "--frames", "3:9"],
        ["render", "--shots", "x.csv", "--all"],
        ["render", "--all", "--portrait", "x"],
        ["render", "--siz", "100"],
    ],
)
def test_wrong_usage_is_told_apart(run, words, capfd):
    assert run(*words)[0] == 2


def test_help_is_no_failure(run):
    code, said = run("render", "--help")
    assert code == 0
    assert any("--resume" in line for line in said)


def test_unforeseen_errors_have_a_code_of_their_own(run, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(part("order"), "of", fail)
    assert run("render")[0] == 3


def test_list_tells_what_is_to_be_drawn(world, run):
    code, said = run("list", "--json")
    assert (code, said[0]["state"]) == (0, "NOT_ANALYZED")
    run("render")
    code, said = run("list", "--json")
    assert (said[0]["frames"], said[0]["to_draw"]) == (18, 0)
    assert said[0]["take"].endswith("take_001")


def test_doctor_checks_the_engine(run, engine, monkeypatch, tmp_path):
    code, said = run("doctor", "--json")
    assert code == 0
    assert [line["what"] for line in events(said, "done")] == ["engine", "weights", "styles", "frame store"]
    engine.mood(weights_missing=True)
    code, said = run("doctor", "--json")
    assert (code, events(said, "failed")[0]["code"]) == (4, "WEIGHTS_MISSING")
    engine.shared.stop()
    monkeypatch.setenv("LPCORE_PYTHON", str(tmp_path / "none"))
    assert run("doctor")[0] == 1


def test_the_command_is_registered_for_blender(blender):
    assert part("commands")._handle is not None


# straight from files


@pytest.fixture
def files(world, tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    shutil.copyfile(DATA / "photo.png", folder / "anna.png")
    shutil.copyfile(DATA / "speech.wav", folder / "hello.wav")
    return folder


def test_photo_and_speech_become_frames_without_a_blend(run, files):
    words = [
        "render",
        "--photo",
        files / "anna.png",
        "--speech",
        files / "hello.wav",
        "--out",
        files / "out",
        "--json",
    ]
    code, said = run(*words)
    assert code == 0
    frames = list((files / "out" / "frames").glob("frame_*.png"))
    assert len(frames) == events(said, "done")[0]["frames"]
    code, said = run(*words, "--resume")
    assert (code, said[-1]["skipped"]) == (0, 1)
    assert run(*words, "--resume", "--style", "pen")[1][-1]["done"] == 1


LISTS = {
    "list.csv": """name,photo,speech,out,style,size,alpha
one,anna.png,hello.wav,s1,pen,256,yes
two,none.png,hello.wav,s2,,,
three,anna.png,hello.wav,s3,ink,,no
""",
    "list.json": json.dumps(
        {
            "defaults": {"photo": "anna.png", "speech": "hello.wav"},
            "shots": [
                {"name": "one", "out": "s1", "style": "pen", "size": 256, "alpha": True},
                {"name": "two", "out": "s2", "photo": "none.png"},
                {"name": "three", "out": "s3"},
            ],
        }
    ),
    "list.toml": """
[defaults]
photo = "anna.png"
speech = "hello.wav"
[[shot]]
name = "one"
out = "s1"
style = "pen"
size = 256
alpha = true
[[shot]]
name = "two"
out = "s2"
photo = "none.png"
[[shot]]
name = "three"
out = "s3"
""",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_shot_list_is_drawn_to_its_end_and_resumed(run, files, name):
    (files / name).write_text(LISTS[name], encoding="utf-8")
    shots = part("shots").read(files / name)
    assert [shot.title for shot in shots] == ["one", "two", "three"]
    assert (shots[0].style, shots[0].size, shots[0].alpha) == ("pen", 256, True)
    assert (shots[2].style, shots[2].size, shots[2].alpha) == ("ink", None, False)
    code, said = run("render", "--shots", files / name, "--json")
    assert code == 4
    assert [line["what"] for line in events(said, "done")] == ["one", "three"]
    assert [line["code"] for line in events(said, "failed")] == ["PHOTO_MISSING"]
    shutil.copyfile(files / "anna.png", files / "none.png")
    code, said = run("render", "--shots", files / name, "--json", "--resume")
    assert (code, said[-1]["done"], said[-1]["skipped"]) == (0, 1, 2)


def written(values, kind: str) -> str:
    """A shot list with one row."""
    if kind == "csv":
        return ",".join(values) + "\n" + ",".join(map(str, values.values())) + "\n"
    if kind == "json":
        return json.dumps([values])
    return "[[shot]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


@pytest.mark.parametrize("kind", ["csv", "json", "toml"])
def test_every_setting_of_the_motion_is_a_column_and_reaches_the_engine(run, files, kind, monkeypatch):
    chosen = {
        "lips": 0.5, "jaw": 0.75, "brows": 2.0, "blinks": 0.25, "blink_rate": 0.0, "blink_seed": 4, "head": 0.0,
        "yaw": 0.1, "pitch": 0.2, "roll": 0.3, "shift": 0.4, "smoothing": 3.0, "silence_db": -30.0,
        "emotion": "happy", "emotion_strength": 0.5, "style_audio": "hello.wav", "hold": 2, "seed": 7,
        "module": "makeittalk",
    }  # fmt: skip
    assert set(chosen) == {setting.name for setting in fields(part("lpcore.types").SpeakSettings)}
    row = {"photo": "anna.png", "speech": "hello.wav", "out": "out", **chosen}
    (files / f"list.{kind}").write_text(written(row, kind), encoding="utf-8")
    shot = part("shots").read(files / f"list.{kind}")[0]
    assert asdict(shot.settings) == chosen | {"style_audio": str(files / "hello.wav")}
    asked, ask = [], part("shots").ask
    monkeypatch.setattr(
        part("shots"),
        "ask",
        lambda engine, request, watch: asked.append(request) or ask(engine, request, watch),
    )
    assert run("render", "--shots", files / f"list.{kind}")[0] == 0
    assert asked[0].settings == asdict(shot.settings)
    code, said = run("render", "--shots", files / f"list.{kind}", "--resume", "--json")
    assert (code, said[-1]["skipped"]) == (0, 1)


def test_the_settings_of_the_motion_are_options_too(run, files, monkeypatch):
    asked = []
    monkeypatch.setattr(
        part("shots"), "render", lambda shot, *_: asked.append(shot) or {"frames": 0, "drawn": 0}
    )
    words = ["render", "--photo", files / "anna.png", "--speech", files / "hello.wav", "--out", files / "out"]
    run(
        *words, "--head", "0", "--silence-db", "-30", "--emotion", "sad", "--style-audio", files / "hello.wav"
    )
    changed = {"head": 0.0, "silence_db": -30.0, "emotion": "sad", "style_audio": str(files / "hello.wav")}
    assert asdict(asked[0].settings) == asdict(part("lpcore.types").SpeakSettings()) | changed
    assert run(*words, "--emotion", "cold")[0] == 2
    code, said = run(*words, "--lips", "-1", "--json")
    assert (code, events(said, "failed")[0]["code"]) == (1, "BAD_VALUE")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "photo,speech,out,colour\na,b,c,red\n", "shot 1 has a column 'colour'"),
        ("a.csv", "photo,speech,out\na,b\n", "shot 1 lacks out"),
        ("a.csv", "photo,speech,out,size\na,b,c,big\n", "shot 1, size: 'big' will not do"),
        (
            "a.csv",
            "photo,speech,out,lips\na,b,c,-1\n",
            "shot 1: the setting lips is -1, it must be at least 0",
        ),
        ("a.csv", "photo,speech,out\na,b,c,d\n", "more cells than the header"),
        ("a.json", "{", "Expecting property name"),
        ("a.toml", "[[shot]\n", "Expected"),
        ("a.txt", "", "neither .csv nor .json nor .toml"),
        ("gone.csv", None, "No such file"),
    ],
)
def test_an_unreadable_list_says_where(run, tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    code, said = run("render", "--shots", tmp_path / name, "--json")
    assert (code, events(said, "failed")[0]["code"]) == (1, "SHOTS_UNREADABLE")
    assert words in events(said, "failed")[0]["message"]


def test_a_shorter_run_leaves_no_frames_of_a_longer_one(run, files):
    words = ["render", "--photo", files / "anna.png", "--speech", files / "hello.wav", "--out", files / "out"]
    run(*words)
    extra = files / "out" / "frames" / "frame_00999.png"
    extra.write_bytes(b"")
    run(*words)
    assert not extra.exists()
