"""The worker process: one answer a request, cancel at once, gone with its parent."""

import json
import os
import queue
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from lpcore import protocol, worker

PATIENCE = 120


class Engine:
    """A worker process whose events arrive in a queue."""

    def __init__(self, module: str = "lpcore.worker") -> None:
        command = [sys.executable, "-m", module]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.events: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.events.put(protocol.decode_event(line))

    def send(self, request: protocol.Request) -> None:
        self.process.stdin.write(protocol.encode(request))
        self.process.stdin.flush()

    def until_end(self, number: int) -> list[protocol.Event]:
        """All events up to the end of request `number`, which comes last."""
        events = []
        while not (events and events[-1].id == number and isinstance(events[-1], protocol.ENDS)):
            events.append(self.events.get(timeout=PATIENCE))
        return events

    def ask(self, request: protocol.Request) -> protocol.Event:
        self.send(request)
        return self.until_end(request.id)[-1]


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.process.kill()
    engine.process.wait()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A real photo under an awkward name."""
    from lpcore.frames import write_png

    skimage = pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("sources") / "pörtrait 'one' $HOME.png"
    write_png(path, skimage.data.astronaut())
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    path = tmp_path_factory.mktemp("sources") / "speech “x”.wav"
    soundfile.write(path, 0.2 * np.sin(np.arange(16000) * 0.2), 16000)
    return path


def test_hello_tells_versions_and_weights(engine):
    end = engine.ask(protocol.Hello(1))
    assert isinstance(end, protocol.Done)
    assert end.result["protocol"] == protocol.VERSION
    assert {"name", "present", "size", "licence", "source"} == set(end.result["weights"][0])
    styles = {style["name"]: style for style in end.result["styles"]}
    assert {"ink", "pen"} <= set(styles)
    assert styles["ink"]["best"] in styles["ink"]["drawn_by"]


def test_nonsense_gets_a_code_and_the_worker_lives_on(engine):
    engine.process.stdin.write("nonsense\n")
    engine.process.stdin.flush()
    assert engine.events.get(timeout=PATIENCE).code == "BAD_REQUEST"
    assert isinstance(engine.ask(protocol.Hello(2)), protocol.Done)


@pytest.mark.parametrize(
    "line",
    [
        '{"verb": "cancel", "id": 1, "target": [1]}',
        '{"verb": "draw", "id": 1, "photo": "", "motion": "", "folder": "", "frames": [1.5]}',
        '{"verb": "draw", "id": 1, "photo": "", "motion": "", "folder": "", "size": "big"}',
        '{"verb": "hello", "id": true}',
        "\udcff",
    ],
)
def test_wrong_types_are_bad_requests(engine, line):
    engine.process.stdin.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
    engine.process.stdin.flush()
    assert engine.events.get(timeout=PATIENCE).code == "BAD_REQUEST"
    assert isinstance(engine.ask(protocol.Hello(2)), protocol.Done)


def test_missing_photo_is_a_coded_failure(engine, tmp_path):
    end = engine.ask(protocol.Analyze(3, str(tmp_path / "none.jpg"), str(tmp_path)))
    assert isinstance(end, protocol.Failed) and end.code == "PHOTO_MISSING"


def test_end_of_input_ends_the_process(engine):
    engine.process.stdin.close()
    assert engine.process.wait(timeout=PATIENCE) == 0


def test_cancel_is_answered_before_the_work_notices():
    """The work of a request that never reports is still stopped at once for whoever asked."""
    release = threading.Event()

    class Absorbed(worker.Session):
        def answer(self, request, emit):
            release.wait(PATIENCE)
            return {}

    requests, events = os.pipe(), os.pipe()
    with (
        os.fdopen(requests[0], encoding="utf-8") as source,
        os.fdopen(requests[1], "w", encoding="utf-8") as asking,
        os.fdopen(events[0], encoding="utf-8") as answers,
        os.fdopen(events[1], "w", encoding="utf-8") as sink,
    ):
        left = threading.Event()
        served = worker.Worker(Absorbed(), source, sink, leave=lambda code: left.set())
        threading.Thread(target=served.run, daemon=True).start()
        asking.write(protocol.encode(protocol.Draw(7, "", "", "")) + protocol.encode(protocol.Cancel(8, 7)))
        asking.flush()
        assert protocol.decode_event(answers.readline()) == protocol.Stopped(7)
        assert not release.is_set()
        release.set()
        asking.write(protocol.encode(protocol.Hello(9)))
        asking.flush()
        assert protocol.decode_event(answers.readline()) == protocol.Done(9, {})
        asking.close()
        assert left.wait(PATIENCE)


@pytest.mark.weights
def test_analyze_speak_draw(engine, photo, speech, tmp_path):
    folder = tmp_path / "täke 1"
    before = photo.read_bytes(), speech.read_bytes()
    found = engine.ask(protocol.Analyze(1, str(photo), str(folder)))
    assert isinstance(found, protocol.Done)
    assert np.array(found.result["landmarks"]).shape == (68, 3)
    json.dumps(dict(found.result))

    motion = folder / "motion.npz"
    said = engine.ask(protocol.Speak(2, str(photo), str(speech), str(motion), (12, 1), frames=7))
    assert isinstance(said, protocol.Done) and said.result["frames"] == 7
    assert {"face_mesh", "hama", "content_branch"} <= set(said.result["weights"])
    assert (said.result["detector"], said.result["style_sha256"]) == ("mediapipe", "")
    with np.load(motion, allow_pickle=False) as arrays:
        assert arrays["points"].shape == (7, 68, 3)

    request = protocol.Draw(
        3, str(photo), str(motion), str(folder), frames=[1, 5], size=128, recipe=dict(said.result)
    )
    engine.send(request)
    events = engine.until_end(3)
    assert isinstance(events[-1], protocol.Done)
    frames = [event for event in events if isinstance(event, protocol.Frame)]
    assert [frame.index for frame in frames] == [1, 5]
    assert sorted(p.name for p in folder.glob("frame_*")) == ["frame_00001.png", "frame_00005.png"]
    fractions = [event.fraction for event in events if isinstance(event, protocol.Phase)]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["weights"].items() > said.result["weights"].items()
    assert "static_drawer" in recipe["weights"]
    assert (photo.read_bytes(), speech.read_bytes()) == before


@pytest.mark.weights
def test_redraw_draws_what_changed_just_as_if_it_drew_all(engine, photo, tmp_path):
    found = engine.ask(protocol.Analyze(1, str(photo), str(tmp_path)))
    points = np.repeat(np.float32(found.result["landmarks"])[None], 6, axis=0)
    points[:, 8, 1] += np.arange(6)
    changed = points.copy()
    changed[2, 48, 0] -= 4

    def draw(name, landmarks, **options):
        np.savez(tmp_path / "motion.npz", points=landmarks)
        folder = tmp_path / name
        request = protocol.Draw(5, str(photo), str(tmp_path / "motion.npz"), str(folder), size=128, **options)
        return engine.ask(request).result, [path.read_bytes() for path in sorted(folder.glob("*.png"))]

    store = {"store": str(tmp_path / "store"), "store_limit": 10**9}
    assert draw("first", points, **store)[0]["drawn"] == 6
    result, files = draw("second", changed, **store, recipe={"speech": "voice"})
    assert (result["frames"], result["drawn"], result["bytes"]) == (6, 1, len(files[2]))
    assert files == draw("anew", changed)[1]
    assert draw("undone", points, **store)[0]["drawn"] == 0
    recipe = json.loads((tmp_path / "second" / "recipe.json").read_text())
    assert (recipe["speech"], recipe["look"]["style"], len(recipe["keys"])) == ("voice", "ink", 6)
    assert {"face_mesh", "static_drawer"} <= set(recipe["weights"])
    assert recipe["versions"]["numpy"] == np.__version__ and recipe["detector"] == "mediapipe"
    inked = draw("inked", changed, **store, finish={"ink": [0, 0, 90], "alpha": True})[0]
    assert (inked["drawn"], inked["finished"]) == (0, 6)


@pytest.mark.weights
def test_landmarks_put_right_by_hand_stand_in_for_those_found(engine, photo, speech, tmp_path):
    found = engine.ask(protocol.Analyze(1, str(photo), str(tmp_path))).result
    by_hand = np.float32(found["landmarks"])
    by_hand[48:68, 1] += 9
    marks, motion = by_hand.tolist(), tmp_path / "motion.npz"
    engine.ask(protocol.Speak(2, str(photo), str(speech), str(motion), (12, 1), frames=3, landmarks=marks))
    with np.load(motion, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["neutral"], by_hand)

    def draw(landmarks):
        np.savez(motion, points=by_hand[None])
        request = protocol.Draw(3, str(photo), str(motion), str(tmp_path), size=64, landmarks=landmarks)
        result = engine.ask(request).result
        return result["look"]["landmarks"], (tmp_path / "frame_00000.png").read_bytes()

    (mended_look, mended), (found_look, as_found) = draw(marks), draw(None)
    assert mended_look != found_look and mended != as_found
    assert draw(marks) == (mended_look, mended)
    again = engine.ask(protocol.Analyze(4, str(photo), str(tmp_path))).result
    assert again["landmarks"] == found["landmarks"]


@pytest.mark.weights
@pytest.mark.parametrize("marks", [[[1.0, 2.0]] * 68, [[0.0, 0.0, 0.0]] * 67, [[float("nan")] * 3] * 68])
def test_landmarks_of_the_wrong_shape_are_refused(engine, photo, speech, tmp_path, marks):
    motion = str(tmp_path / "motion.npz")
    end = engine.ask(protocol.Speak(1, str(photo), str(speech), motion, (12, 1), landmarks=marks))
    assert isinstance(end, protocol.Failed) and end.code == "BAD_VALUE"


@pytest.mark.weights
def test_cancel_stops_the_drawing_and_the_next_request_is_answered(engine, photo, tmp_path):
    found = engine.ask(protocol.Analyze(1, str(photo), str(tmp_path)))
    points = np.repeat(np.float32(found.result["landmarks"])[None], 5000, axis=0)
    points[:, 8, 1] += np.arange(5000) / 100  # 800 pictures, each to be drawn
    np.savez(tmp_path / "long.npz", points=points)
    engine.send(protocol.Draw(2, str(photo), str(tmp_path / "long.npz"), str(tmp_path)))
    while not isinstance(engine.events.get(timeout=PATIENCE), protocol.Frame):
        pass
    engine.send(protocol.Cancel(3, target=2))
    assert isinstance(engine.until_end(2)[-1], protocol.Stopped)
    assert isinstance(engine.ask(protocol.Hello(4)), protocol.Done)
    drawn = len(list(tmp_path.glob("frame_*.png")))
    assert 0 < drawn < 5000 and not list(tmp_path.glob(".*partial"))


@pytest.mark.weights
def test_motion_file_of_the_wrong_shape_is_named(engine, photo, tmp_path):
    np.savez(tmp_path / "odd.npz", points=np.zeros((3, 5)))
    end = engine.ask(protocol.Draw(1, str(photo), str(tmp_path / "odd.npz"), str(tmp_path)))
    assert isinstance(end, protocol.Failed) and end.code == "MOTION_UNREADABLE"
