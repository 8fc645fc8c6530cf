"""How a command without a window tells of its work: words for a person, JSON lines for a program; it counts, too."""

from __future__ import annotations

import json
import os
from typing import Any

from .lpcore import protocol
from .lpcore.errors import LpError

PART_FAILED = 4
"""Exit code where some of several portraits or shots failed and the others are done."""


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
