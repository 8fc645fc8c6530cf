"""What a result was made by: the files, networks and libraries that its recipe names."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from . import weights

if TYPE_CHECKING:
    from .drawing.styles import Style
    from .types import SpeakSettings

_FINDING = ("face_detection_short", "face_detection_full", "face_mesh", "selfie")


def digest(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def style_digest(settings: SpeakSettings) -> str:
    """Hex SHA-256 of the sound file whose voice lends its way of moving; empty where there is none."""
    return digest(Path(settings.style_audio)) if settings.style_audio else ""


@functools.cache
def face_weights(detector: str) -> dict[str, str]:
    """Weight file -> SHA-256 of the networks that find a face; `detector` as in `face.analyze`.

    Raises LpError ``WEIGHTS_MISSING``, ``WEIGHTS_DAMAGED`` or ``FAN_FILES_MISSING``.
    """
    from .face.fan import checksums

    return _digests(_FINDING) | (checksums() if detector == "fan" else {})


def motion_weights(settings: SpeakSettings) -> dict[str, str]:
    """Weight file -> SHA-256 of the networks that move a face; raises LpError like `weights.sha256`."""
    from .motion.speak import speech_weights

    return _digests(speech_weights(settings))


def drawing_weights(style: Style, engine: str) -> dict[str, str]:
    """Weight file -> SHA-256 of the networks that draw `style`; raises LpError like `weights.sha256`."""
    from .drawing.styles import weight_files

    return _digests(weight_files(style, engine))


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that compute."""
    import cv2
    import numpy
    import onnxruntime
    import torch

    libraries = {"torch": torch, "numpy": numpy, "opencv": cv2, "onnxruntime": onnxruntime}
    found = {name: str(library.__version__) for name, library in libraries.items()}
    return found | {"python": sys.version.split()[0]}


def _digests(names: Iterable[str]) -> dict[str, str]:
    return {name: weights.sha256(name) for name in names}
