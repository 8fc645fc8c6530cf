"""A named test set: which held-out face speaks which held-out recording, fixed by the files' checksums.

A TOML file: ``name``; ``[reference]`` with, per style, the checksum of all teacher drawings of the data's other people;
``[[shot]]`` tables of name, face, speech (paths in the data folder), their ``_sha256``, start in seconds, frames, seed
and quick, whether a quick run takes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LpError
from ..files import write_atomically
from ..provenance import digest
from .shots import ShotPlan
from .teachers import drawings_digest, photos

TABLE_1 = Path(__file__).with_name("table1.toml")
"""The test set of our Table 1."""

_STYLES = ("ink", "pen")
_QUICK = 4


@dataclass(frozen=True)
class Manifest:
    """A test set of a data folder. reference: style -> checksum. digests: shot -> checksums of face and speech."""

    name: str
    shots: tuple[ShotPlan, ...]
    quick: frozenset[str]
    reference: dict[str, str]
    digests: dict[str, tuple[str, str]]

    def chosen(self, quick: bool, frames: int | None = None) -> list[ShotPlan]:
        """The shots, or those of a quick run, shortened to `frames`; each has the files that the test set names.

        Raises:
            FileNotFoundError: a file is not in the data folder.
            LpError: ``TEST_SET_CHANGED``, it is another file.
        """
        plans = [plan for plan in self.shots if not quick or plan.name in self.quick]
        for plan in plans:
            for path, wanted in zip((plan.photo, plan.speech), self.digests[plan.name], strict=True):
                if digest(path) != wanted:
                    raise LpError(
                        "TEST_SET_CHANGED",
                        f"{path} is not the file that the test set {self.name} was made with",
                    )
        return [_shortened(plan, frames) for plan in plans]

    def check_reference(self, data: Path, style: str) -> None:
        """Raises LpError ``TEST_SET_CHANGED`` where the data folder has other teacher drawings."""
        if _reference(data, style) != self.reference.get(style):
            raise LpError(
                "TEST_SET_CHANGED",
                f"{data / f'drawings_{style}'} are not the drawings of the test set {self.name}",
            )


def read(path: Path, data: Path) -> Manifest:
    """The test set in the file `path`, of files in the folder `data`.

    Raises:
        FileNotFoundError: there is no file `path`.
        LpError: ``TEST_SET_UNREADABLE``.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        rows = values["shot"]
        plans = tuple(
            ShotPlan(
                r["name"], data / r["face"], data / r["speech"], r["frames"], float(r["start"]), r["seed"]
            )
            for r in rows
        )
        return Manifest(
            str(values["name"]),
            plans,
            frozenset(r["name"] for r in rows if r["quick"]),
            dict(values["reference"]),
            {r["name"]: (r["face_sha256"], r["speech_sha256"]) for r in rows},
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise LpError("TEST_SET_UNREADABLE", f"{path}: {error}") from error


def write(path: Path, name: str, data: Path, plans: Sequence[ShotPlan]) -> None:
    """Write the test set of `plans`, whose files lie in `data`; a quick run takes some, evenly chosen."""
    count = min(_QUICK, len(plans))
    step = (len(plans) - 1) / max(count - 1, 1)
    quick = {plans[round(k * step)].name for k in range(count)}
    lines = [f'name = "{name}"', "", "[reference]"]
    lines += [
        f'{style} = "{_reference(data, style)}"' for style in _STYLES if (data / f"drawings_{style}").is_dir()
    ]
    for plan in plans:
        face, speech = (file.relative_to(data).as_posix() for file in (plan.photo, plan.speech))
        lines += ["", "[[shot]]", f'name = "{plan.name}"']
        lines += [f'face = "{face}"', f'face_sha256 = "{digest(plan.photo)}"']
        lines += [f'speech = "{speech}"', f'speech_sha256 = "{digest(plan.speech)}"']
        lines += [f"start = {plan.start}", f"frames = {plan.frames}", f"seed = {plan.seed}"]
        lines += [f"quick = {str(plan.name in quick).lower()}"]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _reference(data: Path, style: str) -> str:
    return drawings_digest(data, style, (photo.stem for photo in photos(data, held_out=False)))


def _shortened(plan: ShotPlan, frames: int | None) -> ShotPlan:
    count = min(plan.frames, frames) if frames else plan.frames
    return ShotPlan(plan.name, plan.photo, plan.speech, count, plan.start, plan.seed)
