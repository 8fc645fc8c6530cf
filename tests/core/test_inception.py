"""FID's network against a straight-line evaluation of the published tensors, by their published names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lpcore import weights
from lpcore.errors import LpError
from lpcore.evaluate import judge
from lpcore.evaluate.inception import FEATURES, Inception, load_inception

SHAPES: dict[str, tuple[int, int, int, int]] = {}
"""Published name of a convolution -> its kernel's shape, written down one by one."""


def _shape(name: str, outputs: int, inputs: int, height: int = 1, width: int = 1) -> None:
    SHAPES[name] = (outputs, inputs, height, width)


_shape("Conv2d_1a_3x3", 32, 3, 3, 3)
_shape("Conv2d_2a_3x3", 32, 32, 3, 3)
_shape("Conv2d_2b_3x3", 64, 32, 3, 3)
_shape("Conv2d_3b_1x1", 80, 64)
_shape("Conv2d_4a_3x3", 192, 80, 3, 3)
for block, wide, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
    _shape(f"Mixed_{block}.branch1x1", 64, wide)
    _shape(f"Mixed_{block}.branch5x5_1", 48, wide)
    _shape(f"Mixed_{block}.branch5x5_2", 64, 48, 5, 5)
    _shape(f"Mixed_{block}.branch3x3dbl_1", 64, wide)
    _shape(f"Mixed_{block}.branch3x3dbl_2", 96, 64, 3, 3)
    _shape(f"Mixed_{block}.branch3x3dbl_3", 96, 96, 3, 3)
    _shape(f"Mixed_{block}.branch_pool", pooled, wide)
_shape("Mixed_6a.branch3x3", 384, 288, 3, 3)
_shape("Mixed_6a.branch3x3dbl_1", 64, 288)
_shape("Mixed_6a.branch3x3dbl_2", 96, 64, 3, 3)
_shape("Mixed_6a.branch3x3dbl_3", 96, 96, 3, 3)
for block, c in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
    _shape(f"Mixed_{block}.branch1x1", 192, 768)
    _shape(f"Mixed_{block}.branch7x7_1", c, 768)
    _shape(f"Mixed_{block}.branch7x7_2", c, c, 1, 7)
    _shape(f"Mixed_{block}.branch7x7_3", 192, c, 7, 1)
    _shape(f"Mixed_{block}.branch7x7dbl_1", c, 768)
    _shape(f"Mixed_{block}.branch7x7dbl_2", c, c, 7, 1)
    _shape(f"Mixed_{block}.branch7x7dbl_3", c, c, 1, 7)
    _shape(f"Mixed_{block}.branch7x7dbl_4", c, c, 7, 1)
    _shape(f"Mixed_{block}.branch7x7dbl_5", 192, c, 1, 7)
    _shape(f"Mixed_{block}.branch_pool", 192, 768)
