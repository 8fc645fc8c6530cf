"""What is measured on drawn frames, against scikit-image, scipy and closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.ndimage import label, map_coordinates
from scipy.spatial.distance import cosine
from skimage.metrics import structural_similarity as reference_similarity
from skimage.morphology import medial_axis

from lpcore.evaluate import drawing_figures as figures


@given(st.integers(0, 2**32 - 1), st.integers(11, 40), st.integers(11, 40), st.floats(0, 60))
@settings(max_examples=30, deadline=None)
def test_structural_similarity_is_scikit_images(seed, height, width, noise):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (height, width), dtype=np.uint8)
    second = (first + rng.normal(0, noise, first.shape)).clip(0, 255).astype(np.uint8)
    wanted = reference_similarity(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert figures.structural_similarity(first, second) == pytest.approx(wanted, abs=1e-9)


def test_still_are_the_persons_pixels_that_read_the_same_place():
    columns, rows = np.meshgrid(np.arange(8.0), np.arange(6.0))
    rest = np.stack([columns, rows], axis=-1)
    moved = rest.copy()
    moved[:, :3, 0] += 0.04
    moved[:, 3:5] += 0.04  # 0.057 pixels away
    person = np.ones((3, 6, 8))
    person[1:, 0] = 0.4
    found = figures.still(np.stack([rest, moved, moved]), person)
    assert found.shape == (2, 6, 8) and not found[:, 0].any()
    assert (
        found[0, 1:, :3].all()
        and not found[0, :, 3:5].any()
        and found[:, 1:, 5:].all()
        and found[1, 1:].all()
    )


@given(st.integers(0, 2**32 - 1))
def test_flicker_is_the_mean_change_of_the_chosen_pixels(seed):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (4, 5, 6), dtype=np.uint8)
    where = rng.random((3, 5, 6)) < 0.3
    by_hand = [
        abs(int(frames[t + 1, y, x]) - int(frames[t, y, x])) / 255
        for t, y, x in zip(*where.nonzero(), strict=True)
    ]
    assert figures.flicker(frames, where) == pytest.approx(np.mean(by_hand))
    assert np.isnan(figures.flicker(frames, np.zeros_like(where)))


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_frechet_distance_by_the_root_of_the_covariances(seed, size):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(40, size)) @ rng.normal(size=(size, size))
    second = rng.normal(size=(50, size)) @ rng.normal(size=(size, size)) + rng.normal(size=size)
    covariances = [np.cov(features.T) for features in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    apart = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    wanted = apart + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert figures.frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    assert figures.frechet_distance(first, first[::-1]) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_fewer_samples_than_features():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(5, 30)), rng.normal(size=(7, 30))
    covariances = [np.cov(features.T) for features in (first, second)]
    shared = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
    apart = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    wanted = apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * shared
    assert figures.frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    # Two clouds along different axes: nothing is shared but the place.
    across, along = np.array([[-1.0, 0], [1, 0]]), np.array([[0, -2.0], [0, 2]])
    assert figures.frechet_distance(across, along) == pytest.approx(2 + 8)


def test_lip_error_is_the_mean_distance_of_twenty_points():
    rng = np.random.default_rng(0)
    found, wanted = rng.normal(size=(3, 68, 2)), rng.normal(size=(3, 68, 3))
    by_hand = [np.hypot(*(found[t, p] - wanted[t, p, :2])) for t in range(3) for p in range(48, 68)]
    assert figures.lip_error(found, wanted) == pytest.approx(np.mean(by_hand))


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(-50, 50))
@settings(max_examples=20, deadline=None)
def test_mouth_distance_in_both_normalisations(seed, right, down):
    rng = np.random.default_rng(seed)
    found, wanted = rng.normal(size=(3, 68, 2)), rng.normal(size=(3, 68, 3))
    sums = []
    for frame, other in zip(found.tolist(), wanted.tolist(), strict=True):
        mouths = [[point[:2] for point in face[48:68]] for face in (frame, other)]
        middles = [[sum(p[k] for p in mouth) / 20 for k in (0, 1)] for mouth in mouths]
        apart = (
            np.hypot(a[0] - middles[0][0] - b[0] + middles[1][0], a[1] - middles[0][1] - b[1] + middles[1][1])
            for a, b in zip(*mouths, strict=True)
        )
        sums.append(sum(apart))
    moved = found + np.array([right, down])  # where the mouth as a whole is does not count
    mean, total = figures.mouth_distance(moved, wanted)
    assert mean == pytest.approx(np.mean(sums) / 20) and total == pytest.approx(np.mean(sums))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_warping_error_by_scipys_interpolation(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 256, (2, 20, 30), dtype=np.uint8)
    flow = rng.uniform(-2, 2, (2, 20, 30))
    where = rng.random((20, 30)) < 0.5
    rows, columns = np.mgrid[:20, :30]
    moved = map_coordinates(first / 255, [rows + flow[1], columns + flow[0]], order=1, mode="nearest")
    wanted = np.mean((second / 255 - moved)[where] ** 2)
    assert figures.warping_error(first, second, flow, where) == pytest.approx(wanted, rel=1e-3, abs=1e-6)
    assert np.isnan(figures.warping_error(first, second, flow, np.zeros_like(where)))


def test_what_moves_by_the_true_flow_has_no_warping_error():
    picture = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    shifted, flow = np.roll(picture, (3, -2), (0, 1)), np.zeros((2, 40, 50))
    flow[0], flow[1] = 2, -3
    where = np.zeros((40, 50), bool)
    where[5:-5, 5:-5] = True
    assert figures.warping_error(picture, shifted, flow, where) == pytest.approx(0, abs=1e-9)
    assert figures.warping_error(picture, picture, flow, where) > 0.05


def test_likeness_is_the_cosine():
    features = np.array([[3.0, 0], [0, 2], [1, 1]])
    assert figures.likeness(features, np.array([5.0, 0])) == pytest.approx((1 + 0 + np.sqrt(0.5)) / 3)
    rng = np.random.default_rng(0)
    many, one = rng.normal(size=(6, 128)), rng.normal(size=128)
    assert figures.likeness(many, one) == pytest.approx(np.mean([1 - cosine(row, one) for row in many]))


@given(st.floats(1, 9), st.floats(0, 180))
@settings(max_examples=40, deadline=None)
def test_the_width_of_a_line_at_any_angle(width, angle):
    rows, columns = np.mgrid[:80, :80] - 40.0
    turn = np.deg2rad(angle)
    apart = np.abs(np.cos(turn) * columns + np.sin(turn) * rows)
    ink = np.clip(width / 2 + 0.5 - apart, 0, 1)
    assert figures.stroke_width(ink) == pytest.approx(width, abs=0.5)


def test_the_width_of_a_drawing_is_twice_its_distance_on_the_medial_axis():
    page = np.zeros((200, 200), np.uint8)
    cv2.ellipse(page, (100, 100), (70, 50), 20, 0, 360, 255, 3)
    cv2.line(page, (20, 30), (170, 60), 255, 5)
    cv2.circle(page, (100, 110), 25, 255, -1)
    axis, apart = medial_axis(page > 0, return_distance=True)
    assert figures.stroke_width(page / 255) == pytest.approx(2 * np.median(apart[axis]) - 1, abs=0.6)
    assert figures.stroke_width(np.zeros((20, 20))) == 0


def test_line_statistics_of_a_known_picture():
    picture = np.full((100, 200), 255, np.uint8)
    picture[20:24] = 0
    picture[60:63, 60:63] = 0
    picture[80:84, 100:103] = 0  # 12 pixels are no speck
    found = figures.line_statistics(picture)
    assert found["ink"] == pytest.approx((800 + 9 + 12) / 20_000, abs=1e-6)
    assert found["specks"] == 1 and found["stroke_px"] == pytest.approx(4, abs=0.15)


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 0.05))
@settings(max_examples=20, deadline=None)
def test_specks_by_scipys_labels(seed, share):
    picture = np.where(np.random.default_rng(seed).random((60, 80)) < share, 0, 255).astype(np.uint8)
    picture = cv2.erode(picture, np.ones((3, 2), np.uint8))
    pieces, _ = label(picture < 255 * 0.7, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    found = figures.line_statistics(picture)
    assert found["specks"] == (sizes < 12).sum()
    assert found["ink"] == pytest.approx((255 - picture.astype(float)).mean() / 255, abs=1e-6)
