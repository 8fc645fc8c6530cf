"""A worker that speaks the protocol without torch: canned landmarks, a mouth that opens and closes, plain PNGs.

The environment variable FAKE_WORKER, a JSON object, lets it misbehave in one verb, after some frames if wanted:
{"verb": "draw", "after": 3, "then": "fail" | "die" | "hang" | "pause" | "misunderstand", "code": "DISK_FULL"}.
"pause" waits for Cancel and obeys it, "hang" ignores it. {"protocol": 99} greets with a foreign version.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lpcore import frame_keys, points68, protocol
from lpcore.finish import Finish
from lpcore.frame_store import FrameStore, Take, signed

MOOD = json.loads(os.environ.get("FAKE_WORKER", "{}"))
PHOTO = "0" * 64
CROP = {"centre": [200.0, 180.0], "scale": 1.0, "roll": 0.0}
DRAWN_BY = {"ink": "ink's networks", "pen": MOOD.get("pen", "pen's networks")}
OPENING = 24.0  # crop units of the widest mouth


def face() -> np.ndarray:
    """(68, 3) float32 landmarks of a plain face in crop units, lips closed."""
    points = np.zeros((68, 3), np.float32)
    angle = np.linspace(np.pi, 0, 17)
    points[:17, 0], points[:17, 1] = 256 + 150 * np.cos(angle), 260 + 170 * np.sin(angle)
    for first, left in ((17, 140), (22, 290)):
        points[first : first + 5, 0] = left + np.arange(5) * 20
        points[first : first + 5, 1] = 190 - 10 * np.sin(np.linspace(0, np.pi, 5))
    points[27:31, 0], points[27:31, 1] = 256, np.linspace(220, 290, 4)
    points[31:36, 0], points[31:36, 1] = np.linspace(230, 282, 5), 305
    for first, x in ((36, 180), (42, 332)):
        around = np.radians([180, 240, 300, 0, 60, 120])
        points[first : first + 6, 0] = x + 26 * np.cos(around)
        points[first : first + 6, 1] = 225 + 10 * np.sin(around)
    outer = np.radians(np.arange(12) * 30 + 180)
    points[48:60, 0], points[48:60, 1] = 256 + 50 * np.cos(outer), 360 + 16 * np.sin(outer)
    points[60:68, 0] = 256 + 40 * np.cos(np.radians(np.arange(8) * 45 + 180))
    points[60:68, 1] = 360
    points[:, 2] = -0.2 * np.abs(150 - np.abs(points[:, 0] - 256))
    return points


def talk(frames: int) -> np.ndarray:
    """(T, 68, 3) displacement: closed in the first and last quarter, between them opening twice, wider and wider."""
    middle = np.clip((np.arange(frames) / max(frames - 1, 1) - 0.25) / 0.5, 0, 1)
    opening = OPENING * np.sin(middle * 2 * np.pi) ** 2 * (0.6 + 0.4 * middle)
    moved = np.zeros((frames, 68, 3), np.float32)
    for upper, lower in points68.INNER_LIP_PAIRS + points68.OUTER_LIP_PAIRS:
        moved[:, upper, 1] -= opening / 3
        moved[:, lower, 1] += opening * 2 / 3
    moved[:, 4:13, 1] += (opening * 2 / 3)[:, None]
    return moved


def picture(points: np.ndarray, size: int) -> bytes:
    """An 8-bit grey PNG: landmarks as dots, the open mouth as a black box, on white paper."""
    image = np.full((size, size), 255, np.uint8)
    at = np.clip(points[:, :2] * size / 512, 1, size - 2).astype(int)
    image[at[:, 1], at[:, 0]] = 0
    image[at[62, 1] : at[66, 1], at[61, 0] : at[63, 0]] = 0
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def say(event: protocol.Event) -> None:
    sys.stdout.write(protocol.encode(event))
    sys.stdout.flush()


class Ended(Exception):
    """The request has been answered already."""


def misbehave(request: protocol.Request, done: int = 0) -> None:
    if MOOD.get("verb") != request.verb or MOOD.get("after", 0) != done:
        return
    if MOOD["then"] == "die":
        print("RuntimeError: the fake worker was told to die", file=sys.stderr, flush=True)
        os._exit(7)
    if MOOD["then"] == "misunderstand":
        say(protocol.Failed(-1, "BAD_REQUEST", "what?"))
        raise Ended
    if MOOD["then"] == "fail":
        say(protocol.Failed(request.id, MOOD["code"], MOOD.get("detail", "")))
        raise Ended
    for line in sys.stdin:
        heard = protocol.decode_request(line)
        if MOOD["then"] == "pause" and isinstance(heard, protocol.Cancel) and heard.target == request.id:
            say(protocol.Stopped(request.id))
            raise Ended
    sys.exit()


def hello(request: protocol.Hello) -> dict:
    weights = [
        {"name": "static_drawer", "present": True, "size": 3_100_000, "licence": "CC0-1.0", "source": "own"},
        {
            "name": "face_mesh",
            "present": not MOOD.get("weights_missing"),
            "size": 1_200_000,
            "licence": "Apache-2.0",
            "source": "MediaPipe",
        },
    ]
    styles = [
        {
            "name": name,
            "title": name.title(),
            "about": f"Drawn in {name}",
            "best": "warp",
            "drawn_by": {"warp": digest},
        }
        for name, digest in DRAWN_BY.items()
    ]
    return {
        "protocol": MOOD.get("protocol", protocol.VERSION),
        "version": "0.1.0",
        "python": sys.version.split()[0],
        "torch": "none",
        "device": "cpu",
        "weights": weights,
        "weights_folder": "weights",
        "styles": styles,
    }


def need_photo(request: protocol.Analyze | protocol.Speak) -> None:
    if not Path(request.photo).is_file():
        say(protocol.Failed(request.id, "PHOTO_MISSING", request.photo))
        raise Ended


def analyze(request: protocol.Analyze) -> dict:
    need_photo(request)
    misbehave(request)
    return {
        "photo_sha256": PHOTO,
        "photo_size": [640, 480],
        "faces": [[100.0 + 250 * nth, 80.0, 200.0, 200.0, 0.9] for nth in range(MOOD.get("faces", 1))],
        "face": request.face or 0,
        "crop": CROP,
        "landmarks": face().tolist(),
        "confidence": [1.0] * 68,
        "crop_image": request.photo,
        "photo_image": request.photo,
    }


def source(request: protocol.Speak | protocol.Draw) -> np.ndarray:
    """(68, 3) float32 landmarks of the photo, as found or as put right by hand."""
    return face() if request.landmarks is None else np.array(request.landmarks, np.float32)


def speak(request: protocol.Speak) -> dict:
    assert Path(request.audio).is_file()
    need_photo(request)
    misbehave(request)
    frames = request.frames or 18
    moved = talk(frames) * request.settings["lips"]
    neutral = source(request)
    Path(request.motion).parent.mkdir(parents=True, exist_ok=True)
    with Path(request.motion).open("wb") as file:
        np.savez(
            file,
            points=neutral + moved,
            neutral=neutral,
            lips=moved,
            fps=np.array(request.fps, np.int64),
            start=np.float64(request.start),
        )
    return {
        "motion": request.motion,
        "frames": frames,
        "seconds": 0.1,
        "audio_sha256": "a" * 64,
        "style_sha256": "",
        "detector": "mediapipe",
        "weights": {"hama": "b" * 64},
    }


def draw(request: protocol.Draw) -> dict:
    with np.load(request.motion, allow_pickle=False) as arrays:
        points = frame_keys.snapped(arrays["points"])
    chosen = list(range(len(points))) if request.frames is None else request.frames
    points = points[chosen]
    Path(request.folder).mkdir(parents=True, exist_ok=True)
    look = frame_keys.look(
        PHOTO, request.face or 0, source(request), CROP, style=request.style, size=request.size, canvas=request.canvas,
        background=request.background, drawn_by=DRAWN_BY[request.style],
    )  # fmt: skip
    keys = frame_keys.finished_keys(frame_keys.drawing_keys(look, points), Finish.from_dict(request.finish))
    store = FrameStore(Path(request.store) if request.store else None, [Path(f) for f in request.former])
    take = Take(Path(request.folder), request.prefix, chosen, keys, store)
    done = 0

    def complete(indices) -> None:
        nonlocal done
        for index in indices:
            say(protocol.Frame(request.id, index, str(take.path(index))))
            done += 1
            say(protocol.Phase(request.id, "Drawing", done / len(keys)))

    complete(take.gather())
    drawn = 0
    for key in list(take.missing):
        misbehave(request, drawn)
        image = picture(points[keys.index(key)], request.size or 480)
        complete(take.add(key, signed(image, key, {})))
        drawn += 1
    misbehave(request, -1)
    result = {
        "frames": len(keys),
        "drawn": drawn,
        "finished": 0,
        "seconds": 0.1,
        "drawing_seconds": 0.1,
        "bytes": take.written,
        "style": request.style,
        "size": [request.size, request.size],
        "engine": "warp",
        "device": "cpu",
        "version": "0.1.0",
        "look": look,
    }
    if request.recipe is not None:
        recipe = {**request.recipe, **result, "keys": keys}
        (Path(request.folder) / "recipe.json").write_text(json.dumps(recipe))
    return result


def trace(request: protocol.Trace) -> dict:
    """Every frame is a square with a square hole; the first two frames show the same."""
    misbehave(request)
    folder = Path(request.folder)
    folder.mkdir(parents=True, exist_ok=True)
    square = np.array([[100, 100], [200, 100], [200, 200], [100, 200]], np.float32)
    count = len(request.frames)
    lines = [
        line + max(index - 1, 0) for index in range(count) for line in (square, (square - 150) / 2 + 150)
    ]
    for index in range(count):
        (folder / f"frame_{index:05d}.svg").write_text("<svg/>")
    target = folder / "lines.npz"
    np.savez(
        target,
        points=np.concatenate(lines),
        lengths=np.full(2 * count, 4, np.int32),
        holes=np.tile([False, True], count),
        frames=np.repeat(np.arange(count, dtype=np.int32), 2),
        size=np.array([384, 384], np.int32),
    )
    return {"lines": str(target), "frames": count, "seconds": 0.1}


ANSWERS = {"hello": hello, "analyze": analyze, "speak": speak, "draw": draw, "trace": trace}


def main() -> None:
    for line in sys.stdin:
        request = protocol.decode_request(line)
        if isinstance(request, protocol.Cancel):
            continue
        try:
            say(protocol.Phase(request.id, "Working", 0.0))
            say(protocol.Done(request.id, ANSWERS[request.verb](request)))
        except Ended:
            pass


if __name__ == "__main__":
    main()
