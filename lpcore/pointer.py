"""How the add-on finds the engine: a file in the user's configuration folder that names the engine's Python."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def pointer_file() -> Path:
    """Where the engine that was set up last is named: JSON, {"python": absolute path}."""
    home = Path.home()
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = home / ".config"
    return folder / "lineportrait" / "engine.json"


def point_here() -> Path:
    """Name the Python that runs this as the engine; returns the file written.

    Raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``.
    """
    from .files import prepare_folder, write_atomically

    pointer = pointer_file()
    prepare_folder(pointer.parent)
    write_atomically(pointer, json.dumps({"python": sys.executable}).encode())
    return pointer
