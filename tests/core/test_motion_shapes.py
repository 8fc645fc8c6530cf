"""Deriving the tables of emotions and mouths from a face model: here one whose expressions are made up."""

from __future__ import annotations

import numpy as np
import pytest

from lpcore.motion.shapes import MOUTHS, load_shapes
from lpcore.points68 import BROWS, INNER_LIP_PAIRS
from lpcore.train import face_shapes
from lpcore.train.face_shapes import CLOSED, MOUTH_RECIPES, RECIPES, emotion_table, main, mouth_table
from lpcore.train.ict import VERTICES, FaceModel
from lpcore.types import EMOTIONS

NAMES = sorted({name for shape in (*RECIPES.values(), *MOUTH_RECIPES.values()) for name in shape} - {CLOSED})
SIDED = [
    name + side
    for name in NAMES
    if name not in ("jawOpen", "mouthFunnel", "mouthPucker")
    for side in ("_L", "_R")
]


@pytest.fixture
def data(tmp_path, face):
    """ict/ict_light.npz with every expression the recipes name, most of them with sides, moving at random."""
    rng = np.random.default_rng(0)
    count, names = max(VERTICES) + 1, ["jawOpen", "mouthFunnel", "mouthPucker", *SIDED]
    neutral = np.zeros((count, 3), np.float32)
    neutral[list(VERTICES)] = (face - 256) * [0.04, -0.04, -0.04]
    expressions = rng.standard_normal((len(names), count, 3)).astype(np.float16) / 4
    (tmp_path / "ict").mkdir()
    np.savez(
        tmp_path / "ict" / "ict_light.npz",
        neutral=neutral,
        ids=expressions[:2],
        expr=expressions,
        names=names,
    )
    return tmp_path


def test_emotions_are_sums_of_both_sides_and_leave_the_gap(data):
    model = FaceModel.load(data / "ict" / "ict_light.npz")
    table = dict(zip(EMOTIONS, emotion_table(model), strict=True))
    assert not table["neutral"].any()
    scale = model.face(np.zeros(0))[1]
    column = {name: model.expressions[k] for k, name in enumerate(model.names)}
    expected = sum(
        weight * (column[name] if name in column else column[f"{name}_L"] + column[f"{name}_R"])
        for name, weight in RECIPES["angry"].items()
    )
    np.testing.assert_allclose(table["angry"][list(BROWS)], scale * expected[list(BROWS)], atol=1e-5)
    for shape in table.values():
        for upper, lower in INNER_LIP_PAIRS:
            np.testing.assert_allclose(shape[upper], shape[lower], atol=1e-5)


def test_closed_mouths_are_closed(data):
    model = FaceModel.load(data / "ict" / "ict_light.npz")
    faces = dict(zip(MOUTHS, face_shapes.rest_face(model) + mouth_table(model), strict=True))
    for name, face in faces.items():
        gaps = np.array([face[lower] - face[upper] for upper, lower in INNER_LIP_PAIRS])
        assert (np.abs(gaps).max() < 1e-5) == (name in "AX"), name


def test_what_the_trainer_writes_is_read(data, tmp_path, monkeypatch):
    path = tmp_path / "shapes.safetensors"
    main(["--data", str(data), "--out", str(path)])
    monkeypatch.setattr("lpcore.weights.require", lambda name: path)
    shapes, model = load_shapes(), FaceModel.load(data / "ict" / "ict_light.npz")
    np.testing.assert_array_equal(shapes.rest, face_shapes.rest_face(model))
    np.testing.assert_array_equal(shapes.emotions, emotion_table(model))
    np.testing.assert_array_equal(shapes.mouths, mouth_table(model))
