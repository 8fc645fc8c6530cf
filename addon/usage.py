"""The words that ``blender --command lineportrait`` understands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from . import shots
from .lpcore.types import SpeakSettings, kind_of
from .lpcore.version import __version__

NAME = "lineportrait"
SHOT_OPTIONS = (
    "style", "method", "canvas", "size", "background", "fps", "start", "duration", "face", "line_weight", "ink",
    "paper", "alpha", "exr",
)  # fmt: skip
"""The columns of a shot list that are options too, besides the settings of the motion."""

DESCRIPTION = """Line Portrait without a window: ``blender -b shot.blend --command lineportrait VERB …``.

Exit codes: 0 done, 1 failed for a reason that can be mended, 2 wrong usage, 3 unforeseen error, 4 some of several
portraits or shots failed and the others are done, 130 interrupted. With ``--json`` standard output carries one JSON
object a line: {"event": "begin" | "phase" | "frame" | "done" | "failed" | "skipped", "what": portrait or shot, …}, at
last {"event": "end", "done", "failed", "skipped", "code"}. Blender prints words of its own, so read the lines that
begin with a brace.
"""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command; raises SystemExit for wrong usage and --help, as argparse does."""
    options = _parser().parse_args(list(words))
    _check(options)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    texts = {
        "render": "draw the frames; what is not analysed or spoken yet is done first",
        "speak": "predict the motion and lay it on the rig",
        "analyze": "find the faces",
    }
    for name, text in texts.items():
        verb = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        which = verb.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_true", help="every portrait of every scene")
        which.add_argument(
            "--portrait", metavar="NAME", help="one portrait of the scene; default: the active one"
        )
        verb.add_argument("--scene", metavar="NAME", help="default: the scene that the file opens with")
        verb.add_argument("--save", action="store_true", help="save the .blend file afterwards")
        _add_json(verb)
        if name == "render":
            _add_render(verb)
    for name, text in (
        ("list", "the portraits of the file, and what is still to be drawn"),
        ("doctor", "whether engine, model files and folders are ready"),
    ):
        verb = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        _add_json(verb)
    return parser


def _add_render(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--frames",
        type=_span,
        metavar="A:B",
        help="only these timeline frames, both ends included; no strip is changed",
    )
    verb.add_argument("--resume", action="store_true", help="leave out what is complete already")
    verb.add_argument("--out", type=Path, metavar="DIR", help="where the frames go")
    verb.add_argument("--photo", type=Path, help="draw straight from files: the photo …")
    verb.add_argument("--speech", type=Path, help="… and its speech; --out is needed too")
    verb.add_argument(
        "--shots", type=Path, metavar="LIST", help="draw the shots of a .csv, .json or .toml list"
    )
    for name in SHOT_OPTIONS:
        flag, kind = f"--{name.replace('_', '-')}", shots.KINDS[name]
        if kind is bool:
            verb.add_argument(flag, action="store_true", help="with --photo")
        else:
            verb.add_argument(flag, type=kind, help="with --photo")
    group = verb.add_argument_group(
        "motion, with --photo", "amplitudes are factors: 1 = as predicted, 0 = off"
    )
    for setting in fields(SpeakSettings):
        group.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=kind_of(setting),
            choices=setting.metadata.get("choices"),
            help=setting.metadata["about"],
        )


def _add_json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="one JSON object a line instead of words")


def _span(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    try:
        span = int(first), int(last if colon else first)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"frames are written A:B, not {text}") from error
    if span[1] < span[0]:
        raise argparse.ArgumentTypeError(f"{text} ends before it begins")
    return span


def _check(options: argparse.Namespace) -> None:
    """End with wrong usage where options do not go together."""
    if options.verb != "render":
        return
    usage = _parser()
    if options.photo or options.speech:
        if not (options.photo and options.speech and options.out):
            usage.error("--photo, --speech and --out belong together")
        if options.shots or options.all or options.portrait or options.frames:
            usage.error(
                "--photo draws the whole speech: --all, --portrait, --frames and --shots do not go with it"
            )
    elif options.shots and (options.all or options.portrait or options.out or options.frames):
        usage.error("--shots names its own folders and no portraits")
    elif options.frames and not options.out:
        usage.error("--frames draws a part, say with --out where it shall go")
