"""Training portraits: face photos with person masks and teacher drawings, and their augmentation.

The data folder holds ``faces/STEM.jpg`` (RGB photo), ``masks/STEM.png`` (person = 255) and
``drawings_STYLE/STEM.png`` (grey, ink = 0), all of one size per stem. Drawings that were made again, such as those of
`teed`, may lie in a second folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIZE = 512
FAULTY = frozenset({"stylegan2_132"})
"""Photos whose teacher drawings are known to be wrong."""


def is_held_out(stem: str) -> bool:
    """True for the people reserved for measuring: London and StyleGAN2 faces whose number ends in 7."""
    match = re.match(r"(?:london_[ns]|stylegan2)_(\d+)", stem)
    return bool(match) and match[1].endswith("7")


@dataclass(frozen=True, eq=False)
class Sample:
    """photo: (512, 512, 3) uint8 RGB; mask: (512, 512) uint8, person 255; ink: (512, 512, styles) uint8, ink 255."""

    stem: str
    photo: np.ndarray
    mask: np.ndarray
    ink: np.ndarray


def load_portraits(
    data: Path, styles: tuple[str, ...], *, held_out: bool, redrawn: Path | None = None
) -> list[Sample]:
    """The training part or the held-out part of the portraits in `data`, sorted by stem, brought to 512 x 512.

    Styles that have a folder ``redrawn/drawings_STYLE`` are taken from there.

    Raises:
        FileNotFoundError: a photo has no mask or drawing, or there is no photo at all.
    """
    folders = [_drawings(data, redrawn, style) for style in styles]
    samples = []
    for path in sorted((data / "faces").glob("*.jpg")):
        if path.stem in FAULTY or is_held_out(path.stem) != held_out:
            continue
        mask_file = data / "masks" / f"{path.stem}.png"
        mask = read_image(mask_file, cv2.IMREAD_GRAYSCALE)
        inks = [read_image(folder / mask_file.name, cv2.IMREAD_GRAYSCALE) for folder in folders]
        # Teachers draw the clutter behind the person; the paper's foreground is the person alone.
        ink = np.stack([(255 - drawing) * (grown(mask) > 127) for drawing in inks], axis=-1)
        photo = cv2.cvtColor(read_image(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        samples.append(Sample(path.stem, *(_resize(a) for a in (photo, mask, ink))))
    if not samples:
        raise FileNotFoundError(f"no photos in {data / 'faces'}")
    return samples


def _drawings(data: Path, redrawn: Path | None, style: str) -> Path:
    name = f"drawings_{style}"
    return redrawn / name if redrawn and (redrawn / name).is_dir() else data / name


def grown(mask: np.ndarray) -> np.ndarray:
    """The mask with the pixels that a contour line around the person covers."""
    return cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))


def read_image(path: Path, flags: int) -> np.ndarray:
    image = cv2.imread(str(path), flags)
    if image is None:
        raise FileNotFoundError(path)
    return image


def _resize(image: np.ndarray) -> np.ndarray:
    if image.shape[0] == SIZE:
        return np.ascontiguousarray(image)
    # OpenCV drops a last axis of length 1.
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).reshape(
        SIZE, SIZE, *image.shape[2:]
    )


def augment(sample: Sample, other: Sample, rng: np.random.Generator, side: int = SIZE) -> Sample:
    """A variation of `sample`: place, background (taken from `other`), skin tone, light, colour, blur, noise.

    `side` is the height and width of the result in pixels, a window at a random place if smaller than 512.

    The drawing only follows the place: the network has to draw the same lines in any light.
    """
    photo = sample.photo
    if rng.random() < 0.4:
        photo = _replace_background(photo, sample.mask, other.photo, rng)
    photo = _relight(photo, sample.mask, rng)

    angle, scale = rng.normal(0, 8), np.exp(rng.uniform(-0.25, 0.25))
    place = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), angle, scale)
    place[:, 2] += rng.uniform(-0.08, 0.08, 2) * SIZE
    if rng.random() < 0.5:
        place[0] *= -1
        place[0, 2] += SIZE - 1
    place[:, 2] -= rng.uniform(0, SIZE - side, 2)

    def warp(image: np.ndarray, border: int) -> np.ndarray:
        return cv2.warpAffine(image, place, (side, side), flags=cv2.INTER_LINEAR, borderMode=border)

    photo = warp(photo, cv2.BORDER_REPLICATE)
    mask = warp(sample.mask, cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT)
    ink = warp(sample.ink, cv2.BORDER_CONSTANT).reshape(side, side, -1)
    return Sample(sample.stem, _degrade(photo, rng), _soften(mask, rng), ink)


def _replace_background(
    photo: np.ndarray, mask: np.ndarray, other: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    if rng.random() < 0.5:
        back = cv2.GaussianBlur(other[:, ::-1], (0, 0), rng.uniform(0.5, 12))
    else:
        ends = rng.uniform(0, 255, (2, 1, 1, 3))
        ramp = np.linspace(0, 1, SIZE)[:, None, None]
        back = np.broadcast_to(ends[0] * ramp + ends[1] * (1 - ramp), photo.shape)
    alpha = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None] / 255
    return (photo * alpha + back * (1 - alpha)).astype(np.uint8)


def _relight(photo: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x = photo.astype(np.float32) / 255
    if rng.random() < 0.35:
        # Darker or lighter skin: a tone curve on the person alone, with the reddening that melanin brings.
        person = (mask / 255).astype(np.float32)[..., None]
        gamma = np.exp(rng.uniform(-0.3, 1.0))
        toned = x ** (gamma * np.array([0.92, 1.0, 1.08], np.float32))
        x = x * (1 - person) + toned * person
    grey = x.mean(axis=-1, keepdims=True)
    x = grey + (x - grey) * (0 if rng.random() < 0.1 else rng.uniform(0.4, 1.4))
    x = np.clip(x * rng.uniform(0.85, 1.15, 3).astype(np.float32), 1e-3, 1) ** np.exp(
        rng.uniform(-0.45, 0.45)
    )
    x = (x - 0.5) * rng.uniform(0.7, 1.25) + 0.5 + rng.uniform(-0.1, 0.1)
    if rng.random() < 0.5:
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6)
        ys, xs = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)
        x = x * (1 + strength * (np.cos(angle) * xs + np.sin(angle) * ys))[..., None]
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)


def _degrade(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.3:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.4:
        # Faces are often a small part of a photo: what is drawn is then enlarged.
        share = rng.uniform(0.25, 0.8)
        small = cv2.resize(photo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        photo = cv2.resize(small, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(1, 10), photo.shape).astype(np.float32)
        photo = np.clip(photo + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 90))])[1]
        photo = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return photo


def _soften(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask with the faults of a real matte: soft, a little too wide or too narrow."""
    grow = int(rng.integers(-3, 4))
    if grow:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grow) + 1,) * 2)
        mask = cv2.dilate(mask, kernel) if grow > 0 else cv2.erode(mask, kernel)
    return cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 3.5))
