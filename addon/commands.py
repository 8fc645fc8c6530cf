"""Line Portrait without a window: ``blender -b shot.blend --command lineportrait VERB …``.

Exit codes: 0 done, 1 failed for a reason that can be mended, 2 wrong usage, 3 unforeseen error, 4 some of several
portraits or shots failed and the others are done, 130 interrupted. With ``--json`` standard output carries one JSON
object a line: {"event": "begin" | "phase" | "frame" | "done" | "failed" | "skipped", "what": portrait or shot, …}, at
last {"event": "end", "done", "failed", "skipped", "code"}. Blender prints words of its own, so read the lines that
begin with a brace.
"""

from __future__ import annotations

import argparse
import json
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from . import engine, jobs, measured, order, plan, portrait, preferences, shots, strips, takes
from .lpcore import protocol
from .lpcore.errors import LpError, as_lp_error
from .lpcore.version import __version__
from .operators import analyze, draw, speak

NAME = "lineportrait"
PART_FAILED = 4
JOBS = {
    "analyze": analyze.LINEPORTRAIT_OT_analyze,
    "speak": speak.LINEPORTRAIT_OT_speak,
    "render": draw.LINEPORTRAIT_OT_draw,
}
SHOT_OPTIONS = (
    "style", "method", "canvas", "size", "background", "fps", "start", "duration", "face", "line_weight", "ink",
    "paper", "alpha", "exr", "seed",
)  # fmt: skip


