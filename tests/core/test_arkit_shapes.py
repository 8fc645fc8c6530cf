"""ARKit's names and shapes come from ICT-FaceKit's expressions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lpcore.train import arkit_shapes
from lpcore.train.ict import FaceModel


def model() -> FaceModel:
    """A face whose ears are 4 apart, with an expression in one part, one of a side, and one in two."""
    neutral = np.zeros((68, 3), np.float32)
    neutral[0, 0], neutral[16, 0] = -2, 2
    expressions = np.zeros((4, 68, 3), np.float32)
    expressions[0, 8] = (0, 1, 9)
    expressions[1, 54] = (0.4, -0.2, 9)
    expressions[2, 22] = expressions[3, 21] = (0, -0.4, 9)
    names = ("jawOpen", "mouthSmile_L", "browInnerUp_L", "browInnerUp_R")
    return FaceModel(neutral, np.zeros((1, 68, 3), np.float32), expressions, names)


def test_shapes_are_shares_of_the_distance_of_the_ears():
    table = arkit_shapes.arkit_table(model())
    assert set(table) == {"jawOpen", "mouthSmileLeft", "browInnerUp", "tongueOut"}
    assert table["jawOpen"][8] == pytest.approx([0, 0.25])
    assert table["mouthSmileLeft"][54] == pytest.approx([0.1, -0.05])
    assert table["browInnerUp"][[21, 22], 1] == pytest.approx([-0.1, -0.1])
    assert not table["tongueOut"].any()


def test_the_shipped_table_has_arkits_names_and_mirrors():
    table = json.loads(arkit_shapes.OUT.read_text())
    assert len(table) == 52
    assert sum(name.endswith("Left") and f"{name[:-4]}Right" in table for name in table) == 20
    left, right = (np.array(table[f"eyeBlink{side}"]) for side in ("Left", "Right"))
    assert left[:, 1].max() > 0.02 > np.abs(left[:42]).max()
    assert np.abs(right[42:48]).max() < 0.005
