"""Install Engine: an environment of its own, filled from a wheel, and what stops it."""

from __future__ import annotations

import sys
import zipfile

import pytest
from worlds import MODULE, part

MAIN = "import sys; print('fetching'); sys.exit(0 if sys.argv[1:] == ['weights', 'fetch'] else 1)"


def wheel(folder, main: str = MAIN):
    """A wheel of a tiny lpcore; it needs nothing, so pip stays offline."""
    path = folder / "lpcore-9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lpcore/__init__.py", "")
        archive.writestr("lpcore/__main__.py", main)
        archive.writestr("lpcore/worker.py", "")
        archive.writestr(
            "lpcore-9.9.dist-info/METADATA", "Metadata-Version: 2.1\nName: lpcore\nVersion: 9.9\n"
        )
        archive.writestr(
            "lpcore-9.9.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("lpcore-9.9.dist-info/RECORD", "")
    return path


def finish(install) -> None:
    while not install.pump():
        pass


def test_it_makes_an_environment_that_runs_the_engine(blender_once, tmp_path):
    install = part("install")
    going = install.begin(
        __import__("pathlib").Path(sys.executable),
        tmp_path / "engine",
        wheel(tmp_path),
        tmp_path / "log" / "install.log",
    )
    finish(going)
    assert going.error is None
    assert going.python.is_file()
    assert "fetching" in (tmp_path / "log" / "install.log").read_text()
    assert install.progress() is None


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["-c", "print('no room'); raise SystemExit(1)"], "trying failed: no room"),
        (None, "No such file"),
    ],
)
def test_what_stops_it_is_said(blender_once, tmp_path, command, words):
    install = part("install")
    line = [sys.executable, *command] if command else [str(tmp_path / "none")]
    going = install.Install([("Trying", line)], tmp_path, tmp_path / "log")
    finish(going)
    assert words in str(going.error)


def test_it_can_be_cancelled(blender_once, tmp_path):
    install = part("install")
    sleeper = [sys.executable, "-c", "print('sleeping', flush=True); import time; time.sleep(600)"]
    going = install.Install([("Waiting", sleeper)], tmp_path, tmp_path / "log")
    while "sleeping" not in going.phase:
        going.pump()
    going.cancel()
    finish(going)
    assert "cancelled" in str(going.error)


def test_the_button_says_why_it_is_grey(blender, tmp_path, monkeypatch):
    button = part("operators.engine").LINEPORTRAIT_OT_install_engine
    reasons = []
    monkeypatch.setattr(button, "poll_message_set", reasons.append, raising=False)
    preferences = blender.context.preferences.addons[MODULE].preferences
    assert not button.poll(blender.context)
    blender.context.preferences.system.use_online_access = True
    assert not button.poll(blender.context)
    preferences.engine_source = str(tmp_path)
    assert not button.poll(blender.context)
    preferences.engine_source = str(wheel(tmp_path))
    assert button.poll(blender.context)
    assert [
        "Blender is offline" in reasons[0],
        "no source of lpcore" in reasons[1],
        "neither" in reasons[2],
    ] == [True] * 3
    preferences.engine_source = ""
    blender.context.preferences.system.use_online_access = False
