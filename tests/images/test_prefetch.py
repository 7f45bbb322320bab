"""Fetching ahead: side by side with the reader, within its room, and never stuck."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import UnreadableImage
from snellen.images import Ahead, Found, Source


class Slow(Source):
    """A source that knows when it is read."""

    def __init__(self, watch: Watch, length: int, number: int) -> None:
        self._watch, self.length, self.number = watch, length, number

    def __str__(self) -> str:
        return f"slow://{self.number}"

    @property
    def size(self) -> int:
        return self.length

    @property
    def mtime_ns(self) -> None:
        return None

    def read_bytes(self, most: int | None = None) -> bytes:
        return self._watch.read(self)


class Watch:
    """What is fetched and not yet taken, in bytes and at the same time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.lock = threading.Lock()
        self.lying = self.most_lying = self.at_once = self.most_at_once = 0

    def found(self, lengths: list[int]) -> list[Found]:
        return [Found(Slow(self, n, i), str(i)) for i, n in enumerate(lengths)]

    def read(self, source: Slow) -> bytes:
        with self.lock:
            self.lying += source.length
            self.at_once += 1
            self.most_lying = max(self.most_lying, self.lying)
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        with self.lock:
            self.at_once -= 1
        return bytes([source.number % 256]) * source.length

    def take(self, found: Found) -> bytes:
        assert isinstance(found.path, Source)
        data = found.path.read_bytes()
        with self.lock:
            self.lying -= len(data)
        return data


def test_fetches_run_side_by_side_and_come_in_order() -> None:
    watch = Watch(0.02)
    with Ahead(1000, fetches=8) as ahead:
        files = list(ahead.of(watch.found([10] * 24)))
        assert [watch.take(one)[0] for one in files] == list(range(24))
    assert watch.most_at_once == 8


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 120), max_size=25), st.integers(1, 5), st.integers(1, 3))
def test_the_room_is_kept_and_nobody_waits_for_ever(
    lengths: list[int], fetches: int, readers: int
) -> None:
    """Also with files above the room, and readers that take them in about their order."""
    from concurrent.futures import ThreadPoolExecutor

    watch, room = Watch(), 100
    with Ahead(1000, room, fetches) as ahead, ThreadPoolExecutor(readers) as pool:
        files = list(ahead.of(watch.found(lengths)))
        taken = [future.result(10) for future in [pool.submit(watch.take, one) for one in files]]
    assert [len(data) for data in taken] == lengths
    # what a reader has been given is its own: one file for each may be counted twice for a moment
    assert watch.most_lying <= max([room, *lengths]) + readers * max([0, *lengths])


def test_files_of_this_machine_and_problems_pass_untouched() -> None:
    plain = [Found(Path("a.jpg"), "a.jpg"), Found(Path("b"), "b", UnreadableImage("gone"))]
    with Ahead(1000) as ahead:
        assert list(ahead.of(plain)) == plain


def test_an_error_is_the_readers_and_gives_its_room_back() -> None:
    class Broken(Slow):
        def read_bytes(self, most: int | None = None) -> bytes:
            raise UnreadableImage("it is not there")

    watch = Watch()
    files = [Found(Broken(watch, 90, i), str(i)) for i in range(5)]
    with Ahead(1000, room=100) as ahead:
        for one in ahead.of(files):
            assert isinstance(one.path, Source)
            with pytest.raises(UnreadableImage):
                one.path.read_bytes()


def test_it_ends_at_once_when_nobody_reads_any_more() -> None:
    watch = Watch()
    start = time.monotonic()
    with Ahead(1000, room=10, fetches=2) as ahead:
        list(ahead.of(watch.found([10] * 50)))
    assert time.monotonic() - start < 30
    assert watch.most_lying <= 20
