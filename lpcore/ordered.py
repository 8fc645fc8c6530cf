"""Independent jobs on several threads, a few of them ahead of who takes the results, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


def in_order(
    jobs: Iterable[Callable[[], _Result]],
    threads: int = 1,
    ahead: int = 4,
    begin: Callable[[], object] | None = None,
) -> Iterator[_Result]:
    """The results of `jobs` in order, worked out by `threads` threads while the iterable makes the next jobs.

    ahead: finished results for each thread that may wait to be taken. begin: what each thread does first. What
    a job raises is raised in its place; jobs that nobody waits for any more are not begun.
    """
    pending: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(threads, initializer=begin)
    try:
        for job in jobs:
            pending.append(pool.submit(job))
            while len(pending) > ahead * threads or (pending and pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
