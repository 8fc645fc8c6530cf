"""How well speech moves a face: `lpcore evaluate motion --clips DIR --spoken DIR ... --json FILE`.

Films of speakers that no training saw are tracked and their sound is spoken again by the engine, with the person's
own face at rest as the portrait. Recordings with curves (FACEGOOD) and synthetic sentences with exact phone timings
are measured beside them. Baselines of the same run: a mouth that stays shut, a jaw that follows the loudness, and
another weight file of the content branch. Head and brows are measured on the films by `gestures`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..audio import content, level
from ..files import write_atomically
from ..motion.close import closed_mouth, lip_gap
from ..motion.content import load_branch, weights_from
from ..motion.retime import frame_count, frame_times, retime
from ..motion.speak import speak
from ..points68 import JAW, LIPS
from ..train.facegood import HELD_OUT as HELD_OUT_TAKES
from ..train.facegood import load_takes
from ..train.films import HELD_OUT as HELD_OUT_FILMS
from ..train.ict import FaceModel
from ..train.synthetic import is_held_out, read_phones
from ..train.visemes import Phone
from ..types import SpeakSettings
from . import gestures
from . import motion_figures as figures
from .alignment import align, grid_phones
from .motion_cost import cost
from .tracking import Clip, bare_portrait, crop_units, track

FPS = Fraction(25)
BILABIALS = "pbm"
OPEN_VOWELS = "ɑæIO"
"""aa, ae, ay and ow."""
REACH = 5
"""Lags in frames among which the best is looked for."""

OPENING = 0.08
"""How far the jaw of the loudness baseline opens the lips at the loud level, in outer eye distances: about what the
tracked films of the training speakers show there."""
_RANGE_DB = 30.0

_STILL = SpeakSettings(head=0.0, blink_rate=0.0)


@dataclass(frozen=True, eq=False)
class Heard:
    """One recording to measure on.

    kind: "film", "take" or "sentence". phones: when each is spoken, empty if unknown.
    neutral: (68, 3) the face at rest, crop units. true: (T, 68, 3) its real motion at `FPS`, None if unknown.
    """

    kind: str
    name: str
    sound: Path
    samples: np.ndarray
    phones: Sequence[Phone]
    neutral: np.ndarray
    true: np.ndarray | None

    @property
    def silent(self) -> np.ndarray:
        """(T,) bool at `FPS`: silences of at least 0.2 s."""
        levels = level.level(self.samples)
        count = frame_count(len(self.samples) / content.SAMPLE_RATE, FPS)
        return retime(level.silence(levels).astype(np.float32), level.RATE, FPS, count) > 0.99


Method = Callable[[Heard], np.ndarray]
"""(T, 68, 3) crop units at `FPS` for a recording."""


def spoken(heard: Heard) -> np.ndarray:
    """The engine's motion, without what the head and the lids add."""
    return speak(bare_portrait(heard.neutral), heard.sound, fps=FPS, settings=_STILL).points


def shut_mouth(heard: Heard) -> np.ndarray:
    """A mouth that stays shut."""
    count = frame_count(len(heard.samples) / content.SAMPLE_RATE, FPS)
    return np.repeat(closed_mouth(heard.neutral)[None], count, axis=0)


def loud_jaw(heard: Heard) -> np.ndarray:
    """Lower lip and jaw sink with the loudness, from 30 dB below the loud level on."""
    points = shut_mouth(heard)
    levels = level.level(heard.samples)
    share = np.clip(1 + (levels - level.loud_level(levels)) / _RANGE_DB, 0, 1)
    depth = retime(share, level.RATE, FPS, len(points)) * OPENING * figures.eye_distance(heard.neutral)
    points[:, [*range(55, 60), *range(65, 68)], 1] += depth[:, None]
    fading = np.cos(np.linspace(-1, 1, len(JAW)) * np.pi / 2) ** 2
    points[:, list(JAW), 1] += depth[:, None] * fading
    return points


