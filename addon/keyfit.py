"""Few keys for many frames: cubic Hermite curves fitted to sampled motion within a stated error.

Each landmark gets its own key frames, shared by its channels. Keys lie exactly on the samples; slopes are the
least-squares fit to the frames between them (a tridiagonal system), and the frame that is worst off in each
span becomes a key until every frame is within the tolerance. Blender's Bezier with handles at a third of the
span is this same Hermite curve, so the error stated here is the error in Blender. numpy alone, no Blender.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 96
"""Frames fitted together; block ends are keys with the samples' own slope, so blocks settle independently."""

# Weight of the guessed slope at a key. As a rule it only decides slopes that no sample determines (between
# neighbouring key frames) and is small beside 1/16, the least weight of a sample there; where a slope is given,
# at the ends of blocks and holds, it outweighs every sample.
GUESSED, GIVEN = 1e-3, 1e12

STILL = 0.02
"""Share of the tolerance a landmark may move from frame to frame and still counts as held."""


class Keys(NamedTuple):
    """Keys of one landmark: `frames` (K,) rising whole numbers, `values` and `slopes` (K, C), slopes a frame."""

    frames: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def reduce_keys(samples: np.ndarray, tolerance: float) -> list[Keys]:
    """Keys for `samples` (N, T, C), one entry per landmark, frames counted from 0.

    At every frame the fitted point lies within `tolerance` (Euclidean over C, in the samples' unit) of the
    sample. The first and the last frame are always keys, and so are both ends of every hold, with flat slopes:
    what stands still in the samples stands still in the curve.
    """
    samples = np.asarray(samples, np.float64)
    count, length, channels = samples.shape
    guess = np.gradient(samples, axis=1) if length > 1 else np.zeros_like(samples)
    given = _hold_ends(samples, STILL * tolerance)
    guess[given] = 0
    is_key, slopes = np.zeros((count, length), bool), np.zeros_like(samples)
    whole = (length - 1) // BLOCK
    for first, blocks, width in ((0, whole, BLOCK), (whole * BLOCK, 1, length - 1 - whole * BLOCK)):
        frames = first + np.arange(blocks)[:, None] * width + np.arange(width + 1)  # neighbours share an end
        shape = (count * blocks, width + 1)
        keys, fitted = _fit_blocks(
            samples[:, frames].reshape(*shape, channels),
            guess[:, frames].reshape(*shape, channels),
            given[:, frames].reshape(shape),
            tolerance,
        )
        is_key[:, frames] |= keys.reshape(count, *frames.shape)
        slopes[:, frames] = fitted.reshape(count, *frames.shape, channels)
    return [
        Keys(frames, samples[row, frames], slopes[row, frames])
        for row, frames in enumerate(map(np.flatnonzero, is_key))
    ]


def _hold_ends(samples: np.ndarray, still: float) -> np.ndarray:
    """(N, T) where the motion comes to rest or starts from rest."""
    moves = np.linalg.norm(np.diff(samples, axis=1), axis=-1) > still
    ends = np.zeros(samples.shape[:2], bool)
    ends[:, 1:-1] = moves[:, 1:] != moves[:, :-1]
    return ends


