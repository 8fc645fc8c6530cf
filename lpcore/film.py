"""Film files: PNG frames and a span of sound, encoded by the ffmpeg that imageio-ffmpeg packages."""

from __future__ import annotations

import contextlib
import subprocess
from fractions import Fraction
from pathlib import Path

from .errors import LpError
from .files import writing


def encode_film(
    frames: Path, pattern: str, fps: Fraction, speech: Path, start: float, film: Path, count: int
) -> None:
    """Write an MP4 (H.264, yuv420p, AAC) of `count` frames `frames`/`pattern` (printf style) with the speech.

    `start` is the second of the sound file at frame 0. The film appears whole or not at all.

    Raises:
        LpError: ``FILM_FAILED`` with the encoder's last line, ``OUTPUT_READONLY``, ``DISK_FULL``.
    """
    import imageio_ffmpeg

    partial = film.with_name(f".{film.stem}.partial.mp4")
    seconds = count / fps
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    # Percent signs in the folder's name would be read as part of the pattern, hence the working directory.
    command += ["-framerate", str(fps), "-i", pattern]
    command += ["-ss", f"{start:.6f}", "-t", f"{float(seconds):.6f}", "-i", str(speech.resolve())]
    command += ["-map", "0:v", "-map", "1:a", "-frames:v", str(count)]
    # H.264 with 4:2:0 colour needs even sides; white is the paper.
    command += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white,format=yuv420p"]
    command += ["-c:v", "libx264", "-crf", "16", "-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart"]
    try:
        with writing(film):
            done = subprocess.run(
                [*command, str(partial.resolve())],
                cwd=frames,
                capture_output=True,
                text=True,
                errors="replace",
            )
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
                raise LpError("DISK_FULL" if "No space left" in done.stderr else "FILM_FAILED", lines[-1])
            partial.replace(film)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
