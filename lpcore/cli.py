"""The command line: `lpcore animate | speak | draw | weights | register | styles | train | evaluate`.

Exit codes: 0 done, 1 failed for a reason the user can mend (one sentence on standard error), 2 wrong usage,
3 unforeseen error, 130 cancelled. With `--json`, standard output carries one JSON object a line:
{"event": "phase", "phase", "fraction"}, then {"event": "done", ...} or {"event": "failed", "code", "detail",
"message"}.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cli_arguments import add_drawing, add_face, add_json, add_speech, choices
from .errors import LpError, as_lp_error
from .messages import sentence
from .version import __version__

TRAINERS = {
    "drawer": "lpcore.train.drawer",
    "content": "lpcore.train.content",
    "speaker": "lpcore.train.speaker",
    "synthetic": "lpcore.train.synthetic",
    "drawing-landmarks": "lpcore.train.drawing_landmarks",
    "pack": "lpcore.train.pack",
    "flow": "lpcore.train.flow",
    "generator": "lpcore.train.generator",
    "face-shapes": "lpcore.train.face_shapes",
}

EVALUATIONS = {
    "motion": "lpcore.evaluate.motion",
    "drawing": "lpcore.evaluate.drawing",
    "reading": "lpcore.evaluate.reading",
    "table": "lpcore.evaluate.table",
    "ablation": "lpcore.evaluate.ablation",
    "study": "lpcore.evaluate.study",
}


class Reporter:
    """Tells a person (progress bar) or a program (JSON lines) how the work goes."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._bar: Any = None

    def progress(self, phase: str, fraction: float) -> None:
        if self._json:
            self._line(event="phase", phase=phase, fraction=round(fraction, 4))
            return
        if self._bar is None:
            from tqdm import tqdm

            form = "{desc:<24}{percentage:3.0f}% |{bar}| {elapsed}"
            self._bar = tqdm(total=1.0, bar_format=form, disable=None)
        self._bar.set_description_str(phase, refresh=False)
        self._bar.update(fraction - self._bar.n)

    def done(self, text: str, **values: Any) -> None:
        self._close()
        if self._json:
            self._line(event="done", **values)
        else:
            print(text)

    def failed(self, code: str, detail: str) -> None:
        self._close()
        if self._json:
            self._line(event="failed", code=code, detail=detail, message=sentence(code, detail))
        else:
            print(sentence(code, detail), file=sys.stderr)

    def _line(self, **values: Any) -> None:
        print(json.dumps(values), flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore", description="Talking portrait line drawings.")
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    animate = verbs.add_parser("animate", help="photo and speech to a talking line drawing")
    add_face(animate)
    add_speech(animate)
    animate.add_argument("-o", "--out", type=Path, required=True, help="folder for film, frames and motion")
    add_drawing(animate)
    add_json(animate)
    animate.set_defaults(run=_animate)

    speak = verbs.add_parser("speak", help="photo and speech to a motion file")
    add_face(speak)
    add_speech(speak)
    speak.add_argument("-o", "--out", type=Path, required=True, help="motion file, .json or .npz")
    speak.add_argument("--cues", type=Path, help="write Rhubarb's mouth cues too, .tsv or .json")
    speak.add_argument("--lips-from", type=Path, metavar="CUES", help="move the lips by a file of mouth cues")
    add_json(speak)
    speak.set_defaults(run=_speak)

    draw = verbs.add_parser("draw", help="photo and motion file to frames")
    add_face(draw)
    draw.add_argument("motion", type=Path, help="what `lpcore speak` wrote")
    draw.add_argument("-o", "--out", type=Path, required=True, help="folder for the frames")
    add_drawing(draw)
    add_json(draw)
    draw.set_defaults(run=_draw)

    weights = verbs.add_parser("weights", help="list or fetch the model files")
    actions = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("list", _weights_list, "which model files are here, with their licences"),
        ("fetch", _weights_fetch, "fetch the model files that are missing (the only step that goes online)"),
    ):
        action = actions.add_parser(name, help=text)
        if name == "fetch":
            action.add_argument(
                "names", nargs="*", metavar="NAME", help="these alone, such as networks for measuring"
            )
        add_json(action)
        action.set_defaults(run=run)

    action = actions.add_parser("import", help="convert the paper's published checkpoints for use here")
    folder = action.add_mutually_exclusive_group(required=True)
    folder.add_argument("--animateportrait", type=Path, metavar="DIR", help="the authors' drawing networks")
    folder.add_argument(
        "--makeittalk", type=Path, metavar="DIR", help="MakeItTalk's speech networks and tables"
    )
    add_json(action)
    action.set_defaults(run=_weights_import)

    register = verbs.add_parser("register", help="let the Blender add-on find this engine")
    add_json(register)
    register.set_defaults(run=_register)

    styles = verbs.add_parser("styles", help="list the drawing styles")
    add_json(styles)
    styles.set_defaults(run=_styles)

    train = verbs.add_parser("train", help="train a network")
    train.add_argument("network", choices=sorted(TRAINERS))
    train.add_argument("arguments", nargs=argparse.REMAINDER)
    train.set_defaults(run=_train, json=False)

    evaluate = verbs.add_parser("evaluate", help="measure the engine against its goals")
    evaluate.add_argument("what", choices=sorted(EVALUATIONS))
    evaluate.add_argument("arguments", nargs=argparse.REMAINDER)
    evaluate.set_defaults(run=_evaluate, json=False)
    return parser


