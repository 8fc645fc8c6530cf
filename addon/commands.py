"""The commands without a window, ``blender -b shot.blend --command lineportrait VERB …``; see `usage`."""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from . import engine, jobs, measured, order, plan, portrait, preferences, shots, strips, takes, usage
from .lpcore import protocol
from .lpcore.errors import LpError, as_lp_error
from .lpcore.types import SpeakSettings
from .lpcore.version import __version__
from .operators import analyze, draw, speak
from .report import Report

JOBS = {
    "analyze": analyze.LINEPORTRAIT_OT_analyze,
    "speak": speak.LINEPORTRAIT_OT_speak,
    "render": draw.LINEPORTRAIT_OT_draw,
}


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        options = usage.parse(argv)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    report = Report(options.json)
    try:
        RUN[options.verb](options, report)
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
    listed = shots.read(options.shots) if options.shots else [_shot(options)]
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


def _shot(options: argparse.Namespace) -> shots.Shot:
    """The shot that the options of --photo describe. Raises LpError ``BAD_VALUE``."""
    given = {name: value for name, value in vars(options).items() if value is not None and value is not False}
    if "style_audio" in given:
        given["style_audio"] = str(Path(given["style_audio"]).resolve())
    settings = SpeakSettings(**{name: given[name] for name in shots.SETTINGS if name in given})
    look = {name: given[name] for name in usage.SHOT_OPTIONS if name in given}
    return shots.Shot(options.photo, options.speech, options.out, settings=settings, **look)


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


RUN = {
    "render": _portraits,
    "speak": _portraits,
    "analyze": _portraits,
    "list": _list,
    "doctor": _doctor,
}

CLASSES = ()
_handle: Any = None


def register() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(usage.NAME, main)


def unregister() -> None:
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
