"""The controls: few bones that move many landmarks, on top of whatever the landmarks do by themselves.

Every landmark a control moves has a Transformation constraint in local space that adds a share of the control's
location to its own; the head is the parent of all, so that its rotation turns the landmarks in depth. The
constraints' ranges hold the shares, their influence is left to the animator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .lpcore.motion.blink import MEETING
from .lpcore.points68 import JAW, LID_PAIRS, LIPS, MIRROR

CONTROL = "control"
"""Custom property of a bone: the control it is. Names are the user's to change."""

HEAD = "head"
CONSTRAINT = "Line Portrait "
"""Beginning of the names of our constraints; the control's name follows."""

LID_TRAVEL = 30.0
"""Crop units by which the lids' control comes down until the eye is shut."""

Shares = dict[int, tuple[float, float]]
"""Landmark -> shares of the control's movement in x and y; of the way up for `mouth_width`, see there."""


class Control(NamedTuple):
    """One control.

    place: landmarks (68, 3) crop units -> where it lies. shares: landmarks -> what it moves. shape: "ring", "bar" or
    "arrows". size: crop units from its centre to its rim, for a face whose ears are `FACE` apart. free: axes it
    moves along. turned: its own y axis points to the right, so that mirroring a pose does not turn wide into narrow.
    """

    region: str
    place: Callable[[np.ndarray], np.ndarray]
    shares: Callable[[np.ndarray], Shares]
    shape: str
    size: float
    free: str = "xy"
    turned: bool = False


FACE = 300.0
"""Distance of the ears for which the sizes are given."""


def width_of(landmarks: np.ndarray) -> float:
    """Distance between the ears in crop units."""
    return float(np.linalg.norm(landmarks[16] - landmarks[0]))


def head_pivot(landmarks: np.ndarray) -> np.ndarray:
    """The point about which the head turns: below the middle of the ears, as in the predicted head motion."""
    return (landmarks[0] + landmarks[16]) / 2 + [0, 0.35 * width_of(landmarks), 0]


