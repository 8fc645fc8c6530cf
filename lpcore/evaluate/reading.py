"""The landmarks of a drawing, read by the detector of photos: `lpcore evaluate reading --data DIR` tells how well.

The detector (MediaPipe's face mesh) was made for photos, whose brightness changes slowly. It reads drawings better
blurred, as from afar. By how much is found on teacher drawings of people who are not held out, whose landmarks are
those of their photos; the methods that are measured have no part in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..cli_arguments import positive
from ..drawing.styles import STYLES
from ..face.detect import Detection
from ..face.landmarks import landmarks as find_landmarks
from ..points68 import EYE_LEFT, EYE_RIGHT
from ..types import CROP, FaceBox
from .drawing_figures import lip_error
from .teachers import Teacher, photos, teachers

BLUR = 4.0
"""Standard deviation in pixels of a 512 x 512 drawing with which drawings are read, see `calibrate`."""

BLURS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Those that are tried."""

SIDE = 256
"""Height and width at which distances of landmarks are given, as the paper's."""


def read_landmarks(picture: np.ndarray, points: np.ndarray, blur: float = BLUR) -> np.ndarray:
    """(68, 2) landmarks found in a (512, 512) uint8 drawing, in pixels, near the wanted `points` (68, 2 or 3).

    blur: standard deviation in pixels of the Gaussian blur before.
    """
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    return find_landmarks(np.repeat(picture[..., None], 3, axis=-1), _face(points[:, :2])).points[:, :2]


def calibrate(drawings: Iterable[Teacher], blurs: Sequence[float] = BLURS) -> dict[float, float]:
    """By blur, the mean distance of lips read off the drawings from those of the photos, in pixels at 256 x 256."""
    errors = [
        [
            lip_error(read_landmarks(drawing.picture, drawing.landmarks, blur)[None], drawing.landmarks[None])
            for blur in blurs
        ]
        for drawing in drawings
    ]
    return dict(zip(blurs, (np.mean(errors, axis=0) * SIDE / CROP).tolist(), strict=True))


def _face(points: np.ndarray) -> Detection:
    """Where the face with these landmarks (68, 2) is."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    eyes = np.stack([points[list(eye)].mean(axis=0) for eye in (EYE_RIGHT, EYE_LEFT)])
    return Detection(FaceBox(left, top, right - left, bottom - top, 1.0), eyes)


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="lpcore evaluate reading", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with faces/, masks/, drawings_STYLE/"
    )
    names = [name for name, style in STYLES.items() if not style.published]
    parser.add_argument("--style", choices=names, default="ink")
    parser.add_argument("--step", type=positive, default=4, help="read every so-many-th drawing")
    options = parser.parse_args(argv)
    stems = [photo.stem for photo in photos(options.data, held_out=False)][:: options.step]
    drawings = tqdm(teachers(options.data, options.style, stems), "teachers", len(stems), disable=None)
    for blur, error in calibrate(drawings).items():
        print(f"blur {blur:g}: lips {error:.2f} px off")  # noqa: T201 it reports
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
