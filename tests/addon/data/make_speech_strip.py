"""Makes speech.wav and speech_strip.blend: one sound strip, its left 6 frames trimmed, at frame 11 of a 24 fps scene.

Run with bpy 4.5: 4.2 cannot make sound strips itself but opens a file that 4.5 has saved.
"""

from __future__ import annotations

import wave
from pathlib import Path

import bpy
import numpy as np

HERE = Path(__file__).resolve().parent
RATE = 16000


def main() -> None:
    time = np.arange(RATE) / RATE
    voice = np.sin(2 * np.pi * 140 * time) + 0.5 * np.sin(2 * np.pi * 700 * time)
    voice *= np.clip(np.sin(2 * np.pi * 3 * time), 0, 1) * 0.3
    with wave.open(str(HERE / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((voice * 32767).astype("<i2").tobytes())
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 24
    blend = str(HERE / "speech_strip.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    strip = bpy.context.scene.sequence_editor_create().strips.new_sound(
        "voice", str(HERE / "speech.wav"), 1, 5
    )
    strip.frame_offset_start = 6
    strip.sound.filepath = "//speech.wav"
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=True)
    (HERE / "speech_strip.blend1").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
