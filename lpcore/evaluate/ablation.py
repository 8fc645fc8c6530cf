"""The paper's ablation (section 4.4, Fig. 6 and 7): `lpcore evaluate ablation --data PACK --out FOLDER [--steps N]`.

Trains the generator anew for each row of `train.losses.ABLATIONS`, all else alike, and measures all of them on the same
held-out people. The folder gets the figures as CSV and JSON, a sheet with a row per person and a column per ablation,
a sheet of first and last frames before a wall that is written over, and a report (report.html). Trainings lie in
``runs``; the same command goes on where it was stopped and leaves out what is done.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .. import weights
from ..cli_arguments import positive
from ..device import pick_device
from ..drawing.generator import Generator
from ..drawing.stream import FrameStream
from ..drawing.styles import STYLES, Style
from ..files import prepare_folder, write_atomically
from ..provenance import digest, versions
from ..train.drawing_landmarks import load_landmark_net
from ..train.game import FrozenNets
from ..train.generator import MODELS, TrainGenerator, load_flow_weights, train
from ..train.losses import ABLATIONS
from ..train.pack import Faces, Pack
from ..types import WHOLE_CROP, Portrait
from .background_test import background, before_a_wall, change
from .drawing_sheet import write_sheet
from .judge import Judge, require_networks
from .look import Figures, Seen, look
from .methods import Stream, drawn_by
from .plots import plot_figures, require_matplotlib
from .report import Report, write_report
from .results import Table, as_csv, in_words, plain, summary
from .shots import Shot
from .trained_stream import TrainedStream, load_trained
from .truth import TrueMotion, TrueMotions

STEPS, FACES = 2000, 6

WAY = 11
"""Frames in which a person comes to the large move."""

PLOTTED = ("warp_error", "lip_error_px", "identity", "ink", "stroke_px", "specks")
LOSSES = ("content", "geometry", "lip_line", "identity", "warp")
"""Losses on held-out batches that are told beside the figures."""

BASELINE = "warp"
"""The static drawing, moved: where the default generator starts from."""

ABOUT = {
    BASELINE: "no network: the static drawing, moved by the landmarks",
    "full": "all losses",
    "no_content": "without the content loss",
    "no_geometry": "without the losses of landmarks and lip lines",
    "no_identity": "without the identity loss",
    "no_warp": "without the first coherence loss (inter-frame warping)",
    "no_pair": "without the second coherence loss (discriminator of pairs)",
    "no_foreground": "without the separation of the person from what lies behind",
}


@dataclass(frozen=True, eq=False)
class Sitter:
    """A held-out person. points: (T, 68, 3) a way to one large move. near: small moves of known flow."""

    name: str
    portrait: Portrait
    points: np.ndarray
    near: TrueMotion


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    options = _parser().parse_args(argv)
    if not options.data.is_file():
        raise FileNotFoundError(errno.ENOENT, "no packed faces", str(options.data))
    require_networks()
    require_matplotlib()
    prepare_folder(options.out)
    device = pick_device(options.device)
    landmarks = options.landmarks or weights.require("drawing_landmarks")
    pack = Pack(options.data)
    flow = load_flow_weights(options.flow).to(device) if options.flow else None
    nets = FrozenNets(flow, load_landmark_net(landmarks, device), pack.identity_net(device))
    trained: dict[str, Generator] = {}
    losses: dict[str, Figures] = {BASELINE: {}}
    for name in options.ablations:
        config = settings(options, name)
        path = trained_file(config, options.data, nets, options.out / "runs")
        trained[name], figures = load_trained(path, device)
        losses[name] = {f"unseen_{k}": figures[f"unseen_{k}"] for k in LOSSES if f"unseen_{k}" in figures}
    people = sitters(pack, options.faces, options.seed)
    judge, style = Judge(device), STYLES[options.style]
    streams: dict[str, Callable[[Portrait], Stream]] = {
        BASELINE: lambda portrait: FrameStream(portrait, style.name, device=device, engine="warp")
    }
    for name, generator in trained.items():
        streams[name] = stream_of(generator, style, options.side, nets, name, device)
    seen: dict[str, list[Seen]] = {name: [] for name in streams}
    faces: list[tuple[str, dict[str, np.ndarray]]] = []
    for person in tqdm(people, "people", disable=None):
        shot = Shot(person.name, person.portrait, person.points, truth=person.near)
        row = {"photo": person.portrait.image}
        for name, make in streams.items():
            film = drawn_by(make)(shot)
            seen[name].append(look(film, shot, judge))
            row[name] = film.frames[-1]
        faces.append((person.name, row))
    walls, changes = before_walls(people[: options.walls], trained, options, nets, device)
    table = summary(seen, {})
    for name, found in table.items():
        found |= losses[name] | {"background_change": changes.get(name, float("nan"))}
    _write(options, table, seen, faces, walls)
    print(in_words(table, {}, ()))  # noqa: T201 it reports
    print(f"Report: {options.out / 'report.html'}")  # noqa: T201
    return 0


def settings(options: argparse.Namespace, ablation: str) -> TrainGenerator:
    """The training of one row: all rows differ in nothing but the losses that take part."""
    return TrainGenerator(
        model=MODELS[options.model],
        style=options.style,
        side=options.side,
        ablation=ablation,
        steps=options.steps,
        batch=options.batch,
        warm_up=round(options.steps * options.warm_up),
        seed=options.seed,
        judged=options.judged,
        sheet_every=max(options.steps, 1),
    )


def trained_file(config: TrainGenerator, data: Path, nets: FrozenNets, folder: Path) -> Path:
    """The weights that `config` brings: those of a finished run, else the run is begun or taken up again."""
    words = json.dumps(
        {**asdict(config), "pack": digest(data), "flow": nets.flow is not None}, sort_keys=True
    )
    run = folder / f"{config.ablation}_{hashlib.sha256(words.encode()).hexdigest()[:12]}"
    # The trainer writes its file at the end.
    done = run / f"generator_{config.style}.safetensors"
    return done if done.is_file() else train(config, data, nets, run)


def sitters(pack: Pack, count: int, seed: int) -> list[Sitter]:
    """Held-out people, evenly chosen, and their moves."""
    faces = pack.held_out
    picks = np.unique(np.linspace(0, len(faces) - 1, min(count, len(faces))).round().astype(int))
    moved = TrueMotions(pack.head)
    found = []
    for k in picks.tolist():
        portrait = portrait_of(faces, k)
        rest, far = moved(portrait, seed + k, moves=1, share=1.0).points
        way = rest + np.linspace(0, 1, WAY, dtype=np.float32)[:, None, None] * (far - rest)
        found.append(Sitter(faces.stems[k], portrait, way, moved(portrait, seed + k)))
    return found


def portrait_of(faces: Faces, index: int) -> Portrait:
    """A packed face as if it had been analysed; its crop is all there is of it."""
    image, matte = faces.photo(index), faces.mask(index).astype(np.float32) / 255
    points = np.column_stack([faces.landmarks[index], np.zeros(len(faces.landmarks[index]))]).astype(
        np.float32
    )
    confidence = np.ones(len(points), np.float32)
    return Portrait("", image, matte, (), 0, WHOLE_CROP, image, matte, points, confidence)


def stream_of(
    generator: Generator,
    style: Style,
    side: int,
    nets: FrozenNets,
    ablation: str,
    device: str,
    *,
    background: bool = False,
) -> Callable[[Portrait], Stream]:
    """How the generator of one row draws a portrait."""
    separate = ablation != "no_foreground"
    return lambda portrait: TrainedStream(
        generator, portrait, style, side, device, flow=nets.flow, separate=separate, background=background
    )


def before_walls(
    people: Sequence[Sitter],
    trained: Mapping[str, Generator],
    options: argparse.Namespace,
    nets: FrozenNets,
    device: str,
) -> tuple[list[tuple[str, dict[str, np.ndarray]]], Figures]:
    """People before a wall that is written over: sheet rows of first and last frame, and how the wall changes."""
    shown = [name for name in ("full", "no_foreground") if name in trained] or list(trained)
    rows, changes = [], {name: [] for name in shown}
    for person in people:
        portrait = before_a_wall(person.portrait)
        points = person.points[[0, -1]]
        where = background(portrait, points)
        row = {"photo": portrait.image}
        for name in shown:
            make = stream_of(
                trained[name], STYLES[options.style], options.side, nets, name, device, background=True
            )
            first, last = make(portrait).frames(points)
            changes[name].append(change(first, last, where))
            row |= {f"{name}, first": first, f"{name}, last": last}
        rows.append((person.name, row))
    return rows, {name: float(np.nanmean(values)) for name, values in changes.items()}


def _write(
    options: argparse.Namespace,
    table: Table,
    seen: Mapping[str, Sequence[Seen]],
    faces: list[tuple[str, dict[str, np.ndarray]]],
    walls: list[tuple[str, dict[str, np.ndarray]]],
) -> None:
    out: Path = options.out
    write_sheet(out / "faces.png", faces)
    sheets = [
        ("Each person in the same pose, as each network draws it (as the paper's Fig. 6)", out / "faces.png")
    ]
    if walls and len(walls[0][1]) > 1:
        write_sheet(out / "walls.png", walls)
        caption = "First and last frame before a wall with writing (as the paper's Fig. 7)"
        sheets.append((caption, out / "walls.png"))
    plot_figures(out / "figures.png", table, seen, PLOTTED)
    who = [{"face": name} for name, _ in faces]
    write_atomically(out / "ablation.csv", as_csv(who, seen, table).encode())
    chosen = {
        name: getattr(options, name)
        for name in ("model", "style", "side", "steps", "batch", "warm_up", "seed")
    }
    told = {"settings": chosen, "faces": [name for name, _ in faces], "figures": plain(table)}
    write_atomically(out / "ablation.json", (json.dumps(told, indent=2) + "\n").encode())
    facts = {name: str(value) for name, value in chosen.items()} | {"pack": digest(options.data)} | versions()
    about = [
        f"{len(table) - 1} generators, each trained for {options.steps} steps of {options.batch} portraits at "
        f"{options.side * MODELS[options.model].scale} pixels, measured on the same {len(faces)} held-out people. "
        "A short training says little about what a loss is for: compare the columns of this page with one another."
    ]
    methods = {name: ABOUT.get(name, name) for name in table}
    plots = [("A bar per network, a dot per person", out / "figures.png")]
    report = Report("Ablation of the generator's losses", about, methods, table, plots, sheets, facts=facts)
    write_report(out / "report.html", report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore evaluate ablation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a file written by `lpcore train pack`")
    parser.add_argument("--out", type=Path, required=True, help="folder for trainings, figures and report")
    parser.add_argument("--ablations", nargs="+", choices=ABLATIONS, default=list(ABLATIONS), metavar="NAME")
    parser.add_argument("--model", choices=MODELS, default="default")
    parser.add_argument(
        "--style", choices=[n for n, style in STYLES.items() if not style.published], default="ink"
    )
    parser.add_argument("--side", type=int, default=256, help="working resolution in pixels, a multiple of 8")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps of each network")
    parser.add_argument("--batch", type=positive, default=2)
    parser.add_argument(
        "--warm-up", type=float, default=0.25, help="share of the steps before the discriminators join"
    )
    parser.add_argument("--judged", type=int, default=4, help="held-out batches for the losses that are told")
    parser.add_argument("--faces", type=positive, default=FACES, help="held-out people to measure on")
    parser.add_argument("--walls", type=int, default=2, help="how many of them before a wall with writing")
    parser.add_argument("--flow", type=Path, help="weights of `lpcore train flow`; without, flow B alone")
    parser.add_argument(
        "--landmarks", type=Path, help="weights of `lpcore train drawing-landmarks`; default: ours"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="", help="where is trained and measured; default: the fastest")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
