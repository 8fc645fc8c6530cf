"""Windows of a photo: the way there and back, and pixels that stay where they belong."""

import math

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.face.crop import crop_window
from lpcore.face.window import BLACK, cut, to_photo, to_window, window
from lpcore.types import CROP

coordinates = st.floats(-5000, 5000)
windows = st.builds(
    window, st.tuples(coordinates, coordinates), st.floats(20, 8000), st.floats(-math.pi, math.pi)
)


@given(windows, st.tuples(coordinates, coordinates, coordinates))
def test_round_trip(place, point):
    there = to_window(np.array([point]), place)
    assert np.allclose(to_photo(there, place), point, atol=1e-6 * max(1, 1 / place.scale))
    assert np.allclose(to_window(to_photo(np.array([point]), place), place), point, atol=1e-5)


@given(windows)
def test_transform_is_the_documented_similarity(place):
    c, s = math.cos(place.roll), math.sin(place.roll)
    centre = to_photo(np.array([255.5, 255.5]), place)
    assert np.allclose(centre, place.centre)
    right = to_photo(np.array([256.5, 255.5]), place) - centre
    assert np.allclose(right * place.scale, (c, s), atol=1e-6)
    assert np.allclose(place.matrix()[:, :2] @ place.inverse_matrix()[:, :2], np.eye(2), atol=1e-9)


@settings(deadline=None)
@given(
    st.floats(150, 900), st.floats(-math.pi, math.pi), st.sampled_from([64, 128, 192, 512]), st.integers(0, 3)
)
def test_cut_reads_the_right_places_at_every_scale(side, roll, size, seed):
    """On a slope of grey each pixel tells the place it was read from."""
    x, y = np.meshgrid(np.arange(1600, dtype=np.float32), np.arange(1500, dtype=np.float32))
    along = np.random.default_rng(seed).uniform(-0.1, 0.1, 2)
    photo = (along[0] * x + along[1] * y).astype(np.float32)
    place = window((800.3, 740.8), side, roll)
    axis = (np.arange(size) + 0.5) * CROP / size - 0.5
    read = to_photo(np.stack(np.meshgrid(axis, axis), axis=-1), place)
    # OpenCV interpolates at 1/32 pixel of the image it reads, which has about half the window's pixel size.
    tolerance = 0.25 * max(1.0, side / size) * np.abs(along).sum() + 1e-3
    assert np.abs(cut(photo, place, size) - read @ along).max() < tolerance


def test_cut_does_not_skip_pixels():
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255
    image = cut(stripes, window((1000, 1000), 1600), 128)
    assert np.abs(image.astype(int) - 127.5).max() < 12


def test_outside_the_photo():
    photo = np.full((100, 100, 3), 200, np.uint8)
    for side in (300, 3000):
        place = window((0, 0), side)
        assert cut(photo, place, 128)[0, 0].tolist() == [200, 200, 200]
        assert cut(photo, place, 128, BLACK)[0, 0].tolist() == [0, 0, 0]
    assert cut(photo, window((5000, 5000), 2000), 128, BLACK).max() == 0


@given(st.floats(0.2, 20), st.floats(-1000, 1000), st.floats(-math.pi, math.pi))
def test_crop_follows_the_face(scale, shift, roll):
    """The crop shows a moved, scaled and (beyond 15 degrees) turned face in the same place."""
    face = np.array([[0, 0], [100, 5], [50, 95], [20, 10], [80, 12]], np.float64)
    upright = to_window(face, crop_window(face, 0.0))
    c, s = math.cos(roll), math.sin(roll)
    turn = np.array([[c, -s], [s, c]]) if abs(roll) > math.radians(15) else np.eye(2)
    moved = scale * face @ turn.T + shift
    assert np.allclose(to_window(moved, crop_window(moved, roll)), upright, atol=1e-6)


def test_reduced_and_direct_views_agree():
    """Either way of reading (straight, or through a reduced copy) shows the same picture."""
    rng = np.random.default_rng(1)
    photo = cv2.GaussianBlur(rng.uniform(0, 255, (800, 800)).astype(np.float32), (0, 0), 12)
    place = window((410, 395), 500, 0.3)
    direct = cv2.warpAffine(photo, place.matrix(), (CROP, CROP))
    blocks = direct.reshape(128, 4, 128, 4).mean(axis=(1, 3))
    assert np.abs(cut(photo, place, 128) - blocks).max() < 0.3
