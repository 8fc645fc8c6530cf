"""Run the add-on's tests in every Blender at hand and write what came of it to docs/matrix.md.

    python scripts/matrix.py [--only-print] [PATH …]

A PATH is a Blender program, or a Python that has the `bpy` module and pytest (or the folder of its virtual
environment). Without any, `blender` and `python3` are looked for on the PATH, and environments named `bpy*` or
`.venv*` in this checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "addon"
PAGE = ROOT / "docs" / "matrix.md"
PATIENCE = 1800  # seconds for the tests of one Blender
MARK = "matrix: "

ABOUT = (
    f"import bpy, json, sys; print({MARK!r} + json.dumps([bpy.app.version_string, sys.version.split()[0]]))"
)
IN_BLENDER = "import sys, pytest; sys.exit(pytest.main(sys.argv[sys.argv.index('--') + 1:]))"

HEAD = """# Which Blender

The tests in `tests/addon`, run in each Blender and in each `bpy` module at hand. Skipped are tests that need what this
one lacks, such as sound in the module of 4.2 or Grease Pencil's drawings before 4.3.

<!-- written by scripts/matrix.py -->

| Blender | as | Python | passed | failed | skipped |
|---|---|---|---|---|---|
"""


class Host(NamedTuple):
    """A Blender to test in: `program` is Blender itself, or a Python with the module."""

    program: Path
    is_module: bool

    def command(self, code: str, *arguments: str) -> list[str]:
        """The command line that runs Python `code` in it."""
        if self.is_module:
            return [str(self.program), "-c", code, "--", *arguments]
        options = ["-b", "--factory-startup", "--python-exit-code", "3", "--python-expr", code]
        return [str(self.program), *options, "--", *arguments]


class Row(NamedTuple):
    """What came of one Blender; `trouble` says why where the tests did not run."""

    version: str
    kind: str
    python: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    trouble: str = ""

    @property
    def line(self) -> str:
        """The row of the table."""
        counts = self.trouble or f"{self.passed} | {self.failed} | {self.skipped}"
        return f"| {self.version} | {self.kind} | {self.python} | {counts} |" + " | |" * bool(self.trouble)


def host(path: Path) -> Host:
    """What lies at `path`. Raises FileNotFoundError."""
    inside = [path / "bin" / "python", path / "Scripts" / "python.exe"]
    program = next((p for p in inside if p.is_file()), path) if path.is_dir() else path
    if not program.is_file():
        raise FileNotFoundError(path)
    return Host(program.absolute(), "python" in program.name.lower())


def hosts_at_hand() -> Iterator[Host]:
    """Those found without being named."""
    on_path = [shutil.which("blender"), shutil.which("python3")]
    yield from (host(Path(path)) for path in on_path if path)
    for folder in sorted([*ROOT.glob("bpy*"), *ROOT.glob(".venv*")]):
        if (folder / "pyvenv.cfg").is_file():
            yield host(folder)


def test(where: Host) -> Row | None:
    """Run the tests in one Blender; None where there is none after all."""
    said = _run(where.command(ABOUT)).stdout
    about = re.search(rf"^{MARK}(.*)$", said, re.MULTILINE)
    if about is None:
        return None
    version, python = json.loads(about[1])
    kind = "module" if where.is_module else "application"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(TESTS)]
        done = _run(where.command(IN_BLENDER, *options))
        if not report.is_file():
            return Row(version, kind, python, trouble=f"no tests ran (exit {done.returncode})")
        suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest's own file
    assert suite is not None
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            print(f"{version} failed: {case.get('classname')}::{case.get('name')}", file=sys.stderr)
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    return Row(version, kind, python, count["tests"] - failed - count["skipped"], failed, count["skipped"])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        # The report is written when the tests end: the modules of 4.2 and 4.5 may hang only after that.
        return subprocess.CompletedProcess(command, 124, "", "")


def main() -> int:
    """Returns 1 where a test failed or no Blender was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--only-print", action="store_true", help="leave docs/matrix.md as it is")
    options = parser.parse_args()
    rows = []
    for where in [host(path) for path in options.paths] or hosts_at_hand():
        row = test(where)
        if row is None:
            print(f"no Blender: {where.program}", file=sys.stderr)
            continue
        print(row.line, flush=True)
        rows.append(row)
    rows.sort(key=lambda row: [int(part) for part in re.findall(r"\d+", row.version)])
    if rows and not options.only_print:
        PAGE.write_text(HEAD + "".join(f"{row.line}\n" for row in rows), "utf-8")
    return int(not rows or any(row.failed or row.trouble for row in rows))


if __name__ == "__main__":
    sys.exit(main())
