"""The three verbs and the whole story: photo and speech in, talking drawing out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import weights
from .errors import LpError
from .types import Motion, Portrait, Progress, Recipe, SpeakSettings, no_progress, share_of
from .version import __version__

if TYPE_CHECKING:
    import numpy as np

FRAME_NAME = "frame_{:05d}.png"
_USED_WEIGHTS = (
    "face_detection_short", "face_detection_full", "face_mesh", "selfie", "hama", "content_branch",
)  # fmt: skip


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
    point: tuple[float, float] | None = None
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

    An earlier take in OUT is replaced when the new one is complete; until then its frames grow in
    ``OUT/frames.partial``, where they stay if the run fails. Raises LpError for everything a user can mend.
    """
    from .device import pick_device
    from .drawing.styles import pick_engine, style
    from .files import prepare_folder, write_atomically, writing
    from .film import encode_film
    from .frames import write_frames
    from .motion.files import save_motion

    choices = choices or Animate()
    engine = pick_engine(style(choices.style), choices.engine)
    device = pick_device(choices.device)
    film, frames, new = out / "film.mp4", out / "frames", out / "frames.partial"
    results = (film, frames, new, out / "motion.npz", out / "recipe.json")
    _refuse_sources((photo, speech), results)
    prepare_folder(frames)
    prepare_folder(new)
    _remove_frames(new)
    portrait = analyze(
        photo, choices.face, choices.point, share_of(progress, 0.0, 0.1), detector=choices.detector
    )
    motion = speak(
        portrait,
        speech,
        start=choices.start,
        duration=choices.duration,
        fps=choices.fps,
        settings=choices.settings,
        progress=share_of(progress, 0.1, 0.25),
    )
    images = draw(
        portrait,
        motion,
        choices.style,
        size=choices.size,
        canvas=choices.canvas,
        device=device,
        engine=engine,
        background=choices.background,
    )
    count = len(motion)
    named = ((new / FRAME_NAME.format(index), image) for index, image in enumerate(images))
    for done, _path in enumerate(write_frames(named), start=1):
        progress("draw the frames", 0.25 + 0.65 * done / count)
    progress("encode the film", 0.9)
    encode_film(new, "frame_%05d.png", choices.fps, speech, choices.start, film, count)
    # Only now does the earlier take give way: whatever failed before, it is still whole.
    save_motion(out / "motion.npz", motion)
    with writing(frames):
        _remove_frames(frames)
        for path in sorted(new.glob("frame_*.png")):
            path.replace(frames / path.name)
        new.rmdir()
    recipe = _recipe(portrait, speech, choices, engine, device, count)
    write_atomically(out / "recipe.json", json.dumps(recipe, indent=2).encode())
    progress("done", 1.0)
    return Animation(film, frames, out / "recipe.json", count)


def _refuse_sources(sources: Sequence[Path], results: Sequence[Path]) -> None:
    """Raise LpError ``BAD_VALUE`` where one of `results`, files and folders, is a source or holds one."""
    taken = {result.resolve() for result in results}
    for source in map(Path.resolve, sources):
        if taken & {source, *source.parents}:
            raise LpError(
                "BAD_VALUE", f"{source.name} lies where the result goes, choose another output folder"
            )


def _remove_frames(folder: Path) -> None:
    """Remove the frames of an earlier run, and nothing else."""
    for path in folder.glob("frame_*.png"):
        if re.fullmatch(r"frame_[0-9]{5,}\.png", path.name):
            path.unlink(missing_ok=True)


def _recipe(
    portrait: Portrait, speech: Path, choices: Animate, engine: str, device: str, count: int
) -> dict[str, Any]:
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
        engine=engine,
        background=choices.background,
        detector=choices.detector,
        device=device,
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
