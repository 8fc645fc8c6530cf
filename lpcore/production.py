"""From files to files: photo and speech to a film, to a motion file, or from a motion file to frames."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LpError
from .pipeline import analyze, speak
from .preload import DRAWING, preload
from .types import Motion, Portrait, Progress, Recipe, SpeakSettings, no_progress, share_of
from .version import __version__

if TYPE_CHECKING:
    import numpy as np

    from .motion.cues import Cue

FRAME_NAME = "frame_{:05d}.png"


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
    from .files import write_atomically
    from .film import encode_film
    from .motion.files import save_motion

    choices = choices or Animate()
    # Explicit, so that the recipe names what "auto" and "" stand for.
    choices = replace(choices, engine=pick_engine(style(choices.style), choices.engine))
    film, frames = out / "film.mp4", out / "frames"
    motion_file, recipe_file = out / "motion.npz", out / "recipe.json"
    results = (film, frames, _partial(frames), motion_file, recipe_file)
    _refuse_sources((photo, speech, *_style_audio(choices)), results)
    preload(*DRAWING)
    with _replacing_frames(frames) as new:
        portrait = _analyze(photo, choices, share_of(progress, 0.0, 0.1))
        choices = replace(choices, device=pick_device(choices.device))
        motion = _speak(portrait, speech, choices, share_of(progress, 0.1, 0.25))
        count = _draw(portrait, motion.points, choices, new, share_of(progress, 0.25, 0.9))
        encode_film(new, "frame_%05d.png", choices.fps, speech, choices.start, film, count)
        save_motion(motion_file, motion)
    recipe = _recipe(portrait, speech, choices, count)
    write_atomically(recipe_file, json.dumps(recipe, indent=2).encode())
    progress("done", 1.0)
    return Animation(film, frames, recipe_file, count)


def speak_to_file(
    photo: Path,
    speech: Path,
    out: Path,
    choices: Animate | None = None,
    *,
    lips_from: Path | None = None,
    cues: Path | None = None,
    progress: Progress = no_progress,
) -> Motion:
    """Photo and speech to the motion file `out`, see `motion.files`; `choices` of the drawing do not count.

    lips_from: mouth cues that the lips follow instead of what is heard. cues: where to write the mouth cues of the
    motion, see `motion.cue_files`. Raises LpError for everything a user can mend.
    """
    from .files import prepare_folder
    from .motion.cue_files import read_cues, write_cues
    from .motion.cues import cues_of
    from .motion.files import save_motion

    choices = choices or Animate()
    results = [out, cues] if cues else [out]
    if cues and cues.resolve() == out.resolve():
        raise LpError("BAD_VALUE", f"the motion and the mouth cues cannot both be written to {out.name}")
    _refuse_sources((photo, speech, *([lips_from] if lips_from else []), *_style_audio(choices)), results)
    given = read_cues(lips_from) if lips_from else None
    for path in results:
        prepare_folder(path.parent)
    portrait = _analyze(photo, choices, share_of(progress, 0.0, 0.3))
    motion = _speak(portrait, speech, choices, share_of(progress, 0.3, 1.0), given)
    save_motion(out, motion)
    if cues:
        write_cues(cues, cues_of(motion), speech)
    return motion


def draw_to_folder(
    photo: Path, motion: Path, out: Path, choices: Animate | None = None, progress: Progress = no_progress
) -> int:
    """Photo and motion file to ``OUT/frames/*.png``; returns how many; `choices` of the speech do not count.

    Earlier frames in OUT are replaced as by `animate`. Raises LpError for everything a user can mend.
    """
    from .motion.files import load_points

    choices, frames = choices or Animate(), out / "frames"
    _refuse_sources((photo, motion), (frames, _partial(frames)))
    points = load_points(motion)
    preload(*DRAWING)
    with _replacing_frames(frames) as new:
        portrait = _analyze(photo, choices, share_of(progress, 0.0, 0.1))
        return _draw(portrait, points, choices, new, share_of(progress, 0.1, 1.0))


def _analyze(photo: Path, choices: Animate, progress: Progress) -> Portrait:
    return analyze(photo, choices.face, choices.point, progress, choices.detector)


def _speak(
    portrait: Portrait,
    speech: Path,
    choices: Animate,
    progress: Progress,
    cues: Sequence[Cue] | None = None,
) -> Motion:
    return speak(
        portrait,
        speech,
        start=choices.start,
        duration=choices.duration,
        fps=choices.fps,
        settings=choices.settings,
        cues=cues,
        progress=progress,
    )


def _draw(portrait: Portrait, points: np.ndarray, choices: Animate, folder: Path, progress: Progress) -> int:
    """Draw every row of `points` into `folder`; returns how many."""
    from .device import pick_device
    from .drawing.stream import FrameStream
    from .frames import write_frames

    stream = FrameStream(
        portrait,
        choices.style,
        choices.size,
        choices.canvas,
        pick_device(choices.device),
        choices.engine,
        choices.background,
    )
    named = ((folder / FRAME_NAME.format(k), image) for k, image in enumerate(stream.frames(points)))
    for done, _path in enumerate(write_frames(named), start=1):
        progress("draw the frames", done / len(points))
    return len(points)


def _partial(frames: Path) -> Path:
    """Where the frames grow that will replace those in `frames`."""
    return frames.with_name(f"{frames.name}.partial")


@contextmanager
def _replacing_frames(frames: Path) -> Iterator[Path]:
    """An empty folder whose frames take the place of those in `frames` when all is done; if not, they stay in it."""
    from .files import prepare_folder, writing

    new = _partial(frames)
    prepare_folder(frames)
    prepare_folder(new)
    _remove_frames(new)
    yield new
    # Only now does the earlier take give way: whatever failed before, it is still whole.
    with writing(frames):
        _remove_frames(frames)
        for path in sorted(new.glob("frame_*.png")):
            path.replace(frames / path.name)
        new.rmdir()


def _style_audio(choices: Animate) -> tuple[Path, ...]:
    return (Path(choices.settings.style_audio),) if choices.settings.style_audio else ()


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


def _recipe(portrait: Portrait, speech: Path, choices: Animate, count: int) -> dict[str, Any]:
    from . import provenance
    from .device import described
    from .drawing.styles import style

    used = provenance.face_weights(choices.detector) | provenance.motion_weights(choices.settings)
    used |= provenance.drawing_weights(style(choices.style), choices.engine)
    return Recipe(
        photo_sha256=portrait.photo_sha256,
        audio_sha256=provenance.digest(speech),
        style_sha256=provenance.style_digest(choices.settings),
        face=portrait.face,
        start=choices.start,
        duration=float(count / choices.fps),
        fps=str(choices.fps),
        style=choices.style,
        size=choices.size,
        canvas=choices.canvas,
        engine=choices.engine,
        background=choices.background,
        detector=choices.detector,
        device=described(choices.device),
        settings=asdict(choices.settings),
        weights=used,
        version=__version__,
        versions=provenance.versions(),
    ).to_dict()
