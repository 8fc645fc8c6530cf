"""The generator: its size, the warp's published quirks, and preparing once against doing all at once."""

from dataclasses import replace

import pytest
import torch

from lpcore.drawing.generator import DEFAULT, PAPER, Generator, GeneratorConfig, PhotoCode, flow_grid, warp

TINY = replace(PAPER, widths=(8, 8, 8), landmark_widths=(2, 2, 2), blocks=4)
TINY_DEFAULT = replace(DEFAULT, widths=(8, 8, 8, 8), landmark_widths=(2, 2, 2, 2), blocks=4)


def made(config: GeneratorConfig) -> Generator:
    """A generator whose output is not all grey."""
    torch.manual_seed(0)
    generator = Generator(config).eval()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    return generator.requires_grad_(False)


def frames(config: GeneratorConfig, count: int, side: int = 32):
    """Photo with its landmark image, then the inputs of `count` frames."""
    random = torch.Generator().manual_seed(1)
    photo = torch.rand(1, config.inputs, config.scale * side, config.scale * side, generator=random) * 2 - 1
    source = torch.rand(1, 1, side, side, generator=random).round() * 2 - 1
    targets = torch.rand(count, 1, side, side, generator=random).round() * 2 - 1
    flow_b = torch.rand(count, side, side, 2, generator=random) * 2.2 - 1.1
    flow_a = torch.randn(count, 2, side, side, generator=random) * 4
    visible = torch.rand(count, 1, side, side, generator=random)
    carried = torch.rand(count, config.outputs, *photo.shape[-2:], generator=random) * 2 - 1
    return (photo, source), [targets, flow_b, flow_a, visible, *[carried] * config.carried]


def count(config: GeneratorConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Generator(config).parameters())


def test_sizes():
    assert count(PAPER) == 15_925_553
    assert count(replace(PAPER, outputs=3)) == 15_931_827
    assert count(DEFAULT) <= 2_500_000


@pytest.mark.parametrize(
    "config",
    [TINY, TINY_DEFAULT, replace(TINY_DEFAULT, norm="batch", outputs=3), replace(TINY_DEFAULT, norm="none")],
)
def test_shape_and_range(config):
    generator = made(config)
    photo, inputs = frames(config, 2)
    drawing = generator(generator.prepare(*photo), *inputs)
    assert drawing.shape == (2, config.outputs, config.scale * 32, config.scale * 32)
    assert drawing.abs().max() <= 1 and drawing.std() > 0.01


@pytest.mark.parametrize("config", [TINY, TINY_DEFAULT])
def test_batch_equals_frames_one_by_one_and_all_at_once(config):
    generator = made(config)
    photo, inputs = frames(config, 3)
    code = generator.prepare(*photo)
    batch = generator(code, *inputs)
    for k in range(3):
        one = [tensor[k : k + 1] for tensor in inputs]
        torch.testing.assert_close(batch[k : k + 1], generator(code, *one), atol=1e-4, rtol=0)
        torch.testing.assert_close(batch[k : k + 1], generator.draw(*photo, *one), atol=1e-4, rtol=0)
    several = generator.draw(*(tensor.expand(3, -1, -1, -1) for tensor in photo), *inputs)
    torch.testing.assert_close(batch, several, atol=1e-4, rtol=0)
    assert (batch[0] - batch[1]).abs().max() > 1e-3


def test_a_carried_drawing_is_left_alone_until_training_changes_it():
    generator = Generator(TINY_DEFAULT).eval()
    photo, inputs = frames(TINY_DEFAULT, 2)
    assert torch.equal(generator.draw(*photo, *inputs), inputs[-1])
    torch.nn.init.normal_(generator.decoder.out.weight, 0, 0.2)
    assert (generator.draw(*photo, *inputs) - inputs[-1]).abs().mean() > 0.1


def test_a_carried_drawing_belongs_to_networks_made_for_it():
    for config, wrong in ((TINY_DEFAULT, slice(-1)), (TINY, slice(None))):
        photo, inputs = frames(replace(config, carried=True), 1)
        with pytest.raises(ValueError, match="carried"):
            Generator(config).draw(*photo, *inputs[wrong])


def test_zero_flow_keeps_the_published_half_pixel_drift():
    ramp = torch.arange(64.0).expand(1, 1, 64, 64)
    grid = flow_grid(torch.zeros(1, 2, 64, 64))
    middle = warp(ramp, grid, align_corners=False)[0, 0, 32]
    torch.testing.assert_close(
        middle[[0, 1, 2, -2, -1]], torch.tensor([0, 0.516, 1.532, 62.48, 31.5]), atol=0.01, rtol=0
    )
    torch.testing.assert_close(warp(ramp, grid, align_corners=True), ramp, atol=1e-4, rtol=0)


def test_half_precision_features_are_read_in_the_right_place():
    ramp = torch.arange(64, dtype=torch.bfloat16).expand(1, 1, 64, 64)
    read = warp(ramp, flow_grid(torch.zeros(1, 2, 64, 64)), align_corners=True)
    assert read.dtype == torch.bfloat16 and torch.equal(read, ramp)


def test_flow_reads_where_it_points():
    ramp = torch.arange(32.0).expand(1, 1, 32, 32)
    flow = torch.zeros(1, 2, 32, 32)
    flow[:, 0] = 2.5
    read = warp(ramp, flow_grid(flow), align_corners=True)
    torch.testing.assert_close(read[..., :29], ramp[..., :29] + 2.5, atol=1e-4, rtol=0)


def test_features_that_flow_a_does_not_see_are_marked():
    generator = made(TINY)
    side = 32
    code = PhotoCode(tuple(torch.rand(1, 4, side >> s, side >> s) for s in range(3)), torch.zeros(1, 2, 8, 8))
    visible = torch.zeros(1, 1, side, side)
    visible[..., 16:] = 1
    flow_b = flow_grid(torch.zeros(1, 2, side, side))
    for warped in generator.warp_features(code, flow_b, torch.zeros(1, 2, side, side), visible):
        by_b, by_a = warped.chunk(2, dim=1)
        half = warped.shape[-1] // 2
        assert (by_a[..., : half - 1] == -1).all() and (by_a[..., half:] >= 0).all() and (by_b >= 0).all()
        torch.testing.assert_close(by_a[..., half:], by_b[..., half:])


def test_autocast_changes_little():
    generator = made(TINY)
    photo, inputs = frames(TINY, 1)
    exact = generator.draw(*photo, *inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator.draw(*photo, *inputs)
    assert rough.dtype == torch.float32 and 0 < (exact - rough).abs().mean() < 0.05


def test_every_parameter_learns():
    torch.manual_seed(0)
    generator = Generator(replace(TINY_DEFAULT, norm="batch"))
    photo, inputs = frames(TINY_DEFAULT, 2)
    generator.draw(*photo, *inputs).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


def test_configuration_survives_json():
    import json
    from dataclasses import asdict

    for config in (PAPER, DEFAULT):
        assert GeneratorConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config
