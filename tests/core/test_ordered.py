"""Jobs on several threads: their results in order, some ahead, and none begun in vain."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpcore.ordered import in_order


@given(st.lists(st.integers(), max_size=40), st.integers(1, 4), st.integers(1, 5))
def test_results_come_in_the_order_of_the_jobs(values, threads, ahead):
    assert list(in_order((partial(str, value) for value in values), threads, ahead)) == list(map(str, values))


def test_jobs_run_side_by_side():
    # Each waits for the other: one thread alone would never get through.
    meeting = threading.Barrier(2, timeout=60)
    assert sorted(in_order([meeting.wait] * 4, 2)) == [0, 0, 1, 1]


def test_no_more_jobs_are_made_than_may_wait():
    made, taken, gate = [], [], threading.Event()

    def jobs():
        for number in range(50):
            made.append(number)
            yield partial(number_after, number)

    def number_after(number: int) -> int:
        gate.wait(60)
        return number

    results = in_order(jobs(), threads=2, ahead=3)
    threading.Timer(0.05, gate.set).start()
    taken.append(next(results))
    assert len(made) <= 2 * 3 + 1
    assert taken == [0]
    results.close()


def test_a_failure_comes_in_its_place_and_ends_the_work():
    begun = []

    def job(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError(number)
        return number

    results = in_order((partial(job, number) for number in range(1000)), threads=1)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    assert len(begun) < 20


def test_every_thread_begins_once():
    begun = []
    assert len(list(in_order([int] * 30, 3, begin=lambda: begun.append(threading.get_ident())))) == 30
    assert 1 <= len(begun) == len(set(begun)) <= 3
