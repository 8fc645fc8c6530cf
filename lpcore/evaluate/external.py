"""Films that other programs made of the shots, such as ATVG+UPD's, SDA+UPD's or LivePortrait's.

In one folder, each shot has a folder of its name with pictures, or a film file of its name. Its pictures show what
``shots/NAME/photo.png`` shows, square and of any size. Pictures of a folder are spread evenly over the shot; a film
runs at its own rate from the shot's start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..drawing.styles import STYLES
from ..errors import LpError
from ..face.matte import mattes
from ..provenance import digest
from ..types import CROP, WHOLE_CROP
from .methods import Film, Method
from .per_frame import draw_photo
from .results_on_disk import is_film, pictures_in
from .shots import FPS, Shot

_SHORTEST = 0.9
"""Share of a shot that a film must show."""

_FEWEST = 8
"""Pictures of a folder for each second; animators call it "on threes", and with fewer nothing seems to move."""


def external(folder: Path, shots: Mapping[str, int], style: str, device: str, *, photos: bool) -> Method:
    """The method whose films lie in `folder`. photos: they are no drawings yet; each frame is drawn for itself.

    Args:
        shots: name -> number of frames at `FPS`.

    Raises:
        LpError: ``SHOTS_MISSING``, some of `shots` have no frames there, or frames that will not do (see `probe`).
    """
    places = {name: _place(folder, name) for name in shots}
    found = {name: place for name, place in places.items() if place}
    if absent := [name for name in shots if name not in found]:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise LpError(
            "SHOTS_MISSING", f"{folder} holds neither a folder nor a film for {', '.join(absent[:5])}{more}"
        )
    for name, count in shots.items():
        probe(found[name], count)

    def draw(shot: Shot) -> Film:
        frames, note = read_frames(found[shot.name], len(shot.points))
        drawn = _drawn(frames, shot, style, device) if photos else (_grey(frame) for frame in frames)
        pictures = np.stack(list(drawn))
        return Film(pictures[0], pictures, note=note)

    def made_of(name: str) -> dict[str, str]:
        files = pictures_in(found[name]) if found[name].is_dir() else [found[name]]
        return {file.name: digest(file) for file in files} | ({"style": style} if photos else {})

    role = (
        "photos of another program, each frame drawn for itself" if photos else "drawings of another program"
    )
    return Method(draw, f"{role}, from {folder.name}", made_of)


def probe(place: Path, count: int) -> str:
    """What a folder of pictures or a film is, for people, once it is known to last for `count` frames.

    Raises:
        LpError: ``SHOTS_MISSING``, it is too short, or its first frame is not square or no picture.
    """
    wanted = float(count / FPS)
    if place.is_dir():
        files = pictures_in(place)
        if len(files) < _FEWEST * wanted:
            raise LpError("SHOTS_MISSING", f"{place} holds only {len(files)} pictures for {wanted:.2f} s")
        side = _side(_read(files[0]), place)
        return f"{len(files)} pictures of {side} x {side}"
    with _opened(place) as (film, rate):
        side, seen, needed = _side(film.read()[1], place), 1, round(_SHORTEST * wanted * rate)
        while seen < needed and film.grab():
            seen += 1
    if seen < needed:
        raise LpError("SHOTS_MISSING", f"{place} lasts {seen / rate:.2f} s of {wanted:.2f} s")
    return f"a film of {rate:g} frames a second of {side} x {side}"


def read_frames(place: Path, count: int) -> tuple[list[np.ndarray], str]:
    """`count` frames, (512, 512, 3) uint8 RGB, from a folder of pictures or a film, and what was done to them.

    Raises:
        LpError: ``SHOTS_MISSING``, there are too few, or one is not square or no picture.
    """
    told, frames = probe(place, count), []
    for picture in _pictures(place, count) if place.is_dir() else _shown(place, count):
        way = cv2.INTER_AREA if _side(picture, place) > CROP else cv2.INTER_CUBIC
        frames.append(cv2.resize(picture, (CROP, CROP), interpolation=way))
    return frames, f"{told} shown as {count} at {float(FPS):g} a second of {CROP} x {CROP}"


def _drawn(frames: list[np.ndarray], shot: Shot, style: str, device: str) -> Iterator[np.ndarray]:
    for frame, points in zip(frames, shot.points, strict=True):
        matte = mattes(frame, WHOLE_CROP, frame, points)[1]
        yield draw_photo(frame, matte, STYLES[style], device)


def _place(folder: Path, name: str) -> Path | None:
    if (folder / name).is_dir() and pictures_in(folder / name):
        return folder / name
    films = (path for path in folder.glob("*.*") if path.stem == name and is_film(path) and path.is_file())
    return min(films, default=None)


def _side(picture: np.ndarray | None, place: Path) -> int:
    """Pixels a side of a square picture that was found at `place`, None where none could be read."""
    if picture is None:
        raise LpError("SHOTS_MISSING", f"{place} cannot be read as pictures")
    height, width = picture.shape[:2]
    if height != width:
        raise LpError("SHOTS_MISSING", f"{place} has frames of {width} x {height}, which are not square")
    return height


def _pictures(folder: Path, count: int) -> Iterator[np.ndarray]:
    """A folder's pictures, spread evenly over `count` frames."""
    files = pictures_in(folder)
    return (_read(files[round(k)]) for k in np.linspace(0, len(files) - 1, count))


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise LpError("SHOTS_MISSING", f"{path} is no picture")
    return np.ascontiguousarray(picture[..., ::-1])


def _shown(path: Path, count: int) -> Iterator[np.ndarray]:
    """What a film shows at each of `count` frames; its last picture stands for those that it lacks."""
    with _opened(path) as (film, rate):
        picture, seen = None, 0
        for k in range(count):
            while seen <= round(k * rate / float(FPS)):
                taken, frame = film.read()
                if not taken:
                    break
                picture, seen = np.ascontiguousarray(frame[..., ::-1]), seen + 1
            assert picture is not None  # it was probed
            yield picture


@contextmanager
def _opened(path: Path) -> Iterator[tuple[cv2.VideoCapture, float]]:
    """A film and its rate in frames a second."""
    film = cv2.VideoCapture(str(path))
    try:
        rate = film.get(cv2.CAP_PROP_FPS)
        if not rate > 0:
            raise LpError("SHOTS_MISSING", f"{path} is no film that can be read")
        yield film, rate
    finally:
        film.release()


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
