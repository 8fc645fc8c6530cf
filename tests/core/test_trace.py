"""Traced lines cover the ink they were traced from."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from lpcore.errors import LpError
from lpcore.trace import trace, trace_files


def ring(size: int = 128) -> np.ndarray:
    """A thick grey-rimmed ring with a dot in it, black on white."""
    image = np.full((size, size), 255, np.uint8)
    cv2.circle(image, (60, 70), 40, 0, 9, cv2.LINE_AA)
    cv2.circle(image, (60, 70), 8, 0, -1, cv2.LINE_AA)
    return image


def filled(outlines, size: int = 128) -> np.ndarray:
    """The outlines filled in order, holes cleared, black on white: what a painter makes of them."""
    scale = 16
    image = np.full((size * scale, size * scale), 255, np.uint8)
    for outline in outlines:
        corners = np.round((outline.polyline() + 0.5) * scale).astype(np.int32)
        cv2.fillPoly(image, [corners], 255 if outline.hole else 0)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def test_a_ring_has_an_outline_a_hole_and_a_dot_in_this_order():
    outlines = trace(ring())
    assert [outline.hole for outline in outlines] == [False, True, False]
    lines = [outline.polyline() for outline in outlines]
    middles = np.array([(line.min(axis=0) + line.max(axis=0)) / 2 for line in lines])
    assert middles == pytest.approx(np.tile([60, 70], (3, 1)), abs=0.3)
    across = np.flatnonzero(np.diff((ring()[70] < 128).astype(int)))  # borders from left to right
    widths = [np.ptp(line[:, 0]) for line in lines]
    assert widths == pytest.approx([across[-1 - k] - across[k] for k in range(3)], abs=1.2)


def test_filling_the_outlines_gives_the_drawing_back():
    painted, drawn = filled(trace(ring())), ring()
    assert np.abs(painted.astype(int) - drawn).mean() < 4
    assert abs(int((painted < 128).sum()) - int((drawn < 128).sum())) < 0.05 * (drawn < 128).sum()


@pytest.mark.parametrize("look", ["alpha", "white on black", "blue on cream"])
def test_the_same_lines_come_from_other_inks_and_papers(look):
    ink = (255 - ring()).astype(np.float32)[..., None] / 255
    colours = {"white on black": ([255] * 3, [0] * 3), "blue on cream": ([20, 30, 120], [250, 240, 220])}
    if look == "alpha":
        image = np.concatenate([np.zeros((128, 128, 3)), 255 * ink], axis=-1)
    else:
        line, paper = (np.array(colour, np.float32) for colour in colours[look])
        image = ink * line + (1 - ink) * paper
    outlines = trace(np.round(image).astype(np.uint8))
    assert [outline.hole for outline in outlines] == [False, True, False]


def test_blank_paper_has_no_lines():
    assert trace(np.full((64, 64), 255, np.uint8)) == []


def test_files_become_svg_and_polylines(tmp_path: Path):
    frames = [tmp_path / f"frame_{index:05d}.png" for index in range(3)]
    for path, image in zip(frames, (ring(), ring(), np.full((128, 128), 255, np.uint8)), strict=True):
        cv2.imwrite(str(path), image)
    out = tmp_path / "out"
    out.mkdir()
    with np.load(trace_files(frames, out, "#102030"), allow_pickle=False) as lines:
        assert lines["frames"].tolist() == [0, 0, 0, 1, 1, 1]
        assert lines["holes"].tolist() == [False, True, False] * 2
        assert lines["lengths"].sum() == len(lines["points"])
        assert lines["size"].tolist() == [128, 128]
    picture = ElementTree.fromstring((out / "frame_00000.svg").read_text())
    assert picture.get("viewBox") == "-0.5 -0.5 128 128"
    assert picture[0].get("fill") == "#102030"
    assert (out / "frame_00001.svg").read_text() == (out / "frame_00000.svg").read_text()


def test_what_is_no_picture_is_named(tmp_path: Path):
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(LpError, match=r"a\.png"):
        trace_files([tmp_path / "a.png"], tmp_path)