_shape("Mixed_7a.branch3x3_1", 192, 768)
_shape("Mixed_7a.branch3x3_2", 320, 192, 3, 3)
_shape("Mixed_7a.branch7x7x3_1", 192, 768)
_shape("Mixed_7a.branch7x7x3_2", 192, 192, 1, 7)
_shape("Mixed_7a.branch7x7x3_3", 192, 192, 7, 1)
_shape("Mixed_7a.branch7x7x3_4", 192, 192, 3, 3)
for block, wide in (("7b", 1280), ("7c", 2048)):
    _shape(f"Mixed_{block}.branch1x1", 320, wide)
    _shape(f"Mixed_{block}.branch3x3_1", 384, wide)
    _shape(f"Mixed_{block}.branch3x3_2a", 384, 384, 1, 3)
    _shape(f"Mixed_{block}.branch3x3_2b", 384, 384, 3, 1)
    _shape(f"Mixed_{block}.branch3x3dbl_1", 448, wide)
    _shape(f"Mixed_{block}.branch3x3dbl_2", 384, 448, 3, 3)
    _shape(f"Mixed_{block}.branch3x3dbl_3a", 384, 384, 1, 3)
    _shape(f"Mixed_{block}.branch3x3dbl_3b", 384, 384, 3, 1)
    _shape(f"Mixed_{block}.branch_pool", 192, wide)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random tensors under the published names, lively enough that no layer dies."""
    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in SHAPES.items():
        inputs = shape[1] * shape[2] * shape[3]
        tensors[f"{name}.conv.weight"] = torch.randn(shape, generator=draw) * (2 / inputs) ** 0.5
        tensors[f"{name}.bn.weight"] = torch.rand(shape[0], generator=draw) + 0.5
        tensors[f"{name}.bn.bias"] = torch.randn(shape[0], generator=draw) * 0.1
        tensors[f"{name}.bn.running_mean"] = torch.randn(shape[0], generator=draw) * 0.1
        tensors[f"{name}.bn.running_var"] = torch.rand(shape[0], generator=draw) + 0.5
    tensors["fc.weight"] = torch.randn(1008, 2048, generator=draw)
    tensors["fc.bias"] = torch.randn(1008, generator=draw)
    return tensors


def straight_line(state: dict[str, torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
    """The network written out, its mean pooling by counting and its resizing by index arithmetic."""

    def conv(name, x, stride=1, padding=(0, 0)):
        x = F.conv2d(x, state[f"{name}.conv.weight"], None, stride, padding)
        scale = state[f"{name}.bn.weight"] / (state[f"{name}.bn.running_var"] + 0.001).sqrt()
        shift = state[f"{name}.bn.bias"] - state[f"{name}.bn.running_mean"] * scale
        return (x * scale[:, None, None] + shift[:, None, None]).clamp_min(0)

    def mean(x):
        ones = torch.ones(x.shape[1], 1, 3, 3)
        total = F.conv2d(x, ones, padding=1, groups=x.shape[1])
        count = F.conv2d(torch.ones(1, 1, *x.shape[2:]), torch.ones(1, 1, 3, 3), padding=1)
        return total / count

    def largest(x):
        patches = F.unfold(F.pad(x, (1, 1, 1, 1), value=-1e30), 3)
        return patches.view(x.shape[0], x.shape[1], 9, *x.shape[2:]).amax(2)

    def fine(block, x):
        n = f"Mixed_{block}.branch"
        a = conv(f"{n}1x1", x)
        b = conv(f"{n}5x5_2", conv(f"{n}5x5_1", x), padding=(2, 2))
        c = conv(f"{n}3x3dbl_1", x)
        c = conv(f"{n}3x3dbl_3", conv(f"{n}3x3dbl_2", c, padding=(1, 1)), padding=(1, 1))
        return torch.cat([a, b, c, conv(f"{n}_pool", mean(x))], 1)

    def middle(block, x):
        n = f"Mixed_{block}.branch7x7"
        b = conv(f"{n}_3", conv(f"{n}_2", conv(f"{n}_1", x), padding=(0, 3)), padding=(3, 0))
        c = conv(f"{n}dbl_3", conv(f"{n}dbl_2", conv(f"{n}dbl_1", x), padding=(3, 0)), padding=(0, 3))
        c = conv(f"{n}dbl_5", conv(f"{n}dbl_4", c, padding=(3, 0)), padding=(0, 3))
        m = f"Mixed_{block}.branch"
        return torch.cat([conv(f"{m}1x1", x), b, c, conv(f"{m}_pool", mean(x))], 1)

    def coarse(block, x, pooled):
        n = f"Mixed_{block}.branch"
        b = conv(f"{n}3x3_1", x)
        b = [conv(f"{n}3x3_2a", b, padding=(0, 1)), conv(f"{n}3x3_2b", b, padding=(1, 0))]
        c = conv(f"{n}3x3dbl_2", conv(f"{n}3x3dbl_1", x), padding=(1, 1))
        c = [conv(f"{n}3x3dbl_3a", c, padding=(0, 1)), conv(f"{n}3x3dbl_3b", c, padding=(1, 0))]
        return torch.cat([conv(f"{n}1x1", x), *b, *c, conv(f"{n}_pool", pooled)], 1)

    height, width = pictures.shape[2:]
    rows = ((np.arange(299) + 0.5) * height / 299 - 0.5).clip(0, height - 1)
    columns = ((np.arange(299) + 0.5) * width / 299 - 0.5).clip(0, width - 1)
    y0, x0 = rows.astype(int), columns.astype(int)
    y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
    fy = torch.from_numpy(rows - y0).float()[:, None]
    fx = torch.from_numpy(columns - x0).float()
    top = pictures[:, :, y0][..., x0] * (1 - fx) + pictures[:, :, y0][..., x1] * fx
    low = pictures[:, :, y1][..., x0] * (1 - fx) + pictures[:, :, y1][..., x1] * fx
    x = (top * (1 - fy) + low * fy) * 2 - 1

    x = conv("Conv2d_1a_3x3", x, 2)
    x = conv("Conv2d_2b_3x3", conv("Conv2d_2a_3x3", x), padding=(1, 1))
    x = F.max_pool2d(x, 3, 2)
    x = F.max_pool2d(conv("Conv2d_4a_3x3", conv("Conv2d_3b_1x1", x)), 3, 2)
    x = fine("5d", fine("5c", fine("5b", x)))
    b = conv("Mixed_6a.branch3x3dbl_2", conv("Mixed_6a.branch3x3dbl_1", x), padding=(1, 1))
    b = conv("Mixed_6a.branch3x3dbl_3", b, 2)
    x = torch.cat([conv("Mixed_6a.branch3x3", x, 2), b, F.max_pool2d(x, 3, 2)], 1)
    x = middle("6e", middle("6d", middle("6c", middle("6b", x))))
    a = conv("Mixed_7a.branch3x3_2", conv("Mixed_7a.branch3x3_1", x), 2)
    b = conv("Mixed_7a.branch7x7x3_2", conv("Mixed_7a.branch7x7x3_1", x), padding=(0, 3))
    b = conv("Mixed_7a.branch7x7x3_4", conv("Mixed_7a.branch7x7x3_3", b, padding=(3, 0)), 2)
    x = torch.cat([a, b, F.max_pool2d(x, 3, 2)], 1)
    x = coarse("7b", x, mean(x))
    return coarse("7c", x, largest(x)).mean((2, 3))


@pytest.fixture(scope="module")
def path(state, tmp_path_factory) -> Path:
    """A file of the tensors."""
    file = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05.pth"
    torch.save(state, file)
    return file


@torch.inference_mode()
def test_the_published_tensors_give_the_published_features(state, path):
    pictures = torch.rand(2, 3, 80, 120, generator=torch.Generator().manual_seed(1))
    found, wanted = load_inception(path).features(pictures), straight_line(state, pictures)
    assert found.shape == (2, FEATURES)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
    assert wanted.std() > 1e-2 and (wanted[0] - wanted[1]).abs().max() > 1e-3


def test_the_judge_looks_by_it_where_the_user_has_the_file(path, monkeypatch):
    nothing = SimpleNamespace(features=lambda x: x.mean((2, 3)))
    for name in ("load_efficientnet", "load_identity_net"):
        monkeypatch.setattr(judge, name, lambda *arguments: nothing)
    monkeypatch.setattr(weights, "require", lambda name: Path(name))
    monkeypatch.setattr(weights, "sha256", lambda name: name)
    picture = np.random.default_rng(0).integers(0, 256, (70, 70), dtype=np.uint8)
    with_file, without = judge.Judge("cpu", path), judge.Judge("cpu")
    found = with_file.looks([picture])
    assert set(found) == {"fd", "fid"} and set(without.looks([picture])) == {"fd"}
    grey = torch.from_numpy(picture)[None, None].float() / 255
    with torch.inference_mode():
        wanted = load_inception(path).features(grey).numpy()
    np.testing.assert_allclose(found["fid"], wanted, rtol=1e-4, atol=1e-5)
    # Another file gives other figures, and what is kept must know it.
    assert len(with_file.made_of["inception"]) == 64 and "inception" not in without.made_of


@torch.inference_mode()
def test_grey_is_colour_without_hue(state):
    net = Inception().eval()
    net.load_state_dict(state, strict=False)
    grey = torch.rand(1, 1, 60, 60, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net.features(grey), net.features(grey.expand(-1, 3, -1, -1)))


def test_another_file_is_refused(state, tmp_path):
    path = tmp_path / "other.pth"
    for content in (
        {**state, "AuxLogits.fc.bias": torch.zeros(3)},
        {"fc.weight": state["fc.weight"]},
        [1, 2],
    ):
        torch.save(content, path)
        with pytest.raises(LpError, match="pt_inception"):
            load_inception(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(LpError) as told:
        load_inception(path)
    assert told.value.code == "CHECKPOINT_WRONG"
    with pytest.raises(FileNotFoundError):
        load_inception(tmp_path / "absent.pth")
