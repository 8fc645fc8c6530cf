"""The parts of the face that an animator works on: each with its landmarks and the controls that move them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .lpcore.points68 import JAW, LIPS, NOSE, REGIONS


class Region(NamedTuple):
    """label: what the panels call it. landmarks: iBUG indices. controls: names of `controls.CONTROLS`."""

    label: str
    landmarks: tuple[int, ...]
    controls: tuple[str, ...] = ()


FACE: dict[str, Region] = {
    "mouth": Region(
        "Mouth",
        LIPS,
        ("mouth_width", "lips_upper", "lips_lower", "mouth_corner.R", "mouth_corner.L"),
    ),
    "jaw": Region("Jaw", JAW, ("jaw",)),
    "eye.R": Region("Right Eye", REGIONS["eye.R"], ("lids.R",)),
    "eye.L": Region("Left Eye", REGIONS["eye.L"], ("lids.L",)),
    "brow.R": Region("Right Brow", REGIONS["brow.R"], ("brow_in.R", "brow_out.R")),
    "brow.L": Region("Left Brow", REGIONS["brow.L"], ("brow_in.L", "brow_out.L")),
    "nose": Region("Nose", NOSE),
    "head": Region("Head", (), ("head",)),
}
"""Every landmark and every control is in exactly one of them."""


def landmarks_of(names: Iterable[str]) -> tuple[int, ...]:
    """The landmarks of these regions. The head carries all landmarks, as its predicted motion is theirs."""
    names = set(names)
    if "head" in names:
        return tuple(range(68))
    return tuple(index for name, region in FACE.items() if name in names for index in region.landmarks)
