"""What MakeItTalk does to its networks' outputs before they are landmarks of a photo, in the published order.

Everything is kept in two layers that add up, what is said and what the speaker's head does, so that an animator can
dial them; the published programs only know the sum.
"""

from __future__ import annotations

import numpy as np

from ...points68 import INNER_LIP_PAIRS, INNER_LIPS, LID_PAIRS, LIPS, OUTER_LIP_PAIRS

SEGMENT = 512
"""Frames that the published programs treat at once: 8.19 s."""
FEWEST = 10
"""The published programs drop a last segment shorter than this."""

LIP_GAIN = 2.0
POSE_GAIN = 0.5
_CLOSED = 0.99
_OUTER_OVER_INNER = (
    (55, 64), (56, 65), (57, 66), (58, 67), (59, 60), (49, 60), (50, 61), (51, 62), (52, 63), (53, 64),
)  # fmt: skip
"""Outer-lip landmarks and the inner ones that they keep their height over when the lips are put right."""
_NOSE_TOP = (27, 28, 29)
_BEFORE, _AFTER = 10, 15
_FIRST_BLINK = 30


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """Cubic Savitzky-Golay over the first axis with an odd window, as much of it as the frames fill."""
    from scipy.signal import savgol_filter

    window = min(window, len(values) - 1 + len(values) % 2)
    return np.asarray(savgol_filter(values, window, 3, axis=0), values.dtype) if window > 3 else values


def steady_speaker(moved: np.ndarray) -> np.ndarray:
    """The speaker branch's displacement (T, 68, 3), smooth, with the lips held together and at half strength."""
    moved = smoothed(moved, min(31, len(moved) - 1 - len(moved) % 2)).copy()
    for pair in (*OUTER_LIP_PAIRS, *INNER_LIP_PAIRS):
        both = moved[:, list(pair)]
        moved[:, list(pair)] = both + _CLOSED * (both.mean(axis=1, keepdims=True) - both)
    return moved * np.float32(POSE_GAIN)


def calibrated(moved: np.ndarray) -> np.ndarray:
    """The content branch's displacement (T, 68, 3) less its resting place, the mean of each coordinate's lower half,
    with the lips' motion in the picture plane doubled.
    """
    half = max(1, len(moved) // 2)
    moved = moved - np.partition(moved, half - 1, axis=0)[:half].mean(axis=0)
    moved[:, list(LIPS), :2] *= LIP_GAIN
    return moved


def uninverted(points: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Landmarks whose inner lips never turn inside out.

    Where the inner lips enclose a negative area their pairs meet in the middle, and the outer lips keep the height
    over them that they had one frame before (at the first frame: that they have at rest).

    Args:
        points: (T, 68, 3), y down. rest: (68, 3).

    Returns:
        (T, 68, 3) of the same type.
    """
    x, y = points[:, list(INNER_LIPS), 0], points[:, list(INNER_LIPS), 1]
    area = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    points = points.copy()
    for k in np.flatnonzero(area < 0):
        frame, before = points[k], points[k - 1] if k else rest
        for pair in INNER_LIP_PAIRS:
            frame[list(pair)] = frame[list(pair)].mean(axis=0)
        for outer, inner in _OUTER_OVER_INNER:
            frame[outer, 1] = frame[inner, 1] + before[outer, 1] - before[inner, 1]
    return points


def line_up_nose(layer: np.ndarray) -> np.ndarray:
    """(T, 68, 3) with the nose's top in line with the two landmarks below it."""
    top, middle, low = _NOSE_TOP
    layer = layer.copy()
    layer[:, top] = 2 * layer[:, middle] - layer[:, low]
    return layer


def last_smoothing(layer: np.ndarray) -> np.ndarray:
    """(T, 68, 3) as smooth as the published landmarks are at last: less so at the lips."""
    return np.concatenate([smoothed(layer[:, : LIPS[0]], 15), smoothed(layer[:, LIPS[0] :], 5)], axis=1)


def naive_blinks(points: np.ndarray, seed: int = 0) -> np.ndarray:
    """The published blinks, at 62.5 frames a second.

    Lids move a twentieth towards each other throughout. At a blink they meet a quarter above the lower one's place,
    after 10 frames of falling and before 14 of rising; the first is at frame 30, the next 90 to 149 frames later, as
    long as 16 frames remain.

    Args:
        points: (T, 68, 3). seed: of the pauses; the published programs always use 0.

    Returns:
        (T, 68, 3) displacement, zero but for the lids.
    """
    upper, lower = (list(side) for side in zip(*LID_PAIRS, strict=True))
    lids, eyes = upper + lower, points.copy()
    eyes[:, lids] = 0.95 * points[:, lids] + 0.05 * points[:, lower + upper]
    pauses = np.random.RandomState(seed)
    at = _FIRST_BLINK
    while at + _AFTER < len(points):
        shut = 0.25 * eyes[at, upper] + 0.75 * eyes[at, lower]
        eyes[at, lids] = np.concatenate([shut, shut])
        for k in range(at - _BEFORE + 1, at):
            _mix(eyes, k, at - _BEFORE, at, (k - at + _BEFORE) / _BEFORE, lids)
        for k in range(at + 1, at + _AFTER):
            _mix(eyes, k, at + _AFTER, at, (at + _AFTER - 1 - k) / _AFTER, lids)
        at += 60 + pauses.randint(30, 90)
    return eyes - points


def _mix(eyes: np.ndarray, k: int, open_at: int, shut_at: int, share: float, lids: list[int]) -> None:
    eyes[k, lids] = (1 - share) * eyes[open_at, lids] + share * eyes[shut_at, lids]
