"""The thin-plate warp: against scipy, at its control points, for equal and coinciding points, its gradients."""

import numpy as np
import pytest
import torch
from conftest import drop_jaw, frontal_face
from scipy.interpolate import RBFInterpolator

from lpcore.drawing.thin_plate import thin_plate_positions, thin_plate_warp


def faces(amount: float, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks at rest and with the jaw dropped by `amount` crop units, (1, 68, 2) in pixels of a `side` image."""
    rest = frontal_face()
    pair = (rest[None, :, :2], drop_jaw(rest, amount)[None, :, :2])
    still, moved = (torch.from_numpy(p).double() * side / 512 for p in pair)
    return still, moved


def scattered(count: int, seed: int, side: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(2, count, 2, generator=generator, dtype=torch.float64) * side
    return target + torch.randn(target.shape, generator=generator, dtype=torch.float64) * 2, target


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-8), (torch.float32, 2e-3)])
def test_agrees_with_scipy(dtype, tolerance):
    source, target = scattered(20, seed=0)
    positions = thin_plate_positions(source.to(dtype), target.to(dtype), (48, 32), ridge=0)
    pixels = np.stack(np.meshgrid(np.arange(48), np.arange(32)), axis=-1).reshape(-1, 2)
    for k in range(2):
        spline = RBFInterpolator(target[k].numpy(), source[k].numpy(), kernel="thin_plate_spline", degree=1)
        assert np.abs(spline(pixels) - positions[k].reshape(-1, 2).numpy()).max() < tolerance


def test_control_points_are_reached():
    source, target = faces(40, side=256)
    target = target.round()  # so that a pixel lies on each of them
    positions = thin_plate_positions(source.float(), target.float(), (256, 256))
    _, group, members = target[0].unique(dim=0, return_inverse=True, return_counts=True)
    alone = members[group] == 1
    assert alone.sum() > 50
    x, y = target[0, alone].long().unbind(-1)
    error = (positions[0, y, x] - source[0, alone]).norm(dim=-1)
    assert error.max() < 1e-2


def test_equal_points_leave_the_image_alone():
    source, _ = faces(0)
    image = torch.rand(1, 2, 64, 64)
    assert torch.allclose(thin_plate_warp(image, source, source), image, atol=1e-4)


def test_a_shift_of_all_points_shifts_the_image():
    points, _ = faces(0)
    image = torch.rand(1, 1, 64, 64)
    moved = thin_plate_warp(image, points, points + torch.tensor([3.0, -2.0]))
    assert torch.allclose(moved[..., :62, 3:], image[..., 2:, :61], atol=1e-3)


def test_coinciding_points_are_solved():
    source, target = faces(30)
    target[:, 60:] = target[:, 60:61]  # a mouth pressed to one point
    warped = thin_plate_warp(torch.rand(1, 1, 64, 64), source, target)
    assert torch.isfinite(warped).all()


def test_anchors_hold_the_border():
    source, target = faces(60)
    free, held = (thin_plate_positions(source, target, (64, 64), anchored=a) for a in (False, True))
    corners = torch.tensor([[0.0, 0.0], [63.0, 0.0], [0.0, 63.0], [63.0, 63.0]], dtype=torch.float64)
    read = lambda p: torch.stack([p[0, 0, 0], p[0, 0, 63], p[0, 63, 0], p[0, 63, 63]])  # noqa: E731
    assert (read(held) - corners).norm(dim=-1).max() < 1e-2
    assert (read(free) - corners).norm(dim=-1).max() > 0.1


def test_items_of_a_batch_do_not_touch():
    source, target = scattered(12, seed=1)
    both = thin_plate_positions(source, target, (16, 16))
    alone = thin_plate_positions(source[1:], target[1:], (16, 16))
    assert torch.allclose(both[1:], alone)


def test_gradients():
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 1, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 5, 2, generator=generator, dtype=torch.float64) * 5
    # Displaced and small, so that no pixel reads exactly on a pixel or beyond the border, where bilinear reading kinks.
    source = (2.6 + 0.5 * (target - 2.6) + 0.13).requires_grad_()
    target.requires_grad_()
    assert torch.autograd.gradcheck(thin_plate_warp, (image, source, target), atol=1e-4)


def test_stays_in_float32_under_autocast():
    source, target = faces(20)
    image = torch.rand(1, 1, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        inside = thin_plate_warp(image.bfloat16().float(), source.float(), target.float())
    outside = thin_plate_warp(image.bfloat16().float(), source.float(), target.float())
    assert inside.dtype == torch.float32 and torch.equal(inside, outside)
