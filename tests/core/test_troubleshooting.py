"""The page on errors says what the program says."""

import re
import runpy
from pathlib import Path

from lpcore.messages import MESSAGES

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_has_every_code_in_the_programs_own_words():
    written = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    assert re.findall(r"^## (\w+)$", written, re.MULTILINE) == sorted(MESSAGES)
    script = runpy.run_path(str(ROOT / "scripts" / "troubleshooting.py"))
    assert written == script["page"](), "run python scripts/troubleshooting.py"
