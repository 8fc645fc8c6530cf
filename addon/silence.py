"""Where nobody speaks: the pauses in what a speech strip plays."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import speech, takes
from .adjust import Span
from .lpcore.audio import level
from .lpcore.errors import LpError


def pauses(scene: bpy.types.Scene, pieces: Iterable[Any], threshold_db: float) -> list[Span]:
    """Beginnings and ends of the silences in the pieces of a speech, in seconds of its sound.

    Silence is what lies `threshold_db` (negative) below the speech's loud level for a fifth of a second. Raises
    LpError ``NO_SPEECH``, ``NO_MIXDOWN``, ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    return [span for strip in pieces for span in _pauses(scene, strip, threshold_db)]


def _pauses(scene: bpy.types.Scene, strip: Any, threshold_db: float) -> list[Span]:
    path, heard = takes.scratch() / "silence.wav", speech.describe(scene, strip)
    speech.mix_down(scene, strip, heard, path)
    try:
        samples, rate = read_wave(path)
    finally:
        path.unlink(missing_ok=True)
    samples = samples[: round(float(heard.frames / heard.fps) * rate)]
    silent = level.silence(level.level(samples, rate), threshold_db)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(np.int8), [0]])))
    seconds = heard.start + edges / level.RATE
    return [(float(a), float(b)) for a, b in zip(seconds[::2], seconds[1::2], strict=True)]


def read_wave(path: Path) -> tuple[np.ndarray, int]:
    """(N,) float32 in [-1, 1] and the rate of a 16-bit mono file. Raises LpError ``NO_MIXDOWN``."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, data = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise LpError("NO_MIXDOWN", f"the mixed-down speech cannot be read ({error})") from error
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate
