"""What a user study asks, and the key that tells which method made which film."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import LpError
from ..files import write_atomically

FORMAT = "lineportrait-study"
VERSION = 1

QUESTIONS = {
    "drawing": "Which is the best drawing: clear, well-placed lines, nothing smudged or missing?",
    "coherence": "Which is the steadiest: lines do not flicker, jump or tear from one moment to the next?",
    "lips": "In which do the lips fit the speech best?",
    "overall": "Which do you like best on the whole?",
}
"""The four criteria of the paper's study (section 4.3), in our words: the authors' wording is not published."""


@dataclass(frozen=True)
class ShotKey:
    """One shot: its name, and film code -> method."""

    name: str
    films: dict[str, str]


@dataclass(frozen=True)
class Key:
    """A study. shots: shot code -> what it stands for. Codes mean nothing to a participant."""

    study: str
    seed: int
    methods: tuple[str, ...]
    shots: dict[str, ShotKey]


def write_key(key: Key, path: Path) -> None:
    """Raises LpError ``OUTPUT_READONLY`` or ``DISK_FULL``."""
    content = {"format": FORMAT, "version": VERSION, "questions": QUESTIONS, **asdict(key)}
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def read_key(path: Path) -> Key:
    """Raises LpError ``STUDY_WRONG``."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise ValueError("another format")
        shots = {code: ShotKey(str(s["name"]), dict(s["films"])) for code, s in content["shots"].items()}
        key = Key(str(content["study"]), int(content["seed"]), tuple(content["methods"]), shots)
        if not shots or any(sorted(s.films.values()) != sorted(key.methods) for s in shots.values()):
            raise ValueError("methods and films do not match")
    except FileNotFoundError as error:
        raise LpError("STUDY_WRONG", f"there is no key {path}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LpError("STUDY_WRONG", f"{path} is not the key.json of a study") from error
    return key
