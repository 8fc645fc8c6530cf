"""The films of a user study: found in result folders, made alike and nameless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2

from ..audio.load import load
from ..errors import LpError
from ..film import run_encoder
from .results_on_disk import is_film, pictures_in

SIDE = 512
"""Height of every film in pixels, so that no method is told by its size."""


@dataclass(frozen=True)
class Take:
    """One method's result for one shot: a film with sound, or frames in order and the speech to them."""

    film: Path | None
    frames: tuple[Path, ...] = ()
    speech: Path | None = None


def gather(methods: Mapping[str, Path], speech: Path | None) -> dict[str, dict[str, Take]]:
    """Shot -> method -> take.

    A result folder holds a film or a folder for each shot; such a folder holds ``film.mp4`` (as `lpcore animate`
    writes it), or the frames, themselves or in ``frames/``. `speech` is a folder of sound files named like the shots.

    Raises LpError ``STUDY_WRONG`` where the methods differ in their shots or a shot has no sound.
    """
    found = {method: _shots(folder) for method, folder in methods.items()}
    every = sorted(set().union(*found.values()))
    for method, shots in found.items():
        if lacking := [name for name in every if name not in shots]:
            raise LpError("STUDY_WRONG", f"{method} has no result for the shot {lacking[0]}")
    sounds = {path.stem: path for path in sorted(_listing(speech))} if speech else {}
    return {
        name: {method: _take(shots[name], sounds.get(name)) for method, shots in found.items()}
        for name in every
    }


def encode(take: Take, fps: Fraction, film: Path) -> None:
    """Write the take as an MP4 of `SIDE` pixels' height without any word of where it comes from.

    Raises LpError ``STUDY_WRONG`` (a frame is no picture), ``FILM_FAILED``, ``OUTPUT_READONLY`` or ``DISK_FULL``.
    """
    if take.film:
        options, fed = ["-i", f"file:{take.film.resolve()}"], b""
    else:
        # Through a pipe, frames need no numbers in their names that ffmpeg understands.
        options = ["-f", "image2pipe", "-framerate", str(fps), "-i", "pipe:0"]
        fed = b"".join(map(_as_png, take.frames))
    if take.speech:
        options += ["-i", f"file:{take.speech.resolve()}", "-map", "0:v:0", "-map", "1:a:0"]
    else:
        options += ["-map", "0:v:0", "-map", "0:a:0"]
    options += ["-vf", f"scale=-2:{SIDE}:flags=lanczos,format=yuv420p", "-crf", "14"]
    options += [
        "-ac",
        "1",
        "-b:a",
        "128k",
        "-shortest",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags",
        "+bitexact",
    ]
    run_encoder(options, film, fed=fed)


def _as_png(path: Path) -> bytes:
    """The picture as PNG, the one format that ffmpeg tells apart in a pipe without fail."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise LpError("STUDY_WRONG", f"{path} is no picture")
    return cv2.imencode(".png", picture)[1].tobytes()


def seconds(film: Path) -> float:
    """How long a film lasts."""
    import imageio_ffmpeg

    return imageio_ffmpeg.count_frames_and_secs(film)[1] or 0.0


def _shots(folder: Path) -> dict[str, Path]:
    entries = {path.stem: path for path in sorted(_listing(folder)) if path.is_dir() or is_film(path)}
    if not entries:
        raise LpError("STUDY_WRONG", f"{folder} holds neither films nor folders of frames")
    return entries


def _listing(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise LpError("STUDY_WRONG", f"there is no folder {folder}") from error


def _take(path: Path, speech: Path | None) -> Take:
    film = path / "film.mp4" if path.is_dir() else path
    if film.is_file():
        if speech is None:
            load(film)  # tells of a film without sound
        return Take(film, speech=speech)
    pictures = path / "frames" if (path / "frames").is_dir() else path
    frames = pictures_in(pictures) if pictures.is_dir() else []
    if not frames:
        raise LpError("STUDY_WRONG", f"{path} holds neither film.mp4 nor frames")
    if speech is None:
        raise LpError("STUDY_WRONG", f"the frames in {pictures} have no speech; name its folder by --speech")
    return Take(None, tuple(frames), speech)
