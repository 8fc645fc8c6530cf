"""Landmarks of drawings: moved faces with known landmarks, the network, its trainer, reading by window."""

import cv2
import numpy as np
import pytest
import torch
from conftest import frontal_face
from safetensors.torch import load_file

from lpcore import points68
from lpcore.train.drawing_landmarks import (
    DrawingLandmarkNet,
    LandmarkNetConfig,
    TrainLandmarks,
    batch_of,
    evaluate,
    face_windows,
    landmark_loss,
    load_landmark_net,
    read_landmarks,
    train,
)
from lpcore.train.moved_faces import WINDOW, example, load_drawn_faces, move_face

SMALL = LandmarkNetConfig(widths=(4, 6, 8, 12))
TINY = TrainLandmarks(model=SMALL, styles=("ink",), steps=6, batch=2, log_every=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three drawn faces with a dot on every landmark; one is held out, one photo is smaller than 512."""
    root = tmp_path_factory.mktemp("data")
    folders = {name: root / name for name in ("faces", "masks", "drawings_ink")}
    for folder in folders.values():
        folder.mkdir()
    landmarks = {}
    for stem, side in (("canada_001", 512), ("stylegan2_1", 480), ("stylegan2_17", 512)):
        face = (frontal_face()[:, :2] + 0.5) * side / 512 - 0.5
        drawing = np.full((side, side), 255, np.uint8)
        for x, y in face.round().astype(int).tolist():
            cv2.circle(drawing, (x, y), 4, 0, -1)
        cv2.imwrite(str(folders["faces"] / f"{stem}.jpg"), np.full((side, side, 3), 128, np.uint8))
        cv2.imwrite(str(folders["masks"] / f"{stem}.png"), np.full((side, side), 255, np.uint8))
        cv2.imwrite(str(folders["drawings_ink"] / f"{stem}.png"), drawing)
        landmarks[stem] = face.astype(np.float32)
    np.savez(root / "landmarks68.npz", **landmarks)
    return root


@pytest.fixture(scope="module")
def drawn(data):
    return load_drawn_faces(data, ("ink",), held_out=False)


def test_held_out_people_are_kept_apart(data, drawn):
    assert [face.stem for face in drawn] == ["canada_001", "stylegan2_1"]
    assert [face.stem for face in load_drawn_faces(data, ("ink",), held_out=True)] == ["stylegan2_17"]


@pytest.mark.parametrize("seed", range(6))
def test_the_drawing_moves_with_its_landmarks(drawn, seed):
    moved = example(drawn[seed % 2], np.random.default_rng(seed), plain=True)
    inside = ((moved.landmarks > 4) & (moved.landmarks < WINDOW - 5)).all(-1)
    # Lids and lips may meet, and the inside of the mouth may be painted over.
    inside[[*points68.EYES, *points68.LIPS]] = False
    x, y = moved.landmarks[inside].round().astype(int).T
    neighbourhood = cv2.dilate(moved.ink, np.ones((3, 3), np.uint8))
    assert inside.sum() > 20
    assert (neighbourhood[y, x] > 60).mean() > 0.95
    assert moved.ink.mean() < 60


def test_examples_are_decided_by_their_seed(drawn):
    one, two, other = (example(drawn[0], np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.ink, two.ink) and np.array_equal(one.landmarks, two.landmarks)
    assert not np.array_equal(one.landmarks, other.landmarks)


def test_faces_open_their_mouths_and_close_their_eyes():
    face = frontal_face()[:, :2]
    moved = np.stack([move_face(face, np.random.default_rng(seed)) for seed in range(60)])
    gaps = moved[:, 66, 1] - moved[:, 62, 1]
    lids = moved[:, 41, 1] - moved[:, 37, 1]
    assert gaps.max() > 25 and np.median(gaps) < 20
    assert lids.min() < 8 and lids.max() > 20
    assert np.allclose(move_face(face, np.random.default_rng(0), strength=0), face)


def test_network_is_small_and_places_landmarks_in_the_window():
    net = DrawingLandmarkNet()
    assert sum(p.numel() for p in net.parameters()) < 1_000_000
    found = net(torch.rand(2, 1, WINDOW, WINDOW))
    assert found.shape == (2, 68, 2) and found.min() >= 0 and found.max() <= 1


class Blob(torch.nn.Module):
    """Finds the one dark blob of the window instead of 68 landmarks."""

    def forward(self, ink: torch.Tensor) -> torch.Tensor:
        share = ink[:, 0] / ink.sum((1, 2, 3))[:, None, None]
        steps = (torch.arange(WINDOW) + 0.5) / WINDOW
        centre = torch.stack([share.sum(1) @ steps, share.sum(2) @ steps], dim=-1)
        return centre[:, None].expand(-1, 68, -1)


@pytest.mark.parametrize("side", [128, 256, 512])
def test_landmarks_are_read_in_pixels_of_the_drawing(side):
    drawing = torch.ones(2, 1, side, side)
    x, y = round(0.6 * side), round(0.4 * side)
    half = side // 64
    drawing[..., y - half : y + half + 1, x - half : x + half + 1] = 0
    windows = torch.tensor([[0.2, 0.1, 0.7], [-0.3, -0.3, 1.6]]) * side
    found = read_landmarks(Blob(), drawing, windows)
    assert found.shape == (2, 68, 2)
    assert (found - torch.tensor([float(x), float(y)])).abs().max() < 0.01 * side


def test_beyond_the_drawing_is_paper():
    drawing = torch.ones(1, 1, 64, 64)
    drawing[..., 32, 32] = 0
    found = read_landmarks(Blob(), drawing, torch.tensor([[-40.0, -40.0, 144.0]]))
    assert (found - 32).abs().max() < 1.5


def test_reading_is_float32_under_autocast():
    net = DrawingLandmarkNet(SMALL).eval()
    drawing, windows = torch.rand(1, 1, 128, 128), torch.tensor([[10.0, 10.0, 100.0]])
    with torch.autocast("cpu", torch.bfloat16):
        inside = read_landmarks(net, drawing, windows)
    assert torch.equal(inside, read_landmarks(net, drawing, windows))


def test_windows_hold_their_faces():
    points = torch.from_numpy(frontal_face()[None, :, :2])
    left, top, side = face_windows(points)[0].tolist()
    low, high = points[0].amin(0), points[0].amax(0)
    assert side == pytest.approx(1.3 * (high - low).max().item())
    assert left < low[0] and top < low[1] and left + side > high[0] and top + side > high[1]


def test_gradients_reach_the_drawing():
    net = DrawingLandmarkNet(SMALL).eval()
    drawing = torch.rand(1, 1, 128, 128, requires_grad=True)
    points = torch.from_numpy(frontal_face()[None, :, :2]) / 4
    read_landmarks(net, drawing, face_windows(points)).square().sum().backward()
    assert drawing.grad.abs().sum() > 0


def test_loss_falls(drawn):
    torch.manual_seed(0)
    ink, landmarks = batch_of([example(drawn[k], np.random.default_rng(k)) for k in (0, 1)], "cpu")
    net = DrawingLandmarkNet(SMALL)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        loss = landmark_loss(net(ink), landmarks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_figures_are_distances_in_eye_distances(drawn):
    class Shifted(torch.nn.Linear):
        def forward(self, ink: torch.Tensor) -> torch.Tensor:
            return landmarks + torch.tensor([0.0, 0.1])

    rng = np.random.default_rng(0)
    _, landmarks = batch_of([example(face, rng, motion=0, plain=True) for face in drawn], "cpu")
    eyes = (landmarks[:, 36] - landmarks[:, 45]).norm(dim=-1)
    figures = evaluate(Shifted(1, 1), drawn)
    assert figures["nme"] == pytest.approx((0.1 / eyes).mean().item(), rel=1e-4)
    assert figures["lips"] == pytest.approx(figures["nme"]) and figures["moved_nme"] != figures["nme"]


def test_a_resumed_run_goes_on_bit_for_bit(data, tmp_path):
    whole = train(TINY, data, tmp_path / "whole")
    train(TINY, data, tmp_path / "parts", stop=4)
    resumed = load_file(train(TINY, data, tmp_path / "parts"))
    tensors = load_file(whole)
    assert resumed.keys() == tensors.keys()
    assert all(torch.equal(resumed[name], tensors[name]) for name in tensors)
    assert load_landmark_net(whole).config == SMALL
    assert not load_landmark_net(whole).training
