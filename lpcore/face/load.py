"""Photos from files and arrays: upright, RGB, 8 bit, alpha composed on white paper."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import LpError

BROKEN = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, ArithmeticError, struct.error)
"""What Pillow raises on broken pixels or metadata, file format by file format."""

_ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings an image upright whose EXIF orientation is the key."""


def load(photo: Path | str | np.ndarray) -> tuple[np.ndarray, str, str]:
    """The photo as (H, W, 3) uint8 RGB, the SHA-256 of its content, and what to call it in a sentence.

    Files: whatever Pillow reads (JPEG, PNG, WebP, BMP, TIFF, ...), turned as their EXIF orientation says, 8 or
    16 bit, grey, palette, CMYK or with alpha. Arrays: (H, W), (H, W, 3) or (H, W, 4), uint8, uint16, or float
    in [0, 1]. Raises LpError ``PHOTO_MISSING``, ``PHOTO_UNREADABLE`` or ``PHOTO_TOO_LARGE`` (beyond what
    Pillow opens). The file is only read.
    """
    if isinstance(photo, np.ndarray):
        digest = hashlib.sha256(f"{photo.dtype}{photo.shape}".encode() + photo.tobytes())
        return _from_array(photo), digest.hexdigest(), "the picture"
    path = Path(photo)
    if not path.is_file():
        raise LpError("PHOTO_MISSING", str(path))
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            file.seek(0)
            with Image.open(file) as image:
                pixels = _pixels(_upright(image))
    except Image.DecompressionBombError as error:
        raise LpError("PHOTO_TOO_LARGE", str(path)) from error
    except BROKEN as error:
        raise LpError("PHOTO_UNREADABLE", str(path)) from error
    return pixels, digest.hexdigest(), str(path)


def _upright(image: Image.Image) -> Image.Image:
    """The image as its metadata say it is to be seen. ImageOps.exif_transpose would write these anew, and fail on
    a photo whose other entries are malformed."""
    image.load()  # decoders that turn the image themselves delete the entry then
    turn = TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":  # grey of 16 or 32 bit
        return _from_array(_unit_range(np.asarray(image, np.float64)))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    return np.array(image.convert("RGB"))


def _unit_range(values: np.ndarray) -> np.ndarray:
    """Deep grey values as shares of their white: 1, 255, 65535 or, beyond that, the brightest pixel."""
    brightest = float(np.nanmax(values, initial=0.0))
    white = next((white for white in (1.0, 255.0, 65535.0) if brightest <= white), brightest)
    return np.nan_to_num(values) / white


def _from_array(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or 0 in array.shape:
        raise LpError("PHOTO_UNREADABLE", f"an array of shape {array.shape}")
    if array.dtype == np.uint16:
        values = array / np.float32(65535)
    elif array.dtype.kind == "f":
        values = np.clip(array.astype(np.float32), 0, 1)
    elif array.dtype == np.uint8:
        values = array / np.float32(255)
    else:
        raise LpError("PHOTO_UNREADABLE", f"an array of {array.dtype}")
    if array.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    colour, alpha = values[..., :3], values[..., 3:]
    if alpha.size:
        colour = colour * alpha + (1 - alpha)
    return np.round(colour * 255).astype(np.uint8)
