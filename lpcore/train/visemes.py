"""English phones with known timing to expression weights of the ICT face, by co-articulation rules.

Each phone has a mouth shape and a dominance. Shapes blend by bell-shaped influences around each phone, weighted with
the dominances (after Cohen and Massaro, 1993): a p closes the lips whatever its neighbours want, while the shape of a
k is that of the vowels beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Phone = tuple[str, float, float]
"""IPA symbol, start and end in seconds."""

CLOSED = "closed"
"""Name of the shape channel that brings the lips together, 1 = shut; not an expression of the ICT face."""


@dataclass(frozen=True)
class Viseme:
    """A mouth shape: ICT expression (both sides where no side is named) -> weight, and its dominance."""

    shape: Mapping[str, float]
    dominance: float


def _viseme(dominance: float, jaw: float, **shape: float) -> Viseme:
    return Viseme({"jawOpen": jaw, **shape}, dominance)


_EE = _viseme(1.0, 0.10, mouthSmile=0.30, mouthStretch=0.20, mouthLowerDown=0.15)
_IH = _viseme(1.0, 0.14, mouthStretch=0.15, mouthLowerDown=0.10)
_OO = _viseme(1.2, 0.07, mouthPucker=0.65, mouthFunnel=0.25)
_UH = _viseme(1.0, 0.13, mouthPucker=0.35, mouthFunnel=0.25)
_AH = _viseme(1.2, 0.40)
_OH = _viseme(1.2, 0.30, mouthFunnel=0.35, mouthPucker=0.15)
_EH = _viseme(1.0, 0.26, mouthStretch=0.15, mouthLowerDown=0.10)
_AE = _viseme(1.2, 0.36, mouthStretch=0.20, mouthLowerDown=0.15)
_SCHWA = _viseme(0.6, 0.15)
_TEETH = _viseme(0.8, 0.06, mouthStretch=0.10, mouthLowerDown=0.20, mouthUpperUp=0.08)
_HUSH = _viseme(1.5, 0.07, mouthFunnel=0.45, mouthPucker=0.30)
_BACK = _viseme(0.3, 0.12)
_SHUT = _viseme(4.0, 0.05, closed=1.0, mouthPress=0.15, mouthRollLower=0.15, mouthRollUpper=0.10)
_BITE = _viseme(3.0, 0.05, closed=0.75, mouthRollLower=0.45, mouthUpperUp=0.15)

VISEMES: dict[str, tuple[Viseme, ...]] = {
    **dict.fromkeys("pbm", (_SHUT,)), **dict.fromkeys("fv", (_BITE,)),
    **dict.fromkeys("sztdnɾ", (_TEETH,)), **dict.fromkeys("ʃʒʧʤ", (_HUSH,)), **dict.fromkeys("kɡŋ", (_BACK,)),
    **dict.fromkeys("θð", (_viseme(1.0, 0.12, mouthLowerDown=0.20),)),
    "l": (_viseme(0.7, 0.15, mouthLowerDown=0.15),), "ɹ": (_viseme(1.0, 0.09, mouthPucker=0.25, mouthFunnel=0.30),),
    "w": (_viseme(2.0, 0.04, mouthPucker=0.75, mouthFunnel=0.20),), "j": (_EE,), "h": (_viseme(0.1, 0.15),),
    "i": (_EE,), "ɪ": (_IH,), "ᵻ": (_IH,), "u": (_OO,), "ʊ": (_UH,), "ɛ": (_EH,), "æ": (_AE,), "ɑ": (_AH,),
    "ɔ": (_OH,), "ʌ": (_viseme(1.0, 0.28),), **dict.fromkeys("əɐᵊ", (_SCHWA,)), "ɜ": (_UH,),
    "A": (_EH, _EE), "I": (_AH, _IH), "O": (_OH, _OO), "W": (_AH, _UH), "Y": (_OH, _IH),
}  # fmt: skip
"""Phone -> its mouth shapes in order; diphthongs (A I O W Y as in day, my, go, now, boy) have two."""

ANTICIPATION = 0.03
"""Seconds by which mouths run ahead of the sound."""
STRESS = {"ˈ": 1.15, "ˌ": 1.05}
"""Stress mark -> factor on the jaw of the syllable's vowel; without one it is 0.9."""

_NARROWEST = 0.035
_WIDTH = 0.45
_REST = 0.05
"""Dominance of the resting face, which is there at all times and wins where no phone is near."""


def _events(phones: Sequence[Phone]) -> list[tuple[Viseme, float, float, float]]:
    """(viseme, centre, spread, jaw factor) of every mouth shape; a stress mark's time belongs to its vowel."""
    events = []
    begin, factor = None, 0.9
    for symbol, start, end in phones:
        if symbol in STRESS:
            begin, factor = start, STRESS[symbol]
            continue
        shapes = VISEMES.get(symbol)
        if shapes:
            first = start if begin is None else begin
            part = (end - first) / len(shapes)
            for k, viseme in enumerate(shapes):
                centre = first + (k + 0.5) * part - ANTICIPATION
                events.append((viseme, centre, max(_NARROWEST, _WIDTH * part), factor))
        begin, factor = None, 0.9
    return events


def articulate(
    phones: Sequence[Phone], times: np.ndarray, expressions: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Expression weights of somebody who says `phones`.

    Args:
        phones: in order; symbols without a viseme (spaces, punctuation) have no shape of their own.
        times: (T,) seconds.
        expressions: the E names of the ICT expressions.

    Returns:
        (T, E) float32 weights in [0, 1], and (T,) float32 how far the lips are shut in [0, 1].
    """
    column = {name: i for i, name in enumerate(expressions)}
    closed_column = len(expressions)
    total = np.zeros((len(times), closed_column + 1))
    weight = np.full(len(times), _REST)
    for viseme, centre, spread, factor in _events(phones):
        near = np.abs(times - centre) < 5 * spread
        influence = viseme.dominance * np.exp(-0.5 * ((times[near] - centre) / spread) ** 2)
        target = np.zeros(closed_column + 1)
        for name, value in viseme.shape.items():
            if name == CLOSED:
                target[closed_column] = value
            elif name in column:
                target[column[name]] = value * (factor if name == "jawOpen" else 1)
            else:
                target[[column[f"{name}_L"], column[f"{name}_R"]]] = value
        total[near] += influence[:, None] * target
        weight[near] += influence
    blended = (total / weight[:, None]).astype(np.float32).clip(0, 1)
    # The lips meet before the blend reaches 1: they are soft.
    return blended[:, :closed_column], (blended[:, closed_column] / 0.8).clip(0, 1)