class Report:
    """Tells a person (words) or a program (JSON lines) how the work goes, and counts."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._what, self._phase = "", ""
        self.done: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []

    def begin(self, what: str) -> None:
        self._what, self._phase = what, ""
        self.line("begin", what=what)

    def watch(self, event: protocol.Event) -> None:
        """An event of the engine."""
        if isinstance(event, protocol.Phase):
            self.line("phase", what=self._what, phase=event.phase, fraction=round(event.fraction, 4))
            if not self._json and event.phase != self._phase:
                self._phase = event.phase
                self.say(f"{self._what}: {event.phase}")
        elif isinstance(event, protocol.Frame):
            self.line("frame", what=self._what, index=event.index, path=event.path)

    def finish(self, told: str, **values: Any) -> None:
        self.done.append(self._what)
        self.line("done", what=self._what, message=told, **values)
        self.say(f"{self._what}: {told}")

    def skip(self, why: str) -> None:
        self.skipped.append(self._what)
        self.line("skipped", what=self._what, message=why)
        self.say(f"{self._what}: {why}")

    def fail(self, error: LpError) -> None:
        self.failed.append(self._what)
        self.line("failed", what=self._what, code=error.code, detail=error.detail, message=str(error))
        self.say(f"{self._what + ': ' if self._what else ''}{error}")

    def end(self) -> int:
        """The exit code."""
        code = 0 if not self.failed else PART_FAILED if self.done or self.skipped else 1
        counts = {name: len(getattr(self, name)) for name in ("done", "failed", "skipped")}
        self.line("end", **counts, code=code)
        if sum(counts.values()) > 1:
            self.say(", ".join(f"{count} {name}" for name, count in counts.items() if count))
        return code

    def line(self, event: str, **values: Any) -> None:
        """One JSON line, where these are wanted."""
        if self._json:
            os.write(1, (json.dumps({"event": event, **values}) + "\n").encode())

    def say(self, text: str) -> None:
        """One line for a person."""
        if not self._json:
            os.write(1, (text + "\n").encode("utf-8", "replace"))


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        options = _parser().parse_args(list(argv))
        _check(options)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    report = Report(options.json)
    try:
        options.run(options, report)
    except LpError as error:
        report.fail(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # one net: a farm wants a code, not a traceback alone
        traceback.print_exc()
        report.fail(as_lp_error(error, options.verb))
        return 3
    finally:
        engine.shared.stop()
    return report.end()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME,
        description=__doc__,
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
        verb.set_defaults(run=_portraits)
        if name == "render":
            _add_render(verb)
    for name, run, text in (
        ("list", _list, "the portraits of the file, and what is still to be drawn"),
        ("doctor", _doctor, "whether engine, model files and folders are ready"),
    ):
        verb = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        _add_json(verb)
        verb.set_defaults(run=run)
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
    known = {field.name: field for field in shots.fields(shots.Shot)}
    for name in SHOT_OPTIONS:
        flag, kind = f"--{name.replace('_', '-')}", str(known[name].type).removesuffix(" | None")
        text = "with --photo"
        if kind == "bool":
            verb.add_argument(flag, action="store_true", help=text)
        else:
            verb.add_argument(flag, type={"int": int, "float": float, "str": str}[kind], help=text)


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
            usage.error("--photo draws no portrait of a .blend file and no shot list")
    elif options.shots and (options.all or options.portrait or options.out or options.frames):
        usage.error("--shots names its own folders and no portraits")
    elif options.frames and not options.out:
        usage.error("--frames draws a part, say with --out where it shall go")


# portraits of the file


def _portraits(options: argparse.Namespace, report: Report) -> None:
    if options.verb == "render" and (options.photo or options.shots):
        _shots(options, report)
        return
    for scene, uid in _chosen(options):
        portrait.activate(scene, uid)
        report.begin(portrait.values(scene).name)
        try:
            if options.verb == "render" and options.out:
                _render_to(scene, options, report)
            elif options.verb == "render" and options.resume and _is_drawn(scene):
                report.skip("all frames are there")
            else:
                report.finish(_do(options.verb, scene, report))
        except LpError as error:
            report.fail(error)
    if options.save and report.done:
        if not bpy.data.filepath:
            raise LpError("BAD_VALUE", "--save needs a .blend file that was opened")
        bpy.ops.wm.save_mainfile()


def _chosen(options: argparse.Namespace) -> list[tuple[bpy.types.Scene, str]]:
    here: Any = bpy.context.scene
    if options.scene:
        here = bpy.data.scenes.get(options.scene)
        if here is None:
            raise LpError("BAD_VALUE", f"there is no scene {options.scene}")
    if options.all:
        scenes: Iterable[Any] = [here] if options.scene else bpy.data.scenes
        found = [(scene, one.uid) for scene in scenes for one in portrait.every(scene)]
        if not found:
            raise LpError("NO_PORTRAIT", "the file has no portraits")
        return found
    if options.portrait:
        return [(here, portrait.find(here, options.portrait).uid)]
    return [(here, portrait.values(here).uid)]


def _do(verb: str, scene: Any, report: Report) -> str:
    """Run a verb on the active portrait, what it needs first; returns what it told."""
    if verb != "analyze":
        _if_needed(lambda: portrait.analysis(scene), "analyze", scene, report)
    if verb == "render":
        _if_needed(lambda: portrait.spoken(scene), "speak", scene, report)
    job = JOBS[verb].make_job(scene)
    job.watch = report.watch
    jobs.begin(job)
    job.run()
    measured.remember_greeting()
    if job.error:
        raise _with_note(job.error, job.note) if job.note else job.error
    return job.note


def _with_note(error: LpError, note: str) -> LpError:
    """The error with what was kept nevertheless."""
    return LpError(error.code, f"{error.detail} ({note.rstrip('.')})")


def _if_needed(look: Callable[[], object], verb: str, scene: Any, report: Report) -> None:
    try:
        look()
    except LpError as error:
        if error.code not in ("NOT_ANALYZED", "NOT_SPOKEN"):
            raise
        _do(verb, scene, report)


def _is_drawn(scene: Any) -> bool:
    """Whether the active portrait's strip shows just the frames that a Draw would make."""
    try:
        wanted = order.of(scene)
    except LpError:
        return False
    strip = strips.find(scene, wanted.portrait)
    if strip is None:
        return False
    take = strips.folder_of(strip)
    keys = wanted.keys(order.sample(scene, wanted))
    there = all((take / takes.frame_name(index)).is_file() for index in range(len(keys)))
    return there and takes.read_recipe(take).get("keys") == keys


