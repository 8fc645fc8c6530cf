"""Takes of predicted motion: every *Speak* leaves an action that keeps the prediction itself beside its curves."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any

import bpy
import numpy as np

from .adjust import Adjustments, Prediction
from .lpcore.types import SpeakSettings
from .properties import LINEPORTRAIT_PG_portrait

STEP = 1024
"""Kept displacements are multiples of 1 / STEP crop units."""

OWNER = "lineportrait_rig"
"""Custom property of a rig and of its takes' actions: which belong together."""
ABOUT = "lineportrait_take"
SAMPLES = "lineportrait_samples"


def read(path: Path) -> Prediction:
    """The prediction in the motion file that the engine wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        points, neutral = arrays["points"].astype(np.float64), arrays["neutral"].astype(np.float64)
        head = arrays["head"].astype(np.float64) if "head" in arrays else np.zeros_like(points)
        fps, start = Fraction(*(int(part) for part in arrays["fps"])), float(arrays["start"])
    return Prediction(neutral, (points - neutral - head)[..., :2], head[..., :2], start, fps)


def owner_of(rig: bpy.types.Object) -> str:
    """What tells a rig's takes from others'."""
    if OWNER not in rig:
        rig[OWNER] = secrets.token_hex(6)
    return str(rig[OWNER])


def keep(rig: bpy.types.Object, action: Any, prediction: Prediction, about: Mapping[str, Any]) -> None:
    """Make `action` a take of the rig; `about` is plain values to get back from `about_of`."""
    number = 1 + max((about_of(take).get("number", 0) for take in all_of(rig)), default=0)
    samples = np.stack([prediction.face, prediction.head])
    whole = np.round(samples * STEP).astype(np.int32)
    # Differences from frame to frame are small numbers, which compress well; they wrap around and back.
    steps = np.diff(whole, axis=1, prepend=np.zeros_like(whole[:, :1]))
    action[SAMPLES] = zlib.compress(steps.tobytes(), 6)
    action[OWNER] = owner_of(rig)
    kept = {
        "number": number,
        "frames": len(prediction),
        "neutral": np.round(prediction.neutral, 3).tolist(),
        "start": prediction.start,
        "fps": str(prediction.fps),
    }
    action[ABOUT] = json.dumps({**about, **kept})
    action.use_fake_user = True


def all_of(rig: bpy.types.Object) -> list[Any]:
    """The rig's takes, the oldest first."""
    owner = rig.get(OWNER)
    found = [action for action in bpy.data.actions if owner and action.get(OWNER) == owner]
    return sorted(found, key=lambda action: about_of(action).get("number", 0))


def about_of(action: Any) -> dict[str, Any]:
    """What is known of a take; empty for other actions."""
    return json.loads(action.get(ABOUT, "{}")) if action else {}


def prediction_of(action: Any) -> Prediction | None:
    """The prediction that a take's curves were made from."""
    about = about_of(action)
    if not about or SAMPLES not in action:
        return None
    steps = np.frombuffer(zlib.decompress(action[SAMPLES]), np.int32).reshape(2, about["frames"], 68, 2)
    face, head = np.cumsum(steps, axis=1, dtype=np.int32).astype(np.float64) / STEP
    return Prediction(np.array(about["neutral"]), face, head, about["start"], Fraction(about["fps"]))


def title_of(action: Any) -> str:
    """What the panels call a take: "Take 2: Lips 0.8"."""
    about = about_of(action)
    usual = asdict(SpeakSettings())
    told = [
        _setting(name, value)
        for name, value in about.get("made_from", {}).get("settings", {}).items()
        if value is not None and value != usual.get(name)
    ]
    return f"Take {about.get('number', 0)}" + (f": {', '.join(told)}" if told else "")


def _setting(name: str, value: Any) -> str:
    """A setting as the panel calls it, and its value; of a file the name alone."""
    if name == "style_audio":
        value = PureWindowsPath(value).name  # knows the separators of every system
    shown = LINEPORTRAIT_PG_portrait.bl_rna.properties.get(name)
    label = shown.name if shown else name.replace("_", " ").title()
    return f"{label} {value if isinstance(value, str) else format(value, 'g')}"


ADJUSTMENTS = "lineportrait_adjustments"


def adjustments_of(rig: bpy.types.Object) -> Adjustments:
    """What is done to the rig's predictions."""
    return Adjustments.from_json(str(rig.get(ADJUSTMENTS, "")))


def set_adjustments(rig: bpy.types.Object, adjustments: Adjustments) -> None:
    rig[ADJUSTMENTS] = adjustments.to_json()


def note(action: Any, values: Mapping[str, Any]) -> None:
    """Change what is known of a take."""
    action[ABOUT] = json.dumps({**about_of(action), **values})
