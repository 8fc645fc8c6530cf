"""The drawing styles: what a style is made of, looked up by name, and which weight files draw it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..errors import LpError
from ..weights import metadata, present, require

ENGINES = ("auto", "warp", "generator")
"""How frames come about: the static drawing warped, or drawn by the generator; "auto" = the best that is here."""


@dataclass(frozen=True)
class Style:
    """One drawing style.

    title, about: words for menus. channel: output of the static drawer. line: width of added lines (lips, lids)
    in crop units. gain: sharpness of strokes, 1 = as trained.
    faint: ink up to which a generator's drawing counts as paper: such a wash is doubt, no stroke.
    generator, flow_net: weight files of the networks that draw and move it.
    backdrop, matting: the paper's own weight files for the still background and the matte; a style that has them
        ("published") is drawn just as the authors' script does and cannot be warped.
    """

    name: str
    title: str
    about: str
    channel: int = 0
    line: float = 1.0
    gain: float = 1.0
    faint: float = 0.0
    generator: str = ""
    flow_net: str = "flow_net"
    backdrop: str = ""
    matting: str = ""

    @property
    def published(self) -> bool:
        """Whether the style is drawn by the paper's imported networks."""
        return bool(self.backdrop)

    @property
    def ready(self) -> bool:
        """Whether the style can be drawn with the weight files at hand."""
        return not self.published or present(self.generator)


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            "ink", "Ink", "Brush and ink: firm lines, solid blacks", channel=0, line=1.7, gain=1.2,
            generator="generator_ink", faint=0.08,
        ),
        Style(
            "pen", "Pen", "Fine pen: soft lines, open tone", channel=1, line=1.6, gain=1.1,
            generator="generator_pen", faint=0.04,
        ),
        Style(
            "paper", "Paper", "The paper's own drawing network, 256 pixels", generator="paper_generator_drawing",
            flow_net="paper_flow_net", backdrop="paper_static_drawing", matting="paper_matte",
        ),
        Style(
            "paper-cartoon", "Paper cartoon", "The paper's own cartoon network, 256 pixels, in colour",
            generator="paper_generator_cartoon", flow_net="paper_flow_net", backdrop="paper_static_cartoon",
            matting="paper_matte",
        ),
    )
}  # fmt: skip


def style(name: str) -> Style:
    """The style of that name; raises LpError ``STYLE_UNKNOWN``, ``WEIGHTS_NOT_IMPORTED``."""
    if name not in STYLES:
        raise LpError("STYLE_UNKNOWN", repr(name))
    if not STYLES[name].ready:
        require(STYLES[name].generator)
    return STYLES[name]


def available() -> list[Style]:
    """The styles that can be drawn here and now."""
    return [style for style in STYLES.values() if style.ready]


def pick_engine(style: Style, engine: str = "auto") -> str:
    """ "warp" or "generator".

    Raises LpError ``BAD_VALUE`` for an unknown engine or a published style that is to be warped, and
    ``WEIGHTS_MISSING`` for a generator that is not here.
    """
    if engine not in ENGINES:
        raise LpError("BAD_VALUE", f"the engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    if engine == "warp" and style.published:
        raise LpError("BAD_VALUE", f"the style {style.name} is drawn by its generator only")
    if engine == "generator":
        require(style.generator)
    if engine == "auto":
        return "generator" if present(style.generator) else "warp"
    return engine


def weight_files(style: Style, engine: str) -> list[str]:
    """Names of the weight files that draw `style` with `engine` ("warp" or "generator")."""
    if engine == "warp":
        return ["static_drawer"]
    if style.published:
        optional = [style.flow_net, style.backdrop, style.matting]
        return [style.generator, *(name for name in optional if present(name))]
    config = json.loads(metadata(style.generator)["config"])
    with_flow_a = config.get("flow_a", True) and present(style.flow_net)
    return ["static_drawer", style.generator, *([style.flow_net] if with_flow_a else [])]
