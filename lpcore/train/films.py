"""Tracked films of real people (GRID corpus, CC BY 4.0) as landmark motion on the ICT face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..audio import content, level
from ..evaluate.alignment import align, grid_phones
from ..evaluate.tracking import EAR_UNITS, Clip, track
from ..motion.close import close_lips, keep_apart, lip_gap
from ..motion.closure import rest
from ..motion.smooth import gaussian
from ..points68 import JAW, LIPS
from .facegood import Take
from .ict import EAR_DISTANCE, FaceModel
from .visemes import Phone, contact

HELD_OUT = ("grid_lwbsza", "grid_sbwe5n", "grid_bbaf2n")
"""Films that measure and never train."""

TYPICAL = 0.11
"""95th percentile of the lip gap of these speakers on average, in outer eye distances. One opens the mouth four times
as wide as another; what is said does not tell how wide, so the content branch learns all of them at this size."""

_MOUTH_EXPRESSIONS = ("jaw", "mouth")
_STIFF = 0.05
"""Ridge of the fit, as a share of the mean square of the expressions' offsets."""
_JITTER = 0.7
"""Standard deviation in frames of the smoothing that takes the tracker's jitter out."""


def tracked(
    folder: Path, model: FaceModel, cache: Path | None = None, names: Sequence[str] | None = None
) -> list[Clip]:
    """The films of these names in `folder`; None = every one but those held out."""
    reference, _ = model.face(np.zeros(1))
    if names is None:
        names = sorted({path.stem for path in folder.glob("*.mpg")} - set(HELD_OUT))
    return [track(folder / f"{name}.mpg", reference, cache) for name in names]


def load_films(clips: Sequence[Clip], model: FaceModel) -> list[Take]:
    """Lips and jaw of tracked films as displacements of the model, shut for p, b and m and in silence."""
    takes = []
    for clip in clips:
        moved = clip.points - clip.neutral
        moved *= EAR_DISTANCE / EAR_UNITS / model.face(np.zeros(1))[1]
        moved = on_model(gaussian(moved, _JITTER), model) * amplitude(clip)
        phones = align(content.features(clip.samples), grid_phones(clip.name))
        motion = with_contacts(moved, model, clip, phones)
        takes.append(Take(clip.name, clip.samples, motion.astype(np.float32), round(clip.fps)))
    return takes


def amplitude(clip: Clip) -> float:
    """What brings this speaker's lip gaps to the `TYPICAL` size."""
    eyes = float(np.linalg.norm(clip.neutral[36, :2] - clip.neutral[45, :2]))
    opening = np.percentile(lip_gap(clip.points) - lip_gap(clip.neutral), 95) / eyes
    return float(np.clip(TYPICAL / max(opening, 1e-3), 0.5, 2.0))


def on_model(moved: np.ndarray, model: FaceModel) -> np.ndarray:
    """Tracked displacements (T, 68, 3) made whole with the model's mouth expressions.

    The lips keep what was tracked in the picture plane. Depth, which one camera hardly sees, and the jaw, whose points
    slide along the cheeks' contour, come from the expressions that explain the lips best (ridge regression).
    """
    names = [i for i, name in enumerate(model.names) if name.startswith(_MOUTH_EXPRESSIONS)]
    basis = model.expressions[names]
    lips = list(LIPS)
    flat = basis[:, lips, :2].reshape(len(names), -1).astype(float)
    seen = moved[:, lips, :2].reshape(len(moved), -1)
    ridge = _STIFF * np.trace(flat @ flat.T) / len(names) * np.eye(len(names))
    weights = np.linalg.solve(flat @ flat.T + ridge, flat @ seen.T).T
    explained = np.tensordot(weights, basis, 1)
    result = np.zeros_like(moved)
    result[:, [*JAW, *LIPS]] = explained[:, [*JAW, *LIPS]]
    result[:, lips, :2] = moved[:, lips, :2]
    return result


def with_contacts(moved: np.ndarray, model: FaceModel, clip: Clip, phones: Sequence[Phone]) -> np.ndarray:
    """The motion with lips that meet where they must: 25 pictures a second miss most closures."""
    times = np.arange(len(moved)) / clip.fps
    silent = level.silence(level.level(clip.samples))
    resting = np.interp(times * level.RATE, np.arange(len(silent)), rest(silent, level.RATE))
    face = model.neutral + moved * (1 - resting)[:, None, None]
    return keep_apart(close_lips(face, contact(phones, times, "pbm"))) - model.neutral
