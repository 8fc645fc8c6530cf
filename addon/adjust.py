"""Adjustments of the predicted motion: plain values, kept with the rig and made anew on every prediction.

They are what an animator would otherwise key away by hand: a region that moves too much or too nervously, a mouth
that is not quiet in the pauses, a blink at the wrong moment. numpy alone, no Blender.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction

import numpy as np

from . import keyfit
from .lpcore.motion.close import closed_mouth
from .lpcore.motion.closure import rest
from .lpcore.motion.smooth import gaussian
from .lpcore.points68 import EYES, JAW, LID_PAIRS, LIPS
from .regions import FACE, landmarks_of

KEY_ERROR = 0.5
"""Default bound in crop px between the predicted and the keyed landmark at every frame."""

BLINKING = 0.75
"""An eye less open than this share of its usual opening blinks."""
OPEN = 0.97

Span = tuple[float, float]
"""Beginning and end in seconds of the speech's sound."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Motion as *Speak* predicts it.

    neutral: (68, 3) crop units, the photo's landmarks. face, head: (T, 68, 2) crop units, displacement (x, y) by what
    the face does and by what the head does. start: seconds in the sound at frame 0. fps: frames a second.
    """

    neutral: np.ndarray
    face: np.ndarray
    head: np.ndarray
    start: float
    fps: Fraction

    def __len__(self) -> int:
        return len(self.face)

    def frames_in(self, span: Span) -> tuple[int, int]:
        """First frame in the span and the one after its last, within the prediction."""
        ends = (round((seconds - self.start) * float(self.fps)) for seconds in span)
        first, end = (min(max(frame, 0), len(self)) for frame in ends)
        return first, end

    def seconds(self, frame: float) -> float:
        """Seconds of the sound at frame `frame`."""
        return self.start + frame / float(self.fps)


@dataclass(frozen=True)
class Adjustments:
    """What is done to a prediction; the names are those of `regions.FACE`.

    scale: factors, 1 where missing. smooth: standard deviations in seconds, 0 where missing. error: bounds in crop px
    of the key reduction. silent: where the mouth is shut. waking: where blinks are taken out.
    """

    scale: Mapping[str, float] = field(default_factory=dict)
    smooth: Mapping[str, float] = field(default_factory=dict)
    error: Mapping[str, float] = field(default_factory=dict)
    silent: Sequence[Span] = ()
    waking: Sequence[Span] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Adjustments:
        values = json.loads(text) if text else {}
        for name in ("silent", "waking"):
            values[name] = tuple((float(a), float(b)) for a, b in values.get(name, ()))
        return cls(**values)

    def with_value(self, kind: str, region: str, value: float, default: float) -> Adjustments:
        """`scale`, `smooth` or `error` (`kind`) of one region set to `value`."""
        values = dict(getattr(self, kind))
        values.pop(region, None)
        return replace(self, **{kind: values if value == default else {**values, region: value}})

    def without(self, region: str) -> Adjustments:
        """The region as predicted, with keys within `KEY_ERROR`."""
        plain = self
        for kind in ("scale", "smooth", "error"):
            plain = plain.with_value(kind, region, 1.0, 1.0)
        if region == "mouth":
            plain = replace(plain, silent=())
        return replace(plain, waking=()) if region.startswith("eye") else plain


def displacement(prediction: Prediction, adjustments: Adjustments) -> np.ndarray:
    """(T, 68, 2) crop units: the prediction as adjusted."""
    face, head = prediction.face.astype(np.float64), prediction.head.astype(np.float64)
    for region, factor in adjustments.scale.items():
        moved, indices = (head, ...) if region == "head" else (face, list(FACE[region].landmarks))
        moved[:, indices] *= factor
    for region, seconds in adjustments.smooth.items():
        moved, indices = (head, ...) if region == "head" else (face, list(FACE[region].landmarks))
        moved[:, indices] = gaussian(moved[:, indices], seconds * float(prediction.fps))
    if adjustments.silent:
        _shut_mouth(face, prediction, adjustments.silent)
    for span in adjustments.waking:
        _keep_open(face, *prediction.frames_in(span))
    return face + head


def _shut_mouth(face: np.ndarray, prediction: Prediction, spans: Sequence[Span]) -> None:
    silent = np.zeros(len(prediction), bool)
    for span in spans:
        first, end = prediction.frames_in(span)
        silent[first:end] = True
    if not silent.any():
        return
    amount = rest(silent, float(prediction.fps))[:, None, None]
    shut = (closed_mouth(prediction.neutral) - prediction.neutral)[:, :2]
    indices = [*JAW, *LIPS]
    face[:, indices] += amount * (shut[indices] - face[:, indices])


def _keep_open(face: np.ndarray, first: int, end: int) -> None:
    """Let the eyes go straight from where they are before the span to where they are after it."""
    before, after = max(first - 1, 0), min(end, len(face) - 1)
    if first >= end:
        return
    share = ((np.arange(first, end) - before) / max(after - before, 1))[:, None, None]
    indices = list(EYES)
    start, goal = face[before, indices], face[after, indices]
    face[first:end, indices] = start + share * (goal - start)


def blink_at(prediction: Prediction, adjustments: Adjustments, frame: int) -> Span | None:
    """The predicted blink around frame `frame` of the prediction, in seconds of the sound; None without one."""
    points = prediction.neutral[:, :2] + displacement(prediction, adjustments)
    upper, lower = ([pair[side] for pair in LID_PAIRS] for side in (0, 1))
    opening = (points[:, lower, 1] - points[:, upper, 1]).mean(axis=1)
    usual = float(np.median(opening))
    if not 0 <= frame < len(opening) or opening[frame] > BLINKING * usual:
        return None
    first = end = frame
    while first > 0 and opening[first - 1] < OPEN * usual:
        first -= 1
    while end < len(opening) - 1 and opening[end] < OPEN * usual:
        end += 1
    return prediction.seconds(first - 0.25), prediction.seconds(end + 0.25)


def fit(
    prediction: Prediction, adjustments: Adjustments, landmarks: Sequence[int] = tuple(range(68))
) -> list[keyfit.Keys]:
    """Keys of the landmarks' displacement (x, y), each within its region's bound of the adjusted prediction."""
    moved = displacement(prediction, adjustments).transpose(1, 0, 2)
    bound = dict.fromkeys(range(68), KEY_ERROR)
    for region, error in adjustments.error.items():
        bound |= dict.fromkeys(landmarks_of([region]), error)
    fitted: dict[int, keyfit.Keys] = {}
    for error in {bound[index] for index in landmarks}:
        alike = [index for index in landmarks if bound[index] == error]
        fitted |= dict(zip(alike, keyfit.reduce_keys(moved[alike], error), strict=True))
    return [fitted[index] for index in landmarks]
