"""Reading photos: every kind of pixel becomes upright 8-bit RGB on white, and nothing else passes."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from lpcore.errors import LpError
from lpcore.face.load import load

COLOURS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
GREY = COLOURS[..., 0]


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def failure_of(photo):
    with pytest.raises(LpError) as caught:
        load(photo)
    return caught.value


def test_eight_bit_colour_is_exact(tmp_path):
    pixels, digest, name = load(save(tmp_path / "a.png", COLOURS))
    assert np.array_equal(pixels, COLOURS) and pixels.dtype == np.uint8
    assert len(digest) == 64 and name.endswith("a.png")


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit(tmp_path, suffix):
    for pixels in (COLOURS, GREY):
        path = tmp_path / f"deep{pixels.ndim}{suffix}"
        wide = pixels.astype(np.uint16) * 257
        cv2.imwrite(str(path), wide[..., ::-1] if pixels.ndim == 3 else wide)
        found = load(path)[0]
        expected = COLOURS if pixels.ndim == 3 else np.dstack([GREY] * 3)
        assert np.abs(found.astype(int) - expected).max() <= 1


def test_alpha_is_composed_on_white(tmp_path):
    alpha = np.zeros((24, 32), np.uint8)
    alpha[:, 16:], alpha[:, 24:] = 128, 255
    found = load(save(tmp_path / "a.webp", np.dstack([COLOURS, alpha]), lossless=True, exact=True))[0]
    assert (found[:, :16] == 255).all() and np.array_equal(found[:, 24:], COLOURS[:, 24:])
    half = 255 - (255 - COLOURS[:, 16:24].astype(float)) * 128 / 255
    assert np.abs(found[:, 16:24] - half).max() <= 1
    grey = load(save(tmp_path / "la.png", np.dstack([GREY, alpha])))[0]
    assert (grey[:, :16] == 255).all() and np.array_equal(grey[:, 24:, 1], GREY[:, 24:])


def test_palette_with_transparency(tmp_path):
    image = Image.fromarray(COLOURS).quantize(16)
    image.save(tmp_path / "p.png", transparency=0)
    found = load(tmp_path / "p.png")[0]
    assert (found[np.asarray(image) == 0] == 255).all()


def test_grey_and_print_colours(tmp_path):
    assert np.array_equal(load(save(tmp_path / "g.png", GREY))[0], np.dstack([GREY] * 3))
    Image.fromarray(np.full((8, 8, 4), (0, 255, 255, 0), np.uint8), "CMYK").save(
        tmp_path / "c.jpg", quality=100
    )
    red, green, blue = load(tmp_path / "c.jpg")[0][4, 4].astype(int)
    assert red > 200 and max(green, blue) < 60
    Image.fromarray(GREY > 127).save(tmp_path / "bits.tiff")
    assert np.array_equal(load(tmp_path / "bits.tiff")[0][..., 0] == 255, GREY > 127)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(tmp_path, orientation, suffix):
    shown = COLOURS
    stored = {
        1: shown, 2: shown[:, ::-1], 3: shown[::-1, ::-1], 4: shown[::-1],
        5: shown.swapaxes(0, 1), 6: np.rot90(shown), 7: np.rot90(shown[:, ::-1], -1), 8: np.rot90(shown, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"o{suffix}", np.ascontiguousarray(stored), exif=exif)
    assert np.array_equal(load(path)[0], shown)


@pytest.mark.parametrize("entry", [(0x0100, 1), (0x0100, 6), (0x010E, 11), (0x011A, 1), (0x8769, 6)])
def test_malformed_metadata_keep_no_photo_out(tmp_path, entry):
    """Entries (tag, type) whose type is not the tag's: the width as a byte, the description as a number, ..."""
    entries = struct.pack("<HHII", *entry, 1, 0xFFFFFFFF) + struct.pack("<HHII", 0x0112, 3, 1, 6)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    upright = load(save(tmp_path / "plain.jpg", COLOURS))[0]
    assert np.array_equal(load(save(tmp_path / "odd.jpg", COLOURS, exif=exif))[0], np.rot90(upright, -1))


def test_what_a_decoder_raises_makes_the_photo_unreadable(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", COLOURS)
    for failure in (TypeError("bad operand"), struct.error("argument out of range"), KeyError(1)):

        def fail(image, failure=failure):
            raise failure

        monkeypatch.setattr(Image.Image, "getexif", fail)
        assert failure_of(path).code == "PHOTO_UNREADABLE"


def test_a_picture_of_too_many_pixels_is_called_that(tmp_path):
    def chunk(kind, content=b""):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 15000, 13000, 8, 2, 0, 0, 0))
    path = tmp_path / "wall.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT") + chunk(b"IEND"))
    error = failure_of(path)
    assert (error.code, error.detail) == ("PHOTO_TOO_LARGE", str(path))


def test_arrays():
    assert np.array_equal(load(COLOURS)[0], COLOURS)
    assert np.array_equal(load(COLOURS.astype(np.uint16) * 257)[0], COLOURS)
    assert np.array_equal(load(COLOURS / 255.0)[0], COLOURS)
    assert np.array_equal(load(GREY)[0], np.dstack([GREY] * 3))
    assert (load(np.dstack([COLOURS, np.zeros_like(GREY)]))[0] == 255).all()
    assert load(COLOURS)[1] != load(COLOURS[::-1].copy())[1]


def test_arrays_that_are_no_picture():
    for shape in ((5,), (4, 4, 2), (0, 4, 3)):
        assert failure_of(np.zeros(shape, np.uint8)).code == "PHOTO_UNREADABLE"
    assert failure_of(np.zeros((4, 4), np.int64)).code == "PHOTO_UNREADABLE"


def test_files_that_are_no_picture(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("This is not a photo.")
    whole = save(tmp_path / "whole.jpg", COLOURS).read_bytes()
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(whole[: len(whole) // 2])
    empty = tmp_path / "empty.png"
    empty.touch()
    for path in (text, torn, empty):
        error = failure_of(path)
        assert (error.code, error.detail) == ("PHOTO_UNREADABLE", str(path))
    for path in (tmp_path / "nowhere.png", tmp_path):
        assert failure_of(path).code == "PHOTO_MISSING"
