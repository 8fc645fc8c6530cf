"""How cost grows with frames, size, cores and batch, and what memory each stage takes.

Every case runs in a process of its own, `python -m lpcore.evaluate.scaling JSON`, so that its memory is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .motion_cost import peak_mb

FRAMES = (1, 10, 100, 1000, 10_000)
SIZES = (256, 512, 1024, 2048)
BATCHES = (1, 2, 4, 8, 16)

LONG_SIZE = 256
"""Pixels a side of the frames whose number is varied."""

_SIDE, _COUNT, _FEWEST = 512, 48, 6
CORES = "cores" if hasattr(os, "sched_setaffinity") else "threads"
"""Where a process cannot be bound to cores, only the threads that draw are counted."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Case:
    """What one process measures.

    stage: "analyze", "speak", "draw" (PNG files included), "reference" (see `reference`) or "generator" (the default
    generator with random weights, one run on `frames` frames together). photo, speech, motion: files. threads: those
    of each library, and the cores that the process may use, where the system lets it choose them (Linux).
    """

    stage: str
    photo: str
    speech: str
    motion: str
    frames: int = _COUNT
    size: int = _SIDE
    threads: int = 2


@dataclass(frozen=True)
class Row:
    """One point of a curve.

    axis: "stage", "frames", "size", `CORES` or "batch". seconds: of one frame, of the whole stage for "stage".
    peak_mb: largest memory of the process, None where the system does not tell (Windows). gpu_mb: the same of the
    accelerator, None without one. ratio: how many times as fast as the published script's steps on as many cores,
    None where the comparison has no meaning.
    """

    axis: str
    value: str | int
    seconds: float
    peak_mb: float | None
    gpu_mb: float | None
    ratio: float | None = None


def scaling(case: Case, cores: int) -> Iterator[Row]:
    """All curves, each row as soon as it is measured; `case` names the files and the usual number of threads."""
    references = {
        threads: measured(replace(case, stage="reference", threads=threads))["seconds"]
        for threads in sorted({*_powers(cores), case.threads})
    }

    def row(axis: str, value: str | int, **changes: Any) -> Row:
        changed = replace(case, **changes)
        found = measured(changed)
        drawn = changed.stage == "draw" and axis != "stage"
        each = found["seconds"] / (1 if axis == "stage" else changed.frames)
        ratio = references[changed.threads] / each if drawn else None
        return Row(axis, value, each, found["peak_mb"], found["gpu_mb"], ratio)

    for stage in ("analyze", "speak", "draw", "reference"):
        yield row("stage", stage, stage=stage)
    for count in FRAMES:
        yield row("frames", count, stage="draw", frames=count, size=LONG_SIZE)
    for size in SIZES:
        count = max(_FEWEST, round(_COUNT * min(1, (_SIDE / size) ** 2)))
        yield row("size", size, stage="draw", frames=count, size=size)
    for threads in _powers(cores):
        yield row(CORES, threads, stage="draw", threads=threads)
    for batch in BATCHES:
        yield row("batch", batch, stage="generator", frames=batch)


