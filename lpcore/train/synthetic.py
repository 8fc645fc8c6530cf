"""English speech with exactly known phones, to teach the content branch what the recordings do not hold.

`python -m lpcore.train.synthetic --out DIR` speaks random words with hibari-tts (Apache-2.0; a Python package) and
with the voices of flite (BSD-like; a program), which only this module needs. It writes ``VOICE_NNN.flac`` with
``VOICE_NNN.json`` ([symbol, start, end] in seconds, IPA) for each sentence.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
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

Spoken = tuple[np.ndarray, int, list[Phone]]
"""Samples (N,), samples per second, and the phones."""
Speak = Callable[[str, np.random.Generator], Spoken]

HELD_OUT_ENDING = "7"
"""Sentences whose number ends so measure and never train."""
HELD_OUT_VOICES = ("awb",)
"""Voices that measure and never train."""

FPS = 50
RATE = 24000
HIBARI = "heart"
"""Name of hibari's voice."""
VOICES = {HIBARI: 0.4, "slt": 0.2, "rms": 0.22, "kal16": 0.08, "awb": 0.1}
"""Voice -> its share of the minutes; all but the first are flite's. Two are female (heart, slt)."""

DRAWN_OUT = 0.15
"""Share of the sentences that are."""

BITE = 0.6
"""Share of the opening that the lower lip closes for f and v; the slit that is left lets the air through."""

_FLOAT32 = 1
_DURATIONS = "/Clip_output_0"
_UNIT = 0.025

_FLITE_PHONES = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "W", "ax": "ə", "ay": "I", "ch": "ʧ", "dh": "ð", "eh": "ɛ",
    "er": "ɜ", "ey": "A", "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "i", "jh": "ʤ", "ng": "ŋ", "ow": "O", "oy": "Y",
    "pau": "", "r": "ɹ", "sh": "ʃ", "th": "θ", "uh": "ʊ", "uw": "u", "y": "j", "zh": "ʒ",
}  # fmt: skip
"""flite's phone -> IPA as in `visemes.VISEMES`, where they differ."""

_COMMON = [
    "the", "a", "of", "to", "and", "in", "that", "we", "you", "my", "by", "for", "have", "with", "be", "more", "people",
    "about", "before", "above", "map", "moment", "five", "very", "over", "move", "from", "maybe", "problem", "open",
    "up", "am", "but", "off", "job", "half", "home", "may", "pay", "bob", "pipe", "mom", "baby", "paper", "family",
]  # fmt: skip


def is_held_out(name: str) -> bool:
    """Whether the sentence of this name (``VOICE_NNN``) measures and never trains."""
    return name.endswith(HELD_OUT_ENDING) or name.split("_")[0] in HELD_OUT_VOICES


def load_spoken(folder: Path, model: FaceModel) -> list[Take]:
    """Every sentence in `folder` with the motion that co-articulation rules give it."""
    takes = []
    for path in sorted(folder.glob("*.json")):
        samples = load(path.with_suffix(".flac"))
        levels = level.level(samples)
        times = np.arange(len(levels)) / FPS
        weights, shut, bite = articulate(read_phones(path), times, model.names)
        # The last phone of a phrase lasts into the pause after it; the mouth does not.
        awake = 1 - rest(level.silence(levels), FPS)
        face = model.neutral + model.displacement(weights * awake[:, None].astype(np.float32))
        face = close_lips(face, BITE * bite, lower_share=1.0)
        motion = keep_apart(close_lips(face, shut)) - model.neutral
        takes.append(Take(path.stem, samples, motion.astype(np.float32), FPS))
    return takes


