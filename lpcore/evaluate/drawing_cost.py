"""What `draw` costs in time and memory: `python -m lpcore.evaluate.drawing_cost PHOTO POINTS STYLE ENGINE FOLDER`.

Prints {"seconds", "peak_mb"} as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ..drawing.stream import FrameStream
from ..face import analyze
from ..frames import write_frames
from .motion_cost import peak_mb

WARM_UP = 2
"""Frames drawn before the clock starts."""


def cost(
    photo: Path, points: np.ndarray, style: str, engine: str, folder: Path
) -> tuple[float, float | None]:
    """Draw `points` (T, 68, 3) of the face in `photo` at 512 pixels on the processor, in a process of its own.

    Args:
        engine: "warp" or "generator". folder: for the frames.

    Returns:
        Frames per second, written as PNG files, the portrait analysed and the networks loaded and warm; and the
        largest memory of the process in MB, all of that included, None where the system does not tell (Windows).
    """
    np.save(folder / "points.npy", points)
    command = [sys.executable, "-m", "lpcore.evaluate.drawing_cost", str(photo), str(folder / "points.npy")]
    told = subprocess.run([*command, style, engine, str(folder)], check=True, capture_output=True).stdout
    values = json.loads(told.splitlines()[-1])
    return len(points) / values["seconds"], values["peak_mb"]


def main(argv: list[str] | None = None) -> int:
    """Draw what the arguments name."""
    photo, points_file, style, engine, folder = argv if argv is not None else sys.argv[1:]
    points = np.load(points_file, allow_pickle=False)
    stream = FrameStream(analyze(Path(photo)), style, engine=engine)

    def draw(rows: np.ndarray) -> None:
        frames = enumerate(stream.frames(rows))
        for _ in write_frames((Path(folder) / f"frame_{k:05d}.png", image) for k, image in frames):
            pass

    draw(points[:WARM_UP])
    begin = time.perf_counter()
    draw(points)
    print(json.dumps({"seconds": time.perf_counter() - begin, "peak_mb": peak_mb()}))  # noqa: T201 its answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
