"""What becomes of a drawing without the network: line weight, ink, paper, alpha; EXR files."""

import io
import json

import cv2
import numpy as np
import pytest
from exr_files import read_exr
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from lpcore import protocol
from lpcore.errors import LpError
from lpcore.exr import encode_exr
from lpcore.finish import Finish
from lpcore.frames import encode_png, read_png


def bar() -> np.ndarray:
    image = np.full((40, 40), 255, np.uint8)
    image[18:22] = 0
    return image


@pytest.mark.parametrize(
    ("weight", "rows"), [(0.0, 4.0), (1.0, 6.0), (0.5, 5.0), (2.5, 9.0), (-1.0, 2.0), (-0.5, 3.0)]
)
def test_line_weight_moves_each_edge_by_its_amount(weight, rows):
    finished = Finish(weight=weight).drawn(bar(), 1.0)
    assert (1 - finished[:, 20] / 255).sum() == pytest.approx(rows, abs=0.01)


def test_line_weight_is_the_same_at_every_size():
    large = cv2.resize(bar(), (80, 80), interpolation=cv2.INTER_NEAREST)
    finished = Finish(weight=1.0).drawn(large, 2.0)
    assert (1 - finished[:, 40] / 255).sum() == pytest.approx(12, abs=0.01)


def finished(finish: Finish, drawing: np.ndarray) -> np.ndarray:
    """What another program reads of a finished frame, as (H, W, 4) RGBA."""
    picture = finish.coloured(encode_png(finish.drawn(drawing, 1.0)))
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))


def test_ink_and_paper_and_transparency():
    grey = np.array([[0, 255, 128]], np.uint8)
    coloured = finished(Finish(ink=(10, 20, 30), paper=(250, 240, 230)), grey)
    assert coloured[0].tolist() == [[10, 20, 30, 255], [250, 240, 230, 255], [130, 130, 130, 255]]
    clear = finished(Finish(ink=(10, 20, 30), alpha=True), grey)
    assert clear[0].tolist() == [[10, 20, 30, 255], [10, 20, 30, 0], [10, 20, 30, 127]]
    assert finished(Finish(mark=False), grey)[0, :, 0].tolist() == [0, 255, 128]


def test_drawings_in_colour_keep_theirs_and_can_be_transparent():
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[0] = 255
    assert Finish(ink=(9, 9, 9), weight=1.0).drawn(colour, 1) is colour
    assert Finish(alpha=True).drawn(colour, 1)[..., 3].tolist() == [[0, 0], [255, 255]]


@given(arrays(np.uint8, (3, 4, 3)))
def test_a_transparent_drawing_over_white_is_the_drawing(drawing):
    clear = Finish(alpha=True).drawn(drawing, 1).astype(np.float64)
    alpha = clear[..., 3:] / 255
    assert np.array_equal(np.rint(clear[..., :3] * alpha + 255 * (1 - alpha)), drawing)
    assert np.array_equal(clear[..., 3] == 0, (drawing == 255).all(-1))


@pytest.mark.parametrize(
    "values",
    [
        {"weight": 9},
        {"weight": "x"},
        {"weight": True},
        {"weight": float("nan")},
        {"ink": [0, 0]},
        {"ink": [0, 0, 300]},
        {"ink": [0, 0, True]},
        {"ink": {0: 1, 1: 1, 2: 1}},
        {"paper": 3},
        {"alpha": 1},
        {"alpha": "no"},
        {"mark": None},
        {"gloss": 1},
    ],
)
def test_what_is_no_finish_is_refused(values):
    with pytest.raises(LpError, match="no finish"):
        Finish.from_dict(values)


def test_a_finish_survives_the_pipe():
    finish = Finish(0.5, (1, 2, 3), (4, 5, 6), False, False)
    request = protocol.Draw(1, "p", "m", "f", finish=finish.to_dict(), former=["x"], recipe={"a": 1})
    heard = protocol.decode_request(protocol.encode(request))
    assert heard == request and isinstance(heard, protocol.Draw)
    assert Finish.from_dict(json.loads(json.dumps(heard.finish))) == finish


@pytest.mark.parametrize("content", [b"", b"no picture", encode_png(np.zeros((8, 8), np.uint8))[:30]])
def test_a_file_that_is_no_picture_is_named(content):
    with pytest.raises(LpError) as caught:
        read_png(content, "frame_00001.png")
    assert (caught.value.code, caught.value.detail) == ("FRAME_UNREADABLE", "frame_00001.png")


@pytest.mark.parametrize("shape", [(5, 3), (33, 20), (40, 7, 3), (17, 9, 4)])
def test_exr_holds_linear_light(tmp_path, shape):
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "x.exr"
    path.write_bytes(encode_exr(image))
    channels = read_exr(path)
    red = (image if image.ndim == 2 else image[..., 0]) / 255
    light = np.where(red <= 0.04045, red / 12.92, ((red + 0.055) / 1.055) ** 2.4)
    alpha = image[..., 3] / 255 if shape[2:] == (4,) else 1
    assert np.abs(channels["R"] - light * alpha).max() < 1e-3
    assert ("A" in channels) == (shape[2:] == (4,))
