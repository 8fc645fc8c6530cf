"""How well films of drawings are drawn: `lpcore evaluate drawing --data DIR --json FILE --csv FILE --sheet FILE`.

Faces and speech that no training saw: the held-out people of the data folder, each with one of the held-out
recordings in turn. Measured side by side: the generator, the warped static drawing (the paper's baseline 2), and the
static drawer applied to each frame of the moving photo (its baseline MakeItTalk+UPD), beside the teachers' drawings
of the same photos. Frames are crops of 512 x 512 pixels at 25 fps; lip errors are given at 256 x 256, as the paper's.

Flicker is measured on a second take whose head is still: 0.05 pixels of motion change thin lines more than flicker.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
from tqdm import tqdm

from .. import weights
from ..device import pick_device
from ..drawing.stream import FrameStream
from ..drawing.styles import STYLES
from ..errors import LpError
from ..files import write_atomically
from ..motion.close import lip_gap
from ..types import CROP, Portrait
from . import drawing_figures as figures
from .drawing_cost import cost
from .drawing_sheet import write_sheet
from .efficientnet import NAME as DISTANCE
from .judge import NETWORKS, Judge
from .per_frame import PerFrame
from .shots import Shot, held_out_speech, shoot
from .teachers import Teacher, photos, teachers

FRAMES, QUICK_FRAMES, QUICK_FACES = 50, 25, 4

QUICK_STEP = 4
"""Of so many teacher drawings one is compared with in a quick run."""

EVERY = 5
"""Of so many adjacent frames one is looked at for what hardly changes between them: lines, looks, identity."""

WORST = 5
SHOWN = 12
"""Faces on the sheet."""

TO_256 = 256 / CROP


class Stream(Protocol):
    """A way to draw one portrait; see `drawing.stream.FrameStream`."""

    @property
    def static(self) -> np.ndarray: ...

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]: ...


Method = Callable[[Portrait], Stream]
Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class Seen:
    """One method on one shot. looks: (n, 1280). picture: its frame with the mouth most open."""

    figures: Figures
    looks: np.ndarray
    picture: np.ndarray


def methods(style: str, device: str) -> dict[str, Method]:
    """The ways to draw that are at hand, the engine's best first."""
    found: dict[str, Method] = {}
    if weights.present(STYLES[style].generator):
        found["generator"] = lambda portrait: FrameStream(portrait, style, device=device, engine="generator")
    found["warp"] = lambda portrait: FrameStream(portrait, style, device=device, engine="warp")
    found["frame"] = lambda portrait: PerFrame(portrait, STYLES[style], device)
    return found


def look(shot: Shot, method: Method, judge: Judge) -> Seen:
    """Draw a shot and measure its frames."""
    stream = method(shot.portrait)
    frames = list(stream.frames(shot.points))
    some, places = frames[::EVERY], shot.points[::EVERY]
    drawn, calm = np.stack(frames), np.stack(list(stream.frames(shot.calm)))
    photo = judge.people([stream.static], shot.portrait.landmarks[None])[0]
    found = {
        "ssim": float(np.mean([figures.structural_similarity(*pair) for pair in pairwise(drawn)])),
        "flicker": figures.flicker(calm, shot.still),
        "lip_error_px": TO_256 * figures.lip_error(judge.landmarks(frames, shot.points), shot.points),
        "identity": figures.likeness(judge.people(some, places), photo),
    }
    return Seen(found | lines(some), judge.looks(some), frames[int(lip_gap(shot.points).argmax())])


def look_at_teacher(teacher: Teacher, judge: Judge) -> Seen:
    """Measure what can be measured of a single drawing."""
    read = judge.landmarks([teacher.picture], teacher.landmarks[None])
    found = {"lip_error_px": TO_256 * figures.lip_error(read, teacher.landmarks[None])}
    return Seen(found | lines([teacher.picture]), judge.looks([teacher.picture]), teacher.picture)


def lines(pictures: Sequence[np.ndarray]) -> Figures:
    """Mean `drawing_figures.line_statistics` of the pictures."""
    return means([figures.line_statistics(picture) for picture in pictures])


def means(rows: Sequence[Figures]) -> Figures:
    """The mean of every figure over `rows`, those that are not numbers left out."""
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def measure(
    shots: Sequence[Shot], style: str, judge: Judge, data: Path, redrawn: Path | None, device: str
) -> dict[str, list[Seen]]:
    """What is seen of each shot, by method; under "teacher" the drawings of the photos."""
    seen = {
        name: [look(shot, method, judge) for shot in tqdm(shots, desc=name, disable=None)]
        for name, method in methods(style, device).items()
    }
    drawings = teachers(data, style, [shot.photo.stem for shot in shots], redrawn)
    return seen | {"teacher": [look_at_teacher(teacher, judge) for teacher in drawings]}


def summary(seen: dict[str, list[Seen]], reference: np.ndarray) -> dict[str, Figures]:
    """All figures of each method; `reference` (M, 1280) are the looks of other teacher drawings."""
    table = {}
    for name, rows in seen.items():
        looks = np.concatenate([row.looks for row in rows])
        enough = min(len(looks), len(reference)) > 1
        distance = figures.frechet_distance(looks, reference) if enough else float("nan")
        table[name] = means([row.figures for row in rows]) | {"fd": distance, "fd_frames": float(len(looks))}
    return table


