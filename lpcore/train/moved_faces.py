"""Teacher drawings whose faces are moved, with the landmarks that come out of it.

The data folder is that of `portraits` plus ``landmarks68.npz``: per stem (68, 2) landmarks in the photo's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .. import points68
from ..drawing.flow import PiecewiseFlow
from ..drawing.mesh import ControlMesh, build_mesh
from ..types import CROP
from .portraits import load_portraits

WINDOW = 128
"""Height and width in pixels of what the landmark network sees."""
STORED = 224
"""Height and width at which drawings are kept: about the scale of the windows cut from them."""

_LOWER_LIP = (55, 56, 57, 58, 59, 65, 66, 67)
_MIRROR = list(points68.MIRROR)


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """ink: (224, 224) uint8, 255 = black; mesh: its control points in crop units, the first 68 the landmarks."""

    stem: str
    ink: np.ndarray
    mesh: ControlMesh


@dataclass(frozen=True, eq=False)
class Example:
    """ink: (128, 128) uint8, 255 = black; landmarks: (68, 2) float32 in its pixels."""

    ink: np.ndarray
    landmarks: np.ndarray


def load_drawn_faces(data: Path, styles: tuple[str, ...], *, held_out: bool) -> list[DrawnFace]:
    """Every teacher drawing of the training part or the held-out part of `data`, one entry per style.

    Raises:
        FileNotFoundError: a photo has no mask or drawing.
        KeyError: a photo has no landmarks.
    """
    faces = []
    with np.load(data / "landmarks68.npz", allow_pickle=False) as landmarks:
        for sample in load_portraits(data, styles, held_out=held_out):
            photo = cv2.imread(str(data / "faces" / f"{sample.stem}.jpg"), cv2.IMREAD_GRAYSCALE)
            assert photo is not None  # `load_portraits` has just read it
            mesh = build_mesh((landmarks[sample.stem] + 0.5) * CROP / len(photo) - 0.5)
            for k in range(len(styles)):
                ink = np.ascontiguousarray(sample.ink.reshape(CROP, CROP, len(styles))[..., k])
                small = cv2.resize(ink, (STORED, STORED), interpolation=cv2.INTER_AREA)
                faces.append(DrawnFace(sample.stem, small, mesh))
    return faces


def example(
    face: DrawnFace, rng: np.random.Generator, *, motion: float = 1.0, plain: bool = False
) -> Example:
    """A window on `face` with a new expression and pose, mirrored half of the time.

    motion: strength of the changes, 0 = as drawn. plain: do not vary line and paper.
    """
    points = face.mesh.source[: points68.COUNT]
    if motion:
        points = move_face(points, rng, motion)
    place = _random_window(points, rng)
    targets = face.mesh.targets(points[None])[0] @ place[:, :2].T + place[:, 2]
    flow = PiecewiseFlow(
        (face.mesh.source + 0.5) * STORED / CROP - 0.5, face.mesh.triangles, (WINDOW, WINDOW)
    )
    x, y = flow.positions(targets[None])[0].numpy().transpose(2, 0, 1)
    ink = cv2.remap(face.ink, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR)
    ink[_outside(place)] = 0
    landmarks = targets[: points68.COUNT]
    if motion:
        _fill_mouth(ink, landmarks, rng)
    if not plain:
        ink = _vary(ink, rng)
    if rng.random() < 0.5:
        ink = ink[:, ::-1]
        landmarks = landmarks[_MIRROR] * [-1, 1] + [WINDOW - 1, 0]
    return Example(np.ascontiguousarray(ink), landmarks.astype(np.float32))


def move_face(points: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """(68, 2) landmarks with random mouth, lids, brows and turn of the head; crop units in and out."""
    p = points.astype(np.float64).copy()
    lips = list(points68.LIPS)
    mouth = float(np.linalg.norm(p[54] - p[48]))
    down = p[8] - p[27]
    down /= np.linalg.norm(down)
    side = np.array([down[1], -down[0]])

    centre = p[lips].mean(0)
    along = ((p[lips] - centre) @ side)[:, None] * side
    p[lips] += strength * rng.uniform(-0.3, 0.25) * along  # pucker or smile
    p[[48, 54, 60, 64]] -= strength * rng.uniform(-0.08, 0.12) * mouth * down
    p[list(points68.OUTER_LIPS[1:6])] -= strength * rng.uniform(-0.02, 0.05) * mouth * down
    gap = np.maximum(((p[[67, 66, 65]] - p[[61, 62, 63]]) @ down).mean(), 0)
    opening = strength * (rng.uniform(0, 0.5) * mouth if rng.random() < 0.6 else -rng.uniform(0, 1) * gap)
    # The middle of the lip drops most; the corners stay.
    reach = np.cos(np.clip((p - centre) @ side / mouth, -0.5, 0.5) * np.pi)
    p[list(_LOWER_LIP)] += opening * reach[list(_LOWER_LIP), None] * down
    p[4:13] += 0.8 * opening * np.sin(np.linspace(0.15, 0.85, 9) * np.pi)[:, None] * down

    lid = rng.uniform(-0.3, 1.0) if rng.random() < 0.6 else 0.0
    for upper, lower in points68.LID_PAIRS:
        meeting = 0.25 * p[upper] + 0.75 * p[lower]
        p[[upper, lower]] += strength * lid * (meeting - p[[upper, lower]])
    p[list(points68.BROWS)] -= strength * rng.uniform(-0.06, 0.08) * mouth * 2 * down

    # A turned head: the nearer to the middle of the face, the further the point swings.
    half = 0.5 * np.linalg.norm(p[16] - p[0])
    nearness = 1 - np.clip(np.abs((p - p[30]) @ side) / half, 0, 1.2) ** 2
    nearness[30:36] += 0.25
    p += (
        strength
        * half
        * nearness[:, None]
        * (rng.uniform(-0.15, 0.15) * side + rng.uniform(-0.08, 0.08) * down)
    )
    return p + strength * rng.normal(0, 0.006 * mouth, p.shape)


def _random_window(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(2, 3) map from crop units to window pixels: the face off centre, larger or smaller, tilted."""
    low, high = points.min(0), points.max(0)
    zoom = WINDOW / ((high - low).max() * rng.uniform(1.1, 1.6))
    angle = rng.normal(0, 0.12)
    linear = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear[0] *= rng.uniform(0.92, 1.08)
    goal = (WINDOW - 1) / 2 + rng.uniform(-0.07, 0.07, 2) * WINDOW
    return np.column_stack([linear, goal - linear @ ((low + high) / 2)])


