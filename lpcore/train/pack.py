"""All that the trainers of the drawing stage read, packed once into one file that is mapped into memory.

The file travels to a machine that has this package and nothing else. It is a safetensors file: compressed pictures
as bytes, landmarks, fits of the ICT head, the head itself, drawn moments of films and, where present, the identity
loss's frozen network.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from .. import weights
from ..errors import LpError
from ..types import CROP
from .film_pairs import film_pairs
from .films import HELD_OUT
from .fit import fit, fit_error
from .head import FaceState, Head
from .identity import IdentityNet, load_identity_net
from .portraits import Sample, load_portraits

LIMIT = 64 * 2**20
"""Bytes that a pack may have."""
STYLES = ("ink", "pen")
PARTS = {"train": False, "held_out": True}
"""Part of the pack -> whether it holds the people reserved for measuring."""
_PHOTO = (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 82])
_DRAWING = (".webp", [cv2.IMWRITE_WEBP_QUALITY, 60])
_MASK = (".png", [cv2.IMWRITE_PNG_COMPRESSION, 9])
_STATE = ("identity", "expression", "axes", "shift")
_MOMENTS = 12
"""Drawn moments per film."""


class Faces:
    """One part of a pack: N faces, numbered; pictures are decoded when asked for.

    stems: names of the photos. landmarks: (N, 68, 2) float32 and states: batch of N fits, both in crop units, which
    are the pixels of the pictures. films: how many drawn moments of films there are beside the faces.
    """

    def __init__(self, file: Any, part: str, stems: list[str], films: int) -> None:
        self._file, self._part = file, part
        self.stems, self.films = stems, films
        self.landmarks: np.ndarray = file.get_tensor(f"{part}/landmarks")
        self.states = FaceState(*(file.get_tensor(f"{part}/{name}") for name in _STATE))
        self._ends: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.stems)

    def photo(self, index: int) -> np.ndarray:
        """(512, 512, 3) uint8 RGB."""
        return cv2.cvtColor(self._picture("photo", index, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    def mask(self, index: int) -> np.ndarray:
        """(512, 512) uint8, person = 255."""
        return self._picture("mask", index, cv2.IMREAD_GRAYSCALE)

    def ink(self, index: int, style: str) -> np.ndarray:
        """(512, 512) uint8 teacher drawing of the person alone, ink = 255."""
        return self._picture(f"drawing_{style}", index, cv2.IMREAD_GRAYSCALE)

    def film(self, index: int, style: str) -> np.ndarray:
        """(2, 512, 512) uint8 drawings of a moment of a film and of the frame that follows it, ink = 255."""
        pair = (self._picture(f"film_{style}", 2 * index + k, cv2.IMREAD_GRAYSCALE) for k in range(2))
        return np.stack(list(pair))

    def _picture(self, kind: str, index: int, flags: int) -> np.ndarray:
        key = f"{self._part}/{kind}"
        if kind not in self._ends:
            self._ends[kind] = self._file.get_tensor(f"{key}/ends")
        ends = self._ends[kind]
        start = int(ends[index - 1]) if index else 0
        image = cv2.imdecode(self._file.get_slice(key)[start : int(ends[index])], flags)
        assert image is not None  # `pack` has encoded it
        return image


class Pack:
    """A packed data set.

    styles: whose drawings it holds. head: the ICT head. train, held_out: its two parts.

    Raises FileNotFoundError, and KeyError for a file that is no pack.
    """

    def __init__(self, path: Path) -> None:
        self._file = safe_open(path, framework="np")
        header: dict[str, Any] = json.loads((self._file.metadata() or {})["pack"])
        self.styles = tuple(header["styles"])
        films = header.get("films", {})
        self.train, self.held_out = (
            Faces(self._file, part, header[part], films.get(part, 0)) for part in PARTS
        )
        self.head = Head(
            self._file.get_tensor("head/neutral"),
            self._unzipped("head/identities"),
            self._unzipped("head/expressions"),
            self._file.get_tensor("head/triangles").astype(np.int64),
            self._file.get_tensor("head/inside").astype(bool),
            tuple(header["landmarks"]),
            tuple(header["names"]),
        )

    def identity_net(self, device: str = "cpu") -> IdentityNet:
        """The frozen network of the identity loss; from the weights cache where the pack has none.

        Raises LpError ``WEIGHTS_MISSING`` when neither has it.
        """
        import torch

        names = [key for key in self._file.keys() if key.startswith("identity_net/")]  # noqa: SIM118 not a dict
        if not names:
            return load_identity_net(device)
        net = IdentityNet()
        tensors = {name: torch.from_numpy(self._file.get_tensor(name).astype(np.float32)) for name in names}
        net.load_state_dict({name.partition("/")[2]: tensor for name, tensor in tensors.items()})
        return net.to(device).eval().requires_grad_(False)

    def _unzipped(self, key: str) -> np.ndarray:
        data = zlib.decompress(self._file.get_tensor(key).tobytes())
        vertices = len(self._file.get_tensor("head/neutral"))
        return np.frombuffer(data, np.float16).reshape(-1, vertices, 3).astype(np.float32)


def pack(
    data: Path,
    out: Path,
    styles: tuple[str, ...] = STYLES,
    *,
    redrawn: Path | None = None,
    head: Head | None = None,
    identity: bool = True,
) -> dict[str, float]:
    """Pack the data folder (see `portraits`, with ``landmarks68.npz``, ``ict/ict_light.npz`` and, where there are any,
    films ``clips/*.mpg``) into the file `out`.

    redrawn: folder of better drawings (see `load_portraits`). head: in place of the folder's. identity: take along
    the identity network if it has been fetched.

    Returns the number of faces and of films' moments per part, the mean fit error per part (see `fit_error`) and the
    megabytes.

    Raises:
        FileNotFoundError: the folder lacks something.
        ValueError: the pack would be too large to travel.
    """
    head = head or Head.load(data / "ict" / "ict_light.npz")
    tensors: dict[str, np.ndarray] = {
        "head/neutral": head.neutral,
        "head/identities": _zipped(head.identities),
        "head/expressions": _zipped(head.expressions),
        "head/triangles": head.triangles.astype(np.int32),
        "head/inside": head.inside.astype(np.uint8),
    }
    header: dict[str, Any] = {"styles": styles, "landmarks": head.landmarks, "names": head.names}
    figures: dict[str, float] = {}
    with np.load(data / "landmarks68.npz", allow_pickle=False) as landmarks:
        for part, held_out in PARTS.items():
            samples = load_portraits(data, styles, held_out=held_out, redrawn=redrawn)
            points = [_crop_units(landmarks[s.stem], data / "faces" / f"{s.stem}.jpg") for s in samples]
            states = [fit(head, p) for p in points]
            header[part] = [s.stem for s in samples]
            tensors[f"{part}/landmarks"] = np.stack(points)
            batch = FaceState.stack(states)
            tensors |= {f"{part}/{name}": getattr(batch, name) for name in _STATE}
            tensors |= _pictures(part, samples, styles)
            films = [p for p in sorted(data.glob("clips/*.mpg")) if (p.stem in HELD_OUT) == held_out]
            pairs = [pair for film in films for pair in film_pairs(film, styles, _MOMENTS)]
            for k, style in enumerate(styles if pairs else ()):
                drawings = (drawing for pair in pairs for drawing in pair[k])
                tensors |= _encoded(f"{part}/film_{style}", drawings, _DRAWING)
            header.setdefault("films", {})[part] = len(pairs)
            figures |= {part: len(samples), f"{part}_films": len(pairs)}
            errors = [fit_error(head, *pair) for pair in zip(states, points, strict=True)]
            figures[f"{part}_fit_error"] = float(np.mean(errors))
    if identity:
        tensors |= _identity_tensors()
    size = sum(array.nbytes for array in tensors.values())
    if size > LIMIT:
        raise ValueError(
            f"the pack would have {size / 2**20:.0f} MiB; at most {LIMIT / 2**20:.0f} can travel"
        )
    partial = out.with_suffix(".partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, partial, metadata={"pack": json.dumps(header)})
    partial.replace(out)
    return figures | {"megabytes": size / 1e6}


def _crop_units(points: np.ndarray, photo: Path) -> np.ndarray:
    image = cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE)
    assert image is not None  # `load_portraits` has just read it
    return ((points + 0.5) * CROP / len(image) - 0.5).astype(np.float32)


def _pictures(part: str, samples: list[Sample], styles: tuple[str, ...]) -> dict[str, np.ndarray]:
    def ink(style: int) -> Iterable[np.ndarray]:
        return (s.ink.reshape(CROP, CROP, len(styles))[..., style] for s in samples)

    photos = (cv2.cvtColor(s.photo, cv2.COLOR_RGB2BGR) for s in samples)
    packed = _encoded(f"{part}/photo", photos, _PHOTO)
    packed |= _encoded(f"{part}/mask", (s.mask for s in samples), _MASK)
    for k, style in enumerate(styles):
        packed |= _encoded(f"{part}/drawing_{style}", ink(k), _DRAWING)
    return packed


def _encoded(key: str, images: Iterable[np.ndarray], form: tuple[str, list[int]]) -> dict[str, np.ndarray]:
    blobs = [cv2.imencode(form[0], np.ascontiguousarray(image), form[1])[1].ravel() for image in images]
    return {key: np.concatenate(blobs), f"{key}/ends": np.cumsum([len(blob) for blob in blobs])}


def _zipped(offsets: np.ndarray) -> np.ndarray:
    return np.frombuffer(zlib.compress(offsets.astype(np.float16).tobytes(), 9), np.uint8)


def _identity_tensors() -> dict[str, np.ndarray]:
    try:
        weights.require("face_identity")
    except LpError:
        return {}
    state = load_identity_net().state_dict()
    return {f"identity_net/{name}": value.numpy().astype(np.float16) for name, value in state.items()}


def main(argv: list[str] | None = None) -> int:
    """Command line of the packer."""
    parser = argparse.ArgumentParser(prog="lpcore train pack", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--styles", nargs="+", default=STYLES)
    parser.add_argument("--redrawn", type=Path, help="folder of drawings in place of the data's")
    options = parser.parse_args(argv)
    figures = pack(options.data, options.out, tuple(options.styles), redrawn=options.redrawn)
    print("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))  # noqa: T201 figures for the user
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
