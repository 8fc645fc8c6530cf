"""How long a person at Blender waits: the worker's first frame, and the frames that one edited key touches."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from .. import protocol
from ..motion.files import save_motion
from ..pipeline import analyze, speak

EDITED = range(120, 127)
"""Frames that the edited key of a 250-frame shot touches: a quarter of a second."""
SHOT = 250
COLD_STARTS = 3
"""Of which the median counts."""


class Worker:
    """A worker process of one's own, for use in a with statement."""

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lpcore.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, request: protocol.Request) -> Iterator[protocol.Event]:
        """The events of `request`, its end included.

        Raises RuntimeError when the request fails or the worker dies.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(protocol.encode(request))
        self._process.stdin.flush()
        for line in self._process.stdout:
            event = protocol.decode_event(line)
            if isinstance(event, protocol.Failed):
                raise RuntimeError(f"{event.code}: {event.detail}")
            yield event
            if isinstance(event, protocol.ENDS):
                return
        raise RuntimeError("the worker died")


def waits(photo: np.ndarray, speech: Path, folder: Path) -> dict[str, float]:
    """Seconds by name; files are left in `folder`.

    first_frame_cold_s: from starting the worker to the first frame of a shot, with nothing loaded. first_frame_warm_s:
    the same for another take with all loaded. edit_redraw_s: from one moved key to the last of the frames it touches,
    in a shot of `SHOT` frames of which all others are at hand. round_trip_s: to one frame that is at hand already.
    """
    picture = folder / "photo.png"
    cv2.imwrite(str(picture), np.ascontiguousarray(photo[..., ::-1]))
    motion = speak(analyze(picture), speech, frames=SHOT)
    shot, edited = folder / "motion.npz", folder / "edited.npz"
    save_motion(shot, motion)
    lips = motion.parts["lips"].copy()
    lips[list(EDITED), 48:68, 1] += 3
    save_motion(edited, motion.with_part("lips", lips))

    draw = protocol.Draw(1, str(picture), str(shot), str(folder / "take"), store=str(folder / "store"))
    figures, colds = {}, []
    for number in range(COLD_STARTS - 1):
        start = time.perf_counter()
        with Worker() as worker:
            alone = replace(draw, folder=str(folder / f"cold{number}"), store="")
            colds.append(_first_frame(worker, alone, start))
    start = time.perf_counter()
    with Worker() as worker:
        figures["first_frame_cold_s"] = statistics.median([*colds, _first_frame(worker, draw, start)])
        start = time.perf_counter()
        figures["first_frame_warm_s"] = _first_frame(
            worker, replace(draw, id=2, folder=str(folder / "other"), store=""), start
        )
        start = time.perf_counter()
        (end,) = (
            e for e in worker.ask(replace(draw, id=3, motion=str(edited))) if isinstance(e, protocol.Done)
        )
        figures["edit_redraw_s"] = time.perf_counter() - start
        figures["edit_redraw_frames"] = float(end.result["drawn"])
        start = time.perf_counter()
        figures["round_trip_s"] = _first_frame(worker, replace(draw, id=4, frames=[0]), start)
    return figures


def _first_frame(worker: Worker, draw: protocol.Draw, start: float) -> float:
    seconds = None
    for event in worker.ask(draw):
        if seconds is None and isinstance(event, protocol.Frame):
            seconds = time.perf_counter() - start
    assert seconds is not None
    return seconds
