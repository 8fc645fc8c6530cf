"""The drawing styles: what a style is made of, looked up by name."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LpError


@dataclass(frozen=True)
class Style:
    """One drawing style.

    title, about: words for menus. channel: output of the static drawer. mouth: ink of the open mouth's inside in
    [0, 1]. line: width of added lines (lip line, teeth) in crop units. gain: sharpness of strokes, 1 = as trained.
    """

    name: str
    title: str
    about: str
    channel: int
    mouth: float
    line: float
    gain: float = 1.0


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            "ink", "Ink", "Brush and ink: firm lines, solid blacks", channel=0, mouth=1.0, line=1.7, gain=1.4
        ),
        Style("pen", "Pen", "Fine pen: soft lines, open tone", channel=1, mouth=0.7, line=1.2),
    )
}


def style(name: str) -> Style:
    """The style of that name; raises LpError ``STYLE_UNKNOWN``."""
    if name not in STYLES:
        raise LpError("STYLE_UNKNOWN", repr(name))
    return STYLES[name]
