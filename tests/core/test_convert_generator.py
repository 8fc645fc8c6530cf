"""The published generator and static drawer, evaluated layer by layer from their description, against our modules."""

import pytest
import torch
import torch.nn.functional as F

from lpcore.drawing.generator import Generator, GeneratorConfig
from lpcore.drawing.paper import UpdGenerator
from lpcore.weights import convert_keys
from lpcore.weights.tensors import restore

WIDTH, SIDE, LANDMARK_WIDTHS = 6, 32, (8, 16, 16)


class Tensors(dict):
    """Random tensors under the authors' names."""

    def __init__(self, seed):
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def conv(self, name, outputs, inputs, kernel, transposed=False):
        shape = (inputs, outputs) if transposed else (outputs, inputs)
        spread = 1.5 / (inputs * kernel**2) ** 0.5
        self[f"{name}.weight"] = torch.randn(*shape, kernel, kernel, generator=self.random) * spread
        self[f"{name}.bias"] = torch.randn(outputs, generator=self.random)


def conv(state, name, x, reflect=0, **options):
    x = F.pad(x, (reflect,) * 4, mode="reflect") if reflect else x
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)


def normed(x):
    return F.instance_norm(x, eps=1e-5)


def up(state, name, x):
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return F.relu(normed(F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)))


def published_generator(outputs):
    state = Tensors(3 + outputs)
    for stream in range(3):
        inputs = 3
        for layer, kernel in enumerate((7, 3, 3)):
            width = WIDTH * 2**layer
            made = width // 2 if layer == stream else width
            state.conv(f"model_tri{stream}{layer}.{0 if layer else 1}", made, inputs, kernel)
            inputs = width
    wide = 4 * WIDTH
    state.conv("model_tri_merge", wide, 3 * wide, 3)
    for index, (a, b) in enumerate(zip((1, *LANDMARK_WIDTHS), LANDMARK_WIDTHS, strict=False)):
        state.conv(f"model_landmark_trans.{3 * index}", b, a, 3)
    for block in range(9):
        joined = wide + (0 if block % 3 else 2 * LANDMARK_WIDTHS[-1])
        state.conv(f"model2.{block}.conv_block.1", wide, joined, 3)
        state.conv(f"model2.{block}.conv_block.5", wide, wide, 3)
        if block % 3 == 0:
            state.conv(f"model2.{block}.shortcut.0", wide, joined, 3)
    state.conv("model3.0", 2 * WIDTH, wide, 3, transposed=True)
    state.conv("model3.3", WIDTH, 2 * WIDTH, 3, transposed=True)
    state.conv("model3.7", outputs, WIDTH, 7)
    return state


def evaluate_generator(state, photo, source, target, grid, flow, mask):
    def twice_warped(features, level):
        side = SIDE // 2**level
        small = F.interpolate(grid.permute(0, 3, 1, 2), (side, side), mode="bilinear", align_corners=True)
        by_b = F.grid_sample(features, small.permute(0, 2, 3, 1), align_corners=False)
        step = F.interpolate(flow / 2**level, (side, side), mode="bilinear", align_corners=True)
        seen = F.interpolate(mask, (side, side), mode="bilinear", align_corners=True)
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        at = torch.stack([columns + step[:, 0], rows + step[:, 1]], dim=-1)
        by_a = F.grid_sample(features, 2 * at / (side - 1) - 1, align_corners=False)
        by_a = torch.where(seen > 0.5, by_a, torch.tensor(-1.0))
        return torch.cat([by_b, by_a], dim=1)

    a0 = F.relu(normed(conv(state, "model_tri00.1", photo, 3)))
    a0 = twice_warped(a0, 0)
    a1 = F.relu(normed(conv(state, "model_tri01.0", a0, stride=2, padding=1)))
    a2 = F.relu(normed(conv(state, "model_tri02.0", a1, stride=2, padding=1)))

    b0 = F.relu(normed(conv(state, "model_tri10.1", photo, 3)))
    b1 = F.relu(normed(conv(state, "model_tri11.0", b0, stride=2, padding=1)))
    b1 = twice_warped(b1, 1)
    b2 = F.relu(normed(conv(state, "model_tri12.0", b1, stride=2, padding=1)))

    c0 = F.relu(normed(conv(state, "model_tri20.1", photo, 3)))
    c1 = F.relu(normed(conv(state, "model_tri21.0", c0, stride=2, padding=1)))
    c2 = F.relu(normed(conv(state, "model_tri22.0", c1, stride=2, padding=1)))
    c2 = twice_warped(c2, 2)

    x = conv(state, "model_tri_merge", torch.cat([a2, b2, c2], dim=1), padding=1)

    marks = []
    for image in (source, target):
        y = F.relu(normed(conv(state, "model_landmark_trans.0", image, padding=1)))
        y = F.relu(normed(conv(state, "model_landmark_trans.3", y, stride=2, padding=1)))
        marks.append(normed(conv(state, "model_landmark_trans.6", y, stride=2, padding=1)))

    for block in range(9):
        shortcut = x
        if block in (0, 3, 6):
            x = torch.cat([x, *marks], dim=1)
            shortcut = normed(conv(state, f"model2.{block}.shortcut.0", x, padding=1))
        y = F.relu(normed(conv(state, f"model2.{block}.conv_block.1", x, 1)))
        x = shortcut + normed(conv(state, f"model2.{block}.conv_block.5", y, 1))

    x = up(state, "model3.3", up(state, "model3.0", x))
    return torch.tanh(conv(state, "model3.7", x, 3))


