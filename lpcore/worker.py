"""The engine process: `python -m lpcore.worker` answers `protocol` requests until its input ends.

Threads: the main thread does the work, in a `session.Session`; a reader thread takes requests, answers `Cancel` at
once and ends the process when the add-on is gone. Both write events through one lock.
"""

from __future__ import annotations

import argparse
import os
import queue
import threading
import traceback
from collections.abc import Callable
from typing import IO

from . import protocol
from .errors import Cancelled, LpError, as_lp_error
from .preload import DRAWING, preload
from .session import Session


class Worker:
    """Connects a session to a pair of pipes; `leave` is called with 0 when the input ends."""

    def __init__(
        self, session: Session, source: IO[str], sink: IO[str], leave: Callable[[int], object] = os._exit
    ) -> None:
        self._session, self._source, self._sink, self._leave = session, source, sink, leave
        self._lock = threading.Lock()
        self._requests: queue.SimpleQueue[protocol.Request] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._open: set[int] = set()

    def run(self) -> None:
        """Answer requests in order; the end of the input ends the process."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            request = self._requests.get()
            self._finish(request.id, self._attempt(request))

    def _attempt(self, request: protocol.Request) -> protocol.Event:
        if request.id in self._cancelled:
            return protocol.Stopped(request.id)
        try:
            return protocol.Done(request.id, self._session.answer(request, self._report))
        except Cancelled:
            return protocol.Stopped(request.id)
        except LpError as error:
            return protocol.Failed(request.id, error.code, error.detail)
        except Exception as error:
            traceback.print_exc()
            cause = as_lp_error(error, request.verb)
            return protocol.Failed(request.id, cause.code, cause.detail)

    def _report(self, event: protocol.Event) -> None:
        if event.id in self._cancelled:
            raise Cancelled
        self._write(event)

    def _finish(self, number: int, event: protocol.Event) -> None:
        with self._lock:
            ended = number not in self._open
            self._open.discard(number)
        if not ended:
            self._write(event)
        self._cancelled.discard(number)

    def _read(self) -> None:
        try:
            self._take_requests()
        finally:
            # The add-on is gone: nobody wants the work in hand, and a computing thread cannot be interrupted.
            self._leave(0)

    def _take_requests(self) -> None:
        for line in self._source:
            try:
                request = protocol.decode_request(line)
            except LpError as error:
                self._write(protocol.Failed(-1, error.code, error.detail))
                continue
            if isinstance(request, protocol.Cancel):
                self._cancel(request.target)
            else:
                with self._lock:
                    self._open.add(request.id)
                self._requests.put(request)

    def _cancel(self, target: int) -> None:
        """Answer at once; the work itself stops at its next report."""
        with self._lock:
            if target not in self._open:
                return
            self._open.discard(target)
            self._cancelled.add(target)
        self._write(protocol.Stopped(target))

    def _write(self, event: protocol.Event) -> None:
        with self._lock:
            self._sink.write(protocol.encode(event))
            self._sink.flush()


def main() -> None:
    """Serve standard input and output; stray prints of libraries go to standard error."""
    parser = argparse.ArgumentParser(prog="python -m lpcore.worker", description=__doc__)
    parser.add_argument("--landmarks", default="mediapipe", help="mediapipe, or fan as in the paper")
    detector = parser.parse_args().landmarks
    preload(*DRAWING)
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    Worker(Session(detector), source, sink).run()


if __name__ == "__main__":
    main()
