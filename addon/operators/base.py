"""What the operators that use the engine share: modal with progress in a window, synchronous without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import bpy
from bpy.types import Event, Scene, Timer

from .. import compat, jobs, measured
from ..compat import Context
from ..lpcore.errors import LpError

if TYPE_CHECKING:
    from bpy.types import Operator
else:
    Operator = object  # Blender wants its own class as the direct base of what is registered

Returned = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
INTERVAL = 0.1


def scene_of(uid: int, kept: Path | None = None) -> Scene:
    """The scene a job was made for. Raises LpError ``SCENE_GONE``, naming the folder of what is kept."""
    scene = compat.by_uid(bpy.data.scenes, uid)
    if scene is None:
        raise LpError(
            "SCENE_GONE", f"the frames are kept in {kept}" if kept else "start again in another scene"
        )
    return scene


PANELS = ("SEQUENCE_EDITOR", "PREFERENCES")
"""The areas that tell of jobs."""


class WaitingOperator(Operator):
    """Base of the operators whose button is grey while a job runs, and while `require` says so."""

    @staticmethod
    def require(scene: Scene) -> None:
        """Raise the LpError that says why this cannot be done now; quick, called at every redraw."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            running = jobs.current()
            if running:
                raise LpError("BUSY", running.title)
            cls.require(compat.sequencer_scene(context))
        except LpError as error:
            cls.poll_message_set(str(error))
            return False
        return True


class JobOperator(WaitingOperator):
    """Base of the operators whose work is one `jobs.Job`, made by a subclass's `make_job`."""

    bl_options = {"UNDO"}

    title = ""
    """What the job is called while it runs and in its outcome: "Drawing"."""

    _job: jobs.Job
    _timer: Timer | None = None

    @staticmethod
    def make_job(scene: Scene) -> jobs.Job:
        """Everything the job needs, taken from the scene. May raise LpError."""
        raise NotImplementedError

    def execute(self, context: Context) -> Returned:
        """To the end in one go: scripts, and Blender without a window."""
        if not self._begin(context):
            return {"CANCELLED"}
        self._job.run()
        return self._report()

    def invoke(self, context: Context, event: Event) -> Returned:
        if bpy.app.background:
            return self.execute(context)
        if not self._begin(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(INTERVAL, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> Returned:
        if event.type == "ESC" and event.value == "PRESS":
            self._job.cancel()
            return {"RUNNING_MODAL"}
        # While Blender renders, its render thread reads the sequencer: nothing may land.
        if event.type != "TIMER" or bpy.app.is_job_running("RENDER"):
            return {"PASS_THROUGH"}
        over = self._job.pump()
        self._show_progress(context)
        if not over:
            return {"PASS_THROUGH"}
        self._stop_watching(context)
        return self._report()

    def cancel(self, context: Context) -> None:
        """Blender ends the operator, for example because its window closes."""
        self._job.abandon()
        self._stop_watching(context)

    def _begin(self, context: Context) -> bool:
        try:
            self._job = self.make_job(compat.sequencer_scene(context))
            jobs.begin(self._job)
        except LpError as error:
            jobs.refuse(self.title, error)
            compat.redraw(context, PANELS)
            self.report({"ERROR"}, str(error))
            return False
        return True

    def _report(self) -> Returned:
        job = self._job
        measured.remember_greeting()
        levels: dict[jobs.State, Any] = {jobs.State.FAILED: {"ERROR"}, jobs.State.STOPPED: {"WARNING"}}
        self.report(levels.get(job.state, {"INFO"}), job.outcome)
        # A note means that something landed, which must be one step of undo.
        return {"FINISHED"} if job.note else {"CANCELLED"}

    def _show_progress(self, context: Context) -> None:
        compat.redraw(context, PANELS)
        if context.workspace:
            job = self._job
            context.workspace.status_text_set(
                None if job.over else f"Line Portrait: {job.phase}, {job.fraction:.0%}    Esc to cancel"
            )

    def _stop_watching(self, context: Context) -> None:
        if self._timer:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace:
            context.workspace.status_text_set(None)
