"""Landmark images and disc maps against OpenCV and the closed form."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.drawing.landmark_image import disc_maps, landmark_image

coordinate = st.floats(-9, 72, width=32)


def drawn_by_opencv(points, size, radius):
    image = np.zeros((size, size), np.uint8)
    for x, y in np.rint(points).astype(int):  # numpy rounds half to even
        cv2.circle(image, (int(x), int(y)), radius, 255, -1)
    return image / 127.5 - 1


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=6), radius=st.sampled_from([3, 5])
)
def test_hard_discs_are_opencvs(points, radius):
    points = np.array(points, np.float32)
    image = landmark_image(torch.from_numpy(points)[None], 64, radius)
    np.testing.assert_array_equal(image[0, 0].numpy(), drawn_by_opencv(points, 64, radius))


@pytest.mark.parametrize(
    ("radius", "rows"), [(3, [1, 5, 5, 7, 5, 5, 1]), (5, [1, 7, 9, 9, 9, 11, 9, 9, 9, 7, 1])]
)
def test_row_widths(radius, rows):
    image = landmark_image(torch.tensor([[[16.5, 15.5]]]), 33, radius)[0, 0] > 0
    assert image.sum(1)[16 - radius : 17 + radius].tolist() == rows  # both halves round to the even 16
    assert image.sum() == sum(rows)


def test_frames_of_a_batch_do_not_mix():
    points = torch.rand(3, 68, 2) * 60
    batch = landmark_image(points, 64)
    for points_of_one, image in zip(points, batch, strict=True):
        torch.testing.assert_close(image[None], landmark_image(points_of_one[None], 64))
    assert batch.shape == (3, 1, 64, 64) and set(batch.unique().tolist()) == {-1.0, 1.0}


@settings(max_examples=40, deadline=None)
@given(x=coordinate, y=coordinate, radius=st.sampled_from([3.0, 4.0]))
def test_disc_maps_are_the_closed_form(x, y, radius):
    maps = disc_maps(torch.tensor([[[x, y], [20.0, 30.0]]]), 64, radius)
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    distance = torch.stack([columns - x, rows - y]).norm(dim=0)
    clear = (distance - radius).abs() > 1e-4
    wanted = (distance <= radius).float() * (x != -1 and y != -1)
    torch.testing.assert_close(maps[0, 0][clear], wanted[clear])
    assert maps[0, 1].sum() == {3.0: 29, 4.0: 49}[radius]


def test_unknown_landmarks_leave_their_channel_empty():
    maps = disc_maps(torch.tensor([[[-1.0, 20.0], [20.0, -1.0], [20.0, 20.0]]]), 64)
    assert maps.sum((2, 3)).tolist() == [[0, 0, 49]]


def test_soft_discs_move_without_jumps():
    steps = torch.arange(0, 1, 0.01)
    points = torch.stack([20 + steps, torch.full_like(steps, 20.3)], dim=-1)[:, None]
    for images in (landmark_image(points, 48, soft=True), disc_maps(points, 48, soft=True)):
        assert images.diff(dim=0).abs().max() < 0.021
    area = disc_maps(points, 48, soft=True).sum((1, 2, 3))
    assert (area - torch.pi * 16).abs().max() < 1
