"""What ARKit's 52 face coefficients do to the 68 landmarks: a table for the add-on, derived from ICT-FaceKit.

ICT-FaceKit's expressions carry ARKit's names, but for two that it divides into sides. The tongue is no landmark.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..files import write_atomically
from .ict import FaceModel

OUT = Path(__file__).resolve().parents[2] / "addon" / "arkit.json"
DIGITS = 4
SIDES = {"_L": "Left", "_R": "Right"}
MERGED = ("browInnerUp", "cheekPuff")
TONGUE = "tongueOut"


def arkit_name(expression: str) -> str:
    """ARKit's name of an ICT expression, such as ``mouthSmileLeft`` of ``mouthSmile_L``."""
    for ending, side in SIDES.items():
        if expression.endswith(ending):
            base = expression.removesuffix(ending)
            return base if base in MERGED else base + side
    return expression


def arkit_table(model: FaceModel) -> dict[str, np.ndarray]:
    """ARKit's name -> (68, 2) displacement at coefficient 1: x right, y down, in shares of the distance of the ears."""
    scale = model.face(np.zeros(0))[1]
    ears = float(np.linalg.norm(model.neutral[0] - model.neutral[16])) * scale
    table: dict[str, np.ndarray] = {}
    for name, moved in zip(model.names, model.expressions, strict=True):
        table[arkit_name(name)] = table.get(arkit_name(name), 0) + moved[:, :2] * (scale / ears)
    table[TONGUE] = np.zeros((68, 2), np.float32)
    return dict(sorted(table.items()))


def main(arguments: list[str] | None = None) -> None:
    """Derive the table and write it where the add-on reads it; takes a second."""
    parser = argparse.ArgumentParser(prog="python -m lpcore.train.arkit_shapes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ict/ict_light.npz")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    table = arkit_table(FaceModel.load(options.data / "ict" / "ict_light.npz"))
    rows = [
        f"{json.dumps(name)}: {json.dumps(np.round(moved.astype(float), DIGITS).tolist(), separators=(',', ':'))}"
        for name, moved in table.items()
    ]
    write_atomically(options.out, ("{\n" + ",\n".join(rows) + "\n}\n").encode())


if __name__ == "__main__":
    main()