def _fit_blocks(
    samples: np.ndarray, guess: np.ndarray, given: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which samples (N, T, C) are keys (N, T), and the slopes there (N, T, C).

    At `given` frames (N, T) and at both ends the guess (N, T, C) is the slope.
    """
    given = given.copy()
    given[:, [0, -1]] = True
    is_key = given.copy()
    slopes = np.zeros_like(samples)
    unsettled = np.arange(len(samples))
    while unsettled.size:
        rows, keys = samples[unsettled], is_key[unsettled]
        fitted = _fit_slopes(rows, keys, guess[unsettled], given[unsettled])
        slopes[unsettled] = fitted
        error = np.linalg.norm(_hermite(rows, keys, fitted) - rows, axis=-1)
        spans = np.flatnonzero(keys)
        worst = np.repeat(np.maximum.reduceat(error.ravel(), spans), np.diff(spans, append=error.size))
        grown = (error == worst.reshape(error.shape)) & (error > tolerance)
        is_key[unsettled] |= grown
        unsettled = unsettled[grown.any(axis=1)]
    return is_key, slopes


def evaluate(keys: Keys, frames: np.ndarray) -> np.ndarray:
    """(len(frames), C) values of the fitted curve; held flat outside the keys."""
    at = np.clip(np.asarray(frames, np.float64), keys.frames[0], keys.frames[-1])
    if len(keys.frames) == 1:
        return np.repeat(keys.values, len(at), axis=0)
    span = np.clip(np.searchsorted(keys.frames, at, side="right") - 1, 0, len(keys.frames) - 2)
    width = np.diff(keys.frames)[span]
    weights = _basis((at - keys.frames[span]) / width)
    return (
        weights[0] * keys.values[span]
        + weights[1] * keys.values[span + 1]
        + width[:, None] * (weights[2] * keys.slopes[span] + weights[3] * keys.slopes[span + 1])
    )


def _basis(u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hermite weights (..., 1) of start value, end value, start slope and end slope at u in [0, 1]."""
    u = u[..., None]
    v = 1 - u
    return v * v * (1 + 2 * u), u * u * (1 + 2 * v), u * v * v, -u * u * v


class _Spans(NamedTuple):
    """For every sample of the flattened rows: its span's first and last sample and the span's width."""

    start: np.ndarray
    end: np.ndarray
    width: np.ndarray
    u: np.ndarray


def _spans(is_key: np.ndarray) -> _Spans:
    keys = np.flatnonzero(is_key)
    lengths = np.diff(keys, append=is_key.size)
    # The last key of a row has no span of its own: it is its own end, where slopes weigh nothing.
    ends = np.where((keys + 1) % is_key.shape[1] == 0, keys, np.append(keys[1:], is_key.size - 1))
    start, end = np.repeat(keys, lengths), np.repeat(ends, lengths)
    width = np.maximum(end - start, 1)
    return _Spans(start, end, width[:, None], (np.arange(is_key.size) - start) / width)


def _hermite(samples: np.ndarray, is_key: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    spans, flat = _spans(is_key), samples.reshape(-1, samples.shape[-1])
    tangents = slopes.reshape(flat.shape)
    weights = _basis(spans.u)
    fitted = (
        weights[0] * flat[spans.start]
        + weights[1] * flat[spans.end]
        + spans.width * (weights[2] * tangents[spans.start] + weights[3] * tangents[spans.end])
    )
    return fitted.reshape(samples.shape)


def _fit_slopes(samples: np.ndarray, is_key: np.ndarray, guess: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Least-squares slopes at the keys, (N, T, C) with zeros elsewhere."""
    spans, flat = _spans(is_key), samples.reshape(-1, samples.shape[-1])
    keys = np.flatnonzero(is_key)
    weights = _basis(spans.u)
    residual = flat - weights[0] * flat[spans.start] - weights[1] * flat[spans.end]
    at_start, at_end = spans.width * weights[2], spans.width * weights[3]

    def per_span(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, keys, axis=0)

    def next_key(values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.zeros_like(values[:1]), values[:-1]])

    prior = np.where(given, GIVEN, GUESSED).reshape(-1, 1)[keys]
    diagonal = per_span(at_start**2) + next_key(per_span(at_end**2)) + prior
    beside = per_span(at_start * at_end)
    right = per_span(at_start * residual) + next_key(per_span(at_end * residual))
    right += prior * guess.reshape(flat.shape)[keys]
    slopes = np.zeros_like(flat)
    slopes[keys] = _solve_tridiagonal(next_key(beside), diagonal, beside, right)
    return slopes.reshape(samples.shape)


def _solve_tridiagonal(
    lower: np.ndarray, diagonal: np.ndarray, upper: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Solve lower[i] x[i-1] + diagonal[i] x[i] + upper[i] x[i+1] = right[i], all of shape (K, C or 1).

    Parallel cyclic reduction: every step removes the neighbours at the present distance and doubles it, which
    keeps the work in whole arrays. Stable here because the systems are diagonally dominant, which also makes
    far neighbours fade: the steps end when none counts any more.
    """

    def moved(values: np.ndarray, by: int, fill: float) -> np.ndarray:
        out = np.full_like(values, fill)
        if by > 0:
            out[by:] = values[:-by]
        else:
            out[:by] = values[-by:]
        return out

    distance = 1
    while distance < len(diagonal) and (np.abs(lower) + np.abs(upper) > 1e-12 * diagonal).any():
        before = -lower / moved(diagonal, distance, 1.0)
        after = -upper / moved(diagonal, -distance, 1.0)
        diagonal, right, lower, upper = (
            diagonal + before * moved(upper, distance, 0.0) + after * moved(lower, -distance, 0.0),
            right + before * moved(right, distance, 0.0) + after * moved(right, -distance, 0.0),
            before * moved(lower, distance, 0.0),
            after * moved(upper, -distance, 0.0),
        )
        distance *= 2
    return right / diagonal
