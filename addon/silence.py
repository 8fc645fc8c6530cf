"""Where nobody speaks: the pauses in what a speech strip plays."""

from __future__ import annotations

import wave
from pathlib import Path

import bpy
import numpy as np

from . import speech, takes
from .adjust import Span
from .lpcore.audio import level
from .lpcore.errors import LpError


def pauses(scene: bpy.types.Scene, heard: speech.Speech, threshold_db: float) -> list[Span]:
    """Beginnings and ends of the silences of the strip, in seconds of its sound.

    Silence is what lies `threshold_db` (negative) below the speech's loud level for a fifth of a second. Raises
    LpError ``NO_SPEECH``, ``NO_MIXDOWN``, ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    path = takes.scratch() / "silence.wav"
    speech.mix_down(scene, speech.find(scene, heard.strip), heard, path)
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