def load_sounds(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and samples (N,) at 16 kHz of every sentence in `folder`."""
    for path in sorted(folder.glob("*.json")):
        yield path.stem, load(path.with_suffix(".flac"))


def read_phones(path: Path) -> list[Phone]:
    """The phones of one sentence from its JSON file."""
    return [(str(s), float(a), float(b)) for s, a, b in json.loads(path.read_text(encoding="utf-8"))]


def speak_sentences(out: Path, minutes: float, seed: int, voices: Mapping[str, float] = VOICES) -> None:
    """Write sentences of random words into `out`, `minutes` of them, shared among the voices."""
    import soundfile

    out.mkdir(parents=True, exist_ok=True)
    words = _lexicon()
    for voice, share in voices.items():
        rng = np.random.default_rng([seed, *voice.encode()])
        say = _hibari() if voice == HIBARI else partial(_flite, voice)
        seconds, index = 0.0, 0
        while seconds < 60 * minutes * share:
            samples, rate, phones = say(_sentence(words, rng), rng)
            path = out / f"{voice}_{index:03d}.flac"
            soundfile.write(path, samples, rate)
            path.with_suffix(".json").write_text(json.dumps(phones, ensure_ascii=False), encoding="utf-8")
            seconds, index = seconds + len(samples) / rate, index + 1


def _lexicon() -> list[str]:
    import hibari.tts  # pyright: ignore[reportMissingImports]

    with gzip.open(Path(hibari.tts.ASSETS) / "lexicon_us_gold.json.gz") as file:
        return sorted(
            word for word in json.load(file) if word.isalpha() and word.islower() and 3 <= len(word) <= 8
        )


def _sentence(words: list[str], rng: np.random.Generator) -> str:
    """Half common words, half any; often with a pause."""
    count = rng.integers(5, 11)
    some = [str(rng.choice(_COMMON if rng.random() < 0.5 else words)) for _ in range(count)]
    if rng.random() < 0.5:
        some[rng.integers(1, count - 2)] += ","
    return " ".join(some).capitalize() + rng.choice([".", "!", "?"])


def _hibari() -> Speak:
    import hibari.tts  # pyright: ignore[reportMissingImports]

    voice = hibari.tts.Hibari()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "voice.onnx"
        model.write_bytes(Path(voice.model_path).read_bytes() + extra_output(_DURATIONS, _FLOAT32))
        return partial(_say, hibari.tts.Hibari(model=str(model)))


def _say(voice: Any, text: str, rng: np.random.Generator) -> Spoken:
    from hibari import dsp  # pyright: ignore[reportMissingImports]

    symbols = [c for c in " ".join(voice.phonemize(text)) if c in voice.vocab]
    ids = np.array([[0, *[voice.vocab[c] for c in symbols], 0]], np.int64)
    speed = np.array([1 / _stretch(rng)], np.float32)
    out = voice.sess.run(None, {"ids": ids, "speed": speed})
    synth: Callable[..., np.ndarray] = dsp.synth
    samples = synth(*(array[0] for array in out[:6]), rng)
    ends = np.cumsum(np.round(out[6].reshape(-1))) * _UNIT
    return samples, RATE, _between(["", *symbols, ""], ends)


def _flite(voice: str, text: str, rng: np.random.Generator) -> Spoken:
    import soundfile

    stretch, pitch = _stretch(rng), rng.uniform(0.85, 1.2)
    base = {"slt": 170, "rms": 100, "awb": 120}.get(voice, 105)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "spoken.wav"
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}"]
        command += [
            "--setf",
            f"int_f0_target_mean={base * pitch:.0f}",
            "-t",
            text,
            "-psdur",
            "-o",
            str(sound),
        ]
        told = subprocess.run(command, check=True, capture_output=True, encoding="ascii").stdout.split()
        samples, rate = soundfile.read(sound, dtype="float32")
    pairs = [phone.split(":") for phone in told]
    symbols = [_FLITE_PHONES.get(name, name) for name, _ in pairs]
    return samples, rate, _between(symbols, np.array([float(end) for _, end in pairs]))


def _stretch(rng: np.random.Generator) -> float:
    """How slowly a sentence is spoken; some are drawn out as in a song."""
    return float(rng.uniform(1.5, 2.6) if rng.random() < DRAWN_OUT else rng.uniform(0.75, 1.3))


def _between(symbols: list[str], ends: np.ndarray) -> list[Phone]:
    """Phones that follow one another without a gap from 0 on."""
    starts = np.concatenate([[0.0], ends[:-1]])
    return [(s, float(a), float(b)) for s, a, b in zip(symbols, starts, ends, strict=True)]


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="lpcore train synthetic", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    speak_sentences(options.out, options.minutes, options.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