def films(folder: Path, reference: np.ndarray, cache: Path | None, names: Sequence[str]) -> list[Heard]:
    """The tracked GRID films of these names in `folder`, their phones by forced alignment."""
    found = []
    for clip in people(folder, reference, cache, names):
        phones = align(content.features(clip.samples), grid_phones(clip.name))
        film = folder / f"{clip.name}.mpg"
        found.append(Heard("film", clip.name, film, clip.samples, phones, clip.neutral, clip.points))
    return found


def people(folder: Path, reference: np.ndarray, cache: Path | None, names: Sequence[str]) -> list[Clip]:
    """The tracked films of these names in `folder`."""
    return [track(folder / f"{name}.mpg", reference, cache) for name in names]


def takes(folder: Path, model: FaceModel) -> list[Heard]:
    """FACEGOOD's held-out recordings as motion of the model's mean face."""
    neutral, _ = model.face(np.zeros(1))
    found = []
    for take in load_takes(folder, model):
        if take.name in HELD_OUT_TAKES:
            times = frame_times(frame_count(len(take.samples) / content.SAMPLE_RATE, FPS), FPS)
            true = crop_units(neutral + take.motion_at(times) * model.face(np.zeros(1))[1])
            sound = next(folder.glob(f"*_{take.name}.flac"))
            found.append(Heard("take", take.name, sound, take.samples, (), crop_units(neutral), true))
    return found


def sentences(folder: Path, reference: np.ndarray, at_most: int) -> list[Heard]:
    """Held-out synthetic sentences, evenly chosen among all of them."""
    from ..audio.load import load

    paths = [path for path in sorted(folder.glob("*.json")) if is_held_out(path.stem)]
    chosen = [
        paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(at_most, len(paths))).astype(int))
    ]
    neutral = crop_units(reference)
    found = []
    for path in chosen:
        sound = path.with_suffix(".flac")
        found.append(Heard("sentence", path.stem, sound, load(sound), read_phones(path), neutral, None))
    return found


def measure(heard: Sequence[Heard], method: Method) -> dict[str, float | None]:
    """Figures of one method on recordings; None where nothing tells.

    lmd (films) and take_lmd: mean distance of the lip landmarks from the true ones in outer eye distances.
    sync_corr, sync_lag_frames: correlation of the films' lip gaps with the true ones, averaged over the films, at its
    best lag, and that lag (above 0 = late). closure, silence, open: shares of p, b and m shut, of silent frames shut
    and of open vowels open. film_closure: the first on the films alone. lip_jitter_ratio: jitter of the lips over
    that of the tracked films. jitter_still: jitter of the nose's bridge. gap: mean lip gap in outer eye distances.
    """
    lags: list[np.ndarray] = []
    values: dict[str, list[Any]] = {
        name: []
        for name in (
            "lmd", "take_lmd", "take_corr", "closure", "film_closure", "silence", "open", "jitter_still", "jitter",
            "true_jitter", "gap", "true_gap",
        )
    }  # fmt: skip
    for one in heard:
        points = method(one)
        gap, unit = lip_gap(points), figures.eye_distance(one.neutral)
        values["jitter_still"].append(figures.jitter(points[:, 27:31]))
        values["silence"] += figures.shut(gap, one.silent[: len(gap)])
        shut = figures.closed(gap, _segments(one, BILABIALS), float(FPS))
        values["closure"] += shut
        values["open"] += figures.opened(gap, _segments(one, OPEN_VOWELS), float(FPS))
        if one.true is None:
            continue
        count = min(len(points), len(one.true))
        moved, true = points[:count], one.true[:count]
        distance = figures.lip_distance(moved, true) / unit
        correlation = figures.correlations(lip_gap(moved), lip_gap(true), REACH)
        if one.kind == "take":
            values["take_lmd"].append(distance)
            values["take_corr"].append(correlation[REACH])
            continue
        values["lmd"].append(distance)
        lags.append(correlation)
        values["film_closure"] += shut
        values["jitter"].append(figures.jitter(moved[:, list(LIPS), :2]))
        values["true_jitter"].append(figures.jitter(true[:, list(LIPS), :2]))
        values["gap"].append(gap.mean() / unit)
        values["true_gap"].append(lip_gap(true).mean() / unit)
    result = {name: float(np.mean(some)) if some else None for name, some in values.items()}
    jitter, true_jitter = result.pop("jitter"), result.pop("true_jitter")
    result["lip_jitter_ratio"] = jitter / true_jitter if jitter is not None and true_jitter else None
    course = np.mean(lags, axis=0) if lags else None
    result["sync_corr"] = float(course.max()) if course is not None else None
    result["sync_lag_frames"] = float(course.argmax()) - REACH if course is not None else None
    return result


