"""The engine names itself where the add-on looks."""

import json
import sys
from pathlib import Path

from lpcore import cli, pointer


def test_register_names_this_python(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    assert cli.main(["register"]) == 0
    named = pointer.pointer_file()
    assert named.is_relative_to(tmp_path)
    assert json.loads(named.read_text()) == {"python": sys.executable}
    assert str(named) in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(pointer, "pointer_file", lambda: Path(blocked) / "engine.json")
    assert cli.main(["register"]) == 1
    assert capsys.readouterr().err.startswith("Folder not writable")
