"""Both published shapes of the flow net, evaluated layer by layer from their description, against our modules."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from lpcore.drawing.flow_net import FlowNet, FlowNetConfig
from lpcore.weights import convert_keys
from lpcore.weights.tensors import restore


class Tensors(dict):
    """Random tensors under the authors' names, and the layers that use them."""

    def __init__(self, seed):
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def add_conv(self, name, first, second, kernel, bias):
        spread = 1.5 / (first * second) ** 0.25 / kernel
        self[f"{name}.weight"] = torch.randn(first, second, kernel, kernel, generator=self.random) * spread
        if bias:
            self[f"{name}.bias"] = torch.randn(bias, generator=self.random)

    def add_norm(self, name, width):
        for part in ("weight", "bias", "running_mean", "running_var"):
            self[f"{name}.{part}"] = torch.rand(width, generator=self.random) + 0.5

    def conv(self, name, x, transposed=False, **options):
        run = F.conv_transpose2d if transposed else F.conv2d
        return run(x, self[f"{name}.weight"], self.get(f"{name}.bias"), **options)

    def norm(self, name, x):
        mean, variance, weight, bias = (
            self[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias)


def published_unet(width, levels, limit, halvings=1):
    state = Tensors(1)
    state.add_conv("conv_downsample.0", width, 136, 7, 0)
    state.add_norm("conv_downsample.1", width)
    for k in range(1, halvings + 1):
        state.add_conv(f"conv_downsample.{3 * k}", 2 * width, width, 3, 0)
        state.add_norm(f"conv_downsample.{3 * k + 1}", 2 * width)
        width *= 2
    widths = [min(limit, width * 2**k) for k in range(levels + 1)]
    for level, (fine, coarse) in enumerate(pairwise(widths)):
        block = "unet_block" + ".submodule" * level
        innermost = level == levels - 1
        first = 1 if level else 0
        state.add_conv(f"{block}.down.{first}", coarse, fine, 4, 0)
        if not innermost:
            state.add_norm(f"{block}.down.{first + 1}", coarse)
        state.add_conv(f"{block}.up.1", coarse if innermost else 2 * coarse, fine, 4, 0 if level else fine)
        state.add_norm(f"{block}.up.2", fine)
        state.add_conv(f"{block}.predict_flow.1", 2, fine, 3, 2)
    state.add_conv("predict_vis.1", 3, widths[0], 3, 3)
    return state


def evaluate_unet(s, x, levels, halvings=1):
    x = F.leaky_relu(s.norm("conv_downsample.1", s.conv("conv_downsample.0", x, padding=3)), 0.1)
    for k in range(1, halvings + 1):
        x = s.conv(f"conv_downsample.{3 * k}", x, stride=2, padding=1)
        x = F.leaky_relu(s.norm(f"conv_downsample.{3 * k + 1}", x), 0.1)
    flows = [None] * levels

    def block(level, x):
        name = "unet_block" + ".submodule" * level
        skip = x = F.leaky_relu(x, 0.2) if level else x
        x = s.conv(f"{name}.down.{1 if level else 0}", x, stride=2, padding=1)
        if level < levels - 1:
            x = block(level + 1, s.norm(f"{name}.down.{2 if level else 1}", x))
        x = s.conv(f"{name}.up.1", F.relu(x), transposed=True, stride=2, padding=1)
        x = s.norm(f"{name}.up.2", x)
        flows[level] = s.conv(f"{name}.predict_flow.1", F.leaky_relu(x, 0.1), padding=1)
        return torch.cat([skip, x], dim=1) if level else x

    x = block(0, x)
    return flows, s.conv("predict_vis.1", F.leaky_relu(x, 0.1), padding=1)


def published_unet_v2(width, levels, limit):
    state = Tensors(2)
    widths = [min(limit, width * (k + 1)) for k in range(levels + 2)]
    state.add_conv("pre_conv.0.0", width, 136, 1, 0)
    state.add_norm("pre_conv.0.1", width)
    state.add_conv("pre_conv.1.conv.0", width, width, 3, 0)
    state.add_norm("pre_conv.1.conv.1", width)
    state.add_conv("pre_conv.3", widths[1], width, 3, 0)
    state.add_norm("pre_conv.4", widths[1])
    for level, (fine, coarse) in enumerate(pairwise(widths[1:])):
        for k in range(2):
            state.add_conv(f"enc_{level}_res_{k}.conv.0", fine, fine, 3, 0)
            state.add_norm(f"enc_{level}_res_{k}.conv.1", fine)
            state.add_conv(f"dec_{level}_res_{k}.conv_a.0", fine, fine, 1, 0)
            state.add_norm(f"dec_{level}_res_{k}.conv_a.1", fine)
            state.add_conv(f"dec_{level}_res_{k}.conv.0", fine, 2 * fine, 3, 0)
            state.add_norm(f"dec_{level}_res_{k}.conv.1", fine)
        state.add_conv(f"enc_{level}_downsample.1", coarse, fine, 3, 0)
        state.add_norm(f"enc_{level}_downsample.2", coarse)
        state.add_conv(f"dec_{level}_upsample.1", 4 * fine, coarse, 3, 0)
        state.add_norm(f"dec_{level}_upsample.3", fine)
        state.add_conv(f"pred_flow_{level}.1", 2, fine, 3, 2)
    state.add_conv("pred_vis.1", 3, widths[1], 3, 3)
    return state


def evaluate_unet_v2(s, x, levels):
    def normed(name, number, x, **options):
        return s.norm(f"{name}.{number + 1}", s.conv(f"{name}.{number}", F.relu(x), **options))

    x = s.norm("pre_conv.0.1", s.conv("pre_conv.0.0", x))
    x = x + normed("pre_conv.1.conv", 0, x, padding=1)
    x = s.norm("pre_conv.4", s.conv("pre_conv.3", F.relu(x), stride=2, padding=1))
    hidden = []
    for level in range(levels):
        for k in range(2):
            x = x + normed(f"enc_{level}_res_{k}.conv", 0, x, padding=1)
            hidden.append(x)
        x = normed(f"enc_{level}_downsample", 1, x, stride=2, padding=1)
    flows = [None] * levels
    for level in reversed(range(levels)):
        x = F.pixel_shuffle(s.conv(f"dec_{level}_upsample.1", F.relu(x), padding=1), 2)
        x = s.norm(f"dec_{level}_upsample.3", x)
        for k in range(2):
            a = normed(f"dec_{level}_res_{k}.conv_a", 0, hidden.pop())
            x = x + normed(f"dec_{level}_res_{k}.conv", 0, torch.cat([x, a], dim=1), padding=1)
        flows[level] = s.conv(f"pred_flow_{level}.1", F.relu(x), padding=1)
    return flows, s.conv("pred_vis.1", F.relu(x), padding=1)


def compare(state, evaluate, side=64, **expected):
    config, tensors = convert_keys.flow_net(state)
    assert expected.items() <= config.items()
    net = FlowNet(FlowNetConfig.from_dict(config)).eval()
    restore(net, tensors)
    discs = torch.rand(1, 136, side, side, generator=torch.Generator().manual_seed(0)).round()
    with torch.no_grad():
        output = net(discs)
        flows, visibility = evaluate(discs)
    torch.testing.assert_close(output.visibility, visibility, atol=1e-3, rtol=1e-4)
    for ours, wanted in zip(output.flows, flows, strict=True):
        assert wanted.std() > 0.05
        torch.testing.assert_close(ours, wanted, atol=1e-3, rtol=1e-4)


def test_unet():
    state = published_unet(width=3, levels=4, limit=20)
    compare(
        state,
        lambda x: evaluate_unet(state, x, 4),
        variant="unet",
        width=3,
        halvings=1,
        levels=4,
        max_width=20,
    )


def test_unet_with_two_halvings():
    state = published_unet(width=2, levels=2, limit=512, halvings=2)
    compare(state, lambda x: evaluate_unet(state, x, 2, 2), 32, variant="unet", width=2, halvings=2, levels=2)


def flat(state):
    """The same file had the first two layers not been grouped."""
    renamed = type(state)(0)
    for name, tensor in state.items():
        layer = name.split(".")
        if layer[0] == "pre_conv":
            layer = (
                ["pre_conv", *layer[2:]]
                if layer[1] == "0"
                else ["pre_conv", str(int(layer[1]) + 1), *layer[2:]]
            )
        renamed[".".join(layer)] = tensor
    return renamed


@pytest.mark.parametrize("arrange", [lambda state: state, flat])
def test_unet_v2(arrange):
    state = published_unet_v2(width=4, levels=3, limit=14)
    compare(
        arrange(state),
        lambda x: evaluate_unet_v2(state, x, 3),
        32,
        variant="unet_v2",
        width=4,
        halvings=1,
        levels=3,
        max_width=14,
        residuals=2,
    )


def test_other_files_are_refused():
    with pytest.raises((ValueError, KeyError)):
        convert_keys.flow_net({"features.0.weight": torch.zeros(1)})
