"""How well films of drawings are drawn: `lpcore evaluate drawing --data DIR --json FILE --csv FILE --sheet FILE`.

Faces and speech that no training saw: the held-out people of the data folder, each with one of the held-out
recordings in turn. Measured side by side: the generator, the warped static drawing (the paper's baseline 2), and the
static drawer applied to each frame of the moving photo (its baseline MakeItTalk+UPD), beside the teachers' drawings
of the same photos. Frames are crops of 512 x 512 pixels at 25 fps; lip errors are given at 256 x 256, as the paper's.

Flicker is measured on a second take whose head is still: 0.05 pixels of motion change thin lines more than flicker.
`lpcore evaluate table` measures the same on a fixed test set, beside other programs, and writes a report.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..cli_arguments import positive
from ..device import pick_device
from ..drawing.styles import STYLES
from ..files import write_atomically
from .drawing_cost import cost
from .drawing_sheet import write_sheet
from .judge import Judge, require_networks
from .measuring import Drawings, Measured, measure
from .methods import own_methods
from .results import Table, as_csv, in_words, worst
from .shots import ShotPlan, crop_of, held_out_speech, plan, shoot
from .teachers import photos
from .truth import true_motions

FRAMES, QUICK_FRAMES, QUICK_FACES = 50, 25, 4

QUICK_STEP = 4
"""Of so many teacher drawings one is compared with in a quick run."""

WORST, SHOWN = 5, 12
"""Worst shots that are named; faces on the sheet."""


def published(table: Table, fps: float, peak: float | None) -> dict[str, float | None]:
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


def shown(measured: Measured, count: int) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Rows for `write_sheet`: the shots whose lips are furthest off in the engine's best method, those first."""
    order = worst(measured.seen[next(iter(measured.seen))])[:count]
    return [
        (
            measured.plans[k].name,
            {
                "photo": crop_of(measured.plans[k]),
                **{name: rows[k].picture for name, rows in measured.seen.items()},
            },
        )
        for k in order
    ]


def who(measured: Measured) -> list[dict[str, str]]:
    """Columns that tell the shots apart."""
    return [{"face": plan.photo.stem, "speech": plan.speech.stem} for plan in measured.plans]


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    options = _parser().parse_args(argv)
    require_networks()
    device = pick_device(options.device)
    plans = _plans(options)
    drawings = Drawings(options.data, options.style, options.redrawn, QUICK_STEP if options.quick else 1)
    methods = own_methods(options.style, device)
    truths = true_motions(options.data, device)
    measured = measure(plans, methods, drawings, Judge(device, options.inception), truths=truths)
    engine = next(iter(methods))
    with TemporaryDirectory() as folder:
        points = shoot(plans[0]).points
        fps, peak = cost(plans[0].photo, points, options.style, engine, Path(folder))
    names = [plans[k].name for k in worst(measured.seen[engine])[:WORST]]
    print(in_words(measured.table, measured.references, names))  # noqa: T201 it reports
    if engine != "generator":
        print("The generator's weights are not here: the engine's best method is the warp.")  # noqa: T201
    print(f"{engine}: {fps:.3g} frames per second, {peak or float('nan'):.0f} MB")  # noqa: T201
    if options.json:
        content = json.dumps(published(measured.table, fps, peak), indent=2)
        write_atomically(options.json, (content + "\n").encode())
    if options.csv:
        write_atomically(options.csv, as_csv(who(measured), measured.seen, measured.table).encode())
    if options.sheet:
        write_sheet(options.sheet, shown(measured, SHOWN))
    return 0


def _plans(options: argparse.Namespace) -> Sequence[ShotPlan]:
    faces = photos(options.data, held_out=True)
    count = min(len(faces), options.faces or (QUICK_FACES if options.quick else len(faces)))
    faces = [faces[k] for k in np.linspace(0, len(faces) - 1, count).round().astype(int)]
    speech = options.speech or held_out_speech(options.data)
    return plan(faces, speech, QUICK_FRAMES if options.quick else FRAMES)


def add_data(parser: argparse.ArgumentParser) -> None:
    """What is measured on, and by what."""
    layout = "faces/, masks/, drawings_STYLE/, landmarks68.npz, clips/, facegood/ and, for true flow, ict/"
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {layout}")
    parser.add_argument("--redrawn", type=Path, help="folder of better teacher drawings, drawings_STYLE/")
    names = [name for name, style in STYLES.items() if not style.published]
    parser.add_argument("--style", choices=names, default="ink")
    parser.add_argument(
        "--inception", type=Path, metavar="FILE", help="pt_inception-2015-12-05 of pytorch-fid, for FID"
    )
    where = "where frames are drawn and looked at; default: the fastest"
    parser.add_argument("--device", default="", help=where)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore evaluate drawing", description=__doc__)
    add_data(parser)
    parser.add_argument("--faces", type=positive, help="how many of the held-out faces; default: all")
    parser.add_argument(
        "--speech", type=Path, nargs="+", metavar="FILE", help="recordings; default: the data's held-out ones"
    )
    quick = f"{QUICK_FACES} faces, {QUICK_FRAMES} frames each, fewer teachers"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    every = "write the figures of every face and method there"
    parser.add_argument("--csv", type=Path, metavar="FILE", help=every)
    sheet = "write a PNG of the faces with the worst lips there"
    parser.add_argument("--sheet", type=Path, metavar="FILE", help=sheet)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
