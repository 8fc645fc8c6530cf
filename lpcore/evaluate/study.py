"""A user study as in section 4.3 of the paper: `lpcore evaluate study make` and `lpcore evaluate study tally`.

`make` turns result folders of several methods into a static page for participants, who choose the best film of each
shot by four questions, without knowing the methods. `tally` counts the answers that they send back (Table 2).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from tqdm import tqdm

from ..cli_arguments import frame_rate, named_folder
from ..errors import LpError
from ..files import prepare_folder, write_atomically, writing
from .study_films import encode, gather, seconds
from .study_key import QUESTIONS, Key, ShotKey, read_key, write_key
from .study_tally import read_answers, report, tally, write_csv

PAGE = Path(__file__).parent / "study_page"
"""What every study's page is made of."""

MOST = 8
"""Methods in one study; nobody can compare more films at a time."""


def make(
    methods: Mapping[str, Path],
    out: Path,
    *,
    speech: Path | None = None,
    fps: Fraction = Fraction(25),
    seed: int = 0,
    contact: str = "",
) -> Key:
    """Write the page into ``out/page`` and its key beside it, ``out/key.json``.

    Args:
        methods: name -> result folder, see `study_films.gather`.
        speech: folder of sound files named like the shots; None where every film has its sound.
        fps: of frames that come as pictures.
        seed: decides the codes that stand for shots and films.
        contact: a sentence that tells participants where their answers go.

    Raises:
        LpError: ``STUDY_WRONG``, ``AUDIO_UNREADABLE`` (a film without sound), ``FILM_FAILED``,
            ``OUTPUT_READONLY``, ``DISK_FULL``.
    """
    if not 2 <= len(methods) <= MOST:
        raise LpError("STUDY_WRONG", f"{len(methods)} methods were named, 2 to {MOST} can be compared")
    takes = gather(methods, speech)
    codes = _codes(len(takes) * (len(methods) + 1), seed)
    if (out / "page").exists():
        raise LpError("STUDY_WRONG", f"{out} holds a study already")
    page = out / ".page.partial"
    prepare_folder(out)
    with writing(page):
        shutil.rmtree(page, ignore_errors=True)
        (page / "films").mkdir(parents=True)
    shots, films = {}, {}
    for name, by_method in takes.items():
        coded = {codes.pop(): method for method in by_method}
        shots[codes.pop()] = ShotKey(name, coded)
        films |= {code: by_method[method] for code, method in coded.items()}
    # By code, so that the files' times of writing do not tell the methods apart.
    for code in tqdm(sorted(films), "films", disable=None):
        encode(films[code], fps, page / "films" / f"{code}.mp4")
    files = sorted((page / "films").iterdir())
    study = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    key = Key(study.hexdigest()[:12], seed, tuple(methods), shots)
    for part in PAGE.iterdir():
        write_atomically(page / part.name, part.read_bytes())
    content = json.dumps(_shown(key, contact, sum(map(seconds, files))), indent=1, ensure_ascii=True)
    write_atomically(page / "study_data.js", f"const STUDY = {content};\n".encode())
    write_key(key, out / "key.json")
    with writing(out / "page"):
        page.rename(out / "page")
    return key


def _codes(count: int, seed: int) -> list[str]:
    numbers = random.Random(seed).sample(range(16**6), count)
    return [f"{number:06x}" for number in numbers]


def _shown(key: Key, contact: str, seconds: float) -> dict:
    """What a participant's browser may know; sorted by code, so that no order speaks of a method."""
    return {
        "id": key.study,
        "contact": contact,
        "seconds": round(seconds),
        "questions": [{"code": code, "text": text} for code, text in QUESTIONS.items()],
        "shots": [{"code": code, "films": sorted(key.shots[code].films)} for code in sorted(key.shots)],
    }


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    options = _parser().parse_args(argv)
    options.run(options)
    return 0


def _make(options: argparse.Namespace) -> None:
    methods = dict(options.methods)
    if len(methods) < len(options.methods):
        raise LpError("STUDY_WRONG", "two methods have the same name")
    key = make(
        methods,
        options.out,
        speech=options.speech,
        fps=options.fps,
        seed=options.seed,
        contact=options.contact,
    )
    films = len(key.shots) * len(methods)
    print(f"{len(key.shots)} shots, {films} films.\nFor participants: {options.out / 'page' / 'index.html'}")  # noqa: T201
    print(f"Keep to yourself: {options.out / 'key.json'}")  # noqa: T201 it reports


def _tally(options: argparse.Namespace) -> None:
    key = read_key(options.key)
    result = tally(key, read_answers(key, options.answers))
    print(report(result))  # noqa: T201 it reports
    if options.json:
        write_atomically(options.json, (json.dumps(result, indent=2) + "\n").encode())
    if options.csv:
        write_csv(result, options.csv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lpcore evaluate study", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("make", help="result folders to a page for participants")
    verb.add_argument(
        "--methods",
        type=named_folder,
        nargs="+",
        required=True,
        metavar="NAME=FOLDER",
        help="a film, or a folder with film.mp4 or frames, for every shot, named alike in all folders",
    )
    verb.add_argument("--out", type=Path, required=True, help="folder for page/ and key.json")
    verb.add_argument("--speech", type=Path, help="folder of sound files named like the shots")
    verb.add_argument("--fps", type=frame_rate, default=Fraction(25), help="of frames that come as pictures")
    verb.add_argument("--seed", type=int, default=0, help="decides the codes of shots and films")
    verb.add_argument("--contact", default="", help="a sentence such as: Please send it to anna@example.org.")
    verb.set_defaults(run=_make)
    verb = verbs.add_parser("tally", help="participants' files to percents of votes")
    verb.add_argument("key", type=Path, help="key.json of the study")
    verb.add_argument("answers", type=Path, nargs="+", metavar="CSV", help="what participants saved")
    verb.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    verb.add_argument("--csv", type=Path, metavar="FILE", help="write the table there")
    verb.set_defaults(run=_tally)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
