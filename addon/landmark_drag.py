"""Landmarks under the animator's hand: grabbed alone or with their region, moved, put back, step by step."""

from __future__ import annotations

import numpy as np

from .lpcore.points68 import REGION_OF, REGIONS

STEPS = 200
"""Drags that can be taken back."""


class Drag:
    """The state of one round of corrections.

    points: (68, 3) crop units, as they lie now. found: (68, 3), as they were detected.
    """

    def __init__(self, points: np.ndarray, found: np.ndarray) -> None:
        self.points, self.found = np.array(points), found
        self._before: list[np.ndarray] = []
        self._held: tuple[list[int], np.ndarray, np.ndarray] | None = None

    @property
    def held(self) -> list[int]:
        """The landmarks in hand."""
        return self._held[0] if self._held else []

    @property
    def moved(self) -> np.ndarray:
        """(68,) whether a landmark lies elsewhere than it was found."""
        return np.abs(self.points - self.found).max(1) > 1e-3

    def nearest(self, place: np.ndarray, reach: float) -> int | None:
        """The landmark nearest to `place` (x, y), None if there is none within `reach`; all in crop units."""
        distances = np.linalg.norm(self.points[:, :2] - place, axis=1)
        index = int(distances.argmin())
        return index if distances[index] <= reach else None

    def grab(self, index: int, place: np.ndarray, with_region: bool = False) -> None:
        """Take landmark `index` at `place` (x, y), or its whole region."""
        held = list(REGIONS[REGION_OF[index]]) if with_region else [index]
        self._held = held, np.array(place, np.float64), self.points.copy()

    def move(self, place: np.ndarray) -> None:
        """Carry what is in hand to `place` (x, y)."""
        if self._held:
            held, start, before = self._held
            self.points[held, :2] = before[held, :2] + (place - start)

    def drop(self) -> None:
        """Let go; from now on this is one step that can be taken back."""
        if self._held:
            self._remember(self._held[2])
            self._held = None

    def release(self) -> None:
        """Let go and forget the drag in hand."""
        if self._held:
            self.points, self._held = self._held[2], None

    def reset(self, index: int) -> None:
        """Put landmark `index` back to where it was found."""
        before = self.points.copy()
        self.points[index] = self.found[index]
        self._remember(before)

    def step_back(self) -> None:
        """Take the last step back."""
        if self._before and not self._held:
            self.points = self._before.pop()

    def _remember(self, before: np.ndarray) -> None:
        if not np.array_equal(before, self.points):
            self._before = [*self._before[1 - STEPS :], before]
