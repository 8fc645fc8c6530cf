"""The pitch of a voice, after Talkin, "A Robust Algorithm for Pitch Tracking (RAPT)" (1995).

Normalised cross-correlation gives each frame some candidate periods; dynamic programming chooses one of them, or
"unvoiced", so that the whole path is cheapest. All costs are Talkin's; unlike his program this one correlates at the
full sample rate at once, since the coarse first pass only saves time.
"""

from __future__ import annotations

import numpy as np

_WINDOW = 0.0075
"""Seconds that are compared with what follows a period later."""
_CANDIDATES = 19
_PEAK = 0.3
"""A candidate's correlation, as a share of the frame's best."""
_LAG_WEIGHT = 0.3
_FREQUENCY_WEIGHT = 0.02
_OCTAVE_COST = 0.35
_SWITCH_COST, _SWITCH_AMPLITUDE, _SWITCH_SPECTRUM = 0.005, 0.5, 0.5
_ENERGY_FLOOR = 10_000.0 / 32768**4
"""Keeps near silence from correlating: Talkin's addend to the product of two energies, in full-scale units."""
_RISE = 0.02
"""Seconds between the two moments whose levels tell an onset from an end."""
_SPECTRUM_WINDOW = 0.03
_ORDER = 18
_NEVER = 1e6
_BLOCK = 2048


def log_pitch(
    samples: np.ndarray, hop: int, low: float = 100.0, high: float = 600.0, rate: int = 16000
) -> np.ndarray:
    """Natural logarithm of the pitch in hertz, frame by frame.

    Args:
        samples: (N,) in [-1, 1], N >= 1.
        hop: samples from frame to frame; frame k describes the sound from sample k * hop on.
        low, high: hertz within which the pitch is looked for.
        rate: samples per second.

    Returns:
        (N // hop + 1,) float32, NaN where the frame is unvoiced.
    """
    count = len(samples) // hop + 1
    first, last = int(rate / high), int(np.ceil(rate / low))
    periods, values = [], []
    for begin in range(0, count, _BLOCK):
        starts = np.arange(begin, min(begin + _BLOCK, count)) * hop
        lags, peaks = _candidates(_correlations(samples, starts, last, rate), first)
        periods.append(lags)
        values.append(peaks)
    lags, peaks = np.concatenate(periods), np.concatenate(values)
    chosen = _cheapest_path(lags, peaks, *_switch_costs(samples, count, hop, rate), last)
    voiced = chosen < lags.shape[1]
    picked = lags[np.arange(count), np.minimum(chosen, lags.shape[1] - 1)]
    return np.where(voiced, np.log(rate / picked), np.nan).astype(np.float32)


