"""An EXR reader of the tests' own, for the one kind of file that is written."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """The channels of an EXR file as written here, undone step by step."""
    data = path.read_bytes()
    assert struct.unpack_from("<ii", data) == (20000630, 2)
    at, found = 8, {}
    while data[at]:
        name, kind = data[at : data.index(0, at)], None
        at = data.index(0, at) + 1
        kind = data[at : data.index(0, at)]
        at = data.index(0, at) + 1
        (size,) = struct.unpack_from("<i", data, at)
        found[name.decode()] = (kind, data[at + 4 : at + 4 + size])
        at += 4 + size
    _, _, right, bottom = struct.unpack("<4i", found["dataWindow"][1])
    width, height = right + 1, bottom + 1
    names = [name.decode() for name in re.findall(rb"([A-Z])\0", found["channels"][1])]
    lines = []
    for (offset,) in struct.iter_unpack("<Q", data[at + 1 : at + 1 + 8 * -(-height // 16)]):
        first, size = struct.unpack_from("<ii", data, offset)
        count = min(16, height - first)
        raw = data[offset + 8 : offset + 8 + size]
        if size < count * width * len(names) * 2:
            steps = np.frombuffer(zlib.decompress(raw), np.uint8).astype(np.int64)
            steps[1:] -= 128
            split = np.cumsum(steps).astype(np.uint8)
            raw = np.stack([split[: len(split) // 2], split[len(split) // 2 :]], axis=1).tobytes()
        lines.append(np.frombuffer(raw, "<f2").reshape(count, len(names), width))
    return {name: np.concatenate(lines)[:, index] for index, name in enumerate(names)}
