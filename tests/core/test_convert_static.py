"""MODNet and photo2cartoon, evaluated layer by layer from their published descriptions, against our modules.

The evaluations make up each tensor where they first need it, so they also list the published names and shapes.
"""

import torch
import torch.nn.functional as F

from lpcore.drawing.paper import CartoonGenerator, ModNet
from lpcore.weights import convert_keys
from lpcore.weights.tensors import restore


class Tensors(dict):
    """Random tensors under the authors' names, and the layers that use them."""

    def __init__(self):
        super().__init__()
        self.random = torch.Generator().manual_seed(0)

    def made(self, name, *shape, spread=1.0, around=0.0):
        if name not in self:
            self[name] = torch.randn(*shape, generator=self.random) * spread + around
        return self[name]

    def conv(self, name, x, outputs, kernel, bias=True, groups=1, stride=1, reflect=False):
        inputs = x.shape[1] // groups
        weight = self.made(
            f"{name}.weight", outputs, inputs, kernel, kernel, spread=1.5 / (inputs * kernel**2) ** 0.5
        )
        border = kernel // 2
        if reflect and border:
            x, border = F.pad(x, (border,) * 4, mode="reflect"), 0
        return F.conv2d(
            x, weight, self.made(f"{name}.bias", outputs) if bias else None, stride, border, groups=groups
        )

    def linear(self, name, x, outputs, bias=True):
        weight = self.made(f"{name}.weight", outputs, x.shape[1], spread=x.shape[1] ** -0.5)
        return F.linear(x, weight, self.made(f"{name}.bias", outputs) if bias else None)

    def batch_norm(self, name, x):
        width = x.shape[1]
        values = [self.made(f"{name}.{part}", width, spread=0.1) for part in ("running_mean", "bias")]
        scales = [
            self.made(f"{name}.{part}", width, spread=0.1, around=1) for part in ("running_var", "weight")
        ]
        return F.batch_norm(x, values[0], scales[0], scales[1], values[1])


