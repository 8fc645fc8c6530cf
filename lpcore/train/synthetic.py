"""English speech with exactly known phones, to teach the content branch what the recordings do not hold.

`python -m lpcore.train.synthetic --out DIR` speaks random words with hibari-tts (Apache-2.0; only this module needs
it) and writes ``NNN.flac`` (24 kHz) with ``NNN.json`` ([symbol, start, end] in seconds, IPA) for each sentence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..audio import level
from ..audio.content import extra_output
from ..audio.load import load
from ..motion.close import close_lips, keep_apart
from ..motion.closure import rest
from .facegood import Take
from .ict import FaceModel
from .visemes import Phone, articulate

HELD_OUT_ENDING = "7"
"""Sentences whose number ends so measure and never train."""

FPS = 50
RATE = 24000

_FLOAT32 = 1
_DURATIONS = "/Clip_output_0"
_UNIT = 0.025


def load_spoken(folder: Path, model: FaceModel) -> list[Take]:
    """Every sentence in `folder` with the motion that co-articulation rules give it."""
    takes = []
    for path in sorted(folder.glob("*.json")):
        phones = [(str(s), float(a), float(b)) for s, a, b in json.loads(path.read_text(encoding="utf-8"))]
        samples = load(path.with_suffix(".flac"))
        levels = level.level(samples)
        times = np.arange(len(levels)) / FPS
        weights, shut = articulate(phones, times, model.names)
        # The last phone of a phrase lasts into the pause after it; the mouth does not.
        awake = 1 - rest(level.silence(levels), FPS)
        face = model.neutral + model.displacement(weights * awake[:, None].astype(np.float32))
        motion = keep_apart(close_lips(face, shut)) - model.neutral
        takes.append(Take(path.stem, samples, motion.astype(np.float32), FPS))
    return takes


def speak_sentences(out: Path, minutes: float, seed: int) -> None:
    """Write sentences of random words into `out` until they last `minutes`."""
    import hibari.tts  # pyright: ignore[reportMissingImports]
    import soundfile

    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    assets = Path(hibari.tts.ASSETS)
    with gzip.open(assets / "lexicon_us_gold.json.gz") as file:
        words = sorted(
            word for word in json.load(file) if word.isalpha() and word.islower() and 3 <= len(word) <= 8
        )
    voice = hibari.tts.Hibari()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "voice.onnx"
        model.write_bytes(Path(voice.model_path).read_bytes() + extra_output(_DURATIONS, _FLOAT32))
        voice = hibari.tts.Hibari(model=str(model))
        seconds, index = 0.0, 0
        while seconds < 60 * minutes:
            text = " ".join(rng.choice(words, rng.integers(5, 11))).capitalize() + rng.choice([".", "!", "?"])
            samples, phones = _say(voice, text, float(rng.uniform(0.8, 1.3)), rng)
            soundfile.write(out / f"{index:03d}.flac", samples, RATE)
            (out / f"{index:03d}.json").write_text(json.dumps(phones, ensure_ascii=False), encoding="utf-8")
            seconds, index = seconds + len(samples) / RATE, index + 1


def _say(voice: Any, text: str, speed: float, rng: np.random.Generator) -> tuple[np.ndarray, list[Phone]]:
    """Samples (N,) at `RATE` of one sentence and its phones."""
    from hibari import dsp  # pyright: ignore[reportMissingImports]

    symbols = [c for c in " ".join(voice.phonemize(text)) if c in voice.vocab]
    ids = np.array([[0, *[voice.vocab[c] for c in symbols], 0]], np.int64)
    out = voice.sess.run(None, {"ids": ids, "speed": np.array([speed], np.float32)})
    samples = dsp.synth(*(array[0] for array in out[:6]), rng)
    ends = np.cumsum(np.round(out[6].reshape(-1))) * _UNIT
    starts = np.concatenate([[0], ends[:-1]])
    return samples, [
        (s, float(a), float(b)) for s, a, b in zip(["", *symbols, ""], starts, ends, strict=True)
    ]


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="lpcore train synthetic", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    speak_sentences(options.out, options.minutes, options.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
