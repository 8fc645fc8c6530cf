"""Finding Blenders, and the rows of the table on them."""

import runpy
from pathlib import Path

import pytest

MATRIX = runpy.run_path(str(Path(__file__).resolve().parent.parent.parent / "scripts" / "matrix.py"))


def test_an_environment_stands_for_its_python_and_blender_for_itself(tmp_path):
    python, blender = tmp_path / "bpy-5" / "bin" / "python", tmp_path / "blender"
    python.parent.mkdir(parents=True)
    python.touch()
    blender.touch()
    module, application = MATRIX["host"](tmp_path / "bpy-5"), MATRIX["host"](blender)
    assert (module.program, module.is_module) == (python, True)
    assert (application.program, application.is_module) == (blender, False)
    assert module.command("pass", "-q")[1:] == ["-c", "pass", "--", "-q"]
    command = application.command("pass", "-q")
    assert command[1] == "-b" and command[-4:] == ["--python-expr", "pass", "--", "-q"]
    with pytest.raises(FileNotFoundError):
        MATRIX["host"](tmp_path / "nothing")


def test_every_row_has_the_tables_columns():
    columns = MATRIX["HEAD"].splitlines()[-1].count("|")
    ran = MATRIX["Row"]("5.0.1", "module", "3.11.7", 229, 0, 1)
    broken = MATRIX["Row"]("5.0.1", "module", "3.11.7", trouble="no tests ran (exit 3)")
    assert ran.line.count("|") == broken.line.count("|") == columns
    assert ran.line == "| 5.0.1 | module | 3.11.7 | 229 | 0 | 1 |"
