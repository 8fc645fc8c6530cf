"""What the published networks hear: mel bands and pitch at 62.5 frames a second, and the speaker's voice.

AutoVC's analysis with the constants that MakeItTalk retrained it on; its weights depend on every one of them.
"""

from __future__ import annotations

import numpy as np

from ...audio import voice
from ...audio.mel import mel_filters, mel_spectrogram
from ...audio.pitch import log_pitch

SAMPLE_RATE = 16000
HOP = 256
RATE = SAMPLE_RATE / HOP
BANDS = 80
PITCHES = 257
"""Classes of pitch: 0 = unvoiced, 1 … 256 from low to high for this voice."""

_WINDOW = 1024
_LOUDNESS = 10 ** (-20 / 20)
_LOWEST_HZ = 30.0
_GAIN = 0.95
_DITHER = 1e-6
_FLOOR, _REFERENCE_DB = 1e-5, 16.0
_PITCH_HZ = (100.0, 600.0)
_BLOCK, _MARGIN = 1 << 22, 1 << 14


def levelled(samples: np.ndarray) -> np.ndarray:
    """(N,) float32: the samples at a root mean square of -20 dB, clipped and rounded to 16 bits; silence stays."""
    loudness = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    gain = _LOUDNESS / loudness if loudness > 0 else 1.0
    return np.clip(np.round(samples * np.float32(gain * 32768)), -32768, 32767) / np.float32(32768)


def cleaned(samples: np.ndarray) -> np.ndarray:
    """What is analysed: rumble below 30 Hz removed without delay, and noise of a millionth added.

    samples (N,), N >= 19 -> (N,) or, where N is a multiple of `HOP`, (N + 1,) float32.
    """
    from scipy.signal import butter, sosfiltfilt

    if len(samples) % HOP == 0:
        samples = np.append(samples, np.float32(1e-6))
    filters = butter(5, _LOWEST_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    noise = np.random.RandomState(0)  # AutoVC's noise, drawn anew for every recording
    result = np.empty(len(samples), np.float32)
    for begin in range(0, len(samples), _BLOCK):
        end, low = min(begin + _BLOCK, len(samples)), max(0, begin - _MARGIN)
        heard = sosfiltfilt(filters, samples[low : end + _MARGIN])[begin - low :][: end - begin]
        result[begin:end] = heard * _GAIN + (noise.rand(end - begin) - 0.5) * _DITHER
    return result


def mel_bands(sound: np.ndarray) -> np.ndarray:
    """(N // HOP + 1, 80) float32 of cleaned sound: decibels of the magnitudes, about 0 … 1, not clipped."""
    filters = mel_filters(BANDS, _WINDOW, 90, 7600, SAMPLE_RATE)
    mel = mel_spectrogram(sound, filters, _WINDOW, HOP)
    return (20 * np.log10(np.maximum(_FLOOR, mel)) - _REFERENCE_DB + 100) / 100


def pitch_classes(log_hertz: np.ndarray) -> np.ndarray:
    """The melody without the voice's own height.

    Args:
        log_hertz: (T,) from `audio.pitch.log_pitch`, NaN = unvoiced.

    Returns:
        (T,) int64 in [0, `PITCHES`): 0 = unvoiced, else 1 + round(255 f), where f is 0.5 at the recording's mean and
        0 or 1 at four standard deviations from it. Speech without any voice, or on one note, is no special case.
    """
    voiced = np.isfinite(log_hertz)
    classes = np.zeros(len(log_hertz), np.int64)
    if voiced.any():
        away = log_hertz[voiced].astype(np.float64) - log_hertz[voiced].mean(dtype=np.float64)
        spread = 4 * away.std()
        share = np.clip(away / spread, -1, 1) if spread > 0 else np.zeros_like(away)
        classes[voiced] = 1 + np.round(255 * (share + 1) / 2).astype(np.int64)
    return classes


def pitch_track(sound: np.ndarray) -> np.ndarray:
    """(N // HOP + 1,) pitch classes of cleaned sound, looked for in the female range as published for all voices."""
    return pitch_classes(log_pitch(sound, HOP, *_PITCH_HZ, SAMPLE_RATE))


def published_voice(samples: np.ndarray) -> np.ndarray:
    """(256,) float32 voice by MakeItTalk's rule: of more than 60 s only whole minutes count, averaged as they are."""
    heard = voice.voiced(samples)
    minute = 60 * SAMPLE_RATE
    begins = range(0, len(heard) - minute + 1, minute) if len(heard) > minute else [0]
    means = [voice.partial_embeddings(heard[begin : begin + minute]).mean(axis=0) for begin in begins]
    return np.mean([mean / np.linalg.norm(mean) for mean in means], axis=0).astype(np.float32)
