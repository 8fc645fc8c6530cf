"""A training run that can stop at any step and go on bit for bit: checkpoint, moving average, log, budget."""

from __future__ import annotations

import copy
import csv
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


class Stateful(Protocol):
    """What can be written down and taken up again."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Any, /) -> Any: ...


class Run(Generic[Model]):
    """One training run in one folder.

    Everything needed to continue lies in ``folder/run.pt``: weights, their exponential moving average, optimiser,
    step and `beside`, written between steps, when they belong together. Data order must depend on the step and a
    seed only. ``folder/log.csv`` gets a line per `log` call.

    Args:
        steps: length of the whole run, also the length of the cosine learning-rate schedule.
        minutes: stop after this much time in this process (None = no limit); the run can be resumed.
        stop: stop before this step, leaving the schedule as it is (None = at the end).
        ema: decay of the moving average per step.
        save_every: steps between checkpoints.
        beside: whatever else changes from step to step and has to be there after a stop.
    """

    def __init__(
        self,
        folder: Path,
        model: Model,
        optimizer: torch.optim.Optimizer,
        *,
        steps: int,
        minutes: float | None = None,
        stop: int | None = None,
        ema: float = 0.998,
        save_every: int = 250,
        beside: Mapping[str, Stateful] = MappingProxyType({}),
    ) -> None:
        self.folder, self.model, self.optimizer = folder, model, optimizer
        self.total, self.minutes, self.decay = steps, minutes, ema
        self.stop = steps if stop is None else stop
        self.save_every, self.beside = save_every, beside
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        self.step = 0
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._clock = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            self._load()

    @property
    def _file(self) -> Path:
        return self.folder / "run.pt"

    def _load(self) -> None:
        state = torch.load(self._file, weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        for name, part in self.beside.items():
            part.load_state_dict(state["beside"][name])

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the former one whole."""
        parts = {"model": self.model, "average": self.average, "optimizer": self.optimizer}
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {
            "step": self.step,
            "beside": {name: part.state_dict() for name, part in self.beside.items()},
        }
        partial = self._file.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._file)

    def steps(self) -> Iterator[int]:
        """Step numbers still to do, with the learning rate set for each; saves now and then and at the end."""
        while self.step < self.stop and not self._spent():
            share = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * self.step / self.total)).item())
            for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * max(share, 0.01)
            yield self.step
            self.step += 1
            self._follow()
            if self.step % self.save_every == 0:
                self.save()
        self.save()

    def _spent(self) -> bool:
        return self.minutes is not None and time.monotonic() - self._clock > 60 * self.minutes

    @torch.no_grad()
    def _follow(self) -> None:
        # A young average would remember the random start, so its memory grows with the run.
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(
            self.average.state_dict().values(), self.model.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(value.float(), 1 - decay)
            else:
                mean.copy_(value)

    def log(self, **values: float) -> None:
        """Append the step, the minutes of this process and `values` to the CSV log and print them."""
        row = {"step": self.step, "minutes": round((time.monotonic() - self._clock) / 60, 2), **values}
        path = self.folder / "log.csv"
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        print("  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)  # noqa: T201 a trainer reports
