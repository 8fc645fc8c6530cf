"""The generator's losses: closed-form values, zero at the perfect answer, gradients where they belong."""

from dataclasses import fields

import pytest
import torch
from conftest import drop_jaw, frontal_face

from lpcore.train.losses import (
    ABLATIONS,
    CARRIED,
    FULL,
    LossWeights,
    ablated,
    adversarial_loss,
    content_loss,
    discriminator_loss,
    geometry_loss,
    identity_loss,
    lip_line_loss,
    lip_line_masks,
    pair_discriminator_loss,
    redrawing_loss,
    warp_loss,
)

SIDE = 64


def face(jaw: float = 0) -> torch.Tensor:
    """(1, 68, 2) landmarks in a 64 pixel drawing, the jaw dropped by `jaw` crop units."""
    return torch.from_numpy(drop_jaw(frontal_face(), jaw)[None, :, :2]) * SIDE / 512


def drawing(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, SIDE, SIDE, generator=generator) * 2 - 1


def grows(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone().requires_grad_()


def test_adversarial_loss_is_the_squared_distance_from_real():
    assert adversarial_loss(torch.full((2, 1, 3, 3), 3.0)).item() == pytest.approx(4)
    assert adversarial_loss(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 2.0)).item() == pytest.approx(2)
    assert adversarial_loss(torch.ones(1, 1, 2, 2)).item() == 0


def test_discriminator_loss_halves_real_and_fake():
    real, one, other = (torch.full((1, 1, 2, 2), v) for v in (0.0, 1.0, 3.0))
    assert discriminator_loss(real, one, other).item() == pytest.approx(0.5 * (1 + (1 + 9) / 2))
    assert discriminator_loss(torch.ones(1, 1), torch.zeros(1, 1)).item() == 0


def test_pair_discriminator_loss_is_a_third_of_each():
    adjacent, fake, apart = (torch.full((1, 1, 2, 2), v) for v in (3.0, 1.0, 2.0))
    assert pair_discriminator_loss(adjacent, fake, apart).item() == pytest.approx((4 + 1 + 4) / 3)


def test_content_loss_is_zero_for_the_warped_static_drawing_alone():
    static, points = drawing(0), face()
    shift = torch.tensor([4.0, 0.0])
    assert content_loss(static, static, points, points).item() < 1e-4
    moved = static.roll(4, -1)
    shifted = content_loss(moved, static, points, points + shift)
    still = content_loss(static, static, points, points + shift)
    # All but the four columns that the roll brings round are equal.
    assert shifted.item() < 4.1 / SIDE < 0.3 < still.item()


def test_a_missed_line_costs_more_than_one_too_many():
    paper = torch.ones(1, 1, 8, 8)
    line = paper.clone()
    line[..., 3, :] = -1
    missed, added = redrawing_loss(paper, line), redrawing_loss(line, paper)
    assert redrawing_loss(line, line) == 0
    assert missed.item() == pytest.approx(2 * added.item()) and added.item() == pytest.approx(2 / 8)


def test_content_loss_teaches_the_generator_alone():
    first, static = grows(drawing(0)), grows(drawing(1))
    content_loss(first, static, face(), face(30)).backward()
    assert first.grad is not None and first.grad.abs().sum() > 0
    assert static.grad is None


def test_warp_loss_teaches_the_second_drawing_alone():
    first, second = grows(drawing(0)), grows(drawing(1))
    loss = warp_loss(first, second, face(), face(30))
    loss.backward()
    assert loss.item() > 0.1 and second.grad is not None and first.grad is None
    assert warp_loss(first, first, face(), face()).item() < 1e-4


def test_geometry_loss_weighs_lips_twice():
    target = face()
    nose, lip = target.clone(), target.clone()
    nose[0, 30, 0] += 3
    lip[0, 50, 1] += 3
    squared = (3 / SIDE) ** 2
    assert geometry_loss(target, target, SIDE).item() == 0
    assert geometry_loss(nose, target, SIDE).item() == pytest.approx(squared / (48 * 2))
    assert geometry_loss(lip, target, SIDE).item() == pytest.approx(2 * squared / (20 * 2))