def measured(case: Case) -> dict[str, Any]:
    """{"seconds", "peak_mb", "gpu_mb"} of the case."""
    command = [sys.executable, "-m", "lpcore.evaluate.scaling", json.dumps(asdict(case))]
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(case.threads))}
    with on_cores(case.threads):
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout
    return json.loads(told.splitlines()[-1])


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Let this thread, and the processes that it starts, use `count` cores, where the system lets it choose them."""
    if CORES != "cores":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def in_words(rows: list[Row]) -> str:
    """The rows as a table."""
    lines = [f"{'':8}{'':>10}{'ms':>12}{'per second':>12}{'MB':>8}{'GPU MB':>8}{'x reference':>13}"]
    for row in rows:
        memory = "".join(f"{'-' if mb is None else f'{mb:.0f}':>8}" for mb in (row.peak_mb, row.gpu_mb))
        ratio = "-" if row.ratio is None else f"{row.ratio:.0f}"
        timed = f"{1000 * row.seconds:12.1f}{1 / row.seconds:12.1f}"
        lines.append(f"{row.axis:8}{row.value:>10}{timed}{memory}{ratio:>13}")
    return "\n".join(lines)


def plot(rows: list[Row], folder: Path) -> Path:
    """Write ``scaling.png`` into `folder`; returns its path. Raises LpError ``PLOTS_NOT_INSTALLED``."""
    from ..files import prepare_folder, replacing
    from .plots import require_matplotlib

    require_matplotlib()
    from matplotlib.figure import Figure

    prepare_folder(folder)
    page = Figure(figsize=(12, 7), layout="constrained")
    panels = page.subplots(2, 3).ravel()
    titles = {
        "frames": f"frames of {LONG_SIZE} pixels",
        "size": "pixels a side",
        CORES: "cores" if CORES == "cores" else "threads that draw",
        "batch": "frames together in the generator",
    }
    for panel, (axis, title) in zip(panels, titles.items(), strict=False):
        part = [row for row in rows if row.axis == axis]
        values = [int(row.value) for row in part]
        panel.plot(values, [1000 * row.seconds for row in part], "o-", color="#1b6ca8")
        panel.set(xscale="log", xlabel=title, title=f"ms per frame, by {axis}")
        if axis == "size":
            panel.set_yscale("log")
        else:
            panel.set_ylim(bottom=0)
        panel.minorticks_off()
        panel.set_xticks(values, [str(value) for value in values])
        panel.grid(True, alpha=0.25)
    for panel, axis in ((panels[4], "stage"), (panels[5], "frames")):
        part = [row for row in rows if row.axis == axis]
        panel.bar([str(row.value) for row in part], [row.peak_mb or 0 for row in part], color="#7a4a99")
        panel.set(title=f"peak memory, MB, by {axis}")
    path = folder / "scaling.png"
    with replacing(path) as file:
        page.savefig(file, format="png", dpi=110)
    return path


def _powers(cores: int) -> list[int]:
    """1, 2, 4, … and all."""
    return sorted({*(1 << k for k in range(cores.bit_length()) if 1 << k <= cores), cores})


def main(argv: list[str] | None = None) -> int:
    """Measure the case in the one argument."""
    import torch

    (text,) = argv if argv is not None else sys.argv[1:]
    case = Case(**json.loads(text))
    torch.set_num_threads(case.threads)
    with TemporaryDirectory() as folder:
        work = _work(case, Path(folder))
        begin = time.perf_counter()
        work()
        seconds = time.perf_counter() - begin
    gpu = torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else None
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "gpu_mb": gpu}))  # noqa: T201 its answer
    return 0


def _work(case: Case, folder: Path) -> Callable[[], object]:
    """What is timed; whatever is loaded or prepared only once is done already."""
    if case.stage == "generator":
        return _generator(case.frames)
    from ..motion.files import load_points
    from ..pipeline import analyze, speak

    portrait = analyze(case.photo)
    if case.stage == "analyze":
        return lambda: analyze(case.photo)
    if case.stage == "speak":
        speak(portrait, case.speech, duration=1.0)
        return lambda: speak(portrait, case.speech)
    points = load_points(Path(case.motion))
    if case.stage == "reference":
        from .reference import reference

        pipeline = reference()
        return lambda: pipeline.frame(portrait, points[0], folder)

    from ..device import pick_device
    from ..drawing.stream import FrameStream
    from ..frames import write_frames

    stream = FrameStream(portrait, "ink", case.size, device=pick_device())

    def draw(rows: np.ndarray) -> None:
        # As many files as the disk must hold are kept, however long the film.
        for _ in write_frames(
            (folder / f"{k % 100}.png", image) for k, image in enumerate(stream.frames(rows))
        ):
            pass

    draw(points[:2])
    return lambda: draw(points[np.arange(case.frames) % len(points)])


def _generator(batch: int) -> Callable[[], object]:
    import torch

    from ..device import pick_device
    from ..drawing.generator import DEFAULT, Generator
    from .network_cost import generator_calls

    device = pick_device()
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(0)
        _, draw = generator_calls(Generator(DEFAULT).eval(), DEFAULT, batch)

    @torch.inference_mode()
    def run() -> None:
        draw()
        if device == "cuda":
            torch.cuda.synchronize()

    run()
    return run


if __name__ == "__main__":
    raise SystemExit(main())