def _render_to(scene: Any, options: argparse.Namespace, report: Report) -> None:
    """Draw frames of the active portrait into a folder; the speech's first frame is number 0 there."""
    _if_needed(lambda: portrait.analysis(scene), "analyze", scene, report)
    _if_needed(lambda: portrait.spoken(scene), "speak", scene, report)
    wanted = order.of(scene)
    folder = options.out / bpy.path.clean_name(wanted.name) if options.all else options.out
    first, last = options.frames or (wanted.heard.first, wanted.heard.first + wanted.heard.frames - 1)
    begin, end = max(first - wanted.heard.first, 0), min(last - wanted.heard.first, wanted.heard.frames - 1)
    if begin > end:
        raise LpError("NO_FRAMES")
    worker = preferences.start_engine()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise takes.write_error(error, folder) from error
    motion = takes.write_motion(folder, order.sample(scene, wanted))
    former = [folder.absolute(), *plan.former_takes(scene, wanted)]
    request = order.draw_request(
        wanted, worker.next_id(), motion.absolute(), folder.absolute(), former, list(range(begin, end + 1))
    )
    result = shots.ask(worker, request, report.watch)
    report.finish(draw.told(result, False), folder=str(folder), **_figures(result))


# straight from files


def _shots(options: argparse.Namespace, report: Report) -> None:
    given = {name: getattr(options, name) for name in SHOT_OPTIONS}
    given = {name: value for name, value in given.items() if value not in (None, False)}
    listed = (
        shots.read(options.shots)
        if options.shots
        else [shots.Shot(options.photo, options.speech, options.out, **given)]
    )
    kept = {"store": str(preferences.store_folder() or ""), "store_limit": preferences.store_limit()}
    for shot in listed:
        report.begin(shot.title)
        if options.resume and shot.is_complete():
            report.skip("all frames are there")
            continue
        try:
            result = shots.render(shot, preferences.start_engine(), kept, report.watch)
            report.finish(draw.told(result, False), folder=str(shot.out), **_figures(result))
        except LpError as error:
            report.fail(error)
    measured.remember_greeting()


def _figures(result: Any) -> dict[str, Any]:
    return {name: result.get(name) for name in ("frames", "drawn", "finished", "seconds", "bytes")}


# what is there


def _list(options: argparse.Namespace, report: Report) -> None:
    for scene in bpy.data.scenes:
        for one in portrait.every(scene):
            told = dict(_described(scene, one))
            report.line("portrait", what=one.name, **told)
            report.say(f"{one.name}: " + ", ".join(f"{name} {value}" for name, value in told.items()))


def _described(scene: Any, one: Any) -> Iterator[tuple[str, Any]]:
    yield "scene", scene.name
    yield "photo", str(bpy.path.abspath(one.photo))
    strip = strips.find(scene, one.uid)
    yield "take", str(strips.folder_of(strip)) if strip else ""
    try:
        known = plan.make(scene, one.uid)
        yield "frames", known.frames
        yield "to_draw", known.to_draw
    except LpError as error:
        yield "state", error.code


def _doctor(options: argparse.Namespace, report: Report) -> None:
    report.line("doctor", what="Blender", message=bpy.app.version_string)
    report.say(f"Blender {bpy.app.version_string}, Line Portrait {__version__}")
    report.begin("engine")
    worker = preferences.start_engine()
    said = shots.ask(worker, protocol.Hello(worker.next_id()), report.watch)
    report.finish(
        f"lpcore {said['version']}, Python {said['python']}, torch {said['torch']}, on {said['device']}",
        python=str(preferences.engine_python()),
        **{name: said[name] for name in ("version", "torch", "device")},
    )
    measured.remember_greeting()
    report.begin("weights")
    missing = [weight["name"] for weight in said["weights"] if not weight["present"]]
    if missing:
        report.fail(LpError("WEIGHTS_MISSING", ", ".join(missing)))
    else:
        licences = {weight["name"]: weight["licence"] for weight in said["weights"]}
        report.finish(f"{len(licences)} model files are here", licences=licences)
    report.begin("styles")
    report.finish(", ".join(style["title"] for style in said["styles"]))
    report.begin("frame store")
    report.finish(f"{preferences.store_folder() or 'off'}, {preferences.disk_space()}")


CLASSES = ()
_handle: Any = None


def register() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, main)


def unregister() -> None:
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
