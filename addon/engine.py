"""The engine: another process in its own Python, spoken to in JSON lines (`lpcore.protocol`).

Threads: one thread reads the process's answers and only puts them into a queue. Everything else, and every
call of this module, happens on Blender's main thread. The module knows nothing of Blender.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from .lpcore import protocol
from .lpcore.errors import LpError
from .lpcore.pointer import pointer_file

PYTHON_VARIABLE = "LPCORE_PYTHON"
DEVICE_VARIABLE = "LPCORE_DEVICE"
INHERITED_BY_ACCIDENT = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
GRACE = 3.0  # seconds an engine gets to end by itself


def find_python(chosen: str = "") -> Path:
    """The engine's Python: the one chosen in the preferences, else LPCORE_PYTHON, else the pointer file's.

    Raises LpError ``NO_ENGINE``.
    """
    pointer = pointer_file()
    if chosen:
        found, told_by = chosen, "the add-on's preferences"
    elif os.environ.get(PYTHON_VARIABLE):
        found, told_by = os.environ[PYTHON_VARIABLE], f"the variable {PYTHON_VARIABLE}"
    elif pointer.is_file():
        found, told_by = _pointed_to(pointer), str(pointer)
    else:
        raise LpError("NO_ENGINE", "no engine has been set up on this machine")
    if not Path(found).is_file():
        raise LpError("NO_ENGINE", f"there is no Python at {found}, named by {told_by}")
    return Path(found)


def _pointed_to(pointer: Path) -> str:
    try:
        return str(json.loads(pointer.read_text("utf-8"))["python"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LpError("NO_ENGINE", f"{pointer} cannot be read ({type(error).__name__})") from error


def command(python: Path) -> list[str]:
    """How the engine is started."""
    return [str(python), "-I", "-m", "lpcore.worker"]


class Engine:
    """The process, started when first needed and kept between requests.

    Its first words are checked: `greeting` is the result of `protocol.Hello`, empty until it has come.
    """

    def __init__(self) -> None:
        self.greeting: Mapping[str, Any] = {}
        self.python: Path | None = None
        self.device = ""
        self._process: subprocess.Popen[str] | None = None
        self._events: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._log = Path()
        self._last_id = 0
        self._hello_id = 0

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self, python: Path, log: Path, device: str = "") -> None:
        """Start the process unless it runs in this Python and on this device ("" = its choice) already.

        What it says aside goes to the file `log`. Raises LpError ``NO_ENGINE``.
        """
        if self.running and (python, device) == (self.python, self.device):
            return
        self.stop()
        environment = {key: value for key, value in os.environ.items() if key not in INHERITED_BY_ACCIDENT}
        if device:
            environment[DEVICE_VARIABLE] = device
        flags: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            flags = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as errors:
                process = subprocess.Popen(
                    command(python),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=environment,
                    encoding="utf-8",
                    errors="replace",
                    **flags,
                )
        except OSError as error:
            raise LpError("NO_ENGINE", f"{python} cannot be started ({error.strerror})") from error
        self._process, self.python, self.device, self._log = process, python, device, log
        self._events = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process.stdout, self._events), daemon=True).start()
        self._hello_id = self.next_id()
        self.send(protocol.Hello(self._hello_id))

    def next_id(self) -> int:
        """A fresh number for a request."""
        self._last_id += 1
        return self._last_id

    def send(self, request: protocol.Request) -> None:
        """Hand over a request. Raises LpError ``ENGINE_DIED``."""
        if self._process is None or self._process.stdin is None:
            raise self._death()
        try:
            self._process.stdin.write(protocol.encode(request))
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._death() from error

    def poll(self, timeout: float = 0.0) -> list[protocol.Event]:
        """What the engine has said since; waits up to `timeout` seconds for a first word.

        Raises LpError ``ENGINE_DIED`` at the end of its output and ``ENGINE_VERSION`` for a foreign protocol.
        """
        if self._process is None:
            raise self._death()
        events: list[protocol.Event] = []
        with contextlib.suppress(queue.Empty):
            line = self._events.get(timeout=timeout) if timeout else self._events.get_nowait()
            while True:
                if line is None:
                    if not events:
                        raise self._death()
                    self._events.put(None)  # what was said before the end comes first
                    return events
                event = protocol.decode_event(line)
                if event.id == self._hello_id:
                    self._take_greeting(event)
                else:
                    events.append(event)
                line = self._events.get_nowait()
        return events

    def stop(self, grace: float = GRACE) -> None:
        """End the process: it leaves by itself when its input closes; after `grace` seconds it is killed."""
        process, self._process = self._process, None
        self.greeting = {}
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()

    def _take_greeting(self, event: protocol.Event) -> None:
        if isinstance(event, protocol.Failed):
            raise LpError(event.code, event.detail)
        if isinstance(event, protocol.Done):
            theirs = event.result.get("protocol")
            if theirs != protocol.VERSION:
                self.stop()
                raise LpError(
                    "ENGINE_VERSION", f"the engine speaks protocol {theirs}, the add-on {protocol.VERSION}"
                )
            self.greeting = event.result

    def _death(self) -> LpError:
        """The error of a process that is gone, with its exit status and last words."""
        process = self._process
        self.stop()
        status = f"exit status {process.returncode}" if process else "not running"
        try:
            words = self._log.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            words = []
        return LpError("ENGINE_DIED", ", ".join([status, *(word.strip() for word in words[-1:])]))


def _read(stream: IO[str], events: queue.SimpleQueue[str | None]) -> None:
    """Runs in the reader thread; None marks the end of the output."""
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            events.put(line)
    events.put(None)


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


shared = Engine()
"""The one engine of this Blender."""

CLASSES = ()


def register() -> None:
    atexit.register(shared.stop)


def unregister() -> None:
    atexit.unregister(shared.stop)
    shared.stop()