@pytest.mark.parametrize("outputs", [1, 3])
def test_generator(outputs):
    state = published_generator(outputs)
    assert len(state) == 74
    config, tensors = convert_keys.generator(state)
    assert config["outputs"] == outputs and config["widths"] == [WIDTH, 2 * WIDTH, 4 * WIDTH]
    assert (config["blocks"], config["landmark_every"]) == (9, 3)
    generator = Generator(GeneratorConfig.from_dict(config)).eval()
    restore(generator, tensors)

    random = torch.Generator().manual_seed(0)
    photo = torch.rand(1, 3, SIDE, SIDE, generator=random) * 2 - 1
    source, target = torch.rand(2, 1, 1, SIDE, SIDE, generator=random).round() * 2 - 1
    grid = torch.rand(1, SIDE, SIDE, 2, generator=random) * 2.2 - 1.1
    flow = torch.randn(1, 2, SIDE, SIDE, generator=random) * 5
    mask = torch.rand(1, 1, SIDE, SIDE, generator=random)
    with torch.no_grad():
        ours = generator.draw(photo, source, target, grid, flow, mask)
        wanted = evaluate_generator(state, photo, source, target, grid, flow, mask)
    assert wanted.std() > 0.1
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=0)


def published_upd():
    state, wide = Tensors(7), 4 * WIDTH
    state.conv("model0.1", WIDTH, 3, 7)
    state.conv("model0.4", 2 * WIDTH, WIDTH, 3)
    state.conv("model0.7", wide, 2 * WIDTH, 3)
    state.conv("model.0", wide, wide + 3, 3)
    for index in range(3, 12):
        state.conv(f"model.{index}.conv_block.1", wide, wide, 3)
        state.conv(f"model.{index}.conv_block.5", wide, wide, 3)
    state.conv("model.12", 2 * WIDTH, wide, 3, transposed=True)
    state.conv("model.15", WIDTH, 2 * WIDTH, 3, transposed=True)
    state.conv("model.19", 1, WIDTH, 7)
    return state


def evaluate_upd(state, photo):
    x = F.relu(normed(conv(state, "model0.1", photo, 3)))
    x = F.relu(normed(conv(state, "model0.4", x, stride=2, padding=1)))
    x = F.relu(normed(conv(state, "model0.7", x, stride=2, padding=1)))
    style = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, *x.shape[2:])
    x = F.relu(normed(conv(state, "model.0", torch.cat([x, style], dim=1), padding=1)))
    for index in range(3, 12):
        y = F.relu(normed(conv(state, f"model.{index}.conv_block.1", x, 1)))
        x = x + normed(conv(state, f"model.{index}.conv_block.5", y, 1))
    x = up(state, "model.15", up(state, "model.12", x))
    return torch.tanh(conv(state, "model.19", x, 3))


def test_static_drawer():
    state = published_upd()
    config, tensors = convert_keys.upd(state)
    assert config == {"width": WIDTH, "blocks": 9}
    drawer = UpdGenerator(**config).eval()
    restore(drawer, tensors)
    photo = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        ours, wanted = drawer(photo), evaluate_upd(state, photo)
    assert wanted.std() > 0.1
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=0)


def test_tensors_that_do_not_belong_are_named():
    state = published_generator(1)
    state["model4.0.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match="unexpected model4"):
        convert_keys.generator(state)
    del state["model4.0.weight"], state["model2.5.conv_block.1.bias"]
    config, tensors = convert_keys.generator(state)
    with pytest.raises(ValueError, match=r"lacks trunk\.5\.conv0\.bias"):
        restore(Generator(GeneratorConfig.from_dict(config)), tensors)
