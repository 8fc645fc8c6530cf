"""What stands in a PNG file beside its pixels: texts, a palette, and whether the pixels are those once written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 8 + 13 + 4
XMP = "XML:com.adobe.xmp"


def with_texts(png: bytes, texts: Mapping[str, str]) -> bytes:
    """The same picture with `texts` (keyword -> UTF-8 text) right behind its header."""
    chunks = (
        _chunk(b"iTXt", word.encode("latin-1") + b"\0\0\0\0\0" + text.encode())
        for word, text in texts.items()
    )
    return png[:_HEADER_END] + b"".join(chunks) + png[_HEADER_END:]


def without_texts(png: bytes) -> bytes:
    """The same picture without what `with_texts` wrote."""
    chunks = (_chunk(kind, data) for kind, data in _chunks(png) if kind != b"iTXt")
    return _SIGNATURE + b"".join(chunks)


def with_palette(png: bytes, colours: Sequence[Sequence[int]], alphas: Sequence[int] | None = None) -> bytes:
    """The 8-bit grey picture `png` with 256 RGB `colours`, and `alphas` (0 = clear), in the place of its greys."""
    assert is_grey(png), "a palette stands in the place of greys"
    header = bytearray(png[len(_SIGNATURE) + 8 : _HEADER_END - 4])
    header[9] = 3  # from here on the pixels are indices
    chunks = [_chunk(b"IHDR", bytes(header)), _chunk(b"PLTE", bytes(part for one in colours for part in one))]
    if alphas is not None:
        chunks.append(_chunk(b"tRNS", bytes(alphas)))
    return _SIGNATURE + b"".join(chunks) + png[_HEADER_END:]


def is_grey(png: bytes) -> bool:
    """Whether the picture is 8-bit grey."""
    return png[len(_SIGNATURE) + 16 : len(_SIGNATURE) + 18] == b"\x08\x00"


def texts(png: bytes) -> dict[str, str]:
    """The texts that `with_texts` wrote; empty for what is no whole PNG file."""
    found = {}
    for kind, data in _chunks(png):
        if kind == b"iTXt":
            word, _, rest = data.partition(b"\0")
            found[word.decode("latin-1")] = rest[4:].decode("utf-8", "replace")
    return found


def pixel_checksum(png: bytes) -> str:
    """Eight hex digits over the compressed pixels; empty for what is no whole PNG file."""
    checksum, last = 0, b""
    for kind, data in _chunks(png):
        last = kind
        if kind == b"IDAT":
            checksum = zlib.crc32(data, checksum)
    return f"{checksum:08x}" if last == b"IEND" else ""


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, data) of the chunks as far as they are complete."""
    if not png.startswith(_SIGNATURE):
        return
    at = len(_SIGNATURE)
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        end = at + 12 + length
        if end > len(png):
            return
        yield png[at + 4 : at + 8], png[at + 8 : end - 4]
        at = end


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
