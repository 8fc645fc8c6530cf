"""Arguments that several verbs of the command line share, and the choices that they make."""

from __future__ import annotations

import argparse
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .types import SpeakSettings, kind_of

if TYPE_CHECKING:
    from .production import Animate


_NOT_IN_FILES = set('/\\:*?"<>|')


def add_face(parser: argparse.ArgumentParser) -> None:
    """The photo and which face in it."""
    parser.add_argument("photo", type=Path)
    parser.add_argument(
        "--landmarks", dest="detector", default="mediapipe", help="mediapipe, or fan as in the paper"
    )
    parser.add_argument("--face", type=int, help="which face, 0 = the largest")
    parser.add_argument(
        "--point",
        type=float,
        nargs=2,
        metavar=("X", "Y"),
        help="which face, by a place on it in photo pixels",
    )


def add_speech(parser: argparse.ArgumentParser) -> None:
    """The speech, its span and what shapes the motion."""
    parser.add_argument("speech", type=Path)
    parser.add_argument("--fps", type=frame_rate, default=Fraction(25), help="25, 23.976, 30000/1001, …")
    parser.add_argument("--start", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--duration", type=float, metavar="SECONDS")
    group = parser.add_argument_group("motion", "amplitudes are factors: 1 = as predicted, 0 = off")
    for setting in fields(SpeakSettings):
        default = "" if setting.default is None else f" (default: {setting.default})"
        group.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=kind_of(setting),
            default=setting.default,
            choices=setting.metadata.get("choices"),
            help=setting.metadata["about"] + default,
        )


def add_drawing(parser: argparse.ArgumentParser) -> None:
    """How the frames look and where they are computed."""
    parser.add_argument("--style", default="ink", help="see `lpcore styles`")
    parser.add_argument("--size", type=int, help="side of the face crop in pixels, or limit of the photo's")
    parser.add_argument("--canvas", choices=("crop", "photo"), default="crop")
    parser.add_argument("--engine", default="auto", help="warp, generator or auto = the best here")
    parser.add_argument("--background", action="store_true", help="draw what lies behind the person too")
    parser.add_argument("--device", default="", help="cpu, cuda or mps")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Words for people or lines for programs."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of words")


def choices(options: argparse.Namespace) -> Animate:
    """What the arguments choose; what a verb has no argument for stays as it is by default.

    Raises LpError ``BAD_VALUE`` for settings out of range.
    """
    from .production import Animate

    given = vars(options)
    values: dict[str, Any] = {f.name: given[f.name] for f in fields(Animate) if f.name in given}
    if values["point"]:
        values["point"] = tuple(values["point"])
    if "canvas" in values and values["size"] is None:
        values["size"] = 512 if values["canvas"] == "crop" else 0
    settings = {f.name: given[f.name] for f in fields(SpeakSettings) if f.name in given}
    return Animate(**values, settings=SpeakSettings(**settings))


def frame_rate(text: str) -> Fraction:
    """Argument type: 25, 23.976, 30000/1001."""
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"not a frame rate: {text}") from error
    if not 1 <= fps <= 240:
        raise argparse.ArgumentTypeError("the frame rate must lie between 1 and 240")
    return fps


def positive(text: str) -> int:
    """Argument type: a whole number, at least 1."""
    try:
        number = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a whole number: {text}") from error
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def named_folder(text: str) -> tuple[str, Path]:
    """Argument type: NAME=FOLDER, where NAME can be part of a file's name on every system."""
    name, sign, folder = text.partition("=")
    if not (name and sign and folder):
        raise argparse.ArgumentTypeError(f"not NAME=FOLDER: {text}")
    if wrong := sorted({letter for letter in name if letter in _NOT_IN_FILES or not letter.isprintable()}):
        raise argparse.ArgumentTypeError(f"a name must not have {wrong[0]!r} in it: {name!r}")
    return name, Path(folder)
