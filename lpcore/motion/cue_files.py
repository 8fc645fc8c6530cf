"""Mouth cues as files, the way Rhubarb Lip Sync writes them; ``.json`` is JSON, every other name TSV.

TSV: a line per cue, start in seconds, a tab and the mouth's letter; the last line is the end, with a closed mouth.
JSON: {"metadata": {"soundFile", "duration"}, "mouthCues": [{"start", "end", "value"}, …]}.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path

from ..errors import LpError
from ..files import write_atomically
from .cues import Cue
from .shapes import MOUTHS


def write_cues(path: Path, cues: Sequence[Cue], sound: Path) -> None:
    """Write cues that follow one another without gaps, times to a hundredth of a second.

    sound: the speech that they belong to. Raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``.
    """
    end = cues[-1].end
    if path.suffix.lower() == ".json":
        entries = [{"start": round(c.start, 2), "end": round(c.end, 2), "value": c.shape} for c in cues]
        metadata = {"soundFile": str(sound), "duration": round(end, 2)}
        text = json.dumps({"metadata": metadata, "mouthCues": entries}, indent=2) + "\n"
    else:
        rows = [(cue.start, cue.shape) for cue in cues] + [(end, "X")]
        text = "".join(f"{time:.2f}\t{shape}\n" for time, shape in rows)
    write_atomically(path, text.encode())


def read_cues(path: Path) -> list[Cue]:
    """The cues in a file, in order; raises LpError ``CUES_UNREADABLE``, saying what is wrong."""
    try:
        text = path.read_text("utf-8-sig")
        cues = _from_json(text) if path.suffix.lower() == ".json" else _from_tsv(text)
    except OSError as error:
        raise LpError("CUES_UNREADABLE", f"{path.name} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise LpError("CUES_UNREADABLE", f"{path.name} holds no mouth cues ({error})") from error
    latest = 0.0
    for cue in cues:
        if cue.shape not in tuple(MOUTHS):
            raise LpError("CUES_UNREADABLE", f"{path.name} names a mouth {cue.shape!r}, not one of {MOUTHS}")
        if not (isfinite(cue.end) and latest <= cue.start <= cue.end):
            raise LpError("CUES_UNREADABLE", f"in {path.name} the times do not ascend at {cue.start:g} s")
        latest = cue.end
    if not cues:
        raise LpError("CUES_UNREADABLE", f"{path.name} holds no mouth cues")
    return cues


def _from_json(text: str) -> list[Cue]:
    entries = json.loads(text)["mouthCues"]
    return [Cue(float(entry["start"]), float(entry["end"]), entry["value"]) for entry in entries]


def _from_tsv(text: str) -> list[Cue]:
    rows = [line.split() for line in text.splitlines() if line.strip()]
    marks = [(float(time), shape) for time, shape in rows]
    return [Cue(start, end, shape) for (start, shape), (end, _) in pairwise(marks)]
