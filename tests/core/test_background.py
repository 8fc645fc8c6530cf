"""What stands still behind the person: a photo without them, and no ink where they were."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import drop_jaw

from lpcore.drawing.background import blend, without_person
from lpcore.drawing.static import draw_logits
from lpcore.drawing.stream import FrameStream


@pytest.fixture
def room() -> np.ndarray:
    """(512, 512, 3) a wall, lighter above, with a picture's frame in the corner."""
    wall = np.repeat(np.linspace(220, 150, 512)[:, None], 512, axis=1)
    image = np.stack([wall, wall - 10, wall - 25], axis=-1).astype(np.uint8)
    cv2.rectangle(image, (12, 12), (52, 80), (40, 30, 30), 3)
    return image


@pytest.fixture
def sitter(portrait, room):
    """The portrait's head before the room."""
    share = portrait.matte[..., None]
    image = (portrait.image * share + room * (1 - share)).astype(np.uint8)
    return replace(portrait, image=image, photo=image, photo_matte=portrait.matte)


def test_equation_1_at_its_ends():
    drawn, background = np.full(4, 0.3), np.linspace(0, 1, 4)
    assert np.array_equal(blend(drawn, np.ones(4), background), drawn)
    assert np.array_equal(blend(drawn, np.zeros(4), background), background)


def test_the_person_is_painted_out(sitter, room):
    clean = without_person(sitter.image, sitter.matte)
    assert clean.shape == room.shape and clean.dtype == np.uint8
    assert np.abs(sitter.image.astype(int) - room).max() > 100
    assert np.abs(clean.astype(int) - room)[:, :, 1].max() < 25
    away = sitter.matte == 0
    away &= cv2.distanceTransform(away.astype(np.uint8), cv2.DIST_L2, 5) > 40
    assert np.abs(clean.astype(int) - room)[away].max() <= 2


def test_a_picture_full_of_person_becomes_plain(portrait):
    clean = without_person(portrait.image, np.ones_like(portrait.matte))
    assert (clean == clean[0, 0]).all()


def test_a_picture_without_a_person_stays(room):
    assert np.abs(without_person(room, np.zeros(room.shape[:2], np.float32)).astype(int) - room).max() <= 1


@pytest.mark.parametrize("style", ["ink", "pen"])
def test_the_trained_drawer_leaves_no_contour_where_the_person_was(sitter, style):
    channel = ["ink", "pen"].index(style)
    outline = cv2.morphologyEx((sitter.matte > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((9, 9))) > 0
    outline[-8:] = outline[:8] = False
    everything = np.ones_like(sitter.matte)
    ghost = draw_logits(sitter.image, everything)[channel].sigmoid().numpy()
    clean = draw_logits(without_person(sitter.image, sitter.matte), everything)[channel].sigmoid().numpy()
    assert ghost[outline].max() > 0.5
    assert clean[outline].max() < 0.2


def test_the_stream_draws_the_background_it_is_asked_for(sitter):
    """The picture's frame on the wall is drawn, and stays as the head moves."""
    points = np.stack([sitter.landmarks, drop_jaw(sitter.landmarks, 30)])
    off = FrameStream(sitter, "ink", engine="warp")
    on = FrameStream(sitter, "ink", engine="warp", background=True)
    (corner, moved), corner_off = (f[:90, :60] for f in on.frames(points)), off.static[:90, :60]
    assert (corner < 128).mean() > 0.03 and (corner_off < 128).mean() < 0.01
    assert np.abs(corner.astype(int) - moved).max() <= 3


def test_nothing_is_drawn_beyond_the_photos_edge(sitter, room):
    """The crop repeats the photo's last row there: stripes, were they drawn."""
    photo = room[:400]
    photo[:, ::16] //= 3
    image = np.concatenate([photo, np.repeat(photo[-1:], 112, axis=0)])
    cut_off = replace(sitter, image=image, photo=photo, photo_matte=sitter.matte[:400])
    frame = FrameStream(cut_off, "pen", engine="warp", background=True).static
    beside = np.r_[0:80, 432:512]
    assert (frame[:380, beside] < 128).mean() > 0.01
    assert (frame[430:, beside] < 128).mean() < 0.001
