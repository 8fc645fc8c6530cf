"""The paper's Table 1 on held-out faces and speech: `lpcore evaluate table --data DIR --out FOLDER [--quick]`.

Our method, the static drawing that is warped (the paper's baseline UPD+Warp) and the warped photo drawn frame by frame
(MakeItTalk+UPD), measured alike, beside the films of other programs (`--external NAME=FOLDER`). The test set is a file
(`--manifest`) that names faces, recordings and their checksums. The folder gets the table as CSV and JSON, a report
(report.html) with plots, sheets and films, and ``shots/NAME`` with photo and speech, to feed other programs. What was
measured is kept there: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path

from ..audio.load import load
from ..cli_arguments import named_folder
from ..device import pick_device
from ..files import prepare_folder, write_atomically
from ..frames import write_png
from ..provenance import face_weights, motion_weights, versions
from ..types import SpeakSettings
from ..version import __version__
from . import manifest as manifests
from .drawing import FRAMES, QUICK_FRAMES, QUICK_STEP, SHOWN, WORST, add_data, shown, who
from .drawing_sheet import write_sheet
from .external import external
from .judge import DISTANCES, Judge, require_networks
from .kept import Kept, code_digest
from .look import Seen
from .measuring import TEACHER, Drawings, Measured, measure
from .methods import ROLES, Method, own_methods
from .plots import plot_figures, plot_lags, require_matplotlib
from .report import Report, write_report
from .results import as_csv, in_words, plain, worst
from .shots import FPS, ShotPlan, crop_of, held_out_speech, plan
from .side_by_side import write_film
from .teachers import photos
from .truth import true_motions

PLOTTED = ("ssim", "flicker", "warp_error", "lip_error_px", "lmd", "identity", "ink", "stroke_px", "specks")


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    options = _options(argv)
    if options.write_manifest:
        plans = plan(photos(options.data, held_out=True), held_out_speech(options.data), FRAMES)
        manifests.write(options.write_manifest, options.write_manifest.stem, options.data, plans)
        return 0
    require_networks()
    require_matplotlib()
    for folder in (options.out, options.out / "films"):
        prepare_folder(folder)
    device = pick_device(options.device)
    test_set = manifests.read(options.manifest, options.data)
    plans = test_set.chosen(options.quick, QUICK_FRAMES if options.quick else None)
    if not options.redrawn:
        test_set.check_reference(options.data, options.style)
    for planned in plans:
        export(planned, options.out / "shots" / planned.name)
    methods = own_methods(options.style, device) | _external(options, plans, device)
    judge = Judge(device, options.inception)
    made_with = facts(judge, test_set.name, options, device)
    films: list[tuple[str, Path]] = []

    def show(planned: ShotPlan, seen: dict[str, Seen]) -> None:
        path = options.out / "films" / f"{planned.name}.mp4"
        write_film(
            path, planned, crop_of(planned), {n: one.frames for n, one in seen.items() if n != TEACHER}
        )
        films.append((f"{planned.name} speaks {planned.speech.stem}", path))

    measured = measure(
        plans,
        methods,
        Drawings(options.data, options.style, options.redrawn, QUICK_STEP if options.quick else 1),
        judge,
        truths=true_motions(options.data, device),
        keep=Kept(options.out / "kept", {"code": code_digest(), **made_with}),
        show=show,
    )
    names = [plans[k].name for k in worst(measured.seen[next(iter(methods))])[:WORST]]
    print(in_words(measured.table, measured.references, names))  # noqa: T201 it reports
    for note in notes(measured):
        print(note)  # noqa: T201
    roles = {name: method.role for name, method in methods.items()} | {TEACHER: ROLES[TEACHER]}
    write(options.out, measured, roles, films, made_with)
    print(f"Report: {options.out / 'report.html'}")  # noqa: T201
    return 0


def export(planned: ShotPlan, folder: Path) -> None:
    """Write what another program needs of a shot: ``photo.png``, the engine's crop of the face, and ``speech.wav``."""
    import soundfile

    photo, speech = folder / "photo.png", folder / "speech.wav"
    if photo.exists() and speech.exists():
        return
    prepare_folder(folder)
    write_png(photo, crop_of(planned))
    samples = load(planned.speech, planned.start, float(planned.frames / FPS))
    sound = io.BytesIO()
    soundfile.write(sound, samples, 16000, format="WAV")
    write_atomically(speech, sound.getvalue())


