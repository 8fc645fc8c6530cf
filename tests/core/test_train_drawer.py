"""Training the static drawer: the loss falls, a resumed run goes on bit for bit, the data rules hold."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lpcore import points68
from lpcore.drawing.drawer import DrawerConfig, StaticDrawer
from lpcore.train.drawer import Judge, TrainDrawer, batch_of, crisp_loss, dice, ink_loss, main, train
from lpcore.train.drawer_figures import Drawn, figures, grey_share, skin_discs, specks
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
    np.savez(root / "landmarks68.npz", **{path.stem: face_landmarks() for path in folders[0].iterdir()})
    return root


def face_landmarks():
    """(68, 2) float32 in pixels: level eyes 160 apart, the rest where the skin discs need it."""
    points = np.full((points68.COUNT, 2), (256, 240), np.float32)
    points[list(points68.OUTER_EYE_CORNERS)] = (176, 200), (336, 200)
    points[[48, 54]] = (216, 300), (296, 300)
    points[[20, 23]] = (206, 180), (306, 180)
    points[27], points[8] = (256, 200), (256, 360)
    return points


TINY = TrainDrawer(model=DrawerConfig(widths=(8, 12)), steps=8, batch=2, side=64, sheet_every=4)
CRISP = replace(TINY, adversarial=0.5, judge_width=4, rate=1e-3)


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


def test_nothing_is_drawn_far_from_the_person():
    torch.manual_seed(0)
    model = StaticDrawer(DrawerConfig(widths=(8, 12))).eval()
    x = torch.rand(1, 4, 64, 64)
    x[:, 3:] = 0
    x[:, 3:, :, :20] = 1
    ink = model(x).sigmoid()
    assert ink[..., 28:].max() < 1e-4 < ink[..., :20].min()


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


def test_crisp_loss_prefers_a_decision_where_cross_entropy_prefers_grey():
    answers = [torch.full((1, 1, 64, 64), value).logit() for value in (0.001, 0.35)]
    ink = (torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.35).float()
    paper, grey = (crisp_loss(answer, ink) for answer in answers)
    assert ink_loss(answers[1], ink) < ink_loss(answers[0], ink)
    assert crisp_loss(ink.clamp(0.001, 0.999).logit(), ink) < 0.1
    assert paper - grey < ink_loss(answers[0], ink) - ink_loss(answers[1], ink)


def test_the_judge_learns_to_tell_drawings_apart(data):
    torch.manual_seed(0)
    samples = load_portraits(data, ("ink", "pen"), held_out=False)
    x, ink = batch_of([augment(samples[0], samples[1], np.random.default_rng(0), 64)] * 2, "cpu")
    judge, drawn = Judge(2, 8, "cpu"), 0.5 * ink
    for _ in range(60):
        judge.learn(x, ink, drawn)
    assert judge(x, ink).mean() > judge(x, drawn).mean() + 0.2


def test_crisp_training_lowers_its_loss_from_the_weights_it_starts_with(data, tmp_path):
    start = train(TINY, data, tmp_path / "plain")
    tail = replace(CRISP, steps=24, sheet_every=6, rate=5e-3)
    train(tail, data, tmp_path / "crisp", start=start)
    lines = (tmp_path / "crisp" / "log.csv").read_text().split()[1:]
    losses = [float(line.split(",")[2]) for line in lines]
    assert losses[-1] < 0.9 * losses[0]


def test_a_run_can_begin_from_another_runs_average(data, tmp_path):
    train(TINY, data, tmp_path / "plain")
    average = torch.load(tmp_path / "plain" / "run.pt", weights_only=True)["average"]
    started = train(CRISP, data, tmp_path / "crisp", start=tmp_path / "plain" / "run.pt", stop=0)
    tensors = load_file(started)
    assert all(torch.equal(tensor, average[name].half()) for name, tensor in tensors.items())


def test_redrawn_styles_replace_the_teachers(data, tmp_path):
    folder = tmp_path / "drawings_pen"
    folder.mkdir()
    for path in (data / "faces").iterdir():
        cv2.imwrite(str(folder / f"{path.stem}.png"), np.full((512, 512), 255, np.uint8))
    sample = load_portraits(data, ("ink", "pen"), held_out=False, redrawn=tmp_path)[0]
    assert sample.ink[..., 0].max() == 255 and sample.ink[..., 1].max() == 0


def test_figures_see_dirty_skin_specks_and_grey():
    points = face_landmarks()
    discs = skin_discs(points, (512, 512))
    assert all(disc.sum() == pytest.approx(np.pi * (0.07 * 160) ** 2, rel=0.05) for disc in discs)
    grey = np.full((512, 512), 200, np.uint8)
    clean, dirty = np.zeros((2, 512, 512), np.float32)
    dirty[discs[0]] = 1
    dirty[400:403, 400:403] = 0.5
    spotless, found = (figures([Drawn(grey, points, ink, clean)]) for ink in (clean, dirty))
    assert spotless["ink_on_light_skin"] == spotless["specks"] == spotless["grey"] == 0
    assert found["ink_on_light_skin"] == pytest.approx(0.25, abs=0.02)
    assert found["specks"] == specks(dirty) == 1
    assert grey_share(dirty) == pytest.approx(9 / 512**2)
    assert "ink_on_dark_skin" not in found and found["dice"] < 0.01


def test_evaluate_prints_figures_of_network_and_teacher(data, tmp_path, capsys):
    weights = train(TINY, data, tmp_path, stop=0)
    capsys.readouterr()
    assert main(["--evaluate", str(weights), "--data", str(data)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == {"ink", "teacher_ink", "pen", "teacher_pen"}
    assert printed["teacher_ink"]["dice"] == 1 > printed["ink"]["dice"]


@pytest.mark.parametrize("config", [TINY, CRISP])
def test_a_resumed_run_goes_on_bit_for_bit(config, data, tmp_path):
    whole = load_file(train(config, data, tmp_path / "whole"))
    train(config, data, tmp_path / "parts", stop=5)
    assert torch.load(tmp_path / "parts" / "run.pt", weights_only=True)["step"] == 5
    resumed = load_file(train(config, data, tmp_path / "parts"))
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert (tmp_path / "whole" / "log.csv").read_text().count("\n") == 3
    assert (tmp_path / "whole" / "sheet_000004.png").exists() and (
        tmp_path / "whole" / "sheet_end.png"
    ).exists()
