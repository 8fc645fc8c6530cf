"""Mel spectrograms with librosa's default conventions: Slaney's scale and areas, centred frames, mirrored ends."""

from __future__ import annotations

import numpy as np

_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27
_BLOCK = 4096


def mel_filters(bands: int, window: int, low: float, high: float, rate: int = 16000) -> np.ndarray:
    """Triangular filters evenly spaced on Slaney's mel scale, each of unit area in hertz.

    Args:
        bands: number of filters.
        window: samples of the Fourier transform.
        low, high: hertz where the first triangle begins and the last one ends.
        rate: samples per second.

    Returns:
        (bands, window // 2 + 1) float32.
    """
    edges = _hertz(np.linspace(_mel(low), _mel(high), bands + 2))
    bins = np.arange(window // 2 + 1) * rate / window
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def mel_spectrogram(
    samples: np.ndarray, filters: np.ndarray, window: int, hop: int, power: int = 1
) -> np.ndarray:
    """Band energies of sound of any length.

    Args:
        samples: (N,), N >= 1.
        filters: (bands, window // 2 + 1) from `mel_filters`.
        window: samples of each periodic Hann window. hop: samples from frame to frame.
        power: 1 = magnitudes, 2 = powers are summed.

    Returns:
        (N // hop + 1, bands) float32; frame k is centred on sample k * hop.
    """
    padded = np.pad(samples, window // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    result = np.empty((len(samples) // hop + 1, len(filters)), np.float32)
    for begin in range(0, len(result), _BLOCK):
        spectrum = np.abs(np.fft.rfft(frames[begin : begin + _BLOCK] * shape))
        result[begin : begin + _BLOCK] = spectrum**power @ filters.T
    return result


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return _BREAK_HZ / _LINEAR_HZ + np.log(hertz / _BREAK_HZ) / _LOG_STEP


def _hertz(mel: np.ndarray) -> np.ndarray:
    knee = _BREAK_HZ / _LINEAR_HZ
    return np.where(mel < knee, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mel - knee)))
