"""The report: one HTML page beside its pictures and films, which any browser shows from the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from ..files import write_atomically
from .results import HIGHER, LOWER, MEANINGS, Table, known, number

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: .25em .9em; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; } .best { font-weight: 700; }
.meaning { text-align: left; color: #666; font-size: 13px; }
img, video { max-width: 100%; border: 1px solid #ddd; } figure { margin: 1em 0; } figcaption { color: #666; }
dt { font-weight: 600; } dd { margin: 0 0 .4em 1.5em; }
"""


@dataclass(frozen=True)
class Report:
    """What a report shows, in this order.

    about: paragraphs. methods: name -> what it is. table: the figures. plots, sheets, films: (caption, file) of files
    in the report's folder. facts: what it was made with, by name.
    """

    title: str
    about: Sequence[str]
    methods: Mapping[str, str]
    table: Table
    plots: Sequence[tuple[str, Path]] = ()
    sheets: Sequence[tuple[str, Path]] = ()
    films: Sequence[tuple[str, Path]] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def write_report(path: Path, report: Report) -> None:
    """Write the page; raises LpError as `files.replacing`."""
    parts = [f"<h1>{escape(report.title)}</h1>", *(f"<p>{escape(text)}</p>" for text in report.about)]
    parts += [
        "<dl>",
        *(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in report.methods.items()),
        "</dl>",
    ]
    parts += ["<h2>Figures</h2>", _table(report.table)]
    for title, pictures in (("Plots", report.plots), ("Sheets", report.sheets)):
        if pictures:
            parts.append(f"<h2>{title}</h2>")
            parts += [_figure(caption, _picture(_link(path, file))) for caption, file in pictures]
    if report.films:
        parts.append("<h2>Films, side by side</h2>")
        parts += [_figure(caption, _film(_link(path, file))) for caption, file in report.films]
    if report.facts:
        rows = (f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in report.facts.items())
        parts += ["<h2>Made with</h2>", "<table>", *rows, "</table>"]
    head = f"<meta charset='utf-8'><title>{escape(report.title)}</title><style>{_STYLE}</style>"
    body = "\n".join(parts)
    write_atomically(
        path,
        f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>\n{body}\n</body></html>\n".encode(),
    )


def best(name: str, table: Table) -> set[str]:
    """The methods with the best figure; the teachers' drawings, of which there is one a face, do not compete."""
    way = MEANINGS[name][0]
    values = {method: found.get(name, np.nan) for method, found in table.items() if method != "teacher"}
    values = {method: value for method, value in values.items() if not np.isnan(value)}
    if not way or len(values) < 2:
        return set()
    winner = max(values.values()) if way == HIGHER else min(values.values())
    return {method for method, value in values.items() if number(value) == number(winner)}


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(method)}</th>" for method in table)
    rows = [f"<tr><th></th>{head}<th></th></tr>"]
    for name in known(table):
        way, meaning = MEANINGS[name]
        winners = best(name, table)
        cells = "".join(
            f"<td{' class=best' if method in winners else ''}>{number(found.get(name))}</td>"
            for method, found in table.items()
        )
        arrow = {LOWER: " ↓", HIGHER: " ↑"}.get(way, "")
        rows.append(f"<tr><td>{escape(name)}{arrow}</td>{cells}<td class=meaning>{escape(meaning)}</td></tr>")
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def _link(page: Path, file: Path) -> str:
    return quote(file.relative_to(page.parent).as_posix())


def _figure(caption: str, content: str) -> str:
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def _picture(link: str) -> str:
    return f"<a href='{link}'><img src='{link}' loading='lazy'></a>"


def _film(link: str) -> str:
    return f"<video src='{link}' controls loop preload='auto'></video>"