def _animate(options: argparse.Namespace, reporter: Reporter) -> None:
    from .production import animate

    made = animate(options.photo, options.speech, options.out, choices(options), reporter.progress)
    text = f"{made.count} frames in {made.frames}\nFilm: {made.film}"
    reporter.done(
        text, film=str(made.film), frames=str(made.frames), recipe=str(made.recipe), count=made.count
    )


def _speak(options: argparse.Namespace, reporter: Reporter) -> None:
    from .production import speak_to_file

    motion = speak_to_file(
        options.photo,
        options.speech,
        options.out,
        choices(options),
        lips_from=options.lips_from,
        cues=options.cues,
        progress=reporter.progress,
    )
    reporter.done(f"{len(motion)} frames in {options.out}", motion=str(options.out), count=len(motion))


def _draw(options: argparse.Namespace, reporter: Reporter) -> None:
    from .production import draw_to_folder

    count = draw_to_folder(options.photo, options.motion, options.out, choices(options), reporter.progress)
    reporter.done(f"{count} frames in {options.out}", frames=str(options.out), count=count)


def _weights_list(options: argparse.Namespace, reporter: Reporter) -> None:
    from .weights import listing

    entries = listing()
    rows = [
        f"{'here' if e['present'] else 'MISSING':8}{e['name']:24}{e['size'] / 1e6:6.1f} MB  "
        f"{e['licence']:20} {e['source']}"
        for e in entries
    ]
    reporter.done("\n".join(rows), weights=entries)


def _weights_fetch(options: argparse.Namespace, reporter: Reporter) -> None:
    from .weights import cache_folder, fetch

    fetch(options.names or None, progress=reporter.progress)
    reporter.done(f"All model files are in {cache_folder()}", folder=str(cache_folder()))


def _weights_import(options: argparse.Namespace, reporter: Reporter) -> None:
    from .weights import convert

    if options.makeittalk:
        report = convert.import_makeittalk(options.makeittalk, reporter.progress)
    else:
        report = convert.import_animateportrait(options.animateportrait, reporter.progress)
    rows = [f"converted  {name:26}{count:>11,} parameters" for name, count in report.converted.items()]
    rows += [f"not found  {name:26}{member}" for name, member in report.missing.items()]
    reporter.done("\n".join(rows), **vars(report))


def _register(options: argparse.Namespace, reporter: Reporter) -> None:
    from .pointer import point_here

    pointer = point_here()
    reporter.done(f"Blender will find this engine ({pointer})", python=sys.executable, pointer=str(pointer))


def _styles(options: argparse.Namespace, reporter: Reporter) -> None:
    from .drawing.styles import available

    rows = [f"{style.name:15}{style.about}" for style in available()]
    reporter.done("\n".join(rows), styles=[vars(style) for style in available()])


def _train(options: argparse.Namespace, reporter: Reporter) -> None:
    _hand_over(TRAINERS[options.network], options.arguments)


def _evaluate(options: argparse.Namespace, reporter: Reporter) -> None:
    _hand_over(EVALUATIONS[options.what], options.arguments)


def _hand_over(module: str, arguments: list[str]) -> None:
    """Let the module's own command line do the work."""
    try:
        importlib.import_module(module).main(arguments)
    except FileNotFoundError as error:
        raise LpError("DATA_MISSING", str(error.filename or error)) from error


def guarded(run: Callable[[], None], reporter: Reporter) -> int:
    """Run and turn every ending into an exit code; unforeseen errors leave a traceback only with LPCORE_DEBUG."""
    try:
        run()
    except LpError as error:
        reporter.failed(error.code, error.detail)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("LPCORE_DEBUG"):
            traceback.print_exc()
        cause = as_lp_error(error, "the work in hand")
        reporter.failed(cause.code, cause.detail)
        return 1 if cause.code == "OUT_OF_MEMORY" else 3
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A narrow console must not turn a path it cannot show into a failure.
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(argv)
    reporter = Reporter(options.json)
    return guarded(lambda: options.run(options, reporter), reporter)
