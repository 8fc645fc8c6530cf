"""The messages between the add-on and the worker process: JSON, one object a line.

The add-on writes requests to the worker's standard input; the worker answers with events on its standard
output. Every event carries the `id` of its request. A request ends with exactly one of `Done`, `Failed` or
`Stopped`. Bulk data goes through files: landmarks as ``.npz``, frames as ``.png``. End of input means that the
add-on is gone and the worker exits. The module needs the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from .errors import LpError

VERSION = 3
"""Raised when a message changes in a way that an older partner cannot read."""


@dataclass(frozen=True)
class Hello:
    """Who is there? Answered by a `Done` whose result is
    {protocol, version, python, torch, device, weights: [{name, present, size, licence, source}], weights_folder,
    styles: [{name, title, about, best, drawn_by: {engine: digest}}]}; a style's `drawn_by` lists the engines that
    can draw it here, `best` being what "auto" stands for (see `frame_keys.look` for the digests).
    """

    verb: ClassVar[str] = "hello"
    id: int


@dataclass(frozen=True)
class Analyze:
    """Find the face in `photo`. Result: {photo_sha256, photo_size: [w, h], faces: [[left, top, width, height,
    score], …], face, crop: {centre, scale, roll}, landmarks: 68 x [x, y, z], confidence: 68 x float,
    crop_image: path, photo_image: path}. `face` picks by index, `point` (photo pixels) by place, neither = the
    largest. `folder` receives two upright PNG files: the face crop, and the photo made small.
    """

    verb: ClassVar[str] = "analyze"
    id: int
    photo: str
    folder: str
    face: int | None = None
    point: tuple[float, float] | None = None


@dataclass(frozen=True)
class Speak:
    """Predict the motion for a span of `audio`. Result: {motion: path, frames: T, seconds, audio_sha256,
    style_sha256: of `settings.style_audio` or "", detector, weights: {name: SHA-256} of what found and moved the face}.

    `start` and `duration` in seconds of the audio file (duration None = to its end), `fps` as [numerator,
    denominator]; `settings` as in `types.SpeakSettings`. `motion` is the ``.npz`` to write: arrays `points`
    (T, 68, 3), `neutral` (68, 3) and one per part, float32 crop units, and `fps` (2,) int64, `start` float64.
    `frames`, where given, is the exact number of frames wanted. `landmarks`, 68 x [x, y, z] crop units, stand in
    for those found in the photo, where a hand has put them right.
    """

    verb: ClassVar[str] = "speak"
    id: int
    photo: str
    audio: str
    motion: str
    fps: tuple[int, int]
    face: int | None = None
    point: tuple[float, float] | None = None
    start: float = 0.0
    duration: float | None = None
    frames: int | None = None
    landmarks: list[list[float]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draw:
    """Draw frames. A `Frame` event follows for each file that is complete. Result: {frames: count, drawn, finished,
    seconds, drawing_seconds: of the networks, bytes: of new frames, style, size: [w, h], engine, device, version,
    look}; frames that were at hand already count neither as drawn by the networks nor as finished anew.

    `motion` is an ``.npz`` with `points` (T, 68, 3) crop units; `frames` are indices into it (None = all);
    `folder` receives ``{prefix}{index:05d}.png``: 8-bit grey, paper 255, RGB for colours, RGBA for transparency.
    With `exr`, a half-float ``.exr`` for compositing lies beside each: scene-linear, alpha premultiplied.
    `canvas` is "crop" (size x size pixels) or "photo" (the photo's size; `size` then limits the longer side, 0 = no
    limit). `engine` is "auto", "warp" or "generator"; `background` draws what lies behind the person too; `finish`
    as in `finish.Finish`; `landmarks` as in `Speak`. `store` is the folder in which frames are kept by key ("" =
    none) up to `store_limit` bytes, `former` are folders of earlier takes whose frames may be used again. `recipe`,
    what the add-on knows of the take, is written to ``recipe.json`` in `folder` with the result and the frames' `keys`
    once all are complete, its `weights` joined by those that found and drew the face.
    """

    verb: ClassVar[str] = "draw"
    id: int
    photo: str
    motion: str
    folder: str
    face: int | None = None
    point: tuple[float, float] | None = None
    frames: list[int] | None = None
    landmarks: list[list[float]] | None = None
    prefix: str = "frame_"
    style: str = "ink"
    size: int = 512
    canvas: str = "crop"
    engine: str = "auto"
    background: bool = False
    finish: Mapping[str, Any] = field(default_factory=dict)
    store: str = ""
    store_limit: int = 0
    former: list[str] = field(default_factory=list)
    exr: bool = False
    recipe: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Trace:
    """Trace drawn PNG `frames` to vectors. Writes ``frame_#####.svg`` for each into `folder`, and ``lines.npz``, see
    `trace.trace_files`; `ink` is the colour of the SVG's lines. Result: {lines: path, frames: count, seconds}.
    """

    verb: ClassVar[str] = "trace"
    id: int
    frames: list[str]
    folder: str
    ink: str = "#000000"


@dataclass(frozen=True)
class Cancel:
    """Stop request `target`; that request ends with `Stopped`. `Cancel` itself gets no answer."""

    verb: ClassVar[str] = "cancel"
    id: int
    target: int


@dataclass(frozen=True)
class Phase:
    """Progress: `phase` is a word for the user, `fraction` in [0, 1] of the whole request."""

    event: ClassVar[str] = "phase"
    id: int
    phase: str
    fraction: float


@dataclass(frozen=True)
class Frame:
    """Frame `index` of the motion lies complete at `path`."""

    event: ClassVar[str] = "frame"
    id: int
    index: int
    path: str


@dataclass(frozen=True)
class Done:
    """The request is finished."""

    event: ClassVar[str] = "done"
    id: int
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Failed:
    """The request failed; `code` and `detail` are those of an `LpError`."""

    event: ClassVar[str] = "failed"
    id: int
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Stopped:
    """The request was cancelled."""

    event: ClassVar[str] = "stopped"
    id: int


Request = Hello | Analyze | Speak | Draw | Trace | Cancel
Event = Phase | Frame | Done | Failed | Stopped
ENDS = (Done, Failed, Stopped)

_REQUESTS: dict[str, type] = {kind.verb: kind for kind in (Hello, Analyze, Speak, Draw, Trace, Cancel)}
_EVENTS: dict[str, type] = {kind.event: kind for kind in (Phase, Frame, Done, Failed, Stopped)}


def encode(message: Request | Event) -> str:
    """The message as one line of JSON, newline included; non-ASCII is escaped, so any pipe encoding works."""
    tag = {"verb": message.verb} if isinstance(message, Request) else {"event": message.event}
    return json.dumps(tag | asdict(message)) + "\n"


def decode_request(line: str) -> Request:
    """The request in one line of JSON; raises LpError ``BAD_REQUEST`` for anything else."""
    return _decode(line, "verb", _REQUESTS)


def decode_event(line: str) -> Event:
    """The event in one line of JSON; raises LpError ``BAD_REQUEST`` for anything else."""
    return _decode(line, "event", _EVENTS)


def _decode(line: str, tag: str, kinds: Mapping[str, type]) -> Any:
    try:
        values = json.loads(line)
        message = kinds[values.pop(tag)](**values)
        for part in fields(message):
            if not _fits(getattr(message, part.name), str(part.type)):
                raise TypeError(part.name)
        return message
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LpError("BAD_REQUEST", f"{line.strip()[:120]!r} ({type(error).__name__}: {error})") from error


def _fits(value: Any, declared: str) -> bool:
    """Whether `value`, fresh from JSON, is what a field's annotation declares."""
    kind = declared.removesuffix(" | None")
    if value is None:
        return kind != declared
    if kind.startswith(("tuple[", "list[")):
        inner = kind[kind.index("[") + 1 : -1].split(", ")
        if not isinstance(value, list) or (kind.startswith("tuple") and len(value) != len(inner)):
            return False
        return all(_fits(item, inner[0]) for item in value)
    if isinstance(value, bool):
        return kind == "bool"
    plain: dict[str, Any] = {"int": int, "float": (int, float), "str": str}
    return isinstance(value, plain.get(kind, Mapping))
