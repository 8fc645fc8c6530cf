"""Frames of the warp: each is the same picture whatever is drawn before, with or beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import drawn_with_threads, drop_jaw

from lpcore.drawing.flow import sample, scaled
from lpcore.drawing.stream import FrameStream


@pytest.fixture
def talking(face) -> np.ndarray:
    """(9, 68, 3): a jaw that opens on a head that moves by fractions of a pixel."""
    return np.stack([drop_jaw(face, 3 * k) + np.float32(0.37 * k) for k in range(9)])


@pytest.mark.parametrize(("size", "canvas"), [(512, "crop"), (200, "crop"), (0, "photo")])
def test_a_frame_does_not_depend_on_its_neighbours(portrait, small_drawer, talking, size, canvas):
    stream = FrameStream(portrait, "ink", size, canvas)
    together = list(stream.frames(talking))
    alone = [next(stream.frames(row[None])) for row in talking]
    assert np.array_equal(together, alone)
    assert not np.array_equal(together[0], together[-1])


def test_frames_do_not_depend_on_the_number_of_threads(portrait, small_drawer, talking):
    stream = FrameStream(portrait, "ink", 320)
    first, *others = drawn_with_threads(lambda: stream.frames(talking), (1, 2, 3))
    assert all(np.array_equal(first, other) for other in others)


def test_leaving_early_leaves_nothing_behind(portrait, small_drawer, talking):
    import threading

    stream = FrameStream(portrait, "ink", 128)
    threads = threading.active_count()
    frames = stream.frames(np.repeat(talking, 20, axis=0))
    next(frames)
    frames.close()
    assert threading.active_count() == threads
    assert len(list(stream.frames(talking))) == 9


def test_scaling_is_a_multiplication_and_a_shift_for_each_axis():
    positions = torch.from_numpy(np.random.default_rng(0).uniform(-50, 600, (2, 5, 7, 2)).astype(np.float32))
    expected = positions * torch.tensor([0.25, 3.0]) + torch.tensor([-1.0, 2.5])
    assert torch.equal(scaled(positions, (0.25, 3.0), (-1.0, 2.5)), expected)


def test_sampling_passes_gradients_on():
    image = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    positions = torch.tensor([[[[2.25, 3.5], [4.0, 1.0]]]], requires_grad=True)
    sample(image, positions).sum().backward()
    assert image.grad is not None and positions.grad is not None
    assert image.grad.sum().item() == pytest.approx(2)
