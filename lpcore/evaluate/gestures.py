"""How well head and brows move with speech: the speaker-aware branch against seeded waves and a still head.

There is no one right motion for a sentence, so many draws are judged as a distribution, by the energy score, and the
single draw by how far and how quickly it moves beside filmed people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..audio import content, level
from ..motion import style
from ..motion.gesture import UNITS, Delivery, gesture
from ..motion.smooth import gaussian
from ..train.gestures import filmed
from .motion_figures import energy_score
from .seeded_motion import seeded_brows, seeded_head, stresses
from .tracking import Clip

DRAWS = 32
"""Motions drawn for each film."""

HEAD, BROWS, RISE = slice(0, 5), slice(5, 6), slice(4, 5)
"""Columns of a motion: pose, brows, and the head's shift up and down."""


class Speech:
    """A film's sound as the engine hears it, at the film's rate."""

    def __init__(self, clip: Clip) -> None:
        self.levels = level.level(clip.samples)
        self.silent = level.silence(self.levels)
        self.features = content.features(clip.samples)
        self.delivery = Delivery.of(clip.samples, self.levels, self.silent)
        self.voice = style.heard_style(clip.samples)
        self.times = np.arange(len(clip.pose)) / clip.fps

    def branch(self, seed: int) -> np.ndarray:
        """(T, 6) what the branch says, in `gesture.UNITS`."""
        moved = gesture(self.features, self.delivery, self.voice, seed)
        return self._at_frames(np.column_stack([moved.pose, moved.brows])) / UNITS

    def seeded(self, seed: int) -> np.ndarray:
        """(T, 6) waves and raised brows that know loudness and stress alone."""
        energy = self._at_frames(self.delivery.lively)
        brows = seeded_brows(self.times, stresses(self.levels, self.silent, level.RATE), seed)
        return np.column_stack([seeded_head(self.times, energy, seed), brows]) / UNITS

    def still(self, seed: int) -> np.ndarray:
        """(T, 6) zeros."""
        return np.zeros((len(self.times), len(UNITS)))

    def loudness(self) -> np.ndarray:
        """(T,) smooth course of the level, silence = 0."""
        return self._at_frames(gaussian(self.delivery.prosody[:, 0].astype(float), 6.0))

    def melody(self) -> np.ndarray:
        """(T,) smooth course of the pitch in octaves about the voice's middle."""
        return self._at_frames(gaussian(self.delivery.prosody[:, 1].astype(float), 6.0))

    def _at_frames(self, course: np.ndarray) -> np.ndarray:
        index = np.arange(len(course)) / content.RATE
        flat = course.reshape(len(course), -1)
        taken = np.stack([np.interp(self.times, index, column) for column in flat.T], axis=1)
        return taken.reshape(len(self.times), *course.shape[1:])


def measure(clips: Sequence[Clip], draws: int = DRAWS) -> dict[str, dict[str, float]]:
    """Figures of each method ("branch", "other speech", "seeded", "still head", "film") on filmed people.

    head_energy, brow_energy: energy scores of the courses about their average, in the films' usual spread.
    head_speed, brow_speed, head_range, brow_range: mean speed, and extent, of a draw over the film's.
    head_rise: correlation of the average draw's height of the head with the film's. head_loud, brow_melody:
    correlation of the head's rise with the loudness, and of the brows' with the melody.
    """
    true = [filmed(clip) for clip in clips]
    speech = [Speech(clip) for clip in clips]
    others = [*speech[1:], *speech[:1]]
    methods = {
        "branch": [[one.branch(seed) for seed in range(draws)] for one in speech],
        "other speech": [[other.branch(seed) for seed in range(draws)] for other in others],
        "seeded": [[one.seeded(seed) for seed in range(draws)] for one in speech],
        "still head": [[one.still(seed) for seed in range(2)] for one in speech],
        "film": [[motion, motion] for motion in true],
    }
    return {
        name: _mean([_figures(np.stack(d), t, s) for d, t, s in zip(drawn, true, speech, strict=True)])
        for name, drawn in methods.items()
    }


def _figures(drawn: np.ndarray, true: np.ndarray, speech: Speech) -> dict[str, float]:
    count = min(drawn.shape[1], len(true))
    drawn, true = drawn[:, :count], true[:count]
    centred, goal = drawn - drawn.mean(axis=1, keepdims=True), true - true.mean(axis=0)
    values = {}
    for name, columns in (("head", HEAD), ("brow", BROWS)):
        some, one = centred[:, :, columns], goal[:, columns]
        values[f"{name}_energy"] = energy_score(some.reshape(len(some), -1), one.ravel()) / one.size**0.5
        values[f"{name}_speed"] = np.abs(np.diff(some, axis=1)).mean() / np.abs(np.diff(one, axis=0)).mean()
        values[f"{name}_range"] = np.ptp(some, axis=1).mean() / np.ptp(one, axis=0).mean()
    rise = -centred[:, :, RISE].mean(axis=2)
    values["head_rise"] = _correlation(rise.mean(axis=0), -goal[:, RISE].ravel())
    values["head_loud"] = np.mean([_correlation(one, speech.loudness()[:count]) for one in rise])
    values["brow_melody"] = np.mean(
        [_correlation(one[:, 0], speech.melody()[:count]) for one in centred[:, :, BROWS]]
    )
    return values


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    power = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / power) if power > 1e-9 else 0.0


def _mean(films: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([film[name] for film in films])) for name in films[0]}


def published(table: dict[str, dict[str, float]]) -> dict[str, float]:
    """The figures by their published names: the branch's, those of what it is measured by behind their name."""
    beside = {"seeded": "_seeded", "still head": "_still", "other speech": "_other_speech"}
    result = {}
    for part in ("head", "brow"):
        result[f"{part}_energy_score"] = table["branch"][f"{part}_energy"]
        result |= {f"{part}_energy_score{end}": table[name][f"{part}_energy"] for name, end in beside.items()}
        for what in ("speed", "range"):
            for name, end in (("branch", ""), ("seeded", "_seeded")):
                result[f"{part}_{what}_ratio{end}"] = table[name][f"{part}_{what}"]
    for what, name in (
        ("head_rise", "head_rise_corr"),
        ("head_loud", "head_loudness_corr"),
        ("brow_melody", "brow_pitch_corr"),
    ):
        result[name] = table["branch"][what]
        result[f"{name}_seeded"] = table["seeded"][what]
        if what != "head_rise":
            result[f"{name}_film"] = table["film"][what]
    return result
