"""What films of drawings are measured on: held-out faces that speak held-out recordings."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from ..audio import level
from ..audio.load import load
from ..drawing.flow import sample
from ..drawing.mesh_flow import MeshFlow
from ..face import analyze
from ..motion.retime import frame_times
from ..motion.speak import speak
from ..train.facegood import HELD_OUT as HELD_OUT_TAKES
from ..train.films import HELD_OUT as HELD_OUT_FILMS
from ..types import CROP, Portrait, SpeakSettings
from .drawing_figures import still
from .truth import TrueMotion, TrueMotions

START = 0.5
"""Seconds of every recording that are left out: they are silent."""

FPS = Fraction(25)


@dataclass(frozen=True)
class ShotPlan:
    """Which face speaks what: `frames` frames at `FPS` of the recording `speech`, from the second `start` on."""

    name: str
    photo: Path
    speech: Path
    frames: int
    start: float = START
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Shot:
    """One face with one recording.

    points: (T, 68, 3) crop units, moved as by default. loudness: (T,) dB of the speech, None where nobody speaks.
    calm: (T / 2, 68, 3) the same with head and brows held still, and still: (T / 2 - 1, 512, 512) bool, where that
    does not move, see `drawing_figures.still`. truth: moves of known flow. Both are None where they are not measured.
    """

    name: str
    portrait: Portrait
    points: np.ndarray
    loudness: np.ndarray | None = None
    calm: np.ndarray | None = None
    still: np.ndarray | None = None
    truth: TrueMotion | None = None


def held_out_speech(data: Path) -> list[Path]:
    """The recordings of the data folder that no training used."""
    films = [data / "clips" / f"{name}.mpg" for name in HELD_OUT_FILMS]
    takes = [path for take in HELD_OUT_TAKES for path in sorted(data.glob(f"facegood/*_{take}.flac"))]
    return films + takes


def plan(faces: list[Path], speech: list[Path], frames: int) -> list[ShotPlan]:
    """Every face with one of the recordings in turn."""
    pairs = ((face, speech[k % len(speech)]) for k, face in enumerate(faces))
    return [ShotPlan(face.stem, face, sound, frames) for face, sound in pairs]


def shoot(plan: ShotPlan, truths: TrueMotions | None = None) -> Shot:
    """Let the face in a photo speak its recording; `truths` makes moves of known flow too."""
    portrait = analyze(plan.photo)

    def spoken(frames: int, settings: SpeakSettings) -> np.ndarray:
        return speak(portrait, plan.speech, start=plan.start, frames=frames, settings=settings).points

    points = spoken(plan.frames, SpeakSettings(seed=plan.seed))
    # Head and brows drift so slowly that all they move would pass for standing still.
    calm = spoken(max(2, plan.frames // 2), SpeakSettings(seed=plan.seed, head=0.0, brows=0.0))
    return Shot(
        plan.name,
        portrait,
        points,
        loudness(plan),
        calm,
        _still(portrait, calm),
        truths(portrait, plan.seed) if truths else None,
    )


def crop_of(plan: ShotPlan) -> np.ndarray:
    """(512, 512, 3) uint8 RGB: the face in the plan's photo, as the engine cuts it out."""
    return analyze(plan.photo).image


def loudness(plan: ShotPlan) -> np.ndarray:
    """(frames,) dB relative to full scale of the speech at each frame."""
    levels = level.level(load(plan.speech, plan.start, float(plan.frames / FPS)))
    # Between the middles of the level's windows, or half a window would pass for lips that come late.
    middles = (np.arange(len(levels)) + 0.5) / level.RATE
    return np.interp(frame_times(plan.frames, FPS), middles, levels)


def _still(portrait: Portrait, calm: np.ndarray) -> np.ndarray:
    positions = MeshFlow(portrait.landmarks, np.eye(3), (CROP, CROP)).positions(calm)
    person = sample(torch.from_numpy(portrait.matte)[None, None], positions)[:, 0]
    return still(positions.numpy(), person.numpy())
