"""Plots of what was measured, by matplotlib (the extra `evaluate`)."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import LpError
from ..files import replacing
from .look import REACH, Seen
from .results import HIGHER, LOWER, MEANINGS, Table

_COLOURS = ("#1b6ca8", "#e08e0b", "#7a4a99", "#3f8f4f", "#b03a48", "#5b6770", "#8c6d31", "#2aa198")
_COLUMNS = 3


def require_matplotlib() -> None:
    """Raises LpError ``PLOTS_NOT_INSTALLED`` before long work is done in vain."""
    if importlib.util.find_spec("matplotlib") is None:
        raise LpError("PLOTS_NOT_INSTALLED", "matplotlib")


def plot_figures(path: Path, table: Table, seen: Mapping[str, Sequence[Seen]], names: Sequence[str]) -> None:
    """Write a PNG: a panel per figure of `names`, a bar per method, and a dot for each shot it was measured on."""
    from matplotlib.figure import Figure

    rows = -(-len(names) // _COLUMNS)
    page = Figure(figsize=(4 * _COLUMNS, 3 * rows), layout="constrained")
    panels = np.atleast_1d(page.subplots(rows, _COLUMNS)).ravel()
    scatter = np.random.default_rng(0)
    for panel, name in zip(panels, names, strict=False):
        for k, (method, found) in enumerate(table.items()):
            value = found.get(name, np.nan)
            panel.bar(k, value, color=_COLOURS[k % len(_COLOURS)], alpha=0.55, width=0.7)
            alone = [row.figures[name] for row in seen.get(method, ()) if name in row.figures]
            places = k + scatter.uniform(-0.2, 0.2, len(alone))
            panel.scatter(places, alone, s=6, color=_COLOURS[k % len(_COLOURS)])
        panel.set_xticks(range(len(table)), list(table), rotation=20, ha="right", fontsize=8)
        arrow = {LOWER: " ↓", HIGHER: " ↑"}.get(MEANINGS[name][0], "")
        panel.set_title(name + arrow, fontsize=10)
        _zoom(panel, [found.get(name, np.nan) for found in table.values()], name)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    _save(page, path)


def plot_lags(path: Path, seen: Mapping[str, Sequence[Seen]], fps: float) -> None:
    """Write a PNG of the correlation of lips and sound by lag."""
    from matplotlib.figure import Figure

    page = Figure(figsize=(6, 3.2), layout="constrained")
    panel = page.subplots()
    lags = 1000 * np.arange(-REACH, REACH + 1) / fps
    for k, (method, rows) in enumerate(seen.items()):
        course = np.mean([row.lags for row in rows], axis=0)
        if course.any():
            panel.plot(lags, course, marker="o", color=_COLOURS[k % len(_COLOURS)], label=method)
    panel.axvline(0, color="0.8", zorder=0)
    panel.set_xlabel("how late the lips come, milliseconds")
    panel.set_ylabel("correlation with the level")
    if panel.has_data():
        panel.legend(fontsize=8)
    _save(page, path)


def _zoom(panel, values: Sequence[float], name: str) -> None:
    """Likenesses lie close to 1: nothing would be seen from 0 on."""
    known = [value for value in values if not np.isnan(value)]
    if name in ("ssim", "identity") and known:
        panel.set_ylim(1 - 1.6 * max(1 - min(known), 1e-3), 1)


def _save(page, path: Path) -> None:
    with replacing(path) as file:
        page.savefig(file, format="png", dpi=110)
