"""How loud the speech is from frame to frame, and where it is silent."""

from __future__ import annotations

import numpy as np

RATE = 50
"""Frames per second, the rate of the content features."""

FLOOR_DB = -100.0
"""Level of digital silence."""

_QUIETEST_SPEECH_DB = -60.0
_HYSTERESIS_DB = 6.0


def level(samples: np.ndarray, rate: int = 16000) -> np.ndarray:
    """Root-mean-square level of each frame.

    Args:
        samples: (N,) float32 in [-1, 1].
        rate: samples per second, a multiple of `RATE`.

    Returns:
        (ceil(N / hop),) float32 dB relative to full scale, at least `FLOOR_DB`; frame k covers two hops of 1 / RATE
        seconds, centred on (k + 0.5) / RATE.
    """
    hop = rate // RATE
    count = -(-len(samples) // hop)
    padded = np.zeros((count + 1) * hop, np.float32)
    padded[hop // 2 : hop // 2 + len(samples)] = samples
    frames = padded.reshape(count + 1, hop)
    halves = np.einsum("fs,fs->f", frames, frames, dtype=np.float64) / hop
    power = (halves[:-1] + halves[1:]) / 2
    return (10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))).astype(np.float32)


def loud_level(levels: np.ndarray) -> float:
    """Level of the speech's loud frames in dB: the 95th percentile."""
    return float(np.percentile(levels, 95))


def silence(levels: np.ndarray, threshold_db: float = -40.0, shortest: float = 0.2) -> np.ndarray:
    """Where the speech is silent.

    Args:
        levels: (T,) dB from `level`.
        threshold_db: frames this far below the loud level begin a silence; 6 dB above that ends it again.
        shortest: seconds; shorter dips, such as the closure of a stop consonant, are not silence, and shorter
            bursts between two silences, such as a click, are not speech.

    Returns:
        (T,) bool, True = silent. A recording whose loud level lies under -60 dB is silent throughout.
    """
    loud = loud_level(levels)
    if loud < _QUIETEST_SPEECH_DB:
        return np.ones(len(levels), bool)
    quiet = np.zeros(len(levels), bool)
    inside = True
    for k, value in enumerate(levels - loud):
        inside = value < threshold_db + (_HYSTERESIS_DB if inside else 0.0)
        quiet[k] = inside
    quiet = ~_without_short_runs(~quiet, round(0.04 * RATE))
    return _without_short_runs(quiet, round(shortest * RATE))


def _without_short_runs(mask: np.ndarray, fewest: int) -> np.ndarray:
    """The mask with runs of True shorter than `fewest` frames cleared; runs at either end always stay."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    kept = mask.copy()
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin < fewest and begin > 0 and end < len(mask):
            kept[begin:end] = False
    return kept
