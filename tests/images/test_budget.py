"""Pixels in flight: bounded, fair, and never stuck."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import BrokenImage
from snellen.images import PixelBudget


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 200), max_size=60), threads=st.integers(1, 6))
def test_never_more_than_the_limit_but_for_one_alone(sizes: list[int], threads: int) -> None:
    budget, lock = PixelBudget(100), threading.Lock()
    inside: list[int] = []
    seen: list[tuple[int, ...]] = []

    def work(pixels: int) -> None:
        with budget.share() as admit:
            admit(pixels)
            with lock:
                inside.append(pixels)
                seen.append(tuple(inside))
            with lock:
                inside.remove(pixels)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, sizes, timeout=30))
    assert len(seen) == len(sizes)
    assert all(sum(together) <= 100 or len(together) == 1 for together in seen)


def test_asked_twice_it_counts_once_and_grows_without_waiting_for_itself() -> None:
    budget = PixelBudget(100)
    with budget.share() as admit:
        admit(60)
        admit(60)
        admit(90)  # would wait for ever if its own 60 were in the way
        with budget.share() as other:
            other(10)


def test_a_picture_that_fails_gives_its_part_back() -> None:
    budget = PixelBudget(100)

    def fail() -> None:
        with budget.share() as admit:
            admit(100)
            raise BrokenImage("half a file")

    with pytest.raises(BrokenImage):
        fail()
    with budget.share() as admit:
        admit(100)


def test_a_large_picture_is_not_starved_by_small_ones() -> None:
    budget, order = PixelBudget(100), []
    first_in, go = threading.Event(), threading.Event()

    def first() -> None:
        with budget.share() as admit:
            admit(60)
            first_in.set()
            go.wait(10)

    def then(name: str, pixels: int) -> None:
        with budget.share() as admit:
            admit(pixels)
            order.append(name)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    first_in.wait(10)
    for name, pixels in (("large", 500), ("small", 1)):
        thread = threading.Thread(target=then, args=(name, pixels))
        thread.start()
        while len(budget._queue) < len(threads):  # it stands in the queue before the next comes
            threading.Event().wait(0.001)
        threads.append(thread)
    assert order == []  # the small one would fit, and waits its turn
    go.set()
    for thread in threads:
        thread.join(10)
    assert order == ["large", "small"]
