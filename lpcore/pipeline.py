"""The three verbs: analyze a photo, speak, draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LpError
from .types import Motion, Portrait, Progress, SpeakSettings, no_progress

if TYPE_CHECKING:
    import numpy as np

    from .motion.cues import Cue


def analyze(
    photo: Path | str | np.ndarray,
    face: int | None = None,
    point: tuple[float, float] | None = None,
    progress: Progress = no_progress,
    detector: str = "mediapipe",
) -> Portrait:
    """Find the face in a photo: crop, 68 landmarks, matte. See `lpcore.face.analyze`."""
    from .face import analyze as find

    return find(photo, face, point, progress, detector)


def speak(
    portrait: Portrait,
    audio: Path | str,
    *,
    start: float = 0.0,
    duration: float | None = None,
    frames: int | None = None,
    fps: Fraction = Fraction(25),
    settings: SpeakSettings | None = None,
    cues: Sequence[Cue] | None = None,
    progress: Progress = no_progress,
) -> Motion:
    """Predict the landmark motion of a span of speech. See `lpcore.motion.speak.speak`."""
    from .motion.speak import speak as predict

    return predict(
        portrait,
        Path(audio),
        start=start,
        duration=duration,
        frames=frames,
        fps=fps,
        settings=settings or SpeakSettings(),
        cues=cues,
        progress=progress,
    )


def draw(
    portrait: Portrait,
    motion: Motion,
    style: str = "ink",
    *,
    frames: Sequence[int] | None = None,
    size: int = 512,
    canvas: str = "crop",
    device: str = "",
    engine: str = "auto",
    background: bool = False,
) -> Iterator[np.ndarray]:
    """One (H, W) uint8 grey drawing (ink 0, paper 255), or (H, W, 3) in colour, for each of `frames` (None = all).

    See `lpcore.drawing.stream.FrameStream` for the arguments and the errors; an index outside the motion or an
    empty choice raises LpError ``NO_FRAMES``.
    """
    from .device import pick_device
    from .drawing.stream import FrameStream

    points = chosen_points(motion.points, frames)
    stream = FrameStream(portrait, style, size, canvas, pick_device(device), engine, background)
    return stream.frames(points)


def chosen_points(points: np.ndarray, frames: Sequence[int] | None) -> np.ndarray:
    """Rows `frames` of `points` (T, 68, 3); LpError ``NO_FRAMES`` if there is none or one lies outside."""
    chosen = range(len(points)) if frames is None else frames
    if len(chosen) == 0 or min(chosen) < 0 or max(chosen) >= len(points):
        raise LpError("NO_FRAMES")
    return points[list(chosen)]
