"""One request on its way through the engine, and what becomes of its result.

Who may touch what: a `Job` takes a snapshot of everything it needs when it is made and lives on the main thread;
`pump` is called from there, by a modal operator's timer or a plain loop. Only `digest`, pure computation on the
engine's result, runs in a thread of its own and leaves its outcome in a queue. `land` and `salvage` change the
scene; they look scenes and objects up anew, because these may have been renamed, undone or deleted meanwhile.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .engine import Engine
from .lpcore import protocol
from .lpcore.errors import LpError

NOT_UNDERSTOOD = -1
"""The id under which the engine complains of a request that it cannot read."""


class State(Enum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Job:
    """A request, from sending it to landing its result.

    title: what the user asked for, a noun for sentences such as "Drawing is still running".
    request: the message to send.
    land: takes the digested result into the scene and returns a sentence for the user.
    digest: turns the engine's result into what `land` takes, in a thread; must not touch bpy.
    salvage: called when the job ends early, with the indices of the frames that lie complete; returns a sentence
        on what was kept.
    """

    cancel_grace = 3.0
    """Seconds after which an engine that ignores Cancel is ended."""

    def __init__(
        self,
        engine: Engine,
        scene: bpy.types.Scene,
        title: str,
        request: protocol.Request,
        land: Callable[[Any], str],
        digest: Callable[[Mapping[str, Any]], Any] | None = None,
        salvage: Callable[[list[int]], str] | None = None,
    ) -> None:
        self.engine = engine
        self.scene_uid = scene.session_uid
        self.title = title
        self.request = request
        self.state = State.RUNNING
        self.phase = "Starting the engine"
        self.fraction = 0.0
        self.note = ""
        self.error: LpError | None = None
        self.cancelling = False
        self.watch: Callable[[protocol.Event], None] = lambda event: None
        """Called with every event of the request, for those who tell of it elsewhere."""
        self._land, self._digest, self._salvage = land, digest, salvage
        self._frames: list[int] = []
        self._digested: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._cancel_deadline = float("inf")

    @property
    def over(self) -> bool:
        """Whether there is nothing left to pump."""
        return self.state is not State.RUNNING

    def send(self) -> None:
        """Hand the request to the engine. Raises LpError ``ENGINE_DIED``."""
        self.engine.send(self.request)

    def pump(self, timeout: float = 0.0) -> bool:
        """Take in what has happened, waiting up to `timeout` seconds for news; returns `over`."""
        if self.over:
            return True
        try:
            for event in self.engine.poll(timeout):
                if event.id in (self.request.id, NOT_UNDERSTOOD):
                    self._take(event)
            self._take_digested()
            if not self.over and time.monotonic() > self._cancel_deadline:
                self.engine.stop(grace=0.0)
                self._end(State.STOPPED)
        except LpError as error:
            self._fail(error)
        except Exception as error:  # one net: a half-landed result must not leave the job running for ever
            traceback.print_exc()
            self._fail(LpError("INTERNAL", f"{type(error).__name__}: {error}"))
        return self.over

    def run(self) -> None:
        """Pump to the end; the way without a window."""
        while not self.pump(timeout=0.05):
            pass

    def cancel(self) -> None:
        """Ask the engine to stop; the job ends with one of the next pumps."""
        if self.over or self.cancelling:
            return
        self.cancelling, self.phase = True, "Stopping"
        self._cancel_deadline = time.monotonic() + self.cancel_grace
        try:
            self.engine.send(protocol.Cancel(self.engine.next_id(), self.request.id))
        except LpError as error:
            self._fail(error)

    def abandon(self) -> None:
        """Stop without touching any scene, because the file that it was for is being closed."""
        self._salvage = None
        self.cancel()
        if not self.over:
            self.state = State.STOPPED

    def _take(self, event: protocol.Event) -> None:
        self.watch(event)
        if isinstance(event, protocol.Phase):
            if not self.cancelling:
                self.phase = event.phase[:1].upper() + event.phase[1:]
                self.fraction = min(max(event.fraction, 0.0), 1.0)
        elif isinstance(event, protocol.Frame):
            self._frames.append(event.index)
        elif isinstance(event, protocol.Stopped):
            self._end(State.STOPPED)
        elif isinstance(event, protocol.Failed):
            self._fail(LpError(event.code, event.detail))
        elif self._digest is None:
            self._finish(event.result)
        else:
            threading.Thread(target=self._run_digest, args=(event.result,), daemon=True).start()

    def _run_digest(self, result: Mapping[str, Any]) -> None:
        assert self._digest
        try:
            self._digested.put(self._digest(result))
        except Exception as error:  # carried to the main thread, which raises it
            self._digested.put(error)

    def _take_digested(self) -> None:
        if self.over or self._digested.empty():
            return
        outcome = self._digested.get()
        if isinstance(outcome, Exception):
            raise outcome
        self._finish(outcome)

    def _finish(self, outcome: Any) -> None:
        if self.cancelling:
            self._end(State.STOPPED)
        else:
            self.note = self._land(outcome)
            self._end(State.DONE)

    def _fail(self, error: LpError) -> None:
        if self.cancelling:
            self._end(State.STOPPED)
            return
        self.error = error
        self._end(State.FAILED)

    def _end(self, state: State) -> None:
        self.state, self.fraction = state, 1.0
        if state is not State.DONE and self._salvage:
            salvage, self._salvage = self._salvage, None
            try:
                self.note = salvage(sorted(self._frames))
            except Exception as error:  # what went wrong first is what the user must read
                traceback.print_exc()
                self.note = str(error)

    @property
    def outcome(self) -> str:
        """One sentence on how the job ended."""
        if self.error:
            told = str(self.error)
        elif self.state is State.STOPPED:
            told = f"{self.title} cancelled."
        else:
            return self.note
        return f"{told} {self.note}".strip()


@dataclass(frozen=True)
class Refusal:
    """A job that could not even begin; reads like a `Job` that failed."""

    title: str
    error: LpError
    state: State = State.FAILED
    over: bool = True

    @property
    def outcome(self) -> str:
        return str(self.error)


_current: Job | None = None
_last: Job | Refusal | None = None


def current() -> Job | None:
    """The job that is running, if any."""
    return _current if _current and not _current.over else None


def last() -> Job | Refusal | None:
    """The job that was asked for last and is over, for its outcome to be shown."""
    return _last if _last and _last.over else None


def begin(job: Job) -> None:
    """Send a job off. Raises LpError ``BUSY`` while another one runs."""
    global _current, _last
    running = current()
    if running:
        raise LpError("BUSY", running.title)
    job.send()
    _current = _last = job


def refuse(title: str, error: LpError) -> None:
    """Note that a job could not begin."""
    global _last
    if current() is None:
        _last = Refusal(title, error)


def forget() -> None:
    """Drop the running job and the outcome of the last."""
    global _current, _last
    if _current:
        _current.abandon()
    _current = _last = None


@persistent
def _before_load(*_: Any) -> None:
    forget()


CLASSES = ()


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_before_load)
    forget()
