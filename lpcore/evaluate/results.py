"""Tables of what was seen: summed up, in words, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from . import drawing_figures as figures
from .judge import DISTANCES
from .look import Figures, Seen, best_lag, means

Table = dict[str, Figures]
"""Method -> figures."""

LOWER, HIGHER = "lower", "higher"
MEANINGS: dict[str, tuple[str, str]] = {
    "ssim": (HIGHER, "likeness of adjacent frames (SSIM, Gaussian window of 11 x 11, sigma 1.5, range 255)"),
    "flicker": (
        LOWER,
        "mean change, black to white = 1, of places that do not move, head and brows held still",
    ),
    "warp_error": (LOWER, "mean squared difference to the frame before, moved by a head's true flow"),
    "lip_error_px": (
        LOWER,
        "distance of lip landmarks that the photo's detector finds in the drawing, pixels at 256",
    ),
    "lmd": (LOWER, "landmark distance: the same, mouths about their own middles, mean of the 20 points"),
    "lmd_sum": (LOWER, "landmark distance, sum of the 20 points"),
    "identity": (HIGHER, "cosine between the person in the frames and in the drawing of the photo"),
    "ink": ("", "share of ink"),
    "stroke_px": ("", "median width of the strokes, pixels at 512"),
    "specks": (LOWER, "pieces of ink of fewer than 12 pixels, per frame"),
    "sync_corr": (
        HIGHER,
        "correlation of the lips' opening in the drawings with the speech's level, at the best lag",
    ),
    "sync_lag_frames": ("", "that lag in frames at 25 a second; above 0 the lips come late"),
    "fd": (LOWER, "Fréchet distance to teachers' drawings of other people, on EfficientNet-lite0; no FID"),
    "fid": (LOWER, "Fréchet Inception distance to teachers' drawings of other people"),
    "fd_frames": ("", "how many frames the distances are of; only like counts compare"),
    "background_change": (LOWER, "mean change of what lies behind the person, first to last frame"),
    "unseen_content": (LOWER, "content loss on held-out batches, unweighted"),
    "unseen_geometry": (LOWER, "landmark loss on held-out batches"),
    "unseen_lip_line": (LOWER, "lip line loss on held-out batches"),
    "unseen_identity": (LOWER, "identity loss on held-out batches"),
    "unseen_warp": (LOWER, "first coherence loss on held-out batches"),
}
"""Figure -> which way is better, and what it is."""


def summary(seen: Mapping[str, Sequence[Seen]], references: Mapping[str, np.ndarray]) -> Table:
    """All figures of each method. references: what `Judge.looks` sees in other teacher drawings; may be empty."""
    table = {}
    for name, rows in seen.items():
        table[name] = means([row.figures for row in rows])
        correlation, lag = best_lag([row.lags for row in rows])
        if not np.isnan(lag):
            table[name] |= {"sync_corr": correlation, "sync_lag_frames": lag}
        for distance, reference in references.items():
            looks = np.concatenate([row.looks[distance] for row in rows])
            table[name] |= {distance: _distance(looks, reference), "fd_frames": float(len(looks))}
    return table


def _distance(looks: np.ndarray, reference: np.ndarray) -> float:
    enough = min(len(looks), len(reference)) > 1
    return figures.frechet_distance(looks, reference) if enough else float("nan")


def worst(rows: Sequence[Seen]) -> list[int]:
    """Indices of the shots, those first whose lips are furthest from where they should be."""
    return sorted(range(len(rows)), key=lambda k: -rows[k].figures["lip_error_px"])


def number(value: float | None) -> str:
    """A figure for people; "-" where there is none."""
    return "-" if value is None or np.isnan(value) else f"{value:.4g}"


def known(table: Table) -> list[str]:
    """The figures that some method has, in their order."""
    names = dict.fromkeys(name for found in table.values() for name in found)
    return [n for n in names if not all(np.isnan(found.get(n, np.nan)) for found in table.values())]


def in_words(table: Table, references: Mapping[str, np.ndarray], furthest: Sequence[str] = ()) -> str:
    """The table for a terminal. references: see `summary`. furthest: names of the worst shots."""
    width = max(12, *(len(name) + 2 for name in table))
    rows = [f"{'':16}" + "".join(f"{method:>{width}}" for method in table)]
    for name in known(table):
        values = (found.get(name) for found in table.values())
        rows.append(f"{name:16}" + "".join(f"{number(value):>{width}}" for value in values))
    for name, looks in references.items():
        rows.append(
            f"{name}: {DISTANCES[name]} to {len(looks)} teacher drawings of other people; only like counts compare."
        )
    rows += [f"{name}: {MEANINGS[name][1]}." for name in ("ssim", "lip_error_px", "lmd", "warp_error")]
    if furthest:
        rows.append("Furthest lips: " + ", ".join(furthest))
    return "\n".join(rows)


def as_csv(shots: Sequence[Mapping[str, str]], seen: Mapping[str, Sequence[Seen]], table: Table) -> str:
    """A row per method and shot, and one per method for all. shots: of each, columns that say which it is."""
    text = io.StringIO()
    names = known(table)
    writer = csv.DictWriter(text, [*shots[0], "method", *names], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for method, rows in seen.items():
        for shot, row in zip(shots, rows, strict=True):
            correlation, lag = best_lag([row.lags])
            alone = {"sync_corr": correlation, "sync_lag_frames": lag} if not np.isnan(lag) else {}
            writer.writerow({**shot, "method": method, **row.figures, **alone})
        writer.writerow({next(iter(shots[0])): "all", "method": method, **table[method]})
    return text.getvalue()


def plain(table: Table) -> dict[str, dict[str, float | None]]:
    """The table for JSON, which knows no NaN: None."""
    return {
        method: {name: None if np.isnan(value) else value for name, value in found.items()}
        for method, found in table.items()
    }
