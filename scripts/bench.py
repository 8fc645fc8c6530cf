"""Measure the engine on this machine: `python scripts/bench.py [--json PATH] [--threads N]`.

Times are medians of repeated runs in this process. `draw_ratio` compares frames per second with a straight
per-frame pipeline measured side by side in the same run: warp photo and matte, then run the static drawer on every
frame, as the paper's MakeItTalk + UPD baseline does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of `work`."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(photo: np.ndarray, speech: Path, repeats: int) -> dict[str, float]:
    """Every figure under its name; ``_s`` seconds, ``_fps`` frames per second, ``_ratio`` without unit."""
    from lpcore import analyze, speak
    from lpcore.audio.load import length
    from lpcore.drawing.stream import FrameStream
    from lpcore.frames import write_frames

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
    for name, size, canvas in (("512", 512, "crop"), ("1024", 1024, "crop"), ("photo", 0, "photo")):
        stream = FrameStream(portrait, "ink", size, canvas)
        spent = seconds(lambda s=stream: [None for _ in s.frames(points[:count])], repeats)
        figures[f"draw_{name}_fps"] = count / spent

    stream = FrameStream(portrait, "ink")
    with tempfile.TemporaryDirectory() as folder:

        def to_files() -> None:
            images = enumerate(stream.frames(points[:count]))
            for _path in write_frames((Path(folder) / f"{k}.png", image) for k, image in images):
                pass

        figures["draw_512_png_fps"] = count / seconds(to_files, repeats)
    few = points[:4]
    per_frame = len(few) / seconds(lambda: _per_frame_pipeline(portrait, few), max(1, repeats // 2))
    figures["per_frame_pipeline_fps"] = per_frame
    figures["draw_ratio"] = figures["draw_512_fps"] / per_frame
    return figures


def _help() -> None:
    subprocess.run([sys.executable, "-m", "lpcore", "--help"], check=True, capture_output=True, cwd=ROOT)


def _per_frame_pipeline(portrait, points: np.ndarray) -> None:
    """Photo and matte warped, the drawing made anew for every frame."""
    import torch

    from lpcore.drawing.flow import PiecewiseFlow, sample
    from lpcore.drawing.mesh import build_mesh
    from lpcore.drawing.static import draw_logits

    mesh = build_mesh(portrait.landmarks)
    flow = PiecewiseFlow(mesh.source, mesh.triangles, (512, 512))
    image = torch.from_numpy(np.dstack([portrait.image / np.float32(255), portrait.matte]))
    layers = image.permute(2, 0, 1)[None]
    for target in mesh.targets(points):
        warped = sample(layers, flow.positions(target[None]))[0].permute(1, 2, 0).numpy()
        draw_logits((255 * warped[..., :3]).astype(np.uint8), warped[..., 3].copy()).sigmoid()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write every figure under its name")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--speech", type=Path, default=next((ROOT / "examples").glob("*.flac"), None))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch
    from skimage import data

    torch.set_num_threads(options.threads)
    figures = measure(data.astronaut(), options.speech, options.repeats)
    width = max(map(len, figures))
    print(f"{platform.machine()}, {options.threads} cores, torch {torch.__version__}")
    print("\n".join(f"{name:{width}}  {value:10.3f}" for name, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
