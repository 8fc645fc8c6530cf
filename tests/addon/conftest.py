"""Blender as a module, the extension staged and enabled, and a small world to test in.

Nothing of the user's Blender is touched: its resources lie in a temporary folder, set before `bpy` is imported.
The bpy modules of 4.2 and 4.5 crash or hang at exit while an extension is registered, hence the `atexit` hook.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # for fake_worker
HOME = Path(tempfile.mkdtemp(prefix="lineportrait-tests-"))
os.environ["BLENDER_USER_RESOURCES"] = str(HOME / "blender")
os.environ["XDG_CONFIG_HOME"] = str(HOME / "config")

bpy = pytest.importorskip("bpy")
import addon_utils  # noqa: E402 - comes with bpy
from worlds import MODULE, World, part  # noqa: E402 - imports bpy

FAKE_WORKER = ROOT / "tests" / "fake_worker.py"

subprocess.run(
    [
        sys.executable,
        str(ROOT / "scripts" / "build_extension.py"),
        "--stage",
        str(HOME / "dev" / "lineportrait"),
    ],
    check=True,
)


def enable() -> None:
    """Enable the staged extension where it is not."""
    repos = bpy.context.preferences.extensions.repos
    if not any(repo.module == "dev" for repo in repos):
        repos.new(name="Dev", module="dev", custom_directory=str(HOME / "dev"))
    if not addon_utils.check(MODULE)[1]:
        assert addon_utils.enable(MODULE, default_set=True) is not None


@atexit.register
def _leave_nothing() -> None:
    addon_utils.disable(MODULE)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def blender() -> Any:
    """An empty file with the extension enabled."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    enable()
    return bpy


@pytest.fixture(scope="session")
def blender_once() -> Any:
    """The enabled extension, for tests that leave no trace in Blender and run many times."""
    enable()
    return bpy


@pytest.fixture
def engine(blender: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The fake worker in the engine's place; ``engine.mood(verb=…, then=…)`` lets the next start misbehave."""
    shared = part("engine").shared
    monkeypatch.setenv("LPCORE_PYTHON", sys.executable)
    monkeypatch.setattr(part("engine"), "command", lambda python: [str(python), str(FAKE_WORKER)])

    def mood(**wanted: Any) -> None:
        shared.stop()
        monkeypatch.setenv("FAKE_WORKER", json.dumps(wanted))

    mood()
    yield SimpleNamespace(shared=shared, mood=mood)
    part("jobs").forget()
    part("preview").switch(bpy.context.scene, False)
    shared.stop(grace=0.0)


@pytest.fixture
def world(engine: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world before the first click, with a frame store and measured figures of its own."""
    monkeypatch.setattr(part("measured"), "_path", lambda: tmp_path / "measured.json")
    monkeypatch.setattr(part("measured"), "_known", None)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.store, preferences.store_gigabytes, preferences.device = str(tmp_path / "store"), 2, "auto"
    part("plan").forget()
    folder = tmp_path / "a shot's “folder” ü"
    folder.mkdir()
    return World(folder)


@pytest.fixture
def spoken(world: World) -> World:
    """The world after Analyze and Speak."""
    bpy.ops.lineportrait.analyze()
    bpy.ops.lineportrait.speak()
    return world


@pytest.fixture
def drawn(spoken: World) -> World:
    """The world after the three buttons."""
    bpy.ops.lineportrait.draw()
    return spoken


@pytest.fixture
def start() -> Callable[[Any], Any]:
    """Begin an operator's job as a window would, without pumping it."""

    def begin(operator_module: str) -> Any:
        module = part(f"operators.{operator_module}")
        job = getattr(module, f"LINEPORTRAIT_OT_{operator_module}").make_job(bpy.context.scene)
        part("jobs").begin(job)
        return job

    return begin
