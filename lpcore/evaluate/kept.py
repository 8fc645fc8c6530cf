"""What was seen is kept in files, named by all that it depends on, so that a long run can be taken up again."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..files import prepare_folder, replacing
from .look import Seen

_PACKAGE = Path(__file__).parent.parent
_LOOKS = "looks_"


def code_digest(package: Path = _PACKAGE) -> str:
    """Hex SHA-256 of the program that makes and measures films."""
    whole = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        whole.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


class Kept:
    """A folder of what was seen. depends: on what all of it depends, as plain values."""

    def __init__(self, folder: Path, depends: Mapping[str, Any]) -> None:
        self._folder, self._depends = folder, dict(depends)
        prepare_folder(folder)

    def __call__(self, name: str, depends: Mapping[str, Any], look: Callable[[], Seen]) -> Seen:
        """A `measuring.Keep`; `depends` are plain values."""
        words = json.dumps({**self._depends, "of": dict(depends)}, sort_keys=True)
        path = self._folder / f"{name}_{hashlib.sha256(words.encode()).hexdigest()[:16]}.npz"
        if path.exists():
            try:
                return _read(path)
            except (ValueError, KeyError, OSError, zipfile.BadZipFile):
                path.unlink()
        seen = look()
        arrays: dict[str, Any] = {f"{_LOOKS}{distance}": values for distance, values in seen.looks.items()}
        told = np.frombuffer(json.dumps({"figures": seen.figures, "note": seen.note}).encode(), np.uint8)
        arrays |= {"told": told, "picture": seen.picture, "lags": seen.lags, "frames": seen.frames}
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)
        return seen


def _read(path: Path) -> Seen:
    with np.load(path, allow_pickle=False) as data:
        told = json.loads(data["told"].tobytes())
        looks = {name.removeprefix(_LOOKS): data[name] for name in data.files if name.startswith(_LOOKS)}
        return Seen(told["figures"], looks, data["picture"], data["lags"], data["frames"], told["note"])
