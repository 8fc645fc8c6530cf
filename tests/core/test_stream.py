"""Frames of a whole portrait by the warped static drawing, with made-up drawer weights."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from conftest import drop_jaw

from lpcore.drawing.stream import FrameStream as AnyStream
from lpcore.errors import LpError
from lpcore.types import CropTransform, Portrait

FrameStream = partial(AnyStream, engine="warp")


@pytest.fixture
def in_photo(portrait: Portrait) -> Portrait:
    """The portrait inside a larger photo: crop scale 1.6, off centre."""
    photo = np.full((400, 600, 3), 128, np.uint8)
    matte = np.zeros((400, 600), np.float32)
    crop = CropTransform((350.0, 200.0), 1.6)
    return Portrait("1" * 64, photo, matte, portrait.faces, 0, crop, portrait.image, portrait.matte,
                    portrait.landmarks, portrait.confidence)  # fmt: skip


def test_the_neutral_frame_is_the_static_drawing(small_drawer, portrait):
    stream = FrameStream(portrait, "ink")
    (frame,) = stream.frames(portrait.landmarks[None])
    assert frame.shape == (512, 512) and frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - stream.static).max() <= 1


def test_frames_differ_where_the_mouth_moves_only(small_drawer, portrait):
    stream = FrameStream(portrait, "ink")
    still, moved = stream.frames(np.stack([portrait.landmarks, drop_jaw(portrait.landmarks, 30)]))
    changed = np.abs(still.astype(int) - moved) > 8
    assert changed[340:400].mean() > 0.02
    assert not changed[:150].any()


def test_same_points_same_bytes_in_any_batch(small_drawer, portrait):
    points = np.stack([drop_jaw(portrait.landmarks, a) for a in (0, 10, 20, 30, 20, 10)])
    together = list(FrameStream(portrait, "pen").frames(points))
    again = [next(FrameStream(portrait, "pen").frames(p[None])) for p in points]
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))
    assert np.array_equal(together[2], together[4])


def test_drawing_leaves_later_threads_their_share_of_the_processor(small_drawer, portrait):
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        list(FrameStream(portrait, "ink").frames(portrait.landmarks[None]))
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 4
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("size", [64, 300, 1024])
def test_crop_frames_have_the_size_asked_for(small_drawer, portrait, size):
    stream = FrameStream(portrait, "ink", size)
    assert stream.size == (size, size)
    assert next(stream.frames(portrait.landmarks[None])).shape == (size, size)


def test_photo_frames_move_inside_the_crop_only(small_drawer, in_photo):
    stream = FrameStream(in_photo, "ink", 0, "photo")
    frame = next(stream.frames(drop_jaw(in_photo.landmarks, 30)[None]))
    assert frame.shape == (400, 600)
    changed = np.argwhere(np.abs(frame.astype(int) - stream.static) > 8)
    assert len(changed) > 50
    assert changed[:, 1].min() >= 350 - 160 and changed[:, 1].max() <= 350 + 160


def test_photo_frames_can_be_limited(small_drawer, in_photo):
    assert FrameStream(in_photo, "ink", 300, "photo").size == (300, 200)
    assert FrameStream(in_photo, "ink", 4096, "photo").size == (600, 400)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("chalk",), "STYLE_UNKNOWN"),
        (("ink", 10), "BAD_VALUE"),
        (("ink", 512, "wall"), "BAD_VALUE"),
        (("ink", 9000, "photo"), "BAD_VALUE"),
    ],
)
def test_wrong_choices_are_named(small_drawer, portrait, arguments, code):
    with pytest.raises(LpError) as caught:
        FrameStream(portrait, *arguments)
    assert caught.value.code == code
