"""How something is said, frame by frame: loudness, melody, and how lively the speech is."""

from __future__ import annotations

import numpy as np

from ..audio import content, level
from ..audio.pitch import log_pitch
from .smooth import gaussian

WIDTH = 4
"""Columns of `prosody`."""

_PITCH_RATE = 8000
"""Samples per second at which pitch is looked for: it costs a quarter of the usual rate, and voices lie far below."""
_LOWEST, _HIGHEST = 70.0, 400.0
_RANGE_DB = 30.0
_LIVELINESS = 0.25
"""Standard deviation in seconds of the smoothing of the liveliness."""


def prosody(samples: np.ndarray, levels: np.ndarray, silent: np.ndarray) -> np.ndarray:
    """What of the voice goes with the head's motion.

    Args:
        samples: (N,) at `content.SAMPLE_RATE`. levels, silent: (T,) of `audio.level` for them.

    Returns:
        (T, `WIDTH`) float32 at `content.RATE`: level over 30 dB below the loud level, as `liveliness` has it but not
        smooth; pitch over the voice's middle pitch in octaves, smooth, 0 where unvoiced; 1 where voiced; 1 where
        somebody speaks.
    """
    pitch = _pitch(samples)[: len(levels)]
    voiced = np.isfinite(pitch)
    middle = np.median(pitch[voiced]) if voiced.any() else 0.0
    octaves = np.clip(np.where(voiced, (pitch - middle) / np.log(2), 0), -1, 1)
    columns = [_share(levels, silent), gaussian(octaves, 1.5), voiced, ~silent]
    return np.stack(columns, axis=1).astype(np.float32)


def _pitch(samples: np.ndarray) -> np.ndarray:
    import soxr

    slow = soxr.resample(samples, content.SAMPLE_RATE, _PITCH_RATE, quality="LQ")
    return log_pitch(slow, _PITCH_RATE // content.RATE, _LOWEST, _HIGHEST, _PITCH_RATE)


def liveliness(levels: np.ndarray, silent: np.ndarray) -> np.ndarray:
    """How lively the speech is: (T,) levels in dB and (T,) bool, True = silent -> (T,) float64 in [0, 1].

    0 = silent or 30 dB below the loud level, 1 = at it; smooth over about a second.
    """
    return gaussian(_share(levels, silent), _LIVELINESS * level.RATE)


def _share(levels: np.ndarray, silent: np.ndarray) -> np.ndarray:
    share = np.clip(1 + (levels - level.loud_level(levels)) / _RANGE_DB, 0, 1).astype(np.float64)
    return np.where(silent, 0.0, share)
