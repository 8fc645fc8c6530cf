"""When the known words of a recording are spoken: forced alignment by the speech recogniser's phone posteriors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..audio import content
from ..train.visemes import Phone

_COMMANDS = (
    {"b": "bɪn", "l": "lA", "p": "plAs", "s": "sɛt"},
    {"b": "blu", "g": "ɡɹin", "r": "ɹɛd", "w": "wIt"},
    {"a": "æt", "b": "bI", "i": "ɪn", "w": "wɪð"},
    {
        "a": "A", "b": "bi", "c": "si", "d": "di", "e": "i", "f": "ɛf", "g": "ʤi", "h": "Aʧ", "i": "I", "j": "ʤA",
        "k": "kA", "l": "ɛl", "m": "ɛm", "n": "ɛn", "o": "O", "p": "pi", "q": "kju", "r": "ɑ", "s": "ɛs", "t": "ti",
        "u": "ju", "v": "vi", "x": "ɛks", "y": "wI", "z": "zɛd",
    },
    {
        "z": "zɪɹO", "1": "wʌn", "2": "tu", "3": "θɹi", "4": "fɔ", "5": "fIv", "6": "sɪks", "7": "sɛvən", "8": "At",
        "9": "nIn",
    },
    {"a": "əɡɛn", "n": "nW", "p": "pliz", "s": "sun"},
)  # fmt: skip
"""The GRID corpus: one letter of a file's name -> the word's phones (as in `visemes.VISEMES`), for its six words."""

_CLASSES = {
    "p": (35, 36, 37), "b": (10, 82), "m": (31,), "f": (17,), "v": (49,), "s": (39, 40), "z": (57,),
    "t": (41, 42, 43, 155), "d": (12,), "n": (32,), "l": (30, 103), "ɹ": (38, 113, 90, 92, 93), "w": (50,),
    "j": (21, 25), "k": (27, 28, 29), "ɡ": (18, 95), "θ": (173,), "ð": (69,), "ʤ": (13,), "ʧ": (47,),
    "i": (20, 25, 101), "ɪ": (101, 20, 89), "u": (48, 25, 122, 123), "ɛ": (91, 14, 66, 101), "æ": (66, 7, 89),
    "ɑ": (80, 81), "ɔ": (83, 81), "ʌ": (125, 89, 51, 54), "ə": (89, 125),
    "A": (16,), "I": (8,), "O": (34,), "W": (9, 7, 66, 79, 80),
}  # fmt: skip
"""Phone -> the recogniser's classes that stand for it."""
_BLANKS = (189, 190)
_FLOOR = 1e-4
_LONGEST = 0.25
"""Seconds that a phone lasts at most: a spike says when it begins, the next spike when it is surely over."""


def grid_phones(name: str) -> str:
    """The phones of a GRID film's sentence; `name` is the stem of its file, such as ``grid_lwbsza``.

    Raises ValueError: the name is none of the corpus.
    """
    code = name.rsplit("_", 1)[-1]
    if len(code) != len(_COMMANDS) or any(
        letter not in words for letter, words in zip(code, _COMMANDS, strict=True)
    ):
        raise ValueError(f"{name} is no sentence of the GRID corpus")
    return "".join(words[letter] for letter, words in zip(code, _COMMANDS, strict=True))


def align(features: np.ndarray, phones: str) -> list[Phone]:
    """When each phone is spoken.

    The recogniser was trained with CTC: between phones it says "blank". The best path through blank, phone, blank,
    phone, ... is found by dynamic programming.

    Args:
        features: (T, content.WIDTH) from `content.features`.
        phones: symbols of `visemes.VISEMES`, at most T of them.

    Returns:
        [(symbol, start, end)] in seconds: from the phone's spike to the next one's, at most `_LONGEST`.
    """
    posterior = features[:, content.HIDDEN :]
    blank = np.log(posterior[:, list(_BLANKS)].sum(axis=1) + _FLOOR)
    scores = [blank]
    for phone in phones:
        scores += [np.log(posterior[:, list(_CLASSES[phone])].sum(axis=1) + _FLOOR), blank]
    emission = np.stack(scores, axis=1)
    count, states = emission.shape
    # A path may stay, go on by one state, or leave out the blank between two different phones.
    may_skip = np.zeros(states, bool)
    may_skip[3::2] = [a != b for a, b in pairwise(phones)]
    best = np.full(states, -np.inf)
    best[:2] = emission[0, :2]
    steps = np.zeros((count, states), int)
    for t in range(1, count):
        by_one = np.concatenate([[-np.inf], best[:-1]])
        by_two = np.where(may_skip, np.concatenate([[-np.inf, -np.inf], best[:-2]]), -np.inf)
        choices = np.stack([best, by_one, by_two])
        steps[t] = choices.argmax(axis=0)
        best = choices.max(axis=0) + emission[t]
    state = states - 1 if best[-1] >= best[-2] else states - 2
    path = [state]
    for t in range(count - 1, 0, -1):
        state -= steps[t, state]
        path.append(state)
    path = np.array(path[::-1])
    starts = [float(np.flatnonzero(path == 2 * k + 1)[0]) / content.RATE for k in range(len(phones))]
    ends = [*starts[1:], count / content.RATE]
    return [(p, a, min(b, a + _LONGEST)) for p, a, b in zip(phones, starts, ends, strict=True)]
