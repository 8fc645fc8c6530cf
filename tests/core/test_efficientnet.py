"""The feature network of Fréchet distances: its shape, its padding, and that it knows what pictures show."""

import pytest
import torch
import torch.nn.functional as F

from lpcore import weights
from lpcore.evaluate.efficientnet import FEATURES, EfficientNetLite0, _Convolution, fill, load_efficientnet


def test_it_has_the_published_size():
    net = EfficientNetLite0().eval()
    assert sum(p.numel() for p in net.parameters()) == 4_652_008
    with torch.inference_mode():
        assert net.features(torch.rand(2, 1, 50, 70)).shape == (2, FEATURES) and net(
            torch.rand(1, 3, 64, 64)
        ).shape == (1, 1000)
        # The last maps are 7 x 7: the picture is halved five times.
        assert net.trunk(torch.zeros(1, 3, 224, 224)).shape == (1, FEATURES, 7, 7)


@pytest.mark.parametrize(("side", "stride", "size"), [(3, 2, 8), (3, 2, 9), (5, 2, 8), (5, 1, 7), (1, 1, 6)])
def test_padding_is_split_as_tensorflow_does(side, stride, size):
    """Its documentation: ceil(n / stride) outputs, the total padding's smaller half at the start."""
    torch.manual_seed(0)
    convolution = _Convolution(2, 3, side, stride, bias=False)
    x = torch.rand(1, 2, size, size)
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + side - size, 0)
    padded = F.pad(x, [total // 2, total - total // 2] * 2)
    assert convolution(x).shape[-1] == outputs
    assert torch.allclose(convolution(x), F.conv2d(padded, convolution.weight, stride=stride), atol=1e-6)


def test_grey_is_colour_without_hue():
    torch.manual_seed(0)
    net = EfficientNetLite0().eval()
    grey = torch.rand(1, 1, 40, 40)
    assert torch.equal(net.features(grey), net.features(grey.expand(-1, 3, -1, -1)))


def test_tensors_go_in_by_order_and_others_are_refused():
    torch.manual_seed(0)
    donor, net = EfficientNetLite0(), EfficientNetLite0()
    tensors = list(donor.state_dict().values())
    fill(net, tensors)
    assert all(map(torch.equal, net.state_dict().values(), tensors))
    with pytest.raises(ValueError, match="zip"):
        fill(net, tensors[:-1])
    with pytest.raises(RuntimeError, match="size mismatch"):
        fill(net, tensors[::-1])


def test_the_network_is_fetched_for_measuring_only():
    assert weights.REGISTRY["efficientnet_lite0"].training
    assert "efficientnet_lite0" not in {entry["name"] for entry in weights.listing()}


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "classes"), [("cat", {281, 282, 285}), ("coffee", {967, 968}), ("rocket", {657})]
)
def test_the_real_network_names_what_it_sees(name, classes):
    data = pytest.importorskip("skimage.data")
    if not weights.store.location(weights.REGISTRY["efficientnet_lite0"]).is_file():
        pytest.skip("efficientnet_lite0 is fetched for measuring only")
    picture = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float() / 255
    found = load_efficientnet()(picture)[0].topk(2 if name == "rocket" else len(classes)).indices
    assert classes <= set(found.tolist())
