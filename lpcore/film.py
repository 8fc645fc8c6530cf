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
    # Percent signs in the folder's name would be read as part of the pattern, hence the working directory.
    options = ["-framerate", str(fps), "-i", pattern]
    options += ["-ss", f"{start:.6f}", "-t", f"{float(count / fps):.6f}", "-i", str(speech.resolve())]
    options += ["-map", "0:v", "-map", "1:a", "-frames:v", str(count)]
    # H.264 with 4:2:0 colour needs even sides; white is the paper.
    options += ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white,format=yuv420p"]
    run_encoder([*options, "-crf", "16", "-b:a", "160k"], film, folder=frames)


def run_encoder(options: list[str], film: Path, *, folder: Path | None = None, fed: bytes = b"") -> None:
    """Write an MP4 (H.264, AAC) by ffmpeg with these options, run in `folder` with `fed` on its standard input.

    The film appears whole or not at all; errors as in `encode_film`.
    """
    import imageio_ffmpeg

    partial = film.with_name(f".{film.stem}.partial.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *options]
    command += ["-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart", str(partial.resolve())]
    try:
        with writing(film):
            done = subprocess.run(command, cwd=folder, capture_output=True, input=fed)
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip()
                lines = said.splitlines() or [f"exit status {done.returncode}"]
                raise LpError("DISK_FULL" if "No space left" in said else "FILM_FAILED", lines[-1])
            partial.replace(film)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
