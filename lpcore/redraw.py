"""Draw only what is not at hand: frames found by their keys, drawings finished anew, and the rest by the networks."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import frame_keys, provenance
from .device import described
from .files import write_atomically
from .finish import Finish
from .frame_store import EXR, FrameStore, Take, signed
from .png import XMP, is_grey, without_texts
from .version import __version__

if TYPE_CHECKING:
    import numpy as np

    from .drawing.styles import Style
    from .types import Portrait

MARK = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    "Iptc4xmpExt:DigitalSourceType="
    '"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"/>'
    "</rdf:RDF></x:xmpmeta>"
)
"""How a file says that it is AI-made, in the vocabulary of the press (IPTC digital source type)."""

_CODE = [Path(__file__).parent / name for name in ("drawing", "face")]
_LIBRARIES = ("torch", "numpy", "opencv")  # those in whose hands the pixels are


def drawn_by(style: Style, engine: str, device: str) -> str:
    """Digest of what turns photo and landmarks into pixels: code, libraries, networks, device and compiler.

    Raises LpError ``WEIGHTS_MISSING``.
    """
    libraries = provenance.versions()
    parts = [
        __version__,
        _code_digest(),
        engine,
        described(device),
        provenance.drawing_weights(style, engine),
        [libraries[name] for name in _LIBRARIES],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache
def _code_digest() -> str:
    digest = hashlib.sha256()
    for folder in _CODE:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def styles_here(device: str) -> list[dict[str, Any]]:
    """For each style that can be drawn here: name, title, about, best (engine), and drawn_by per engine."""
    from .drawing.styles import ENGINES, available, pick_engine
    from .errors import LpError

    found = []
    for style in available():
        digests = {}
        for engine in ENGINES[1:]:
            try:
                digests[engine] = drawn_by(style, pick_engine(style, engine), device)
            except LpError:
                continue  # this engine cannot draw it here
        if digests:
            best = pick_engine(style)
            about = {"name": style.name, "title": style.title, "about": style.about}
            found.append(about | {"best": best, "drawn_by": digests})
    return found


def look_of(
    portrait: Portrait, style: Style, engine: str, device: str, size: int, canvas: str, background: bool
) -> dict[str, Any]:
    """The look (see `frame_keys.look`) of drawings of `portrait`; `engine` is "warp" or "generator"."""
    return frame_keys.look(
        portrait.photo_sha256,
        portrait.face,
        portrait.landmarks,
        portrait.crop.to_dict(),
        style=style.name,
        size=size,
        canvas=canvas,
        background=background,
        drawn_by=drawn_by(style, engine, device),
    )


class Redraw:
    """The frames of one take: what is at hand is taken, the rest drawn.

    points: (T, 68, 3) snapped landmarks of the frames wanted, one row for each of the take's `indices`.
    stream: called for a `FrameStream` once something must really be drawn. scale: frame pixels a crop unit.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str,
        indices: Sequence[int],
        points: np.ndarray,
        look: Mapping[str, Any],
        finish: Finish,
        store: FrameStore,
        scale: float,
    ) -> None:
        drawings = frame_keys.drawing_keys(look, points)
        self.keys = frame_keys.finished_keys(drawings, finish)
        self.drawn = self.finished = 0
        """Frames that went through the networks, and those that only got another finish."""
        self._take = Take(folder, prefix, indices, self.keys, store)
        self._points, self._finish, self._store, self._scale = points, finish, store, scale
        self._indices = indices
        # The first row that shows each frame, and the key of its drawing.
        self._row = {key: row for row, key in reversed(list(enumerate(self.keys)))}
        self._drawing = dict(zip(self.keys, drawings, strict=True))
        self._texts = {"Software": f"Line Portrait {__version__}"}
        if finish.mark:
            self._texts |= {"Disclaimer": "AI-made: drawn by trained networks from a photo", XMP: MARK}

    @property
    def written(self) -> int:
        """Bytes of new frames."""
        return self._take.written

    def path(self, index: int) -> Path:
        """The file of frame `index`."""
        return self._take.path(index)

    def gather(self) -> Iterator[int]:
        """Frames that need no network; yields their indices as they are complete."""
        yield from self._take.gather()
        if self._finish.plain:
            return
        for key in list(self._take.missing):
            found = self._store.find(self._drawing[key])
            if found is not None:
                yield from self._take.add(key, self._finished_anew(key, found))
                self.finished += 1

    @property
    def rest(self) -> np.ndarray:
        """(N, 68, 3): the landmarks of what is still to be drawn, each picture once."""
        return self._points[[self._row[key] for key in self._take.missing]]

    def draw(self, images: Iterator[np.ndarray]) -> Iterator[int]:
        """Write the `images` of `rest`; yields the indices that show them as their files are complete."""
        from .frames import ENCODERS
        from .ordered import in_order

        drawings = zip(list(self._take.missing), images, strict=True)
        jobs = (functools.partial(self._pictured, key, drawing) for key, drawing in drawings)
        pictures = in_order(jobs, ENCODERS)
        # The take is one for all: its files are written by one thread, while others encode the next.
        for shown in in_order(functools.partial(self._add, key, picture) for key, picture in pictures):
            yield from shown

    def write_exr(self) -> Iterator[Path]:
        """An EXR file beside every frame; yields its path. A frame that stayed as it was keeps the one it has.

        Raises LpError ``FRAME_UNREADABLE``, ``DISK_FULL`` or ``OUTPUT_READONLY``.
        """
        from .exr import encode_exr
        from .frames import read_png

        comments = {"software": self._texts["Software"]}
        if self._finish.mark:
            comments["comments"] = self._texts["Disclaimer"]
        last: tuple[str, bytes] = ("", b"")  # held frames follow one another
        for index, key in zip(self._indices, self.keys, strict=True):
            frame = self.path(index)
            target = frame.with_suffix(EXR)
            if not target.is_file():
                if last[0] != key:
                    last = key, encode_exr(read_png(frame.read_bytes(), str(frame)), comments)
                write_atomically(target, last[1])
            yield target

    def _pictured(self, key: str, drawing: np.ndarray) -> tuple[str, bytes]:
        """The key and the PNG file of a frame just drawn; the drawing behind another finish is kept too."""
        if not self._finish.plain:
            from .frames import encode_png

            raw = self._drawing[key]
            self._store.keep(raw, signed(encode_png(drawing), raw, self._texts))
        return key, self._encoded(key, drawing)

    def _add(self, key: str, picture: bytes) -> list[int]:
        self.drawn += 1
        return self._take.add(key, picture)

    def _encoded(self, key: str, drawing: np.ndarray) -> bytes:
        from .frames import encode_png

        finished = self._finish.drawn(drawing, self._scale)
        picture = encode_png(finished)
        return signed(self._finish.coloured(picture) if finished.ndim == 2 else picture, key, self._texts)

    def _finished_anew(self, key: str, drawing: bytes) -> bytes:
        """The frame `key` from the PNG file of its drawing."""
        from .frames import read_png

        if self._finish.weight or not is_grey(drawing):
            return self._encoded(key, read_png(drawing))
        return signed(self._finish.coloured(without_texts(drawing)), key, self._texts)
