"""Measure the engine on this machine: `python scripts/bench.py [--quick] [--json PATH] [--networks] [--scaling]`.

Times are medians of repeated runs in this process. `draw_ratio` compares frames per second, PNG files included, with
the published script's pipeline, measured side by side in the same run with networks of the published sizes: matte,
static drawing, landmark discs, both flows, generator and nine PNG files for every frame (`evaluate.reference`).
`--scaling` shows how cost grows with frames, size, cores and batch, and the memory of every stage; it takes long.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def measure(
    photo: np.ndarray, speech: Path, repeats: int, film: int, blender: Path | None
) -> dict[str, float]:
    """Every figure under its name; ``_s`` seconds, ``_fps`` frames per second, ``_ratio`` without unit.

    film: frames over which memory is watched. blender: a Python that has `bpy`, to write curves in.
    """
    from lpcore import analyze, speak
    from lpcore.audio.load import length
    from lpcore.drawing.stream import FrameStream
    from lpcore.evaluate.curve_cost import curve_cost
    from lpcore.evaluate.reference import reference
    from lpcore.evaluate.timing import median_seconds as seconds
    from lpcore.evaluate.worker_cost import waits
    from lpcore.frames import write_frames
    from lpcore.motion.files import save_motion

    figures = {"help_s": seconds(_help, repeats)}
    figures["analyze_cold_s"] = seconds(lambda: analyze(photo), 1)
    figures["analyze_s"] = seconds(lambda: analyze(photo), repeats)
    portrait = analyze(photo)
    figures["speak_cold_s"] = seconds(lambda: speak(portrait, speech), 1)
    figures["speak_s"] = seconds(lambda: speak(portrait, speech), repeats)
    figures["speak_realtime_ratio"] = length(speech) / figures["speak_s"]
    points = speak(portrait, speech).points

    figures["draw_prepare_cold_s"] = seconds(lambda: FrameStream(portrait, "ink"), 1)
    figures["draw_prepare_s"] = seconds(lambda: FrameStream(portrait, "ink"), repeats)
    count = min(50, len(points))
    cases = {"512": (512, "crop"), "1024": (1024, "crop"), "photo": (0, "photo")}
    streams = {name: FrameStream(portrait, "ink", *case) for name, case in cases.items()}
    streams["512_moved"] = FrameStream(portrait, "ink", engine="warp")
    for name, stream in streams.items():
        spent = seconds(lambda s=stream: [None for _ in s.frames(points[:count])], repeats)
        figures[f"draw_{name}_fps"] = count / spent

    stream = FrameStream(portrait, "ink")
    with tempfile.TemporaryDirectory() as folder:

        def to_files() -> None:
            images = enumerate(stream.frames(points[:count]))
            for _path in write_frames((Path(folder) / f"{k}.png", image) for k, image in images):
                pass

        figures["draw_512_png_fps"] = count / seconds(to_files, repeats)
        pipeline = reference()
        each = seconds(lambda: pipeline.frame(portrait, points[0], Path(folder)), max(1, repeats // 2))
    figures["reference_fps"] = 1 / each
    figures["draw_ratio"] = figures["draw_512_png_fps"] * each
    figures["rss_growth_mb"] = _growth(portrait, points, film)
    with tempfile.TemporaryDirectory() as folder:
        figures |= waits(photo, speech, Path(folder))
        if blender:
            shot = Path(folder) / "ten_seconds.npz"
            save_motion(shot, speak(portrait, speech, frames=250))
            figures |= curve_cost(blender, ROOT, shot)
    return figures


def _growth(portrait, points: np.ndarray, frames: int) -> float:
    """Megabytes by which the peak memory grows from frame 100 of a film to its end."""
    from lpcore.drawing.stream import FrameStream
    from lpcore.evaluate.motion_cost import peak_mb

    stream = FrameStream(portrait, "ink", 256)
    before = 0.0
    for number, _ in enumerate(stream.frames(points[np.arange(frames) % len(points)])):
        if number == 100:
            before = peak_mb() or 0.0
    return (peak_mb() or 0.0) - before


def _help() -> None:
    subprocess.run([sys.executable, "-m", "lpcore", "--help"], check=True, capture_output=True, cwd=ROOT)


def network_table(repeats: int) -> str:
    """Parameters, operations and time of every network of the drawing stage, ours and the published ones."""
    from lpcore.evaluate.network_cost import costs

    lines = [f"{'network, one run':28}{'each':>8}{'parameters':>14}{'GFLOP':>10}{'ms':>10}"]
    for cost in costs(repeats):
        figures = f"{cost.parameters:14,}{cost.gflop:10.1f}{cost.milliseconds:10.1f}"
        lines.append(f"{cost.name:28}{cost.runs:>8}{figures}")
    return "\n".join(lines)


def scale(photo: np.ndarray, speech: Path, threads: int, plots: Path | None) -> list[dict]:
    """Print how cost grows, row by row; with `plots`, draw the curves into that folder."""
    from lpcore import analyze, speak
    from lpcore.evaluate.scaling import Case, in_words, plot, scaling
    from lpcore.frames import write_png
    from lpcore.motion.files import save_motion

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        picture, motion = Path(folder) / "photo.png", Path(folder) / "motion.npz"
        write_png(picture, photo)
        save_motion(motion, speak(analyze(picture), speech))
        case = Case("draw", str(picture), str(speech), str(motion), threads=threads)
        for row in scaling(case, os.cpu_count() or 1):
            rows.append(row)
            print(in_words([row]).splitlines()[-1], file=sys.stderr, flush=True)
    print(in_words(rows))
    if plots:
        print(plot(rows, plots))
    return [vars(row) for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write every figure under its name")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--speech", type=Path, default=next((ROOT / "examples").glob("*.flac"), None))
    parser.add_argument("--quick", action="store_true", help="fewer repeats, a shorter film")
    parser.add_argument("--networks", action="store_true", help="only the table of the networks' costs")
    parser.add_argument("--bpy", type=Path, metavar="PYTHON", help="a Python with `bpy`, to write curves in")
    parser.add_argument("--scaling", action="store_true", help="only how cost grows, and the stages' memory")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="the same, with the curves drawn there")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch
    from skimage import data

    from lpcore.evaluate.curve_cost import blender_python

    torch.set_num_threads(options.threads)
    if options.networks:
        print(network_table(options.repeats))
        return 0
    if options.scaling or options.plots:
        if options.plots:
            from lpcore.evaluate.plots import require_matplotlib

            require_matplotlib()
        rows = scale(data.astronaut(), options.speech, options.threads, options.plots)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=2))
        return 0
    repeats, film = (2, 500) if options.quick else (options.repeats, 10_000)
    blender = options.bpy or blender_python(ROOT)
    figures = measure(data.astronaut(), options.speech, repeats, film, blender)
    width = max(map(len, figures))
    print(f"{platform.machine()}, {options.threads} cores, torch {torch.__version__}")
    print("\n".join(f"{name:{width}}  {value:10.3f}" for name, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
