"""Flow A's network: inputs, post-processing and size; the published variants are compared in test_convert_flow_net."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from lpcore.drawing.flow import flow_grid
from lpcore.drawing.flow_net import DEFAULT, PAPER_UNET, PAPER_UNET_V2, FlowNet, FlowNetConfig, FlowOutput
from lpcore.drawing.landmark_image import disc_maps

STILL = flow_grid(torch.zeros(1, 2, 64, 64))
TINY = replace(DEFAULT, width=4, side=32, levels=3, radius=2.0)


def count(config: FlowNetConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in FlowNet(config).parameters())


def test_sizes():
    assert count(PAPER_UNET) == 16_900_811
    assert count(PAPER_UNET_V2) == 4_932_747
    assert count(DEFAULT) < 3_000_000


@pytest.mark.parametrize("config", [TINY, replace(TINY, variant="unet", halvings=2, levels=2)])
def test_pyramid(config):
    output = FlowNet(config).eval()(torch.rand(2, 136, 32, 32))
    finest = 32 >> config.halvings
    assert [flow.shape for flow in output.flows] == [
        (2, 2, finest >> k, finest >> k) for k in range(config.levels)
    ]
    assert output.visibility.shape == (2, 3, finest, finest)


def test_discs_are_source_then_target_at_the_working_resolution():
    net = FlowNet(replace(PAPER_UNET, width=2, max_width=4))
    source = torch.rand(1, 68, 2) * 255
    target = torch.rand(2, 68, 2) * 255
    source[0, 5] = torch.tensor([-1.0, -1.0])
    discs = net.discs(source, target)
    assert discs.shape == (2, 136, 224, 224)
    small = source * 7 / 8
    small[0, 5] = -1
    torch.testing.assert_close(discs[:, :68], disc_maps(small).expand(2, -1, -1, -1))
    torch.testing.assert_close(discs[:, 68:], disc_maps(target * 7 / 8))
    assert discs[0, 5].sum() == 0


@pytest.mark.parametrize("relative", [False, True])
def test_units_mask_and_frame_size(monkeypatch, relative):
    """A constant output: 0.1 units of flow, face in the left half, background in the right; flow B is 3 pixels."""
    net = FlowNet(replace(TINY, relative=relative))
    there = 3.0 * relative
    flow = torch.full((1, 2, 16, 16), 0.1)
    visibility = torch.zeros(1, 3, 16, 16)
    visibility[:, 1, :, :8] = 9
    visibility[:, 2, :, 8:] = 9
    monkeypatch.setattr(net, "forward", lambda discs: FlowOutput((flow,), visibility))
    moved, mask = net.regress(*torch.zeros(2, 1, 68, 2), flow_grid(torch.full((1, 2, 64, 64), 3.0)), 64)
    assert moved.shape == (1, 2, 64, 64) and mask.shape == (1, 1, 64, 64)
    torch.testing.assert_close(moved[..., :30], torch.full((1, 2, 64, 30), there + 0.1 * 20 * 64 / 32))
    torch.testing.assert_close(mask[..., :30], torch.ones(1, 1, 64, 30))
    assert (mask[..., 34:] == 0).all()
    torch.testing.assert_close(moved[..., 34:], torch.full((1, 2, 64, 30), there), atol=1e-4, rtol=0)


def test_an_untrained_relative_net_says_flow_b():
    grid = flow_grid(torch.rand(2, 2, 64, 64) * 9)
    flow, _ = FlowNet(TINY).eval().regress(torch.rand(1, 68, 2) * 60, torch.rand(2, 68, 2) * 60, grid, 64)
    torch.testing.assert_close(flow_grid(flow), grid, atol=1e-5, rtol=0)


def test_one_source_serves_a_batch_of_targets():
    torch.manual_seed(0)
    net = FlowNet(TINY).eval()
    source, target = torch.rand(1, 68, 2) * 60, torch.rand(3, 68, 2) * 60
    flow, mask = net.regress(source, target, STILL, 64)
    for k in range(3):
        one = net.regress(source, target[k : k + 1], STILL, 64)
        torch.testing.assert_close((flow[k : k + 1], mask[k : k + 1]), one, atol=1e-4, rtol=0)


def test_configuration_survives_json():
    for config in (PAPER_UNET, DEFAULT):
        assert FlowNetConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config
