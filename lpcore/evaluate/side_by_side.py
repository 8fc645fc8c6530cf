"""Films of one shot as several methods drew it, side by side, with the speech."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..film import encode_film
from ..frames import write_frames
from .drawing_sheet import tile
from .shots import FPS, ShotPlan


def write_film(path: Path, plan: ShotPlan, photo: np.ndarray, drawn: Mapping[str, np.ndarray]) -> None:
    """Write an MP4 of the shot.

    Args:
        photo: (H, W, 3) uint8, shown on the left. drawn: method -> (T, S, S) uint8 frames.

    Raises:
        LpError: as `film.encode_film`.
    """
    side = next(iter(drawn.values())).shape[-1]
    still = tile("photo", photo, side)
    pictures = (
        np.hstack([still, *(tile(name, frames[k], side) for name, frames in drawn.items())])
        for k in range(plan.frames)
    )
    with TemporaryDirectory() as folder:
        for _ in write_frames((Path(folder) / f"{k:05d}.png", picture) for k, picture in enumerate(pictures)):
            pass
        encode_film(Path(folder), "%05d.png", FPS, plan.speech, plan.start, path, plan.frames)
