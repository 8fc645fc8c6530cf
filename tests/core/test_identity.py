"""The identity features: reading dlib's file, aligning faces, telling people apart."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import frontal_face
from torch import nn

from lpcore import weights
from lpcore.drawing.thin_plate import thin_plate_warp
from lpcore.train.identity import (
    IdentityNet,
    align_faces,
    fill,
    identity_features,
    load_identity_net,
    separation,
)


def whole(number: int) -> bytes:
    """A whole number as dlib writes it: how many bytes, then the bytes from the lowest up."""
    length = (number.bit_length() + 7) // 8
    return bytes([length]) + number.to_bytes(length, "little")


def record(name: str, values: np.ndarray, extra: bytes = b"") -> bytes:
    shape = (*values.shape, 1, 1, 1)[:4]
    start = bytes([len(name)]) + name.encode() + extra + whole(2) + b"".join(whole(n) for n in shape)
    return start + values.astype("<f4").tobytes() + b"settings"


@pytest.fixture(scope="module")
def made_up() -> tuple[bytes, list[np.ndarray]]:
    """A file in dlib's layout with random weights, and its tensors in order."""
    rng = np.random.default_rng(0)
    blob, tensors = b"header", []
    for layer in IdentityNet().modules():
        if isinstance(layer, nn.Conv2d):
            convolution = rng.normal(0, 0.05, layer.weight.numel() + layer.out_channels)
            affine = rng.normal(1, 0.1, 2 * layer.out_channels)
            blob += record("con_4", convolution) + record("affine_", affine)
            tensors += [convolution, affine]
    embed = rng.normal(0, 0.05, (256, 128))
    return blob + record("fc_2", embed, whole(128) + whole(256)), [*tensors, embed]


def test_affine_layers_are_folded_into_convolutions(made_up):
    blob, tensors = made_up
    net = IdentityNet()
    fill(net, blob)
    kernel, bias = (torch.from_numpy(part).float() for part in np.split(tensors[0], [32 * 3 * 49]))
    gain, offset = torch.from_numpy(tensors[1]).float().split(32)
    faces = torch.rand(1, 3, 20, 20)
    plain = F.conv2d(faces, kernel.view(32, 3, 7, 7), bias, stride=2)
    assert torch.allclose(
        net.stem(faces), plain * gain.view(1, -1, 1, 1) + offset.view(1, -1, 1, 1), atol=1e-5
    )
    assert torch.allclose(net.embed.weight, torch.from_numpy(tensors[-1]).float().T)


def test_levels_have_their_shapes(made_up):
    net = IdentityNet()
    fill(net, made_up[0])
    with torch.autocast("cpu", torch.bfloat16):
        levels = net(torch.rand(2, 3, 150, 150))
    assert [tuple(level.shape) for level in levels] == [
        (2, 32, 35, 35),
        (2, 64, 17, 17),
        (2, 128, 8, 8),
        (2, 256, 4, 4),
        (2, 128),
    ]
    assert all(level.dtype == torch.float32 and level.isfinite().all() for level in levels)


def test_another_network_is_refused(made_up):
    with pytest.raises(ValueError, match=r"no layer|buffer"):
        fill(IdentityNet(), made_up[0][:100_000])
    with pytest.raises(ValueError, match="unexpected"):
        fill(IdentityNet(), record("con_4", np.zeros(10)) + record("affine_", np.zeros(4)))


def test_faces_come_out_the_same_wherever_they_were():
    points = torch.from_numpy(frontal_face()[None, :, :2]) * 0.3 + 20
    smooth = F.avg_pool2d(torch.rand(1, 1, 200, 200, generator=torch.Generator().manual_seed(0)), 9, 1, 4)
    turn = torch.tensor([[0.98, 0.17], [-0.17, 0.98]])
    elsewhere = (points - 95) @ turn * 0.95 + torch.tensor([100.0, 90.0])
    moved = thin_plate_warp(smooth, points, elsewhere)
    here, there = align_faces(smooth, points), align_faces(moved, elsewhere)
    assert here.shape == (1, 3, 150, 150)
    assert (here - there).abs().mean() < 0.1 * here.std()


def test_eyes_come_to_their_places():
    points = torch.from_numpy(frontal_face()[None, :, :2]) / 2
    image = torch.ones(1, 1, 256, 256)
    for x, y in points[0, [36, 45]].round().long().tolist():
        image[..., y - 2 : y + 3, x - 2 : x + 3] = 0
    aligned = align_faces(image, points)[0, 0]
    rows, columns = (aligned < 0.5).nonzero(as_tuple=True)
    # The made-up face has other proportions, so its corners only come near the places.
    assert (rows - 46).abs().max() < 12 and columns.min() > 25 and columns.max() < 125


def test_gradients_reach_the_drawing(made_up):
    net = IdentityNet().requires_grad_(False)
    fill(net, made_up[0])
    points = torch.from_numpy(frontal_face()[None, :, :2]) / 4
    drawing = torch.rand(1, 1, 128, 128, requires_grad=True)
    torch.stack([level.abs().mean() for level in identity_features(net, drawing, points)]).sum().backward()
    assert drawing.grad[0, 0, 30:90, 35:90].abs().sum() > 0


def test_separation_counts_nearest_neighbours_and_orders():
    first = np.array([[0.0], [10.0], [20.0]])
    assert separation(first, first + 1) == {"rank1": 1.0, "auc": 1.0}
    # The third person's second picture is nearest to the second person.
    figures = separation(first, np.array([[0.0], [10.0], [12.0]]))
    assert figures["rank1"] == pytest.approx(2 / 3)
    # Distances 0, 0, 8 of the same against 10, 12, 10, 2, 20, 10 of others: one of 18 pairs is the wrong way round.
    assert figures["auc"] == pytest.approx(17 / 18)


def test_the_network_is_fetched_for_training_only():
    assert weights.REGISTRY["face_identity"].training
    assert "face_identity" not in {entry["name"] for entry in weights.listing()}


@pytest.mark.weights
def test_the_real_network_knows_a_face_again():
    from skimage.data import astronaut

    if not weights.store.location(weights.REGISTRY["face_identity"]).is_file():
        pytest.skip("face_identity is fetched for training only")
    net = load_identity_net()
    photo = torch.from_numpy(astronaut()).permute(2, 0, 1)[None].float() / 255
    points = torch.zeros(1, 68, 2)
    corners = [(245, 107), (231, 109), (200, 113), (212, 113), (225, 140)]
    points[0, [45, 42, 36, 39, 33]] = torch.tensor(corners, dtype=torch.float32)
    same, darker, other = (
        net(align_faces(image, points))[-1] for image in (photo, photo * 0.7, photo.roll(60, -1))
    )
    assert (same - darker).norm() < 0.4 < 0.6 < (same - other).norm()
