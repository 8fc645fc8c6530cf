"""What other programs leave on the disk for a shot: films, and folders of pictures."""

from __future__ import annotations

import re
from pathlib import Path

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".webm", ".mpg", ".gif")


def is_film(path: Path) -> bool:
    """Whether the file's name is that of a film."""
    return path.suffix.lower() in FILMS


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, number 10 behind number 9 with and without leading zeros; raises OSError."""
    found = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted((path for path in found if path.suffix.lower() in PICTURES), key=_number)


def _number(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
