"""The three verbs and the whole story: photo and speech in, talking drawing out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from . import weights
from .errors import LpError
from .types import Motion, Portrait, Progress, Recipe, SpeakSettings, no_progress
from .version import __version__

if TYPE_CHECKING:
    import numpy as np

FRAME_NAME = "frame_{:05d}.png"
_USED_WEIGHTS = (
    "face_detection_short", "face_detection_full", "face_mesh", "selfie", "hama", "content_branch",
)  # fmt: skip


def analyze(
    photo: Path | np.ndarray,
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
    audio: Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    frames: int | None = None,
    fps: Fraction = Fraction(25),
    settings: SpeakSettings | None = None,
    progress: Progress = no_progress,
) -> Motion:
    """Predict the landmark motion of a span of speech. See `lpcore.motion.speak.speak`."""
    from .motion.speak import speak as predict

    return predict(
        portrait,
        audio,
        start=start,
        duration=duration,
        frames=frames,
        fps=fps,
        settings=settings or SpeakSettings(),
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


@dataclass(frozen=True)
class Animate:
    """The choices of one `animate` run; see `types.Recipe`, `FrameStream` and `lpcore.face.analyze`."""

    style: str = "ink"
    size: int = 512
    canvas: str = "crop"
    fps: Fraction = Fraction(25)
    start: float = 0.0
    duration: float | None = None
    face: int | None = None
    settings: SpeakSettings = field(default_factory=SpeakSettings)
    device: str = ""
    engine: str = "auto"
    background: bool = False
    detector: str = "mediapipe"


@dataclass(frozen=True)
class Animation:
    """What `animate` wrote: the film, the folder with the PNG frames, and the recipe beside them."""

    film: Path
    frames: Path
    recipe: Path
    count: int


def animate(
    photo: Path, speech: Path, out: Path, choices: Animate | None = None, progress: Progress = no_progress
) -> Animation:
    """Photo and speech to ``OUT/film.mp4``, ``OUT/frames/*.png``, ``OUT/motion.npz`` and ``OUT/recipe.json``.

    Raises LpError for everything a user can mend; frames that were written stay, sources are only read.
    """
    from .drawing.styles import pick_engine, style
    from .film import encode_film
    from .frames import prepare_folder, write_atomically, write_frames
    from .motion.files import save_motion

    choices = choices or Animate()
    pick_engine(style(choices.style), choices.engine)
    folder = out / "frames"
    prepare_folder(folder)
    portrait = analyze(photo, choices.face, progress=_share(progress, 0.0, 0.1), detector=choices.detector)
    motion = speak(
        portrait,
        speech,
        start=choices.start,
        duration=choices.duration,
        fps=choices.fps,
        settings=choices.settings,
        progress=_share(progress, 0.1, 0.25),
    )
    save_motion(out / "motion.npz", motion)
    images = draw(
        portrait,
        motion,
        choices.style,
        size=choices.size,
        canvas=choices.canvas,
        device=choices.device,
        engine=choices.engine,
        background=choices.background,
    )
    count = len(motion)
    _forget_longer_take(folder, count)
    named = ((folder / FRAME_NAME.format(index), image) for index, image in enumerate(images))
    for done, _path in enumerate(write_frames(named), start=1):
        progress("draw the frames", 0.25 + 0.65 * done / count)
    recipe = out / "recipe.json"
    write_atomically(recipe, json.dumps(_recipe(portrait, speech, choices, count), indent=2).encode())
    progress("encode the film", 0.9)
    film = out / "film.mp4"
    encode_film(folder, "frame_%05d.png", choices.fps, speech, choices.start, film, count)
    progress("done", 1.0)
    return Animation(film, folder, recipe, count)


def _forget_longer_take(folder: Path, count: int) -> None:
    """Remove our own frames beyond the new length: they would belong to an earlier, longer take."""
    for path in folder.glob("frame_*.png"):
        number = path.stem.removeprefix("frame_")
        if number.isdigit() and int(number) >= count:
            path.unlink(missing_ok=True)


def _share(progress: Progress, low: float, high: float) -> Progress:
    return lambda phase, fraction: progress(phase, low + (high - low) * fraction)


def _recipe(portrait: Portrait, speech: Path, choices: Animate, count: int) -> dict:
    with speech.open("rb") as file:
        audio = hashlib.file_digest(file, "sha256").hexdigest()
    return Recipe(
        photo_sha256=portrait.photo_sha256,
        audio_sha256=audio,
        face=portrait.face,
        start=choices.start,
        duration=float(count / choices.fps),
        fps=str(choices.fps),
        style=choices.style,
        size=choices.size,
        canvas=choices.canvas,
        settings=asdict(choices.settings),
        weights=_used_weights(choices),
        version=__version__,
    ).to_dict()


def _used_weights(choices: Animate) -> dict[str, str]:
    from .drawing.styles import pick_engine, style, weight_files
    from .face.fan import checksums

    chosen = style(choices.style)
    drawing = weight_files(chosen, pick_engine(chosen, choices.engine))
    used = {name: weights.sha256(name) for name in (*_USED_WEIGHTS, *drawing)}
    return used | (checksums() if choices.detector == "fan" else {})
