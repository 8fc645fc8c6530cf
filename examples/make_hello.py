"""Synthesise hello.flac with hibari-tts; the result is the same on every run."""

from pathlib import Path

import numpy as np
import soundfile
from hibari import Hibari

TEXT = (
    "Hello! I am a portrait, made from a single photo. "
    "Bring me your voice, and my lips become part of a moving picture."
)

samples = Hibari()(TEXT, speed=1.05, seed=0)
samples *= 0.7 / np.abs(samples).max()
soundfile.write(Path(__file__).with_name("hello.flac"), samples, Hibari.sample_rate, subtype="PCM_16")