def _external(options: argparse.Namespace, plans: Sequence[ShotPlan], device: str) -> dict[str, Method]:
    found = {}
    frames = {planned.name: planned.frames for planned in plans}
    for given, are_photos in ((options.external, False), (options.external_photos, True)):
        for name, folder in given:
            found[name] = external(folder, frames, options.style, device, photos=are_photos)
    return found


def facts(judge: Judge, test_set: str, options: argparse.Namespace, device: str) -> dict[str, str]:
    """What the figures depend on besides the shots and the methods."""
    found = {"lpcore": __version__, "test set": test_set, "style": options.style, "device": device}
    if options.redrawn:
        found["teacher drawings"] = str(options.redrawn)
    networks = judge.made_of | face_weights("mediapipe") | motion_weights(SpeakSettings())
    return found | versions() | networks


def notes(measured: Measured) -> list[str]:
    """What was done to films before they were measured, each said once."""
    told = {f"{name}: {row.note}." for name, rows in measured.seen.items() for row in rows if row.note}
    return sorted(told)


def write(
    out: Path,
    measured: Measured,
    roles: dict[str, str],
    films: Sequence[tuple[str, Path]],
    made_with: dict[str, str],
) -> None:
    """Write the table as CSV and JSON, the pictures and the report."""
    table, frames = measured.table, sum(planned.frames for planned in measured.plans)
    write_atomically(out / "table.csv", as_csv(who(measured), measured.seen, table).encode())
    told = {"shots": len(measured.plans), "frames": frames, "figures": plain(table), "notes": notes(measured)}
    content = json.dumps({**told, "methods": roles, "made_with": made_with}, indent=2)
    write_atomically(out / "table.json", (content + "\n").encode())
    write_sheet(out / "worst.png", shown(measured, SHOWN))
    plot_figures(out / "figures.png", table, measured.seen, PLOTTED)
    plot_lags(out / "lags.png", measured.seen, float(FPS))
    about = [
        f"{len(measured.plans)} shots, {frames} frames of 512 x 512 at {float(FPS):g} a second: people that no "
        "training saw speak recordings that no training heard. Bold is best.",
        *(
            f"{name} is {DISTANCES[name]} to {len(looks)} drawings."
            for name, looks in measured.references.items()
        ),
        *notes(measured),
    ]
    plots = [
        ("A bar per method, a dot per shot", out / "figures.png"),
        ("How far the lips in the drawings follow the speech's level", out / "lags.png"),
    ]
    sheets = [("The shots whose lips are furthest off, with the mouth most open", out / "worst.png")]
    report = Report("Drawn films, compared", about, roles, table, plots, sheets, films, made_with)
    write_report(out / "report.html", report)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(argv)
    taken = set(ROLES)
    for name, _ in (*options.external, *options.external_photos):
        if name in taken:
            parser.error(f"there is another method of the name {name}")
        taken.add(name)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore evaluate table", description=__doc__)
    add_data(parser)
    results = parser.add_mutually_exclusive_group(required=True)
    results.add_argument("--out", type=Path, help="folder for tables, report and all that is kept")
    make = "only write a test set of all held-out faces and speech of the data"
    results.add_argument("--write-manifest", type=Path, metavar="FILE", help=make)
    parser.add_argument(
        "--manifest", type=Path, default=manifests.TABLE_1, metavar="FILE", help="the test set; default: ours"
    )
    drawings = "drawings of another program: a folder of pictures or a film file per shot; may be given again"
    parser.add_argument(
        "--external", type=named_folder, action="append", default=[], metavar="NAME=FOLDER", help=drawings
    )
    films = "photos of another program, each frame drawn for itself by our static drawer; may be given again"
    parser.add_argument(
        "--external-photos",
        type=named_folder,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help=films,
    )
    quick = f"a few of the shots, {QUICK_FRAMES} frames each, fewer teachers"
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
