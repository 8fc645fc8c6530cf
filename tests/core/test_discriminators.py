"""The discriminators' sizes and inputs, and the pool that keeps pairs together."""

import pytest
import torch
from conftest import frontal_face

from lpcore.train.discriminators import (
    Discriminators,
    PatchDiscriminator,
    pair_input,
    region_input,
    region_masks,
)
from lpcore.train.pool import ImagePool


@pytest.mark.parametrize("channels, count", [(1, 2_762_689), (2, 2_763_713), (4, 2_765_761)])
def test_parameter_counts_are_the_papers(channels, count):
    assert sum(p.numel() for p in PatchDiscriminator(channels).parameters()) == count


def test_patch_logits_have_the_papers_size():
    assert PatchDiscriminator(1, width=4)(torch.zeros(1, 1, 256, 256)).shape == (1, 1, 30, 30)


def test_keys_are_those_of_the_published_files():
    keys = {key.split(".")[0] for key in PatchDiscriminator(1, width=4).state_dict()}
    assert keys == {"0", "2", "5", "8", "11"}


def test_a_logit_sees_seventy_pixels():
    torch.manual_seed(0)
    # Without the normalisations, which look at the whole image.
    layers = [m for m in PatchDiscriminator(1, width=4) if not isinstance(m, torch.nn.InstanceNorm2d)]
    image = torch.rand(1, 1, 128, 128, requires_grad=True)
    torch.nn.Sequential(*layers)(image)[0, 0, 6, 6].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == 70


def test_the_five_take_their_inputs():
    nets = Discriminators(channels=1, width=4)
    drawing, mask = torch.zeros(2, 1, 64, 64), torch.ones(2, 1, 64, 64)
    assert set(nets.regions) == {"nose", "eyes", "lips"}
    for logits in (
        nets.overall(drawing),
        nets.regions["lips"](region_input(drawing, mask)),
        nets.coherence(pair_input(drawing, drawing)),
    ):
        assert logits.shape == (2, 1, 6, 6)


def test_region_input_is_paper_outside():
    drawing, mask = torch.full((1, 1, 4, 4), -1.0), torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    shown = region_input(drawing, mask)
    assert shown.shape == (1, 2, 4, 4)
    assert (shown[0, 0, :, :2] == -1).all() and (shown[0, 0, :, 2:] == 1).all()
    assert torch.equal(shown[:, 1:], mask)


def test_region_masks_hold_their_landmarks_and_not_each_other():
    points = torch.from_numpy(frontal_face()[None, :, :2]) / 4
    masks = region_masks(points, (128, 128))
    for name, part in (("nose", range(27, 36)), ("eyes", range(36, 48)), ("lips", range(48, 68))):
        x, y = points[0, list(part)].round().long().unbind(-1)
        assert masks[name][0, 0, y, x].all()
        assert all(not other[0, 0, y, x].any() for key, other in masks.items() if key != name)
        assert masks[name].unique().tolist() == [0, 1]
    between = points[0, [39, 42]].mean(0).round().long()
    assert masks["eyes"][0, 0, between[1], between[0]] == 0


def numbered_pair(number: int) -> torch.Tensor:
    """(1, 2, 1, 1): two drawings of portrait `number`."""
    return torch.tensor([number + 0.0, number + 0.5]).view(1, 2, 1, 1)


def test_pool_keeps_pairs_together():
    pool = ImagePool(size=4, seed=0)
    given = [pool.query(numbered_pair(k)).flatten().tolist() for k in range(60)]
    assert all(second - first == 0.5 for first, second in given)
    older = sum(first != k for k, (first, _) in enumerate(given))
    assert given[:4] == [[k, k + 0.5] for k in range(4)]
    assert 15 < older < 45


def test_pool_gives_nothing_twice():
    pool = ImagePool(size=3, seed=1)
    given = [pool.query(numbered_pair(k))[0, 0, 0, 0].item() for k in range(40)]
    # An item may be handed out when it comes in and once more when it leaves the pool.
    assert max(given.count(value) for value in given) <= 2


def test_pool_of_no_size_hands_everything_back():
    pool = ImagePool(size=0)
    assert all(torch.equal(pool.query(numbered_pair(k)), numbered_pair(k)) for k in range(5))


def test_pool_gives_no_gradient():
    fake = torch.ones(1, 2, 1, 1, requires_grad=True)
    assert not ImagePool().query(fake).requires_grad


def test_a_restored_pool_goes_on_the_same_way(tmp_path):
    pool = ImagePool(size=3, seed=2)
    for k in range(10):
        pool.query(numbered_pair(k))
    torch.save(pool.state_dict(), tmp_path / "pool.pt")
    restored = ImagePool(size=3)
    restored.load_state_dict(torch.load(tmp_path / "pool.pt", weights_only=True))
    for k in range(10, 30):
        assert torch.equal(pool.query(numbered_pair(k)), restored.query(numbered_pair(k)))
