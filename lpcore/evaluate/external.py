"""Films that other programs made of the shots, such as ATVG+UPD's, SDA+UPD's or LivePortrait's.

In one folder, each shot has a folder of its name with pictures, or a film file of its name. Its pictures show what
``shots/NAME/photo.png`` shows, square and of any size. Pictures of a folder are spread evenly over the shot; a film
runs at its own rate from the shot's start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from ..drawing.styles import STYLES
from ..errors import LpError
from ..face.matte import mattes
from ..provenance import digest
from ..types import CROP, CropTransform
from .methods import Film, Method
from .per_frame import draw_photo
from .shots import FPS, Shot

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
FILMS = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".mpg", ".gif")

_SHORTEST = 0.9
"""Share of a shot that a film must show."""

_WHOLE = CropTransform(centre=((CROP - 1) / 2, (CROP - 1) / 2), scale=1.0)


def external(folder: Path, shots: Iterable[str], style: str, device: str, *, photos: bool) -> Method:
    """The method whose films lie in `folder`. photos: they are no drawings yet; each frame is drawn for itself.

    Raises:
        LpError: ``SHOTS_MISSING``, some of `shots` have no frames there.
    """
    absent = [name for name in shots if _place(folder, name) is None]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise LpError(
            "SHOTS_MISSING", f"{folder} holds neither a folder nor a film for {', '.join(absent[:5])}{more}"
        )

    def draw(shot: Shot) -> Film:
        place = _place(folder, shot.name)
        assert place is not None  # it was there when the method was made
        frames, note = read_frames(place, len(shot.points))
        drawn = _drawn(frames, shot, style, device) if photos else (_grey(frame) for frame in frames)
        pictures = np.stack(list(drawn))
        return Film(pictures[0], pictures, note=note)

    def made_of(name: str) -> dict[str, str]:
        place = _place(folder, name)
        files = _pictures(place) if place and place.is_dir() else [place] if place else []
        return {file.name: digest(file) for file in files} | ({"style": style} if photos else {})

    role = (
        "photos of another program, each frame drawn for itself" if photos else "drawings of another program"
    )
    return Method(draw, f"{role}, from {folder.name}", made_of)


def read_frames(place: Path, count: int) -> tuple[list[np.ndarray], str]:
    """`count` frames, (512, 512, 3) uint8 RGB, from a folder of pictures or a film, and what was done to them.

    Raises:
        LpError: ``SHOTS_MISSING``, there are too few, or one is not square or no picture.
    """
    if place.is_dir():
        files = _pictures(place)
        taken = [files[round(k)] for k in np.linspace(0, len(files) - 1, count)]
        pictures: Callable[[], Iterator[np.ndarray]] = lambda: map(_read, taken)  # noqa: E731
        told = f"{len(files)} pictures"
    else:
        found, rate = _read_film(place)
        if len(found) / rate < _SHORTEST * count / FPS:
            raise LpError(
                "SHOTS_MISSING", f"{place.name} lasts {len(found) / rate:.2f} s of {float(count / FPS):.2f} s"
            )
        kept = [found[min(round(k * rate / float(FPS)), len(found) - 1)] for k in range(count)]
        pictures = lambda: iter(kept)  # noqa: E731
        told = f"{len(found)} frames at {rate:g} a second"
    frames, shape = [], (0, 0)
    for picture in pictures():
        shape = picture.shape[:2]
        if shape[0] != shape[1]:
            raise LpError(
                "SHOTS_MISSING", f"{place.name} has frames of {shape[1]} x {shape[0]}, which are not square"
            )
        way = cv2.INTER_AREA if shape[0] > CROP else cv2.INTER_CUBIC
        frames.append(cv2.resize(picture, (CROP, CROP), interpolation=way))
    note = f"{told} of {shape[1]} x {shape[0]} shown as {count} at {float(FPS):g} a second of {CROP} x {CROP}"
    return frames, note


def _drawn(frames: list[np.ndarray], shot: Shot, style: str, device: str) -> Iterator[np.ndarray]:
    for frame, points in zip(frames, shot.points, strict=True):
        matte = mattes(frame, _WHOLE, frame, points)[1]
        yield draw_photo(frame, matte, STYLES[style], device)


def _place(folder: Path, name: str) -> Path | None:
    if (folder / name).is_dir() and _pictures(folder / name):
        return folder / name
    return next((folder / f"{name}{end}" for end in FILMS if (folder / f"{name}{end}").is_file()), None)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise LpError("SHOTS_MISSING", f"{path} is no picture")
    return np.ascontiguousarray(picture[..., ::-1])


def _read_film(path: Path) -> tuple[list[np.ndarray], float]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    try:
        rate = capture.get(cv2.CAP_PROP_FPS)
        while True:
            taken, frame = capture.read()
            if not taken:
                break
            frames.append(np.ascontiguousarray(frame[..., ::-1]))
    finally:
        capture.release()
    if not frames or not rate:
        raise LpError("SHOTS_MISSING", f"{path} is no film that can be read")
    return frames, rate


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
