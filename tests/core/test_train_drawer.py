"""Training the static drawer: the loss falls, a resumed run goes on bit for bit, the data rules hold."""

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lpcore.drawing.drawer import DrawerConfig, StaticDrawer
from lpcore.train.drawer import TrainDrawer, batch_of, dice, ink_loss, train
from lpcore.train.portraits import augment, is_held_out, load_portraits


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Five made-up portraits in the layout of the training data; two of them are held out."""
    root = tmp_path_factory.mktemp("data")
    folders = [root / name for name in ("faces", "masks", "drawings_ink", "drawings_pen")]
    for folder in folders:
        folder.mkdir()
    for k, stem in enumerate(["canada_001", "stylegan2_1", "stylegan2_2", "stylegan2_17", "london_n_007_03"]):
        mask = np.zeros((512, 512), np.uint8)
        cv2.circle(mask, (256, 220 + 5 * k), 150, 255, -1)
        photo = np.where(mask[..., None] > 0, np.uint8([150, 170, 220]), np.uint8([90, 120, 60]))
        cv2.circle(photo, (256, 220 + 5 * k), 150, (20, 20, 20), 6)
        drawing = np.full((512, 512), 255, np.uint8)
        cv2.circle(drawing, (256, 220 + 5 * k), 147, 0, 6)
        drawing[:20] = 0  # clutter outside the person
        cv2.imwrite(str(root / "faces" / f"{stem}.jpg"), photo)
        cv2.imwrite(str(root / "masks" / f"{stem}.png"), mask)
        for style in ("ink", "pen"):
            cv2.imwrite(str(root / f"drawings_{style}" / f"{stem}.png"), drawing)
    return root


TINY = TrainDrawer(model=DrawerConfig(widths=(8, 12)), steps=8, batch=2, side=64, sheet_every=4)


def test_held_out_people_are_never_trained_on(data):
    trained = {s.stem for s in load_portraits(data, ("ink",), held_out=False)}
    unseen = {s.stem for s in load_portraits(data, ("ink",), held_out=True)}
    assert trained == {"canada_001", "stylegan2_1", "stylegan2_2"}
    assert unseen == {"stylegan2_17", "london_n_007_03"}
    assert is_held_out("london_s_137_08") and not is_held_out("london_n_071_03")


def test_clutter_outside_the_person_is_dropped(data):
    (sample, *_) = load_portraits(data, ("ink", "pen"), held_out=False)
    assert sample.ink[:20].max() == 0 and sample.ink.max() == 255


def test_augmentation_is_decided_by_its_seed(data):
    a, b, *_ = load_portraits(data, ("ink",), held_out=False)
    one, two, other = (augment(a, b, np.random.default_rng(s), 128) for s in (1, 1, 2))
    assert np.array_equal(one.photo, two.photo) and np.array_equal(one.ink, two.ink)
    assert not np.array_equal(one.photo, other.photo)
    assert one.photo.shape == (128, 128, 3) and one.mask.shape == (128, 128) and one.ink.ndim >= 2


def test_network_keeps_the_size_and_makes_one_channel_per_style():
    model = StaticDrawer(DrawerConfig(styles=("a", "b", "c"), widths=(8, 8, 8)))
    assert model(torch.zeros(1, 4, 64, 48)).shape == (1, 3, 64, 48)


def test_dice_is_one_for_equal_drawings_and_near_zero_for_disjoint_ones():
    a = torch.zeros(1, 1, 64, 64)
    a[..., :32] = 1
    assert dice(a, a).item() == pytest.approx(1)
    assert dice(a, 1 - a).item() < 0.001


def test_loss_falls(data):
    torch.manual_seed(0)
    samples = load_portraits(data, ("ink", "pen"), held_out=False)
    x, ink = batch_of([augment(samples[0], samples[1], np.random.default_rng(0), 64)] * 2, "cpu")
    model = StaticDrawer(DrawerConfig(widths=(8, 12)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        loss = ink_loss(model(x), ink)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_a_resumed_run_goes_on_bit_for_bit(data, tmp_path):
    whole = load_file(train(TINY, data, tmp_path / "whole"))
    train(TINY, data, tmp_path / "parts", stop=5)
    assert torch.load(tmp_path / "parts" / "run.pt", weights_only=True)["step"] == 5
    resumed = load_file(train(TINY, data, tmp_path / "parts"))
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert (tmp_path / "whole" / "log.csv").read_text().count("\n") == 3
    assert (tmp_path / "whole" / "sheet_000004.png").exists() and (
        tmp_path / "whole" / "sheet_end.png"
    ).exists()
