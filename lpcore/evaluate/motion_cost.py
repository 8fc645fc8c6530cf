"""What `speak` costs in time and memory: `python -m lpcore.evaluate.motion_cost SOUND` prints it as JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from ..motion.content import load_branch
from .tracking import bare_portrait, crop_units

RATE = 16000
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def cost(folder: Path, seconds: int) -> tuple[float, float | None]:
    """Measure `speak` at 25 fps on `seconds` of sound in a process of its own with one thread.

    Args:
        folder: for the sound.

    Returns:
        Seconds of sound per second of one core at work, networks loaded before; and the largest memory of the
        process in MB, None where the system does not tell (Windows).
    """
    sound = folder / f"{seconds}.wav"
    _write_noise(sound, seconds)
    command = [sys.executable, "-m", "lpcore.evaluate.motion_cost", str(sound)]
    told = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **_ONE_THREAD}).stdout
    values = json.loads(told.splitlines()[-1])
    return seconds / values["seconds"], values["peak_mb"]


def _write_noise(path: Path, seconds: int) -> None:
    """Noise that swells and fades four times a second, second by second so that the length costs no memory."""
    import soundfile

    rng = np.random.default_rng(0)
    swell = 0.2 * np.sin(np.arange(RATE) * 4 * np.pi / RATE) ** 2
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(seconds):
            file.write(swell * rng.standard_normal(RATE))


def peak_mb() -> float | None:
    """The largest memory this process ever held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts the memory of the process that started this one into `ru_maxrss`.
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main(argv: list[str] | None = None) -> int:
    """Speak the file named by the one argument."""
    from ..motion.speak import speak

    (sound,) = argv if argv is not None else sys.argv[1:]
    portrait = bare_portrait(crop_units(load_branch().mean_face.numpy()))
    speak(portrait, sound, duration=1.0)
    begin = time.process_time()
    speak(portrait, sound)
    print(json.dumps({"seconds": time.process_time() - begin, "peak_mb": peak_mb()}))  # noqa: T201 its answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
