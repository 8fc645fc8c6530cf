"""Frames drawn at the same time, one by each thread of the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from ..ordered import in_order

_Result = TypeVar("_Result")


def on_threads(jobs: Iterable[Callable[[], _Result]], threads: int) -> Iterator[_Result]:
    """The results of `jobs` in order, `threads` of them worked on at a time; torch's own threads are shared out."""
    all_threads = torch.get_num_threads()
    share = max(1, all_threads // threads)
    try:
        yield from in_order(jobs, threads, begin=lambda: torch.set_num_threads(share))
    finally:
        # A thread begins with the number that was set last anywhere in the process.
        torch.set_num_threads(all_threads)
