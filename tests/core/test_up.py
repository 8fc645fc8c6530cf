"""The set-up script's decisions; what it installs is seen when it runs."""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "up.py"


@pytest.fixture
def up(tmp_path, monkeypatch):
    """The script as a module whose project is a temporary folder and whose programs are only written down."""
    specification = importlib.util.spec_from_file_location("up", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.calls = []
    module.codes = {}

    def call(program, *words, quiet=False, **environment):
        module.calls.append([Path(program).stem, *map(str, words)])
        if "venv" in words:
            shutil.rmtree(words[-1], ignore_errors=True)
            python = module.venv_python(words[-1])
            python.parent.mkdir(parents=True)
            python.touch()
        return next((code for word, code in module.codes.items() if word in module.calls[-1]), 0)

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "call", call)
    monkeypatch.setattr(module, "has_nvidia", lambda: False)
    (tmp_path / "pyproject.toml").write_text("[project]")
    return module


def arguments(verb="demo", torch="auto", index_url=None, extra_index_url=None):
    return argparse.Namespace(verb=verb, torch=torch, index_url=index_url, extra_index_url=extra_index_url)


@pytest.mark.parametrize(
    ("choice", "requirement"),
    [
        ("auto", "torch==2.13.0"),
        ("cpu", "torch==2.13.0"),
        ("cuda", "torch==2.13.0"),
        ("2.10.0", "torch==2.10.0"),
        ("2.10.0+cu128", "torch==2.10.0+cu128"),
        (">=2.9,<3", "torch>=2.9,<3"),
        ("torch==2.9.*", "torch==2.9.*"),
    ],
)
def test_torch_requirement(up, choice, requirement):
    assert up.torch_requirement(choice) == requirement


def test_notes_warn_only_where_the_standard_build_does_not_fit(up):
    warned = {
        (system, choice)
        for system, machine in (("Linux", "x86_64"), ("Windows", "AMD64"), ("Darwin", "arm64"))
        for choice in ("cpu", "cuda")
        if up.torch_notes(system, machine, choice, has_index=False)
    }
    assert warned == {("Linux", "cpu"), ("Windows", "cuda")}
    assert up.torch_notes("Linux", "x86_64", "cpu", has_index=True) == []
    assert up.torch_notes("Darwin", "x86_64", "cpu", has_index=True)


def test_venv_python_by_system(up):
    assert up.venv_python(Path("v"), "nt") == Path("v/Scripts/python.exe")
    assert up.venv_python(Path("v"), "posix") == Path("v/bin/python")


