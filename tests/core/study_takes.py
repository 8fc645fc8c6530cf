"""Made-up results of three methods: a film, frames with speech apart, and folders as `lpcore animate` leaves them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import soundfile

from lpcore.film import encode_film

METHODS = ("ours", "warped", "redrawn")
SHOTS = ("anna", "bert")
COUNT, FPS = 4, Fraction(10)


def write_takes(folder: Path) -> dict[str, Path]:
    """Method -> result folder, every method with films of its own; `folder`/speech holds the sound."""
    speech = folder / "speech"
    speech.mkdir(parents=True)
    for shot in SHOTS:
        soundfile.write(speech / f"{shot}.wav", 0.1 * np.sin(np.arange(6400) / 8), 16000)
    for number, method in enumerate(METHODS):
        for shot in SHOTS:
            frames = folder / "drawn" / method / shot
            write_frames(frames, 40 + 60 * number)
            film = folder / method / (f"{shot}.mp4" if number else f"{shot}/film.mp4")
            film.parent.mkdir(parents=True, exist_ok=True)
            encode_film(frames, "%d.png", FPS, speech / f"{shot}.wav", 0.0, film, COUNT)
    return {method: folder / method for method in METHODS}


def write_frames(folder: Path, grey: int) -> None:
    """`COUNT` pictures of a bar that moves, 9.png before 10.png."""
    folder.mkdir(parents=True)
    for k in range(COUNT):
        picture = np.full((64, 48), grey, np.uint8)
        picture[:, 8 * k : 8 * k + 8] = 255
        cv2.imwrite(str(folder / f"{k}.png"), picture)