def test_geometry_loss_moves_what_was_read_not_the_target():
    read, target = grows(face()), grows(face(20))
    geometry_loss(read, target, SIDE).backward()
    assert read.grad is not None and read.grad[0, 57, 1] < 0 and target.grad is None


def test_lip_line_masks_follow_the_outlines():
    points = face() * 4  # 256 pixels
    points[0, 48:] = points[0, 48:].round()
    points[0, [48, 49], 1] = points[0, 49, 1]  # one level segment
    mask = lip_line_masks(points, (256, 256))[0, 0]
    x, y = ((points[0, 48] + points[0, 49]) / 2).long().tolist()
    assert mask[y - 3 : y + 4, x].tolist() == [0, 0, 1, 1, 1, 0, 0]
    corners = points[0, 48:].long()
    assert mask[corners[:, 1], corners[:, 0]].all()
    assert 0.002 < mask.mean() < 0.02


def test_lip_line_loss_asks_for_ink_on_the_line_only():
    masks = lip_line_masks(face(20), (SIDE, SIDE))
    paper = grows(torch.ones(1, 1, SIDE, SIDE))
    loss = lip_line_loss(paper, masks)
    loss.backward()
    assert loss.item() == pytest.approx(2 * masks.mean().item())
    assert torch.equal(paper.grad > 0, masks > 0)
    assert lip_line_loss(1 - 2 * masks, masks).item() == 0


def test_identity_loss_sums_the_levels():
    levels = [torch.zeros(1, 4, 2, 2), torch.zeros(1, 8)]
    others = [torch.full((1, 4, 2, 2), 0.5), torch.full((1, 8), -2.0)]
    assert identity_loss(levels, others).item() == pytest.approx(2.5)
    assert identity_loss(others, others).item() == 0


def test_identity_loss_leaves_the_static_drawing_alone():
    drawn, static = grows(torch.zeros(1, 3)), grows(torch.ones(1, 3))
    identity_loss([drawn], [static]).backward()
    assert drawn.grad is not None and static.grad is None


def test_total_is_the_weighted_sum():
    terms = {"content": torch.tensor(2.0), "pair": torch.tensor(4.0)}
    assert LossWeights().total(terms).item() == pytest.approx(5 * 2 + 0.5 * 4)
    assert LossWeights(content=0).total(terms).item() == pytest.approx(2)
    with pytest.raises(ValueError, match="style"):
        LossWeights().total({"style": torch.tensor(1.0)})


def test_each_ablation_leaves_out_one_part():
    full = ablated(FULL, "full")
    changed = {
        name: {
            f.name
            for f in fields(LossWeights)
            if getattr(full, f.name) != getattr(ablated(FULL, name), f.name)
        }
        for name in ABLATIONS
    }
    assert changed == {
        "full": set(),
        "no_content": {"content"},
        "no_geometry": {"geometry", "lip_line"},
        "no_identity": {"identity"},
        "no_warp": {"warp"},
        "no_pair": {"pair"},
        "no_foreground": {"foreground"},
    }
    assert all(not getattr(ablated(CARRIED, name), part) for name, parts in changed.items() for part in parts)


def test_losses_are_float32_under_autocast():
    first, static = drawing(0).bfloat16(), drawing(1).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        values = [
            adversarial_loss(first),
            discriminator_loss(first, static),
            content_loss(first, static, face(), face(10)),
            geometry_loss(face().bfloat16(), face(), SIDE),
            lip_line_loss(first, lip_line_masks(face(), (SIDE, SIDE))),
            identity_loss([first], [static]),
            warp_loss(first, static, face(), face(10)),
        ]
    assert all(value.dtype == torch.float32 and value.ndim == 0 for value in values)