def _pieces(samples: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """(F, length) float64 samples from each start on; silence beyond both ends."""
    index = starts[:, None] + np.arange(length)
    inside = (index >= 0) & (index < len(samples))
    return np.where(inside, samples[np.clip(index, 0, len(samples) - 1)].astype(np.float64), 0.0)


def _correlations(samples: np.ndarray, starts: np.ndarray, last: int, rate: int) -> np.ndarray:
    """(F, last + 2) normalised cross-correlation of each frame's window with itself 0 … last + 1 samples later."""
    width = round(_WINDOW * rate)
    pieces = _pieces(samples, starts, width + last + 1)
    pieces = pieces - pieces[:, :width].mean(axis=1, keepdims=True)
    later = np.lib.stride_tricks.sliding_window_view(pieces, width, axis=1)
    products = np.matmul(later, pieces[:, :width, None])[..., 0]
    sums = np.cumsum(np.pad(pieces**2, ((0, 0), (1, 0))), axis=1)
    energies = sums[:, width:] - sums[:, :-width]
    return products / np.sqrt(_ENERGY_FLOOR + energies[:, :1] * energies)


def _candidates(correlation: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """(F, `_CANDIDATES`) periods in samples, and the correlations there; absent ones are 1 and -inf."""
    middle, before, after = (
        correlation[:, first:-1],
        correlation[:, first - 1 : -2],
        correlation[:, first + 1 :],
    )
    floor = _PEAK * middle.max(axis=1, keepdims=True)
    peak = (middle > before) & (middle >= after) & (middle > np.maximum(floor, 0))
    height = np.where(peak, middle, -np.inf)
    best = np.argsort(-height, axis=1, kind="stable")[:, :_CANDIDATES]
    a, b, c = (np.take_along_axis(part, best, axis=1) for part in (before, middle, after))
    found = np.take_along_axis(peak, best, axis=1)
    # A parabola through a peak and its neighbours tells where between two samples its top is.
    slope, bend = (c - a) / 2, np.where(found, a - 2 * b + c, -1.0)
    shift = np.clip(-slope / bend, -0.5, 0.5)
    lags = np.where(found, best + first + shift, 1.0)
    return lags, np.where(found, np.minimum(b + slope * shift / 2, 1.0), -np.inf)


def _switch_costs(samples: np.ndarray, count: int, hop: int, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(count,) costs of a voice that begins, and of one that ends, at each frame."""
    length, between = round(_SPECTRUM_WINDOW * rate), round(_RISE * rate)
    starts = np.arange(count) * hop
    shape = np.hanning(length)
    stationary, rise = np.zeros(count), np.ones(count)
    for begin in range(0, count, _BLOCK):
        block = starts[begin : begin + _BLOCK]
        before, after = (
            _pieces(samples, block + s - length // 2, length) for s in (-between // 2, between // 2)
        )
        before, after = ((piece - piece.mean(axis=1, keepdims=True)) * shape for piece in (before, after))
        rise[begin : begin + len(block)] = np.sqrt(
            ((after**2).mean(axis=1) + 1e-10) / ((before**2).mean(axis=1) + 1e-10)
        )
        stationary[begin : begin + len(block)] = 0.2 / (_distortion(before, after) - 0.8)
    spectrum = _SWITCH_COST + _SWITCH_SPECTRUM * stationary
    return spectrum + _SWITCH_AMPLITUDE / rise, spectrum + _SWITCH_AMPLITUDE * rise


def _distortion(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(F,) Itakura's ratio, 1 or more: how much worse the earlier piece's predictor does on the later piece."""
    spans = [_autocorrelation(piece) for piece in (before, after)]
    index = np.abs(np.arange(_ORDER)[:, None] - np.arange(_ORDER))
    errors = []
    for span in spans:
        weights = np.linalg.solve(span[:, index], span[:, 1:, None])[..., 0]
        predictor = np.concatenate([np.ones((len(span), 1)), -weights], axis=1)
        whole = np.abs(np.arange(_ORDER + 1)[:, None] - np.arange(_ORDER + 1))
        errors.append(np.einsum("fi,fij,fj->f", predictor, spans[1][:, whole], predictor))
    return np.maximum(errors[0] / errors[1], 1.0)


def _autocorrelation(pieces: np.ndarray) -> np.ndarray:
    """(F, `_ORDER` + 1), slightly whitened so that silence too has a predictor."""
    spectrum = np.abs(np.fft.rfft(pieces, 2 * pieces.shape[1])) ** 2
    result = np.fft.irfft(spectrum)[:, : _ORDER + 1]
    result[:, 0] = result[:, 0] * (1 + 1e-4) + 1e-9
    return result


def _cheapest_path(
    lags: np.ndarray, peaks: np.ndarray, begin: np.ndarray, end: np.ndarray, last: int
) -> np.ndarray:
    """(T,) chosen candidate of each frame; the number of candidates means unvoiced."""
    count, width = lags.shape
    unvoiced = np.maximum(peaks.max(axis=1, initial=0.0), 0.0)
    voiced = np.where(np.isfinite(peaks), 1 - peaks * (1 - _LAG_WEIGHT * lags / last), _NEVER)
    local = np.column_stack([voiced, unvoiced])
    logs = np.log(lags)
    switch = np.zeros((width + 1, width + 1))
    total, came_from = local[0], np.zeros((count, width + 1), int)
    for k in range(1, count):
        step = np.abs(logs[k][:, None] - logs[k - 1])
        octave = _OCTAVE_COST + np.abs(step - np.log(2))
        switch[:width, :width] = _FREQUENCY_WEIGHT * np.minimum(step, octave)
        switch[:width, width], switch[width, :width] = begin[k], end[k]
        ways = total + switch
        came_from[k] = ways.argmin(axis=1)
        total = local[k] + ways[np.arange(width + 1), came_from[k]]
        total -= total.min()
    path = np.empty(count, int)
    path[-1] = total.argmin()
    for k in range(count - 1, 0, -1):
        path[k - 1] = came_from[k, path[k]]
    return path