def _beside(*indices: int, right: float = 0.0, down: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """The middle of landmarks, moved by shares of the face's width, in front of the face."""

    def place(landmarks: np.ndarray) -> np.ndarray:
        point = landmarks[list(indices)].mean(axis=0) + np.array([right, down, 0]) * width_of(landmarks)
        return np.array([point[0], point[1], landmarks[:, 2].min()])

    return place


def _even(shares: Mapping[int, float]) -> Callable[[np.ndarray], Shares]:
    return lambda landmarks: {index: (share, share) for index, share in shares.items()}


def _mirrored(shares: Mapping[int, float]) -> dict[int, float]:
    return {MIRROR[index]: share for index, share in shares.items()}


def _jaw(landmarks: np.ndarray) -> Shares:
    """All of it at the chin, nothing at the ears, and the lower lip with the teeth."""
    across = np.linspace(-1, 1, len(JAW))
    shares = dict(zip(JAW, np.cos(across * np.pi / 2) ** 2, strict=True))
    shares |= {57: 0.9, 56: 0.85, 58: 0.85, 55: 0.65, 59: 0.65, 66: 0.9, 65: 0.85, 67: 0.85}
    shares |= {48: 0.3, 54: 0.3, 60: 0.3, 64: 0.3}
    return {index: (share, share) for index, share in shares.items() if share > 1e-3}


def _width(landmarks: np.ndarray) -> Shares:
    """The corners move apart, what lies between them in proportion."""
    middle, half = (landmarks[48, 0] + landmarks[54, 0]) / 2, (landmarks[54, 0] - landmarks[48, 0]) / 2
    away = np.clip((landmarks[list(LIPS), 0] - middle) / max(half, 1e-3), -1, 1)
    return {index: (share, 0.0) for index, share in zip(LIPS, away, strict=True) if abs(share) > 1e-3}


def _lids(right: bool) -> Callable[[np.ndarray], Shares]:
    """Upper and lower lid meet in all places when the control has come down by `LID_TRAVEL`."""

    def shares(landmarks: np.ndarray) -> Shares:
        found: Shares = {}
        for upper, lower in LID_PAIRS[:2] if right else LID_PAIRS[2:]:
            opening = max(landmarks[lower, 1] - landmarks[upper, 1], 0) / LID_TRAVEL
            found[upper] = (0.0, (1 - MEETING) * opening)
            found[lower] = (0.0, -MEETING * opening)
        return found

    return shares


def _nothing(landmarks: np.ndarray) -> Shares:
    return {}


_CORNER = {48: 1.0, 60: 0.9, 49: 0.5, 59: 0.5, 61: 0.25, 67: 0.25, 50: 0.15, 58: 0.15}
_BROW_IN = {21: 1.0, 20: 0.75, 19: 0.5, 18: 0.2}
_BROW_OUT = {17: 1.0, 18: 0.8, 19: 0.5, 20: 0.25}
_UPPER = {51: 1.0, 50: 0.9, 52: 0.9, 49: 0.5, 53: 0.5, 62: 1.0, 61: 0.8, 63: 0.8}
_LOWER = {57: 1.0, 56: 0.9, 58: 0.9, 55: 0.5, 59: 0.5, 66: 1.0, 65: 0.8, 67: 0.8}

CONTROLS: dict[str, Control] = {
    HEAD: Control("head", head_pivot, _nothing, "ring", 190.0, free="xyz"),
    "jaw": Control("jaw", _beside(8, down=0.09), _jaw, "ring", 13.0),
    "mouth_width": Control(
        "mouth", _beside(57, 57, 8, down=0.01), _width, "arrows", 13.0, free="y", turned=True
    ),
    "lips_upper": Control("mouth", _beside(51, 51, 33), _even(_UPPER), "ring", 6.0),
    "lips_lower": Control("mouth", _beside(57, down=0.035), _even(_LOWER), "ring", 6.0),
    "mouth_corner.R": Control("mouth", _beside(48, right=-0.06), _even(_CORNER), "ring", 7.0),
    "mouth_corner.L": Control("mouth", _beside(54, right=0.06), _even(_mirrored(_CORNER)), "ring", 7.0),
    "lids.R": Control("eye.R", _beside(37, 38, down=-0.035), _lids(True), "bar", 12.0, free="y"),
    "lids.L": Control("eye.L", _beside(43, 44, down=-0.035), _lids(False), "bar", 12.0, free="y"),
    "brow_in.R": Control("brow.R", _beside(21, down=-0.06), _even(_BROW_IN), "ring", 7.0),
    "brow_in.L": Control("brow.L", _beside(22, down=-0.06), _even(_mirrored(_BROW_IN)), "ring", 7.0),
    "brow_out.R": Control("brow.R", _beside(17, right=-0.03, down=-0.05), _even(_BROW_OUT), "ring", 7.0),
    "brow_out.L": Control(
        "brow.L", _beside(26, right=0.03, down=-0.05), _even(_mirrored(_BROW_OUT)), "ring", 7.0
    ),
}


def bones_of(rig: Any) -> dict[str, Any]:
    """The control's name -> its pose bone, of those that the rig has."""
    return {bone.bone[CONTROL]: bone for bone in rig.pose.bones if CONTROL in bone.bone}


def bind(rig: Any, landmark_bones: list[Any], landmarks: np.ndarray) -> None:
    """Let the rig's controls move the pose bones of its landmarks; landmarks (68, 3) crop units."""
    for name, bone in bones_of(rig).items():
        control = CONTROLS[name]
        for index, shares in control.shares(landmarks).items():
            owner = landmark_bones[index]
            constraint = owner.constraints.get(CONSTRAINT + name) or owner.constraints.new("TRANSFORM")
            constraint.name = CONSTRAINT + name
            constraint.target, constraint.subtarget = rig, bone.name
            constraint.owner_space = constraint.target_space = "LOCAL"
            constraint.map_from = constraint.map_to = "LOCATION"
            constraint.use_motion_extrapolate = True
            constraint.show_expanded = False
            constraint.map_to_x_from = "Y" if control.turned else "X"
            for axis, share in zip("xy", shares, strict=True):
                source = "y" if control.turned and axis == "x" else axis
                setattr(constraint, f"from_min_{source}", -1.0)
                setattr(constraint, f"from_max_{source}", 1.0)
                setattr(constraint, f"to_min_{axis}", -share)
                setattr(constraint, f"to_max_{axis}", share)


class Pull(NamedTuple):
    """What one constraint does: displacement[axis] += gain * location[source] of the pose bone `control`."""

    control: str
    axis: int
    source: int
    gain: float


def pulls(rig: Any, bone: Any) -> list[Pull] | None:
    """What the constraints of a landmark's pose bone do; None where one of them is not as `bind` makes them."""
    found: list[Pull] = []
    for constraint in bone.constraints:
        if constraint.mute or constraint.influence == 0:
            continue
        if not _is_ours(rig, constraint):
            return None
        found += _pulls_of(constraint)
    return found


def _is_ours(rig: Any, constraint: Any) -> bool:
    return (
        constraint.type == "TRANSFORM"
        and constraint.target == rig
        and CONTROL in getattr(rig.data.bones.get(constraint.subtarget), "keys", tuple)()
        and constraint.owner_space == constraint.target_space == "LOCAL"
        and constraint.map_from == constraint.map_to == "LOCATION"
        and constraint.mix_mode == "ADD"
        and constraint.use_motion_extrapolate
        and all(_is_symmetric(constraint, end, axis) for end in ("from", "to") for axis in "xyz")
    )


def _is_symmetric(constraint: Any, end: str, axis: str) -> bool:
    return getattr(constraint, f"{end}_min_{axis}") == -getattr(constraint, f"{end}_max_{axis}")


def _pulls_of(constraint: Any) -> Iterator[Pull]:
    for axis, name in enumerate("xyz"):
        most = getattr(constraint, f"to_max_{name}")
        source = getattr(constraint, f"map_to_{name}_from").lower()
        reach = getattr(constraint, f"from_max_{source}")
        if most and reach:
            gain = constraint.influence * most / reach
            yield Pull(constraint.subtarget, axis, "xyz".index(source), gain)