def _outside(place: np.ndarray) -> np.ndarray:
    """(128, 128) bool: which window pixels lie beyond the drawing."""
    back = cv2.invertAffineTransform(place)
    y, x = np.mgrid[:WINDOW, :WINDOW]
    source = np.stack([x, y], axis=-1) @ back[:, :2].T + back[:, 2]
    return np.any((source < 0) | (source > CROP - 1), axis=-1)


def _fill_mouth(ink: np.ndarray, landmarks: np.ndarray, rng: np.random.Generator) -> None:
    """Half of the time paint the inside of the mouth as one grey, as a drawing of an open mouth may have it."""
    if rng.random() < 0.5:
        outline = (landmarks[list(points68.INNER_LIPS)] * 16).round().astype(np.int32)
        cv2.fillPoly(ink, [outline], int(rng.uniform(0, 255)), cv2.LINE_AA, 4)


def _vary(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other pens and unfinished drawings: line weight, blur, grey paper, noise, a hole."""
    if rng.random() < 0.3:
        grow = cv2.dilate if rng.random() < 0.6 else cv2.erode
        ink = cv2.addWeighted(ink, 0.5, grow(ink, np.ones((2, 2), np.uint8)), 0.5, 0)
    if rng.random() < 0.5:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.5))
    x = (ink / np.float32(255)) ** np.exp(rng.uniform(-0.6, 0.6)) * rng.uniform(0.5, 1.0)
    if rng.random() < 0.3:
        x = x + rng.normal(0, rng.uniform(0, 0.1), ink.shape) + rng.uniform(0, 0.15)
    if rng.random() < 0.25:
        left, top = rng.integers(0, WINDOW - 24, 2)
        x[top : top + 24, left : left + 24] = rng.uniform(0, 0.3)
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)