def published(table: dict[str, Figures], fps: float, peak: float | None) -> dict[str, float | None]:
    """The figures by their published names; the engine's are those of its best method."""
    engine, warp, frame = (table[name] for name in (next(iter(table)), "warp", "frame"))
    return {
        "ssim": engine["ssim"],
        "flicker": engine["flicker"],
        "flicker_frame": frame["flicker"],
        "fd": engine["fd"],
        "fd_warp": warp["fd"],
        "fd_frame": frame["fd"],
        "lip_error_px": engine["lip_error_px"],
        "lip_error_px_frame": frame["lip_error_px"],
        "identity": engine["identity"],
        "identity_warp": warp["identity"],
        "fps_cpu": fps,
        "peak_rss_mb": peak,
    }


def worst(rows: Sequence[Seen]) -> list[int]:
    """Indices of the shots, those first whose lips are furthest from where they should be."""
    return sorted(range(len(rows)), key=lambda k: -rows[k].figures["lip_error_px"])


def report(table: dict[str, Figures], reference: int, names: Sequence[str]) -> str:
    """The table in words; `names` are the worst shots."""
    rows = [f"{'':14}" + "".join(f"{method:>12}" for method in table)]
    for name in next(iter(table.values())):
        values = (figures_.get(name) for figures_ in table.values())
        rows.append(f"{name:14}" + "".join(f"{'-' if v is None else f'{v:.4g}':>12}" for v in values))
    rows.append(f"fd: {DISTANCE} to {reference} teacher drawings of other people; only like counts compare.")
    rows.append("ssim: Gaussian window 11 x 11, sigma 1.5, range 255. lip_error_px: at 256 x 256.")
    if "generator" not in table:
        rows.append("The generator's weights are not here: the engine's best method is the warp.")
    rows.append("Furthest lips: " + ", ".join(names))
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    options = _parser().parse_args(argv)
    if absent := [name for name in NETWORKS if not weights.present(name)]:
        raise LpError("WEIGHTS_MISSING", f"{absent[0]} (`lpcore weights fetch {' '.join(absent)}` brings it)")
    device = pick_device(options.device)
    judge = Judge(device)
    faces = photos(options.data, held_out=True)
    count = min(len(faces), options.faces or (QUICK_FACES if options.quick else len(faces)))
    faces = [faces[k] for k in np.linspace(0, len(faces) - 1, count).round().astype(int)]
    speech = options.speech or held_out_speech(options.data)
    length = QUICK_FRAMES if options.quick else FRAMES
    shots = [
        shoot(face, speech[k % len(speech)], length)
        for k, face in enumerate(tqdm(faces, "move", disable=None))
    ]
    seen = measure(shots, options.style, judge, options.data, options.redrawn, device)
    others = photos(options.data, held_out=False)[:: QUICK_STEP if options.quick else 1]
    drawings = teachers(options.data, options.style, [photo.stem for photo in others], options.redrawn)
    shown = tqdm(drawings, "teachers", len(others), disable=None)
    reference = np.concatenate([judge.looks([teacher.picture]) for teacher in shown])
    table = summary(seen, reference)
    engine = next(iter(table))
    with TemporaryDirectory() as folder:
        fps, peak = cost(shots[0].photo, shots[0].points, options.style, engine, Path(folder))
    result = published(table, fps, peak)
    order = worst(seen[engine])
    print(report(table, len(reference), [shots[k].photo.stem for k in order[:WORST]]))  # noqa: T201 it reports
    print(f"{engine}: {fps:.3g} frames per second, {peak or float('nan'):.0f} MB")  # noqa: T201
    if options.json:
        write_atomically(options.json, (json.dumps(result, indent=2) + "\n").encode())
    if options.csv:
        write_atomically(options.csv, _csv(shots, seen, table).encode())
    if options.sheet:
        rows = [_row(shots[k], {name: rows[k] for name, rows in seen.items()}) for k in order[:SHOWN]]
        write_sheet(options.sheet, rows)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore evaluate drawing", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with faces/, masks/, drawings_STYLE/, landmarks68.npz, clips/, facegood/",
    )
    parser.add_argument("--redrawn", type=Path, help="folder of better teacher drawings, drawings_STYLE/")
    parser.add_argument("--faces", type=int, help="how many of the held-out faces; default: all")
    parser.add_argument(
        "--speech", type=Path, nargs="+", metavar="FILE", help="recordings; default: the data's held-out ones"
    )
    parser.add_argument(
        "--style", choices=[name for name, style in STYLES.items() if not style.published], default="ink"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_FACES} faces, {QUICK_FRAMES} frames each, fewer teachers",
    )
    parser.add_argument(
        "--device", default="", help="where frames are drawn and looked at; default: the fastest"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write the figures of every face and method there"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write a PNG of the faces with the worst lips there"
    )
    return parser


def _csv(shots: Sequence[Shot], seen: dict[str, list[Seen]], table: dict[str, Figures]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["face", "speech", "method", *next(iter(table.values()))], lineterminator="\n"
    )
    writer.writeheader()
    for name, rows in seen.items():
        for shot, row in zip(shots, rows, strict=True):
            writer.writerow(
                {"face": shot.photo.stem, "speech": shot.speech.stem, "method": name, **row.figures}
            )
        writer.writerow({"face": "all", "method": name, **table[name]})
    return text.getvalue()


def _row(shot: Shot, seen: dict[str, Seen]) -> tuple[str, dict[str, np.ndarray]]:
    pictures = {name: row.picture for name, row in seen.items()}
    return shot.photo.stem, {"photo": shot.portrait.image, **pictures}


if __name__ == "__main__":
    raise SystemExit(main())