def evaluate_modnet(s, image):
    def backbone(x):
        taps, inputs, index = [], 32, 1
        x = s.conv("backbone.model.features.0.0", x, 32, 3, False, stride=2)
        x = F.relu6(s.batch_norm("backbone.model.features.0.1", x))
        table = [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        for expansion, outputs, repeats, stride in table:
            for repeat in range(repeats):
                name, step, before, wide = f"backbone.model.features.{index}.conv", 0, x, inputs * expansion
                if expansion > 1:
                    x = F.relu6(s.batch_norm(f"{name}.1", s.conv(f"{name}.0", x, wide, 1, False)))
                    step = 3
                hop = 1 if repeat else stride
                x = s.conv(f"{name}.{step}", x, wide, 3, False, groups=wide, stride=hop)
                x = F.relu6(s.batch_norm(f"{name}.{step + 1}", x))
                x = s.batch_norm(f"{name}.{step + 4}", s.conv(f"{name}.{step + 3}", x, outputs, 1, False))
                x = x + before if hop == 1 and inputs == outputs else x
                inputs, index = outputs, index + 1
                taps.append(x)
        x = F.relu6(
            s.batch_norm(
                "backbone.model.features.18.1", s.conv("backbone.model.features.18.0", x, 1280, 1, False)
            )
        )
        return taps[0], taps[2], x

    def unit(name, x, outputs, kernel, stride=1):
        x = s.conv(f"{name}.layers.0", x, outputs, kernel, stride=stride)
        half = outputs // 2
        first = s.batch_norm(f"{name}.layers.1.bnorm", x[:, :half])
        return F.relu(torch.cat([first, F.instance_norm(x[:, half:])], dim=1))

    def double(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    def smaller(share):
        return F.interpolate(image, scale_factor=share, mode="bilinear", align_corners=False)

    half, quarter, coarse = backbone(image)
    gate = F.relu(s.linear("lr_branch.se_block.fc.0", coarse.mean((2, 3)), 320, False))
    gate = torch.sigmoid(s.linear("lr_branch.se_block.fc.2", gate, 1280, False))
    low = unit("lr_branch.conv_lr16x", double(coarse * gate[:, :, None, None]), 96, 5)
    low = unit("lr_branch.conv_lr8x", double(low), 32, 5)

    half = unit("hr_branch.tohr_enc2x", half, 32, 1)
    x = unit("hr_branch.conv_enc2x", torch.cat([smaller(1 / 2), half], dim=1), 32, 3, 2)
    x = unit(
        "hr_branch.conv_enc4x", torch.cat([x, unit("hr_branch.tohr_enc4x", quarter, 32, 1)], dim=1), 64, 3
    )
    x = torch.cat([x, double(low), smaller(1 / 4)], dim=1)
    for index, width in enumerate((64, 64, 32)):
        x = unit(f"hr_branch.conv_hr4x.{index}", x, width, 3)
    x = torch.cat([double(x), half], dim=1)
    for index, width in enumerate((64, 32, 32, 32)):
        x = unit(f"hr_branch.conv_hr2x.{index}", x, width, 3)

    low = double(unit("f_branch.conv_lr4x", double(low), 32, 5))
    x = double(unit("f_branch.conv_f2x", torch.cat([low, x], dim=1), 32, 3))
    x = unit("f_branch.conv_f.0", torch.cat([x, image], dim=1), 16, 3)
    return torch.sigmoid(s.conv("f_branch.conv_f.1.layers.0", x, 1, 1))


def add_auxiliary_heads(s):
    """Weights of the published file that inference never uses."""
    s.conv("lr_branch.conv_lr.layers.0", torch.zeros(1, 32, 4, 4), 1, 3)
    s.conv("hr_branch.conv_hr.0.layers.0", torch.zeros(1, 35, 4, 4), 32, 3)
    s.batch_norm("hr_branch.conv_hr.0.layers.1.bnorm", torch.zeros(1, 16, 4, 4))
    s.conv("hr_branch.conv_hr.1.layers.0", torch.zeros(1, 32, 4, 4), 1, 1)


def test_modnet():
    state = Tensors()
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1
    wanted = evaluate_modnet(state, image)
    add_auxiliary_heads(state)
    twice = {f"lr_branch.{name}": tensor for name, tensor in state.items() if name.startswith("backbone.")}
    config, tensors = convert_keys.modnet(state | twice)
    net = ModNet(**config).eval()
    restore(net, tensors)
    with torch.no_grad():
        ours = net(image)
    assert wanted.std() > 0.05
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=0)


def evaluate_cartoon(s, x, width):
    def active(x):
        return F.relu(F.instance_norm(x))

    def mirrored(name, x, outputs, kernel=3, stride=1):
        return s.conv(name, x, outputs, kernel, False, stride=stride, reflect=True)

    def split(name, x):
        one = mirrored(f"{name}.ConvBlock1.3", active(x), width // 2)
        two = mirrored(f"{name}.ConvBlock2.3", active(one), width // 4)
        three = mirrored(f"{name}.ConvBlock3.3", active(two), width // 4)
        s.conv(f"{name}.ConvBlock4.2", x, width, 1, False)  # in the file, without effect
        return x + torch.cat([one, two, three], dim=1)

    def hourglass(name, x, last=False):
        nest, y, sides = f"{name}.HG.0", x, []
        for level in "1234":
            sides.append(split(f"{nest}.ConvBlock{level}_1", y))
            y = split(f"{nest}.ConvBlock{level}_2", F.avg_pool2d(y, 2))
        y = split(f"{nest}.ConvBlock5", y)
        for level, side in zip("6789", reversed(sides), strict=True):
            y = side + F.interpolate(split(f"{nest}.ConvBlock{level}", y), scale_factor=2, mode="nearest")
        y = active(s.conv(f"{name}.HG.2", split(f"{name}.HG.1", y), width, 1, False))
        image = s.conv(f"{name}.Conv1", y, 3, 1)
        return (
            image
            if last
            else x + s.conv(f"{name}.Conv2", y, width, 1) + s.conv(f"{name}.Conv3", image, width, 1)
        )

    def mixed(name, x):
        share = s.made(f"{name}.rho", 1, x.shape[1], 1, 1, spread=0.1, around=0.5)
        parts = [
            (x - x.mean(axes, keepdim=True)) / (x.var(axes, unbiased=True, keepdim=True) + 1e-5).sqrt()
            for axes in ((2, 3), (1, 2, 3))
        ]
        return share * parts[0] + (1 - share) * parts[1]

    def adaptive(name, x, content, style):
        wide, factors = x.shape[1], []
        for which in ("gamma", "beta"):
            weight = s.made(f"{name}.w_{which}", 1, wide, spread=0.3, around=0.5)
            hidden = F.relu(s.linear(f"{name}.c_{which}.0", content, wide))
            from_content = s.linear(f"{name}.c_{which}.2", hidden, wide)
            factors.append((1 - weight) * s.linear(f"{name}.s_{which}", style, wide) + weight * from_content)
        return mixed(f"{name}.norm", x) * factors[0][:, :, None, None] + factors[1][:, :, None, None]

    wide = 4 * width
    x = active(mirrored("ConvBlock1.1", x, width, 7))
    x = hourglass("HourGlass2", hourglass("HourGlass1", x))
    x = active(mirrored("DownBlock1.1", x, 2 * width, 3, 2))
    x = active(mirrored("DownBlock2.1", x, wide, 3, 2))
    contents = []
    for index in range(1, 5):
        y = active(mirrored(f"EncodeBlock{index}.conv_block.1", x, wide))
        x = x + F.instance_norm(mirrored(f"EncodeBlock{index}.conv_block.5", y, wide))
        contents.append(x.mean((2, 3)))
    s.linear("gap_fc", contents[-1], 1), s.linear("gmp_fc", contents[-1], 1)
    maps = [x * s[f"{name}.weight"].view(1, wide, 1, 1) for name in ("gap_fc", "gmp_fc")]
    x = F.relu(s.conv("conv1x1", torch.cat(maps, dim=1), wide, 1))
    style = F.relu(s.linear("FC.2", F.relu(s.linear("FC.0", x.mean((2, 3)), wide)), wide))
    for index in range(1, 5):
        name, content = f"DecodeBlock{index}", contents[4 - index]
        y = F.relu(adaptive(f"{name}.norm1", mirrored(f"{name}.conv1", x, wide), content, style))
        x = x + adaptive(f"{name}.norm2", mirrored(f"{name}.conv2", y, wide), content, style)
    for index, outputs in ((1, 2 * width), (2, width)):
        name = f"UpBlock{index}"
        x = mirrored(f"{name}.2", F.interpolate(x, scale_factor=2, mode="nearest"), outputs)
        gamma = s.made(f"{name}.3.gamma", 1, outputs, 1, 1, spread=0.1, around=1)
        x = F.relu(mixed(f"{name}.3", x) * gamma + s.made(f"{name}.3.beta", 1, outputs, 1, 1))
    x = hourglass("HourGlass4", hourglass("HourGlass3", x), last=True)
    return torch.tanh(mirrored("ConvBlock2.1", x, 3, 7))


def test_cartoon():
    state = Tensors()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    wanted = evaluate_cartoon(state, image, 8)
    config, tensors = convert_keys.cartoon(state)
    assert config == {"width": 8}
    net = CartoonGenerator(**config).eval()
    restore(net, tensors)
    with torch.no_grad():
        ours = net(image)
    assert wanted.std() > 0.05
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=0)