def _segments(heard: Heard, symbols: str) -> list[figures.Segment]:
    return [(start, end) for symbol, start, end in heard.phones if symbol and symbol in symbols]


Table = dict[str, dict[str, Any]]
"""Method -> figure -> value, None where nothing tells."""


def evaluate(options: argparse.Namespace) -> tuple[dict[str, float | None], Table, Table]:
    """The figures by their published names, and all figures of each method: of the mouth, and of head and brows."""
    model = FaceModel.load(options.ict) if options.ict else None
    reference = load_branch().mean_face.numpy()
    heard: list[Heard] = []
    if options.clips:
        heard += films(options.clips, reference, options.cache, options.films)
    if options.facegood and model:
        heard += takes(options.facegood, model)
    if options.spoken:
        heard += sentences(options.spoken, reference, 12 if options.quick else 60)
    methods: dict[str, tuple[Method, Any]] = {
        "engine": (spoken, nullcontext()),
        "shut mouth": (shut_mouth, nullcontext()),
        "loud jaw": (loud_jaw, nullcontext()),
    }
    if options.first:
        methods["first"] = (spoken, weights_from(options.first))
    table: Table = {}
    for name, (method, weights) in methods.items():
        with weights:
            table[name] = measure(heard, method)
    engine = table["engine"]
    published = {name: engine[name] for name in ("lmd", "sync_corr", "sync_lag_frames")}
    published |= {
        "lmd_closed": table["shut mouth"]["lmd"],
        "lmd_energy": table["loud jaw"]["lmd"],
        "lmd_first": table["first"]["lmd"] if "first" in table else None,
        "closure_rate": engine["closure"],
        "silence_closed_rate": engine["silence"],
        "open_vowel_rate": engine["open"],
        "jitter_still": engine["jitter_still"],
        "lip_jitter_ratio": engine["lip_jitter_ratio"],
    }
    heads: Table = {}
    if options.clips:
        heads = gestures.measure(people(options.clips, reference, options.cache, options.films))
        published |= gestures.published(heads)
    with TemporaryDirectory() as folder:
        published["realtime_factor"] = cost(Path(folder), 60)[0]
        published["peak_rss_mb_1h"] = None if options.quick else cost(Path(folder), 3600)[1]
    return published, table, heads


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="lpcore evaluate motion", description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of GRID films")
    parser.add_argument("--films", nargs="+", default=HELD_OUT_FILMS, metavar="NAME", help="which of them")
    parser.add_argument(
        "--facegood", type=Path, help="folder of FACEGOOD's recordings and curves; needs --ict"
    )
    parser.add_argument("--ict", type=Path, help="ict_light.npz")
    parser.add_argument("--spoken", type=Path, help="folder written by `lpcore train synthetic`")
    parser.add_argument("--first", type=Path, help="weight file of another content branch, as a baseline")
    parser.add_argument("--cache", type=Path, help="folder for tracked films")
    parser.add_argument("--quick", action="store_true", help="fewer sentences, no hour of sound")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(argv)
    published, table, heads = evaluate(options)
    _show(table)
    if heads:
        _show(heads)
    for name in ("realtime_factor", "peak_rss_mb_1h"):
        print(f"{name:18}{_text(published[name]):>12}")  # noqa: T201
    if options.json:
        write_atomically(options.json, (json.dumps(published, indent=2) + "\n").encode())
    return 0


def _show(table: Table) -> None:
    print(f"{'':18}" + "".join(f"{method:>14}" for method in table))  # noqa: T201 it reports
    for name in next(iter(table.values())):
        print(f"{name:18}" + "".join(f"{_text(row[name]):>14}" for row in table.values()))  # noqa: T201


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    raise SystemExit(main())
