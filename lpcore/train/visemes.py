"""English phones with known timing to expression weights of the ICT face, by co-articulation rules.

Each phone has a mouth shape and a dominance. Shapes blend by bell-shaped influences around each phone, weighted with
the dominances (after Cohen and Massaro, 1993): the shape of a k is that of the vowels beside it. What the lips must do
for p, b, m, f and v is no blend: they are there for a known part of the phone whatever its neighbours want, and take
about 50 ms to come and go, so that a short vowel between two of them still opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.smooth import ramp

Phone = tuple[str, float, float]
"""IPA symbol, start and end in seconds."""


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
_SHUT = _viseme(0.8, 0.10, mouthPress=0.15, mouthRollLower=0.15, mouthRollUpper=0.10)
_BITE = _viseme(1.2, 0.09, mouthRollLower=0.40, mouthUpperUp=0.40)

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

ANTICIPATION = 0.04
"""Seconds by which mouths run ahead of the sound."""
STRESS = {"ˈ": 1.15, "ˌ": 1.05}
"""Stress mark -> factor on the jaw of the syllable's vowel; without one it is 0.9."""

CONTACT = {"p": 0.6, "b": 0.75, "m": 1.0, "f": 0.9, "v": 0.9}
"""Phone -> share of it during which the lips touch each other (p, b, m) or the teeth (f, v)."""
TRAVEL = 0.05
"""Seconds in which the lips come together before a contact and part after it."""
_SHORTEST = 0.03
"""Seconds of contact at least."""
_EARLY = 0.015
"""Seconds by which the lips touch before the sound changes."""

NUCLEUS = 0.65
"""Share of a diphthong that its first, open part lasts."""

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
            shares = (1.0,) if len(shapes) == 1 else (NUCLEUS, 1 - NUCLEUS)
            for viseme, share in zip(shapes, shares, strict=True):
                part = share * (end - first)
                centre = first + part / 2 - ANTICIPATION
                events.append((viseme, centre, max(_NARROWEST, _WIDTH * part), factor))
                first += part
        begin, factor = None, 0.9
    return events


def contact(phones: Sequence[Phone], times: np.ndarray, symbols: str) -> np.ndarray:
    """(T,) in [0, 1] how far the lips are at what they have to touch for the phones named in `symbols`."""
    reached = np.zeros(len(times))
    for symbol, start, end in phones:
        if symbol in symbols and symbol:
            stay = max(CONTACT[symbol] * (end - start), _SHORTEST)
            first, last = start - _EARLY, start - _EARLY + stay
            away = np.maximum(np.maximum(first - times, times - last), 0)
            reached = np.maximum(reached, ramp(1 - away / TRAVEL))
    return reached


def articulate(
    phones: Sequence[Phone], times: np.ndarray, expressions: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the face of somebody who says `phones` does.

    Args:
        phones: in order; symbols without a viseme (spaces, punctuation) have no shape of their own.
        times: (T,) seconds.
        expressions: the E names of the ICT expressions.

    Returns:
        (T, E) float32 expression weights in [0, 1]; (T,) float32 how far the lips are shut (p, b, m) in [0, 1]; and
        the same for the lower lip at the upper teeth (f, v).
    """
    column = {name: i for i, name in enumerate(expressions)}
    total = np.zeros((len(times), len(expressions)))
    weight = np.full(len(times), _REST)
    for viseme, centre, spread, factor in _events(phones):
        near = np.abs(times - centre) < 5 * spread
        influence = viseme.dominance * np.exp(-0.5 * ((times[near] - centre) / spread) ** 2)
        target = np.zeros(len(expressions))
        for name, value in viseme.shape.items():
            if name in column:
                target[column[name]] = value * (factor if name == "jawOpen" else 1)
            else:
                target[[column[f"{name}_L"], column[f"{name}_R"]]] = value
        total[near] += influence[:, None] * target
        weight[near] += influence
    weights = (total / weight[:, None]).astype(np.float32).clip(0, 1)
    shut, bite = (contact(phones, times, symbols).astype(np.float32) for symbols in ("pbm", "fv"))
    return weights, shut, bite