def test_stamp_changes_with_what_it_stands_for(up, tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    first = up.stamp(pyproject, "torch==1", [], ["dev"], None)
    assert up.stamp(pyproject, "torch==1", [], ["dev"], first) == first
    assert up.stamp(pyproject, "torch==2", [], ["dev"], first) != first
    assert up.stamp(pyproject, "torch==1", ["--index-url", "u"], ["dev"], first) != first
    assert up.stamp(pyproject, "torch==1", [], ["demo"], first)["extras"] == ["demo", "dev"]
    pyproject.write_text("[project] # changed")
    assert up.stamp(pyproject, "torch==1", [], ["dev"], first) != first


def test_stamp_survives_the_disk_and_damage(up, tmp_path):
    values = up.stamp(tmp_path / "pyproject.toml", "torch==1", [], ["dev"], None)
    assert up.read_stamp(tmp_path) is None
    up.write_stamp(tmp_path, values)
    assert up.read_stamp(tmp_path) == values
    (tmp_path / "up.json").write_text("{half")
    assert up.read_stamp(tmp_path) is None


def test_second_run_installs_nothing(up):
    up.set_up(arguments())
    assert ["pip" in call for call in up.calls].count(True) == 2
    up.calls.clear()
    assert up.set_up(arguments()).exists()
    fetch, register = up.calls
    assert fetch[1:] == ["-m", "lpcore", "weights", "fetch"] and register[1:] == ["-m", "lpcore", "register"]


def test_another_verb_adds_its_extras_and_keeps_the_others(up):
    up.set_up(arguments("demo"))
    up.set_up(arguments("test"))
    assert any(call[-1].endswith("[demo,dev,evaluate]") for call in up.calls)
    up.calls.clear()
    up.set_up(arguments("demo"))
    assert not any("pip" in call for call in up.calls)


def test_another_torch_replaces_the_old_one(up):
    up.set_up(arguments())
    up.calls.clear()
    up.set_up(arguments(torch="2.10.0", index_url="u://x"))
    lines = [" ".join(call) for call in up.calls]
    removed = next(i for i, line in enumerate(lines) if "uninstall --yes torch" in line)
    assert "install --index-url u://x torch==2.10.0" in lines[removed + 1]


def test_failed_installation_is_tried_again(up):
    up.codes["install"] = 1
    with pytest.raises(up.Trouble, match="online"):
        up.set_up(arguments())
    up.codes.clear()
    up.calls.clear()
    up.set_up(arguments())
    assert any("torch==2.13.0" in call for call in up.calls)


def test_failed_change_of_torch_is_mended_by_the_next_run(up):
    up.set_up(arguments())
    up.codes["torch==2.10.0"] = 1
    with pytest.raises(up.Trouble, match="online"):
        up.set_up(arguments(torch="2.10.0", index_url="u://x"))
    up.codes.clear()
    up.calls.clear()
    up.set_up(arguments())
    assert ["install", "torch==2.13.0"] in [call[-2:] for call in up.calls]


@pytest.mark.parametrize("verb", ["demo", "test"])
def test_torch_stays_as_it_is_unless_another_is_asked_for(up, verb):
    up.set_up(arguments("demo", torch="2.10.0", index_url="u://cpu"))
    up.codes["--editable"] = 1
    up.calls.clear()
    (up.ROOT / "pyproject.toml").write_text("[project] # changed")
    with pytest.raises(up.Trouble):
        up.set_up(arguments(verb))
    up.codes.clear()
    up.set_up(arguments(verb))
    assert sum("--editable" in call for call in up.calls) == 2
    assert not any(word.startswith("torch") for call in up.calls for word in call)
    up.set_up(arguments(verb, torch="cpu"))
    assert ["install", "torch==2.13.0"] in [call[-2:] for call in up.calls]


def test_broken_environment_is_made_anew(up, tmp_path):
    up.set_up(arguments())
    up.venv_python(tmp_path / ".venv").unlink()
    up.calls.clear()
    up.set_up(arguments())
    assert any("torch==2.13.0" in call for call in up.calls)


def test_missing_venv_module_is_named(up):
    up.codes["venv"] = 1
    with pytest.raises(up.Trouble, match="python3-venv"):
        up.set_up(arguments())


def test_old_python_is_turned_away(up, monkeypatch):
    monkeypatch.setattr(up.sys, "version_info", (3, 10, 4))
    with pytest.raises(up.Trouble, match=r"3\.11"):
        up.set_up(arguments())


def test_summary_tells_what_was_skipped_and_what_failed(up, monkeypatch, capsys):
    monkeypatch.setattr(up, "blender_python", lambda: None)
    assert up.test(Path("python")) == 0
    summary = capsys.readouterr().out.splitlines()[-1]
    assert summary.startswith("core: passed; Blender 4.2.23: skipped (its module needs Python 3.11")
    up.codes["tests/core"] = 1
    assert up.test(Path("python")) == 1
    assert "core: FAILED" in capsys.readouterr().out


def test_addon_tests_run_in_their_own_environment(up, monkeypatch, capsys):
    monkeypatch.setattr(up, "blender_python", lambda: sys.executable)
    assert up.test(Path("python")) == 0
    assert "Blender 5.0.1: passed" in capsys.readouterr().out.splitlines()[-1]
    assert [call[-4] for call in up.calls if "numpy>=1.26,<2" in call] == ["bpy==4.2.23", "bpy==5.0.1"]
    up.codes["import bpy"] = 1
    assert up.test(Path("python")) == 1


def test_help_needs_nothing_installed():
    shown = subprocess.run([sys.executable, "-I", "-S", SCRIPT, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "--index-url" in shown.stdout
