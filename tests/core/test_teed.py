"""TEED and the cleaning of its drawings."""

import cv2
import numpy as np
import pytest
import torch

from lpcore.train.teed import SIZES, Teed, clean, draw_pen, edges, main, normalised


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Teed().eval().requires_grad_(False)


def test_it_has_the_published_parameters(network):
    state = network.state_dict()
    assert sum(p.numel() for p in network.parameters()) == 58_910 and len(state) == 36
    assert state["dblock_3.denselayer1.conv1.weight"].shape == (48, 32, 3, 3)
    assert state["up_block_3.features.2.weight"].shape == (16, 16, 4, 4)
    assert state["block_cat.DWconv2.weight"].shape == (24, 1, 3, 3)


def test_edges_of_a_mirrored_photo_are_mirrored_edges(network):
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    one = edges(network, photo, mirrored=True)
    other = edges(network, np.ascontiguousarray(photo[:, ::-1]), mirrored=True)
    assert one.shape == (64, 48)
    assert np.allclose(one, other[:, ::-1], atol=1e-5)
    assert not np.allclose(one, edges(network, photo), atol=1e-3)


def test_the_fused_map_never_falls_below_the_least_activation(network):
    photo = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    assert edges(network, photo).min() >= 0.4378


def test_normalised_maps_paper_to_zero_and_the_strongest_edge_to_one():
    paper = np.full((10, 10), 0.44)
    paper[3] = 0.9
    assert set(np.unique(normalised(paper))) == {0, 1}
    assert normalised(np.full((4, 4), 0.44)).max() == 0


def test_cleaning_keeps_sure_strokes_and_drops_faint_ones_specks_and_clutter():
    ink = np.zeros((100, 100), np.float32)
    ink[20, 10:60] = 0.9  # a stroke
    ink[40, 10:60] = 0.4  # nowhere sure
    ink[60:63, 20:23] = 0.9  # a speck
    ink[80, 10:60] = 0.9  # a stroke behind the person
    person = np.zeros((100, 100), np.uint8)
    person[:70] = 255
    drawing = clean(ink, person)
    assert (drawing[20, 10:60] == 0).all()
    drawing[20] = 255
    assert drawing.min() == 255


def test_a_contour_line_on_the_rim_of_the_person_stays_whole():
    ink = np.zeros((100, 100), np.float32)
    ink[48:53, 10:90] = 0.9
    person = np.zeros((100, 100), np.uint8)
    person[50:] = 255
    assert (clean(ink, person)[48:53, 10:90] == 0).all()


def test_clean_only_redraws_the_drawings_that_are_there(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    for name in ("faces", "masks", "drawings_pen"):
        (data / name).mkdir(parents=True)
    drawing = np.full((64, 64), 255, np.uint8)
    drawing[32, 5:60] = 30
    drawing[10, 10] = 30
    cv2.imwrite(str(data / "faces" / "a.jpg"), np.zeros((64, 64, 3), np.uint8))
    cv2.imwrite(str(data / "masks" / "a.png"), np.full((64, 64), 255, np.uint8))
    cv2.imwrite(str(data / "drawings_pen" / "a.png"), drawing)
    assert main(["--data", str(data), "--out", str(out), "--clean-only"]) == 0
    result = cv2.imread(str(out / "drawings_pen" / "a.png"), cv2.IMREAD_GRAYSCALE)
    assert result[32, 5:60].max() == 0 and result[10, 10] == 255


def test_a_pen_drawing_has_the_photos_size_and_paper_outside_the_person(network, monkeypatch):
    monkeypatch.setitem(SIZES, 64, 1.0)
    for side in (512, 768):
        monkeypatch.delitem(SIZES, side)
    photo = np.random.default_rng(2).integers(0, 256, (50, 50, 3), np.uint8)
    person = np.zeros((50, 50), np.uint8)
    person[:, :20] = 255
    drawing = draw_pen(network, photo, person)
    assert drawing.shape == (50, 50) and drawing.dtype == np.uint8
    assert drawing[:, 30:].min() == 255
