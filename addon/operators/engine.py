"""The buttons of the preferences: check and install the engine, copy a report for a bug tracker."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from bpy.types import Event, Operator, Scene, Timer

from .. import compat, install, jobs, measured, preferences
from ..compat import Context
from ..engine import shared
from ..lpcore import protocol
from ..lpcore.errors import LpError
from ..lpcore.version import __version__
from .base import INTERVAL, PANELS, JobOperator, Returned

LAST_LINES = 30


class LINEPORTRAIT_OT_check_engine(JobOperator, Operator):
    title = "Checking the engine"
    bl_idname = "lineportrait.check_engine"
    bl_label = "Check Engine"
    bl_description = "Start the engine anew and show its versions, device and weights with their licences"
    bl_options = {"INTERNAL"}

    @staticmethod
    def make_job(scene: Scene) -> jobs.Job:
        shared.stop()
        engine = preferences.start_engine()

        def land(said: Mapping[str, Any]) -> str:
            missing = [weight["name"] for weight in said["weights"] if not weight["present"]]
            if missing:
                raise LpError("WEIGHTS_MISSING", ", ".join(missing))
            return f"The engine is ready: lpcore {said['version']} on {said['device']}."

        title = LINEPORTRAIT_OT_check_engine.title
        return jobs.Job(engine, scene, title, protocol.Hello(engine.next_id()), land)


class LINEPORTRAIT_OT_install_engine(Operator):
    bl_idname = "lineportrait.install_engine"
    bl_label = "Install Engine"
    bl_description = (
        "Make an environment of its own for the engine and fill it: PyTorch, lpcore and the model files, "
        "one to five gigabytes. Blender's own Python stays as it is. Goes online"
    )

    _timer: Timer | None = None

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            if not bpy.app.online_access:
                raise LpError("OFFLINE")
            install.source_of(preferences.engine_source())
            if install.progress():
                raise LpError("BUSY", "Install Engine")
        except LpError as error:
            cls.poll_message_set(str(error))
            return False
        return True

    def execute(self, context: Context) -> Returned:
        self._begin()
        while not self._going().pump():
            pass
        return self._end()

    def invoke(self, context: Context, event: Event) -> Returned:
        if bpy.app.background:
            return self.execute(context)
        self._begin()
        self._timer = context.window_manager.event_timer_add(INTERVAL, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Returned:
        if event.type == "ESC" and event.value == "PRESS":
            self._going().cancel()
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        compat.redraw(context, PANELS)
        if not self._going().pump():
            return {"PASS_THROUGH"}
        self.cancel(context)
        return self._end()

    def cancel(self, context: Context) -> None:
        if self._timer:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None

    def _begin(self) -> None:
        shared.stop()
        install.begin(
            Path(sys.executable),
            preferences.own_folder() / "engine",
            install.source_of(preferences.engine_source()),
            install_log(),
        )

    def _going(self) -> install.Install:
        assert install.current
        return install.current

    def _end(self) -> Returned:
        done = self._going()
        if done.error:
            self.report({"ERROR"}, f"{done.error} ({install_log()})")
            return {"CANCELLED"}
        preferences.choose_engine(done.python)
        self.report({"INFO"}, "The engine is installed.")
        return {"FINISHED"}


class LINEPORTRAIT_OT_copy_report(Operator):
    bl_idname = "lineportrait.copy_report"
    bl_label = "Copy Report"
    bl_description = (
        "Copy versions, device, weights and the end of the log, without your files, for a bug report"
    )

    def execute(self, context: Context) -> Returned:
        context.window_manager.clipboard = report()
        self.report({"INFO"}, "The report is in the clipboard.")
        return {"FINISHED"}


def install_log() -> Path:
    """What the last installation said."""
    return preferences.own_folder() / "install.log"


def report() -> str:
    """Versions, engine, weights, last outcome and the end of the log, the user's folder shortened to ~."""
    said, last = measured.greeting(), jobs.last()
    try:
        engine = str(preferences.engine_python())
    except LpError as error:
        engine = str(error)
    lines = [
        f"Line Portrait {__version__}, Blender {bpy.app.version_string}, {platform.platform()}",
        f"Engine: {engine}",
        f"lpcore {said.get('version')}, Python {said.get('python')}, torch {said.get('torch')}, "
        f"device {said.get('device')}",
        *(
            f"  {weight['name']}: {'present' if weight['present'] else 'MISSING'}, {weight['licence']}"
            for weight in said.get("weights", ())
        ),
        preferences.disk_space(),
        f"Last: {last.title}: {last.outcome}" if last else "Last: nothing yet",
        "",
    ]
    try:
        lines += preferences.log_file().read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
    except OSError:
        lines.append("no log")
    return "\n".join(lines).replace(str(Path.home()), "~")


CLASSES = (LINEPORTRAIT_OT_check_engine, LINEPORTRAIT_OT_install_engine, LINEPORTRAIT_OT_copy_report)
