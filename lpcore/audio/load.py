"""Sound files to mono samples, span-exact, without ever touching the source.

libsndfile reads what it can; everything else (M4A, sound of a video file, …) is decoded by the packaged ffmpeg
through a pipe. Both ways work block by block, so a long file never lies in memory as a whole at its own rate.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from math import gcd, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import LpError

if TYPE_CHECKING:
    import soundfile

SHORTEST = 0.04
"""Seconds of sound that are needed at least."""

OVERHANG = 0.1
"""Seconds by which a span may reach past the end: hosts round strips up to whole frames."""

_BLOCK = 1 << 16
_LEAD = 0.05


def load(
    path: str | Path, start: float = 0.0, duration: float | None = None, rate: int = 16000
) -> np.ndarray:
    """Samples of one span of a sound file.

    Args:
        path: any file that libsndfile or ffmpeg reads; channels are averaged.
        start: seconds from the file's beginning.
        duration: seconds; None = to the end.
        rate: sample rate of the result in hertz.

    Returns:
        (N,) float32, nominally in [-1, 1]: the samples [round(start * rate), round((start + duration) * rate))
        of the file resampled to `rate`, ending earlier where the file ends; nothing is padded.

    Raises:
        LpError: ``AUDIO_MISSING``, ``AUDIO_UNREADABLE`` (a damaged span too), ``AUDIO_TOO_SHORT``,
            ``SPAN_OUTSIDE``, ``BAD_VALUE`` (a span that is not of finite numbers).
    """
    source = Path(path)
    if not isfinite((start + (duration or 0)) * rate):
        raise LpError("BAD_VALUE", f"the span starts at {start:g} s and lasts {duration or 0:g} s")
    if start < 0 or (duration is not None and duration <= 0):
        raise LpError("SPAN_OUTSIDE", f"the span starts at {start:g} s and lasts {duration or 0:g} s")
    first = round(start * rate)
    last = None if duration is None else round((start + duration) * rate)
    sound = _open(source)
    if sound is None:
        blocks = _decode(source, rate)
        samples, total = _cut(blocks, first, last)
    else:
        import soundfile

        try:
            with sound:
                total = round(sound.frames * rate / sound.samplerate)
                samples = _resampled(sound, first, total if last is None else min(last, total), rate)
        except soundfile.SoundFileError as error:
            raise LpError("AUDIO_UNREADABLE", str(source)) from error
    if first >= total > 0 or (last is not None and last > total + OVERHANG * rate):
        ends = "" if last is None else f" and ends at {last / rate:.2f} s"
        raise LpError(
            "SPAN_OUTSIDE", f"the span starts at {start:.2f} s{ends}, the sound lasts {total / rate:.2f} s"
        )
    if len(samples) < SHORTEST * rate:
        raise LpError("AUDIO_TOO_SHORT", f"{len(samples) / rate:.3f} s")
    return np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def beginning(path: str | Path, seconds: float, rate: int = 16000) -> np.ndarray:
    """The first `seconds` of a sound file, or all of a shorter one; otherwise as `load`."""
    return load(path, 0.0, min(seconds, length(path)), rate)


def length(path: str | Path) -> float:
    """Seconds of sound in a file; raises like `load`. Files only ffmpeg reads are decoded once to find out."""
    source = Path(path)
    sound = _open(source)
    if sound is None:
        return sum(len(block) for block in _decode(source, 16000)) / 16000
    with sound:
        return sound.frames / sound.samplerate


def _open(source: Path) -> soundfile.SoundFile | None:
    """The file opened by libsndfile, or None where ffmpeg has to try."""
    import soundfile

    if not source.is_file():
        raise LpError("AUDIO_MISSING", str(source))
    try:
        sound = soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, OSError):
        return None
    if not sound.seekable() or sound.frames <= 0 or sound.frames > 1 << 40:
        sound.close()
        return None
    return sound


def _resampled(sound: soundfile.SoundFile, first: int, last: int, rate: int) -> np.ndarray:
    """Samples [first, last) of the sound at `rate`."""
    import soxr

    if last <= first:
        return np.zeros(0, np.float32)
    # Begin where a source sample and a target sample coincide, early enough for the filter to settle.
    common = gcd(sound.samplerate, rate)
    source_step, step = sound.samplerate // common, rate // common
    begin = max(0, first - int(_LEAD * rate)) // step
    lead = first - begin * step
    end = min(sound.frames, -(-last * source_step // step) + int(_LEAD * sound.samplerate))
    sound.seek(begin * source_step)
    remaining = end - begin * source_step
    stream = soxr.ResampleStream(sound.samplerate, rate, 1, dtype="float32", quality="HQ")
    result = np.zeros(last - first, np.float32)
    done = -lead
    while remaining > 0:
        block = sound.read(min(_BLOCK, remaining), dtype="float32", always_2d=True)
        remaining = remaining - len(block) if len(block) else 0
        piece = stream.resample_chunk(block.mean(axis=1), last=remaining == 0)
        low, high = max(done, 0), min(done + len(piece), len(result))
        if high > low:
            result[low:high] = piece[low - done : high - done]
        done += len(piece)
    return result[: max(0, min(done, len(result)))]


def _cut(blocks: Iterator[np.ndarray], first: int, last: int | None) -> tuple[np.ndarray, int]:
    """Samples [first, last) of a stream, and how many samples the stream holds."""
    kept, total = [], 0
    for block in blocks:
        low, high = max(first - total, 0), len(block) if last is None else min(last - total, len(block))
        if high > low:
            kept.append(block[low:high])
        total += len(block)
    return np.concatenate(kept) if kept else np.zeros(0, np.float32), total


def _decode(source: Path, rate: int) -> Iterator[np.ndarray]:
    """Mono float32 blocks at `rate` as ffmpeg decodes and resamples them."""
    import imageio_ffmpeg

    # The "file:" protocol keeps names such as "a:b.m4a" or "-x.m4a" from being read as URLs or options.
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-i", f"file:{source}", "-vn"]
    command += ["-ac", "1", "-ar", str(rate), "-f", "f32le", "pipe:1"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            empty = True
            while data := process.stdout.read(_BLOCK * 4):
                empty = False
                yield np.frombuffer(data[: len(data) // 4 * 4], "<f4")
        finally:
            process.stdout.close()
            process.kill()
    if empty:
        raise LpError("AUDIO_UNREADABLE", str(source))
