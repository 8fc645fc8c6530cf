"""Shots drawn straight from files, no .blend involved: one by one or from a list in CSV, JSON or TOML.

A shot's folder holds ``motion.npz`` and ``frames/``, in which ``recipe.json`` is written last: a shot whose recipe is
what is asked for is complete.
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from . import takes
from .engine import Engine
from .lpcore import protocol
from .lpcore.errors import Cancelled, LpError
from .lpcore.finish import Finish
from .lpcore.types import SpeakSettings, kind_of

FRAMES = "frames"
PATHS = ("photo", "speech", "out")
Watch = Callable[[protocol.Event], None]


@dataclass(frozen=True)
class Shot:
    """One photo, one speech, one folder, how to move and how to draw; with those of `settings`, the columns of a list.

    fps: "25", "23.976", "30000/1001". size: None = 512 for the face, unlimited for the photo. ink, paper: #rrggbb.
    """

    photo: Path
    speech: Path
    out: Path
    name: str = ""
    style: str = "ink"
    method: str = "auto"
    canvas: str = "crop"
    size: int | None = None
    background: bool = False
    fps: str = "25"
    start: float = 0.0
    duration: float | None = None
    face: int | None = None
    line_weight: float = 0.0
    ink: str = "#000000"
    paper: str = "#ffffff"
    alpha: bool = False
    mark: bool = True
    exr: bool = False
    settings: SpeakSettings = field(default_factory=SpeakSettings)

    @property
    def title(self) -> str:
        """How the shot is called in reports."""
        return self.name or self.out.name

    def finish(self) -> Finish:
        """Raises LpError ``BAD_VALUE``."""
        return Finish(self.line_weight, _colour(self.ink), _colour(self.paper), self.alpha, self.mark)

    def recipe(self) -> dict[str, Any]:
        """What is asked for, ready for JSON."""
        values = {**asdict(self), "name": self.title}
        told = {name: str(value) if name in PATHS else value for name, value in values.items()}
        for name in ("photo", "speech"):
            told[f"{name}_changed"] = _stamp(getattr(self, name))
        if self.settings.style_audio:
            told["style_audio_changed"] = _stamp(Path(self.settings.style_audio))
        return told

    def is_complete(self) -> bool:
        """Whether the shot's folder holds just what is asked for."""
        try:
            made = json.loads((self.out / FRAMES / takes.RECIPE).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        frames = [self.out / FRAMES / takes.frame_name(index) for index in range(made.get("frames", 0))]
        return made.get("shot") == self.recipe() and bool(frames) and all(path.is_file() for path in frames)


SETTINGS = {setting.name: kind_of(setting) for setting in fields(SpeakSettings)}
KINDS = {
    one.name: {"int": int, "float": float, "bool": bool, "Path": Path, "str": str}[
        str(one.type).removesuffix(" | None")
    ]
    for one in fields(Shot)
    if one.name != "settings"
} | SETTINGS
"""Column of a shot list -> what its values are made of."""


def read(path: Path) -> list[Shot]:
    """The shots of a list; relative paths start at the list's folder. Raises LpError ``SHOTS_UNREADABLE``.

    JSON: a list of tables, or {"defaults": {...}, "shots": [...]}; TOML: [defaults] and [[shot]]; CSV: a header row.
    The columns are the fields of `Shot` and of `SpeakSettings`; an empty cell or null means the default.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = {".csv": _from_csv, ".json": _from_json, ".toml": _from_toml}[path.suffix.lower()](text)
        return [_shot(row, path.parent.absolute(), number) for number, row in enumerate(rows, start=1)]
    except KeyError as error:
        raise LpError("SHOTS_UNREADABLE", f"{path.name} is neither .csv nor .json nor .toml") from error
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise LpError("SHOTS_UNREADABLE", f"{path}: {error}") from error


def render(shot: Shot, engine: Engine, options: Mapping[str, Any], watch: Watch) -> Mapping[str, Any]:
    """Draw a shot; returns the result of `protocol.Draw`. Raises LpError for whatever stands in the way.

    options: fields of `protocol.Draw` that say where frames are kept.
    """
    finish, fps = shot.finish(), _fps(shot.fps)
    folder, motion = shot.out / FRAMES, shot.out / takes.MOTION
    size = shot.size if shot.size is not None else (512 if shot.canvas == "crop" else 0)
    photo, speech = str(shot.photo.absolute()), str(shot.speech.absolute())
    said = ask(
        engine,
        protocol.Speak(
            engine.next_id(),
            photo,
            speech,
            str(motion),
            fps=(fps.numerator, fps.denominator),
            face=shot.face,
            start=shot.start,
            duration=shot.duration,
            settings=asdict(shot.settings),
        ),
        watch,
    )
    drawn = ask(
        engine,
        protocol.Draw(
            engine.next_id(),
            photo,
            str(motion),
            str(folder),
            face=shot.face,
            style=shot.style,
            size=size,
            canvas=shot.canvas,
            engine=shot.method,
            background=shot.background,
            finish=finish.to_dict(),
            former=[str(folder)],
            exr=shot.exr,
            recipe={"shot": shot.recipe(), **takes.made_from(said)},
            **options,
        ),
        watch,
    )
    for path in folder.glob(f"{takes.PREFIX}*.png"):  # of an earlier, longer run
        if path.name >= takes.frame_name(drawn["frames"]):
            path.unlink()
            path.with_suffix(".exr").unlink(missing_ok=True)
    return drawn


def ask(engine: Engine, request: protocol.Request, watch: Watch) -> Mapping[str, Any]:
    """Send a request and wait for its end; returns its result. Raises LpError or Cancelled."""
    engine.send(request)
    while True:
        for event in engine.poll(0.1):
            if event.id != request.id:
                continue
            watch(event)
            if isinstance(event, protocol.Failed):
                raise LpError(event.code, event.detail)
            if isinstance(event, protocol.Stopped):
                raise Cancelled
            if isinstance(event, protocol.Done):
                return event.result


def _from_csv(text: str) -> Iterator[Mapping[str, Any]]:
    for row in csv.DictReader(text.splitlines(), skipinitialspace=True):
        if None in row:
            raise ValueError(f"the row {row.get('name') or row} has more cells than the header")
        yield {name.strip(): cell.strip() for name, cell in row.items() if cell and cell.strip()}


def _from_json(text: str) -> list[Mapping[str, Any]]:
    read = json.loads(text)
    return read if isinstance(read, list) else [read.get("defaults", {}) | row for row in read["shots"]]


def _from_toml(text: str) -> list[Mapping[str, Any]]:
    read = tomllib.loads(text)
    return [read.get("defaults", {}) | row for row in read.get("shot", [])]


def _shot(row: Mapping[str, Any], folder: Path, number: int) -> Shot:
    unknown = set(row) - set(KINDS)
    if unknown:
        raise ValueError(f"shot {number} has a column {sorted(unknown)[0]!r}; there are {', '.join(KINDS)}")
    missing = [name for name in PATHS if not row.get(name)]
    if missing:
        raise ValueError(f"shot {number} lacks {' and '.join(missing)}")
    values = {
        name: _converted(value, KINDS[name], f"shot {number}, {name}")
        for name, value in row.items()
        if value is not None
    }
    paths = {name: folder / values.pop(name) for name in PATHS}
    if values.get("style_audio"):
        values["style_audio"] = str(folder / values["style_audio"])
    try:
        settings = SpeakSettings(**{name: values.pop(name) for name in SETTINGS if name in values})
    except LpError as error:
        raise ValueError(f"shot {number}: {error.detail}") from error
    return replace(Shot(**paths, settings=settings), **values)


def _converted(value: Any, kind: type, place: str) -> Any:
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                value.lower()
            ]
        return kind(value)
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{place}: {value!r} will not do") from error


def _colour(text: str) -> tuple[int, int, int]:
    digits = text.removeprefix("#")
    try:
        if len(digits) != 6:
            raise ValueError
        parts = bytes.fromhex(digits)
    except ValueError as error:
        raise LpError("BAD_VALUE", f"a colour is written #rrggbb, not {text}") from error
    return parts[0], parts[1], parts[2]


def _fps(text: str) -> Fraction:
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise LpError("BAD_VALUE", f"not a frame rate: {text}") from error
    if not 1 <= fps <= 240:
        raise LpError("BAD_VALUE", f"the frame rate must lie between 1 and 240, not {text}")
    return fps


def _stamp(path: Path) -> list[int]:
    """Tells whether a source was exchanged since."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
