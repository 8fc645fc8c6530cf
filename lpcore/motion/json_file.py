"""Motion as JSON, for other tools to read and write; `docs/motion-format.md` tells it in words.

{"format": "lineportrait-motion", "version": 1, "fps": [numerator, denominator], "start": seconds, "frames": T,
"neutral": 68 x [x, y, z], "parts": {name: {"landmarks": [indices], "frames": rows}}}, all in crop units.

A row holds x, y, z of each of the part's landmarks in turn; T rows, or a single one that lasts throughout. Landmarks
that a part does not list do not move. Numbers have nine digits, which bring back the very float32.
"""

from __future__ import annotations

import json
from fractions import Fraction
from math import isfinite
from typing import IO, Any

import numpy as np

from ..types import PARTS, Motion

FORMAT = "lineportrait-motion"
VERSION = 1

_MOST_FRAMES = 10_000_000


def write_json(file: IO[bytes], motion: Motion) -> None:
    """Write `motion` to an open file, a line a frame."""

    def put(text: str) -> None:
        file.write(text.encode())

    head = {
        "format": FORMAT,
        "version": VERSION,
        "fps": [motion.fps.numerator, motion.fps.denominator],
        "start": motion.start,
        "frames": len(motion),
    }
    put(json.dumps(head)[:-1] + ',\n"neutral": [\n')
    put(",\n".join(_row(point) for point in np.asarray(motion.neutral, np.float32)))
    put('\n],\n"parts": {')
    for place, (name, part) in enumerate(motion.parts.items()):
        rows = np.asarray(part, np.float32)
        if rows.strides[0] == 0:
            rows = rows[:1]
        # By bits: a negative zero is to come back as one.
        moving = np.flatnonzero((rows.view(np.uint32) != 0).any(axis=(0, 2)))
        put("," * (place > 0) + f'\n"{name}": {{"landmarks": {json.dumps(moving.tolist())}, "frames": [')
        if len(moving):
            for number, row in enumerate(rows):
                put("," * (number > 0) + "\n" + _row(row[moving].ravel()))
        put("\n]}")
    put("\n}\n}\n")


def read_json(text: str) -> Motion:
    """The motion in a JSON text; raises ValueError, KeyError, TypeError or RecursionError when it holds none."""
    # As floats, for an integer has no negative zero.
    values: Any = json.loads(text, parse_int=float)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f'it does not say "format": "{FORMAT}"')
    if values["version"] != VERSION:
        raise ValueError(f"it is of version {values['version']:g}, not {VERSION}")
    count, start = _whole(values["frames"]), float(values["start"])
    numerator, denominator = (_whole(number) for number in values["fps"])
    if not 1 <= count <= _MOST_FRAMES or min(numerator, denominator) < 1 or not isfinite(start):
        raise ValueError("frames, fps or start is out of range")
    given = dict(values["parts"])
    unknown = sorted(given.keys() - set(PARTS))
    if unknown or not given:
        raise ValueError(f"it has {'a part ' + repr(unknown[0]) if unknown else 'no parts'}")
    parts = {name: _part(name, part, count) for name, part in given.items()}
    return Motion(Fraction(numerator, denominator), start, _numbers(values["neutral"], (68, 3)), parts)


def _part(name: str, part: Any, count: int) -> np.ndarray:
    """(count, 68, 3) float32."""
    landmarks = [_whole(index) for index in part["landmarks"]]
    if len(set(landmarks)) < len(landmarks) or not set(landmarks) <= set(range(68)):
        raise ValueError(f"the landmarks of {name} are not different numbers from 0 to 67")
    rows = part["frames"]
    if landmarks and len(rows) not in (1, count):
        raise ValueError(f"{name} has {len(rows)} rows, not 1 or {count}")
    moved = np.zeros((len(rows) if landmarks else 1, 68, 3), np.float32)
    if landmarks:
        moved[:, landmarks] = _numbers(rows, (len(rows), 3 * len(landmarks))).reshape(len(rows), -1, 3)
    return np.broadcast_to(moved, (count, 68, 3)) if len(moved) < count else moved


def _numbers(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = np.array(values, np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"numbers that are not finite and of shape {shape}")
    return array


def _whole(number: Any) -> int:
    if int(number) != number:
        raise ValueError(f"{number} is no whole number")
    return int(number)


def _row(values: np.ndarray) -> str:
    return "[" + ", ".join(["%.9g"] * len(values)) % tuple(values.tolist()) + "]"
