"""Install the engine: an environment of its own, filled by pip, step by step in a thread; knows nothing of Blender.

Threads: one thread runs the steps and leaves lines in a queue; `pump` is called on the main thread.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .engine import INHERITED_BY_ACCIDENT
from .lpcore.errors import LpError

LEAST_PYTHON = (3, 11)


def source_of(chosen: str) -> Path:
    """The project folder or wheel to install from. Raises LpError ``NO_SOURCE``."""
    if not chosen:
        raise LpError("NO_SOURCE", "no source of lpcore is chosen")
    path = Path(chosen)
    if (path / "pyproject.toml").is_file() or (path.suffix == ".whl" and path.is_file()):
        return path
    raise LpError("NO_SOURCE", f"{path} is neither a folder with a pyproject.toml nor a wheel")


def python_in(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def steps(base: Path, folder: Path, source: Path) -> list[tuple[str, list[str]]]:
    """(what the user is told, command) in order."""
    python = str(python_in(folder))
    return [
        ("Making the environment", [str(base), "-I", "-m", "venv", "--clear", str(folder)]),
        (
            "Installing PyTorch and lpcore",
            [python, "-I", "-m", "pip", "install", "--disable-pip-version-check", str(source)],
        ),
        ("Fetching the model files", [python, "-I", "-m", "lpcore", "weights", "fetch"]),
        ("Trying the engine", [python, "-I", "-c", "import lpcore.worker"]),
    ]


class Install:
    """One installation on its way.

    over: whether nothing runs any more; then `error` says why it failed, or `python` is ready to be used.
    """

    def __init__(self, plan: Sequence[tuple[str, list[str]]], python: Path, log: Path) -> None:
        self.python, self.error, self.over = python, None, False
        self.phase, self.fraction = plan[0][0], 0.0
        self._plan, self._log = plan, log
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False
        self._news: queue.SimpleQueue[tuple[str, float] | LpError | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def pump(self) -> bool:
        """Take in what has happened; returns `over`."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, tuple):
                self.phase, self.fraction = news
            else:
                self.error, self.over = news, True
        return self.over

    def cancel(self) -> None:
        """Stop; `over` soon."""
        self._cancelled = True
        if self._process:
            self._process.terminate()

    def _run(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in INHERITED_BY_ACCIDENT}
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("w", encoding="utf-8") as log:
                for number, (title, command) in enumerate(self._plan):
                    done = number / len(self._plan)
                    self._news.put((title, done))
                    last = ""
                    self._process = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        encoding="utf-8",
                        errors="replace",
                    )
                    for line in self._process.stdout or ():
                        log.write(line)
                        log.flush()
                        last = line.strip() or last
                        self._news.put((f"{title}: {_short(last)}", done))
                    if self._process.wait() or self._cancelled:
                        why = "cancelled" if self._cancelled else f"{title.lower()} failed: {last}"
                        self._news.put(LpError("INSTALL_FAILED", why))
                        return
            self._news.put(None)
        except OSError as error:
            self._news.put(LpError("INSTALL_FAILED", f"{error.strerror}: {error.filename or self._log}"))


def _short(line: str) -> str:
    """What pip says, without addresses and paths, at a length that fits a progress bar."""
    words = [Path(word).name if "/" in word else word for word in line.split()]
    return re.sub(r"\s+", " ", " ".join(words))[:48]


current: Install | None = None
"""The installation that is running or was last."""


def progress() -> tuple[str, float] | None:
    """(phase, fraction) of a running installation."""
    return (current.phase, current.fraction) if current and not current.over else None


def begin(base: Path, folder: Path, source: Path, log: Path) -> Install:
    """Start an installation into `folder`, whose former contents go."""
    global current
    shutil.rmtree(folder, ignore_errors=True)
    current = Install(steps(base, folder, source), python_in(folder), log)
    return current


CLASSES = ()


def unregister() -> None:
    if current:
        current.cancel()
