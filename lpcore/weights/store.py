"""Where weight files lie on this machine, and whether they are what they should be."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..errors import LpError
from .registry import OWN_FOLDERS, REGISTRY, WeightFile

_checked: dict[Path, tuple[int, int, str]] = {}
"""Path -> size, modification time in ns and SHA-256 of a file hashed by this process."""


def cache_folder() -> Path:
    """Folder of the fetched weights: the environment variable ``LPCORE_WEIGHTS``, else the user's cache."""
    chosen = os.environ.get("LPCORE_WEIGHTS")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("lineportrait", appauthor=False) / "weights"


def location(file: WeightFile) -> Path:
    """Where `file` lies once it is present."""
    if file.origin != "own":
        return cache_folder() / file.filename
    places = [folder / file.filename for folder in OWN_FOLDERS]
    return next((place for place in places if place.is_file()), places[-1])


def require(name: str) -> Path:
    """Path of the verified weight file `name`.

    Raises LpError ``WEIGHTS_MISSING`` when it is not there (or not registered), ``WEIGHTS_NOT_IMPORTED`` when it is
    a published checkpoint not yet converted, and ``WEIGHTS_DAMAGED`` when its checksum differs from the registry's.
    """
    if name not in REGISTRY:
        raise LpError("WEIGHTS_MISSING", name)
    file = REGISTRY[name]
    path = location(file)
    if not path.is_file():
        raise LpError("WEIGHTS_NOT_IMPORTED" if file.origin == "imported" else "WEIGHTS_MISSING", path.name)
    if file.sha256 and file.sha256 != _digest(path):
        raise LpError("WEIGHTS_DAMAGED", str(path))
    return path


def present(name: str) -> bool:
    """Whether the weight file `name` is registered and lies on this machine; nothing is hashed."""
    return name in REGISTRY and location(REGISTRY[name]).is_file()


def sha256(name: str) -> str:
    """Hex SHA-256 of the weight file `name`; raises what `require` raises."""
    return _digest(require(name))


def metadata(name: str) -> dict[str, str]:
    """What the header of our own weight file `name` says of itself (licence, data, steps, ...)."""
    with require(name).open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header.get("__metadata__", {})


def listing() -> list[dict[str, Any]]:
    """For each file that drawing needs: name, present, size (bytes), licence, source, path; nothing is hashed.

    Published checkpoints are listed once they are imported: nobody has to have them.
    """
    entries = [_entry(file) for file in REGISTRY.values() if not file.training]
    return [e for e in entries if e["present"] or REGISTRY[e["name"]].origin != "imported"]


def _entry(file: WeightFile) -> dict[str, Any]:
    path = location(file)
    size = path.stat().st_size if path.is_file() else 0
    present = size > 0 and size == (file.size or size)
    licence = file.licence or (metadata(file.name).get("licence", "") if present else "")
    return {
        "name": file.name,
        "present": present,
        "size": size or file.size,
        "licence": licence,
        "source": file.source,
        "path": str(path),
    }


def _digest(path: Path) -> str:
    """SHA-256 of the file, computed once per process as long as size and modification time stay."""
    status = path.stat()
    known = _checked.get(path)
    if known is None or known[:2] != (status.st_size, status.st_mtime_ns):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        known = _checked[path] = (status.st_size, status.st_mtime_ns, digest)
    return known[2]
