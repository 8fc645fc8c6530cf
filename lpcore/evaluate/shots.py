"""What films of drawings are measured on: held-out faces that speak held-out recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..drawing.flow import PiecewiseFlow, sample
from ..drawing.mesh import build_mesh
from ..face import analyze
from ..motion.speak import speak
from ..train.facegood import HELD_OUT as HELD_OUT_TAKES
from ..train.films import HELD_OUT as HELD_OUT_FILMS
from ..types import CROP, Portrait, SpeakSettings
from .drawing_figures import still

START = 0.5
"""Seconds of every recording that are left out: they are silent."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One face with one recording.

    points: (T, 68, 3) crop units, moved as by default. calm: (T / 2, 68, 3) the same with the head held still.
    still: (T / 2 - 1, 512, 512) bool, where the calm take does not move, see `drawing_figures.still`.
    """

    photo: Path
    speech: Path
    portrait: Portrait
    points: np.ndarray
    calm: np.ndarray
    still: np.ndarray


def held_out_speech(data: Path) -> list[Path]:
    """The recordings of the data folder that no training used."""
    films = [data / "clips" / f"{name}.mpg" for name in HELD_OUT_FILMS]
    takes = [path for take in HELD_OUT_TAKES for path in sorted(data.glob(f"facegood/*_{take}.flac"))]
    return films + takes


def shoot(photo: Path, speech: Path, frames: int) -> Shot:
    """Let the face in a photo speak the first `frames` frames of a recording."""
    portrait = analyze(photo)
    count = max(2, frames // 2)
    points = speak(portrait, speech, start=START, frames=frames).points
    calm = speak(portrait, speech, start=START, frames=count, settings=SpeakSettings(head=0.0)).points
    mesh = build_mesh(portrait.landmarks)
    positions = PiecewiseFlow(mesh.source, mesh.triangles, (CROP, CROP)).positions(mesh.targets(calm))
    person = sample(torch.from_numpy(portrait.matte)[None, None], positions)[:, 0]
    unmoved = still(positions.numpy(), person.numpy())
    return Shot(photo, speech, portrait, points, calm, unmoved)
