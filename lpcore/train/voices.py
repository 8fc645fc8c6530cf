"""Other voices, rooms and microphones out of one recording, so that one speaker teaches the sound of many."""

from __future__ import annotations

import numpy as np

RATE = 16000

WHISPERED = 0.12
"""Share of the changed copies that whisper."""


def vary(samples: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A changed copy of speech.

    Args:
        samples: (N,) float32 at 16 kHz.
        rng: decides everything.

    Returns:
        (N / speed,) float32, and the speed in [0.8, 1.25]: time t of the copy is time t * speed of the original.
        Speed changes pitch and formants with it, from a large to a small speaker.
    """
    import soxr
    from scipy.signal import fftconvolve, lfilter

    speed = float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
    if rng.random() < WHISPERED:
        samples = whispered(samples, rng)
    voice = soxr.resample(samples, RATE * speed, RATE, quality="HQ")
    voice = lfilter([1, rng.uniform(-0.5, 0.5)], [1], voice)
    if rng.random() < 0.5:
        voice = fftconvolve(voice, _room(rng))[: len(voice)]
    loud = np.percentile(np.abs(voice), 99) + 1e-6
    if rng.random() < 0.6:
        hiss = np.asarray(lfilter([1], [1, -rng.uniform(0, 0.95)], rng.standard_normal(len(voice))))
        voice = voice + hiss / hiss.std() * loud * 10 ** (-rng.uniform(15, 45) / 20)
    gain = 10 ** (rng.uniform(-20, 0) / 20) / loud
    return np.clip(voice * gain, -1, 1).astype(np.float32), speed


def whispered(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The speech (N,) without its tone: the spectrum's envelope filled with noise."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import istft, stft

    _, _, spectrum = stft(samples, RATE, nperseg=400, noverlap=300)
    # 400 samples put a bin every 40 Hz; over 5 of them the harmonics of any voice run together.
    envelope = gaussian_filter1d(np.abs(spectrum), 5, axis=0)
    phase = np.exp(2j * np.pi * rng.random(spectrum.shape))
    return istft(envelope * phase, RATE, nperseg=400, noverlap=300)[1][: len(samples)].astype(np.float32)


def _room(rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a small room: the direct sound and a decaying noise tail 4 to 20 dB below it."""
    seconds = rng.uniform(0.1, 0.4)
    time = np.arange(int(seconds * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail *= 10 ** (-rng.uniform(4, 20) / 20) / np.linalg.norm(tail)
    tail[0] += 1
    return tail
