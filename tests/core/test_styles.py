"""Which styles can be drawn, by which engine, from which files."""

from dataclasses import replace

import pytest
from weight_files import OWN, PUBLISHED, WeightFiles

from lpcore.drawing.styles import STYLES, available, pick_engine, style, weight_files
from lpcore.errors import LpError


@pytest.fixture
def files(tmp_path, monkeypatch):
    return WeightFiles(tmp_path, monkeypatch)


def code_of(work):
    with pytest.raises(LpError) as caught:
        work()
    return caught.value.code


def test_published_styles_appear_once_imported(files):
    assert [s.name for s in available()] == ["ink", "pen"]
    assert code_of(lambda: style("paper-cartoon")) == "WEIGHTS_NOT_IMPORTED"
    files.generator("paper_generator_cartoon", PUBLISHED)
    assert [s.name for s in available()] == ["ink", "pen", "paper-cartoon"]
    assert style("paper-cartoon").published and not style("ink").published


def test_unknown_names_are_refused(files):
    assert code_of(lambda: style("chalk")) == "STYLE_UNKNOWN"
    assert code_of(lambda: pick_engine(STYLES["ink"], "diesel")) == "BAD_VALUE"


def test_each_style_picks_its_own_engine(files):
    files.generator("generator_pen", OWN)
    assert pick_engine(style("ink")) == "warp" and pick_engine(style("pen")) == "generator"
    assert pick_engine(style("pen"), "warp") == "warp"
    assert code_of(lambda: pick_engine(style("ink"), "generator")) == "WEIGHTS_MISSING"


def test_published_styles_cannot_be_warped(files):
    files.generator("paper_generator_drawing", PUBLISHED)
    assert pick_engine(style("paper")) == "generator"
    assert code_of(lambda: pick_engine(style("paper"), "warp")) == "BAD_VALUE"


def test_weight_files_are_those_that_take_part(files):
    assert weight_files(STYLES["ink"], "warp") == ["static_drawer"]
    files.generator("generator_ink", OWN)
    assert weight_files(STYLES["ink"], "generator") == ["static_drawer", "generator_ink"]
    files.flow_net()
    assert "flow_net" in weight_files(STYLES["ink"], "generator")
    files.generator("generator_ink", replace(OWN, flow_a=False))
    assert weight_files(STYLES["ink"], "generator") == ["static_drawer", "generator_ink"]
    files.generator("paper_generator_drawing", PUBLISHED)
    assert weight_files(STYLES["paper"], "generator") == ["paper_generator_drawing"]
