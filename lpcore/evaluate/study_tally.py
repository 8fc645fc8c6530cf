"""Counting a user study: percents of votes by question and method, as in the paper's Table 2."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from ..errors import LpError
from ..files import write_atomically
from .study_key import QUESTIONS, Key

COLUMNS = ["study", "participant", "page", "shot", "question", "order", "choice", "seconds"]
CONFIDENCE, _Z = 0.95, 1.959963984540054


@dataclass(frozen=True)
class Vote:
    """A participant's choice on one question about one shot."""

    participant: str
    question: str
    method: str


def read_answers(key: Key, files: Iterable[Path]) -> list[Vote]:
    """The votes of all participants, one file each.

    Raises LpError ``ANSWERS_WRONG`` where a file is not whole, belongs to another study, or is given twice.
    """
    votes: list[Vote] = []
    owners: dict[str, Path] = {}
    for path in files:
        rows = _rows(path)
        participant = rows[0]["participant"] if rows else ""
        if participant in owners:
            raise LpError(
                "ANSWERS_WRONG", f"{owners[participant]} and {path} are both of participant {participant}"
            )
        owners[participant] = path
        votes += _votes(key, rows, path)
    return votes


def tally(key: Key, votes: Sequence[Vote]) -> dict[str, Any]:
    """Counts, percents and confidence intervals by question and method."""
    counts = Counter((vote.question, vote.method) for vote in votes)
    asked = Counter(vote.question for vote in votes)
    return {
        "study": key.study,
        "participants": len({vote.participant for vote in votes}),
        "shots": len(key.shots),
        "confidence": CONFIDENCE,
        "chance_percent": 100 / len(key.methods),
        "questions": {
            question: {
                "text": text,
                "votes": asked[question],
                "methods": {
                    method: _share(counts[question, method], asked[question]) for method in key.methods
                },
            }
            for question, text in QUESTIONS.items()
        },
    }


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval of a share, at `CONFIDENCE`; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    share, weight = hits / trials, _Z * _Z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = _Z * sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def report(result: dict[str, Any]) -> str:
    """The result as a table in words: methods down, questions across."""
    questions = result["questions"]
    methods = next(iter(questions.values()))["methods"]
    width = max(len(method) for method in methods) + 2
    lines = [" " * width + "".join(f"{question:>24}" for question in questions)]
    for method in methods:
        cells = (question["methods"][method] for question in questions.values())
        lines.append(f"{method:{width}}" + "".join(f"{_cell(cell):>24}" for cell in cells))
    lines.append(
        "votes".ljust(width) + "".join(f"{question['votes']:>24}" for question in questions.values())
    )
    lines.append(
        f"Percent of votes [{result['confidence']:.0%} Wilson interval, votes taken as independent] of "
        f"{result['participants']} participants on {result['shots']} shots; by chance {result['chance_percent']:.1f}."
    )
    return "\n".join(lines)


def write_csv(result: dict[str, Any], path: Path) -> None:
    """One row per question and method; raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["question", "method", "votes", "of", "percent", "low", "high"])
    for code, question in result["questions"].items():
        for method, cell in question["methods"].items():
            shares = (f"{cell[name]:.2f}" for name in ("percent", "low", "high"))
            writer.writerow([code, method, cell["votes"], question["votes"], *shares])
    write_atomically(path, text.getvalue().encode())


def _share(hits: int, trials: int) -> dict[str, float]:
    low, high = wilson_interval(hits, trials)
    return {
        "votes": hits,
        "percent": 100 * hits / trials if trials else 0.0,
        "low": 100 * low,
        "high": 100 * high,
    }


def _cell(cell: dict[str, float]) -> str:
    return f"{cell['percent']:.1f} [{cell['low']:.1f}, {cell['high']:.1f}]"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        # Spreadsheets put a byte order mark in front when they save.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames != COLUMNS:
                raise LpError("ANSWERS_WRONG", f"{path} does not have the columns of a study's answers")
            return list(reader)
    except FileNotFoundError as error:
        raise LpError("ANSWERS_WRONG", f"there is no file {path}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LpError("ANSWERS_WRONG", f"{path} is not a CSV file") from error


def _votes(key: Key, rows: Sequence[dict[str, str]], path: Path) -> list[Vote]:
    votes: dict[tuple[str, str], Vote] = {}
    for number, row in enumerate(rows, 2):
        shot = key.shots.get(row["shot"])
        if row["study"] != key.study:
            raise LpError("ANSWERS_WRONG", f"{path} belongs to study {row['study']}, the key to {key.study}")
        if (
            len(row) != len(COLUMNS)
            or row["participant"] != rows[0]["participant"]
            or shot is None
            or row["question"] not in QUESTIONS
            or row["choice"] not in shot.films
            or sorted((row["order"] or "").split()) != sorted(shot.films)
            or (row["shot"], row["question"]) in votes
        ):
            raise LpError("ANSWERS_WRONG", f"line {number} of {path} is not an answer of this study")
        votes[row["shot"], row["question"]] = Vote(
            row["participant"], row["question"], shot.films[row["choice"]]
        )
    wanted = len(key.shots) * len(QUESTIONS)
    if len(votes) < wanted:
        raise LpError("ANSWERS_WRONG", f"{path} holds {len(votes)} of {wanted} answers")
    return list(votes.values())
