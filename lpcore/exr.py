"""OpenEXR files of finished frames for compositing: half floats, scene-linear, alpha premultiplied, ZIP compression.

Written by hand, because no library that the engine needs anyway writes them. Layout after the OpenEXR project's "File
Layout" document: header attributes, a table of offsets, then blocks of 16 lines.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np

_LINES = 16
_HALF, _ZIP = 1, 3


def encode_exr(image: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """The EXR file of an 8-bit sRGB picture (H, W), (H, W, 3) RGB or (H, W, 4) straight RGBA.

    texts: string attributes, for example {"comments": "..."}.
    """
    planes = _linear(image)
    height, width = image.shape[:2]
    names = sorted(planes)
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", _HALF, 0, 1, 1) for name in names)
    attributes = [
        ("channels", "chlist", channels + b"\0"),
        ("compression", "compression", bytes([_ZIP])),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
        *((name, "string", text.encode()) for name, text in (texts or {}).items()),
    ]
    header = struct.pack("<ii", 20000630, 2)
    for name, kind, data in attributes:
        header += name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(data)) + data
    header += b"\0"
    # One line after the other, in it one channel after the other.
    lines = np.stack([planes[name] for name in names], axis=1)
    blocks = [_block(lines[first : first + _LINES], first) for first in range(0, height, _LINES)]
    start = len(header) + 8 * len(blocks)
    offsets = np.cumsum([start, *(len(block) for block in blocks[:-1])])
    return header + struct.pack(f"<{len(blocks)}Q", *offsets) + b"".join(blocks)


def _linear(image: np.ndarray) -> dict[str, np.ndarray]:
    """Channel name -> (H, W) half floats."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    colour = light[image[..., :3] if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)]
    planes = {}
    if image.ndim == 3 and image.shape[2] == 4:
        planes["A"] = image[..., 3] / 255
        colour = colour * planes["A"][..., None]
    planes |= {name: colour[..., index] for index, name in enumerate("RGB")}
    return {name: plane.astype("<f2") for name, plane in planes.items()}


def _block(lines: np.ndarray, first: int) -> bytes:
    raw = lines.tobytes()
    data = np.frombuffer(raw, np.uint8)
    # Low bytes before high bytes, then differences: what zlib packs best.
    split = np.concatenate([data[::2], data[1::2]])
    differences = split.copy()
    differences[1:] = split[1:] - split[:-1] + np.uint8(128)
    packed = zlib.compress(differences.tobytes(), 4)
    if len(packed) >= len(raw):
        packed = raw
    return struct.pack("<ii", first, len(packed)) + packed
