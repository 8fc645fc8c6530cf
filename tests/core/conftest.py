"""Worlds for the core tests: made-up portraits and talking landmarks, without any downloaded weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import settings
from safetensors.torch import save_file

from lpcore.audio import content
from lpcore.types import CropTransform, FaceBox, Portrait
from lpcore.weights import store

# Everybody's run tries the same examples: a failure comes back, and no run fails by luck.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def frontal_face() -> np.ndarray:
    """(68, 3) float32 landmarks of a schematic frontal face with closed lips, crop units."""
    jaw = [(256 - 150 * np.cos(a), 200 + 230 * np.sin(a)) for a in np.linspace(0, np.pi, 17)]
    brow = [
        (x, 165 - 14 * np.sin(t))
        for x, t in zip(np.linspace(135, 225, 5), np.linspace(0, np.pi, 5), strict=True)
    ]
    brow += [(512 - x, y) for x, y in reversed(brow)]
    nose = [(256, y) for y in (200, 230, 260, 290)] + [(x, 310) for x in (226, 241, 256, 271, 286)]
    eye = [(155, 205), (172, 195), (192, 195), (208, 207), (192, 214), (172, 214)]
    eye += [(512 - eye[k][0], eye[k][1]) for k in (3, 2, 1, 0, 5, 4)]
    upper = [(206, 360), (226, 350), (246, 345), (256, 348), (266, 345), (286, 350), (306, 360)]
    lower = [(286, 374), (268, 380), (256, 381), (244, 380), (226, 374)]
    inner = [(212, 360), (240, 360), (256, 360), (272, 360), (300, 360), (272, 361), (256, 361), (240, 361)]
    points = np.array([*jaw, *brow, *nose, *eye, *upper, *lower, *inner], dtype=np.float32)
    return np.column_stack([points, np.zeros(68, np.float32)]).astype(np.float32)


def drop_jaw(face: np.ndarray, amount: float) -> np.ndarray:
    """The face with lower lip and chin lowered by `amount` crop units."""
    moved = face.copy()
    moved[[55, 56, 57, 58, 59, 65, 66, 67], 1] += amount
    moved[5:12, 1] += 0.8 * amount
    return moved


def drawn_with_threads(draw: Callable[[], Iterable[np.ndarray]], counts: Sequence[int]) -> list[np.ndarray]:
    """What `draw` gives with each of these numbers of torch's threads, which it has to leave as they are."""
    before, found = torch.get_num_threads(), []
    try:
        for threads in counts:
            torch.set_num_threads(threads)
            found.append(np.stack(list(draw())))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    return found


@pytest.fixture
def face() -> np.ndarray:
    return frontal_face()


@pytest.fixture
def portrait(face: np.ndarray) -> Portrait:
    """A drawn head on grey, matte included."""
    image = np.full((512, 512, 3), 200, np.uint8)
    matte = np.zeros((512, 512), np.uint8)
    cv2.ellipse(matte, (256, 230), (165, 215), 0, 0, 360, 255, -1)
    image[matte > 0] = (220, 180, 160)
    for curve in (range(17), range(17, 22), range(22, 27), range(36, 42), range(42, 48), range(48, 60)):
        cv2.polylines(image, [face[list(curve), :2].astype(np.int32)], False, (30, 20, 20), 3)
    soft = cv2.GaussianBlur(matte, (0, 0), 2).astype(np.float32) / 255
    box = FaceBox(106, 100, 300, 330, 0.9)
    crop = CropTransform((255.5, 255.5), 1.0)
    return Portrait("0" * 64, image, soft, (box,), 0, crop, image, soft, face, np.ones(68, np.float32))


@pytest.fixture
def small_drawer(tmp_path, monkeypatch):
    """A tiny static drawer with made-up weights in place of the trained file."""
    from lpcore.drawing.drawer import DrawerConfig, StaticDrawer

    torch.manual_seed(0)
    config = DrawerConfig(widths=(8, 8))
    tensors = {k: v for k, v in StaticDrawer(config).state_dict().items() if "num_batches" not in k}
    path = tmp_path / "static_drawer.safetensors"
    header = {"config": json.dumps(asdict(config))}
    save_file(tensors, path, metadata=header)
    monkeypatch.setattr(store, "OWN_FOLDERS", (tmp_path, *store.OWN_FOLDERS))
    return config


@pytest.fixture
def babble(tmp_path, monkeypatch) -> Path:
    """Three seconds of sound with a pause from 1.2 s to 2 s, and made-up features with some p, b and m."""

    def features(samples, progress=lambda *_: None):
        frames = -(-len(samples) // 320)
        rng = np.random.default_rng(7)
        result = rng.standard_normal((frames, content.WIDTH)).astype(np.float32).cumsum(axis=0) / 4
        result[:, content.HIDDEN :] = 0
        result[20::25, content.BILABIALS[0]] = 1
        progress("listen to the speech", 1.0)
        return result

    monkeypatch.setattr(content, "features", features)
    time = np.arange(48000) / 16000
    sound = 0.4 * np.sin(2 * np.pi * 200 * time) * ((time < 1.2) | (time > 2.0))
    path = tmp_path / "babble.wav"
    soundfile.write(path, sound, 16000)
    return path
