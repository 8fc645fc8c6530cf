"""Write docs/troubleshooting.md from the sentences that the program itself says."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lpcore.messages import MESSAGES  # noqa: E402 - found only now

PAGE = ROOT / "docs" / "troubleshooting.md"
HEAD = """# Troubleshooting

What stands in the way, in the words that Blender and the command line show: title, cause, *remedy*. The headings are
the codes that `--json` output carries; `…` stands for what was met. The add-on's preferences have **Check Engine**,
**Open Log** and **Copy Report**.

<!-- written by scripts/troubleshooting.py from lpcore/messages.py -->
"""


def page() -> str:
    """The page as it must be."""
    entries = [
        f"## {code}\n\n**{message.title}.** {_sentence(message.cause)} *{_sentence(message.remedy)}*\n"
        for code, message in sorted(MESSAGES.items())
    ]
    return "\n".join([HEAD, *entries])


def _sentence(text: str) -> str:
    filled = text.replace("{detail}", "…")
    return f"{filled[:1].upper()}{filled[1:]}{'' if filled.endswith('…') else '.'}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(PAGE)
