"""Fetch ahead of the threads that score, so that they never wait for a network that has answers.

Files of this machine pass through untouched: the system reads ahead for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Condition
from types import TracebackType

from snellen.images.found import Found
from snellen.images.sources import Source

#: Bytes fetched and not yet taken, all together. Ours: some hundred photos.
AHEAD_BYTES = 256_000_000
#: Requests at the same time. Ours: a store answers each in tens of milliseconds.
FETCHES = 16
_UNKNOWN = 4_000_000  # bytes reckoned for what is not listed with its size. Ours.


class Ahead:
    """Gives files on as they come, those in stores with their fetching begun.

        with Ahead(limit.file_bytes) as ahead:
            for found in ahead.of(todo):
                ...                              # found.path.read_bytes() waits for its own fetch

    most    : bytes of one file; longer ones are refused.
    room    : bytes that may lie here unread; a file above it is let in alone.
    fetches : requests at the same time.
    They are let in in the order given, which must be about the order they are read in: whoever
    waits for a file then never waits for one behind it.
    """

    def __init__(self, most: int, room: int = AHEAD_BYTES, fetches: int = FETCHES) -> None:
        self._most, self._room, self._fetches = most, room, fetches
        self._used = 0
        self._queue: deque[_Fetched] = deque()
        self._changed = Condition()
        self._closed = False
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def of(self, files: Iterable[Found]) -> Iterator[Found]:
        """The files, each with its fetching begun."""
        for found in files:
            if found.problem is None and isinstance(found.path, Source):
                yield replace(found, path=self._begin(found.path))
            else:
                yield found

    def _begin(self, source: Source) -> _Fetched:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._fetches, thread_name_prefix="snellen-fetch")
        fetched = _Fetched(source, self)
        self._queue.append(fetched)
        fetched.data = self._pool.submit(self._fetch, fetched)
        return fetched

    def _fetch(self, fetched: _Fetched) -> bytes:
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._closed
                    or (
                        self._queue[0] is fetched
                        and (not self._used or self._used + fetched.room <= self._room)
                    )
                )
            )
            if self._closed:
                raise CancelledError
            self._queue.popleft()
            self._used += fetched.room
            self._changed.notify_all()
        try:
            return fetched.source.read_bytes(self._most)
        except BaseException:
            self._give_back(fetched)
            raise

    def _give_back(self, fetched: _Fetched) -> None:
        with self._changed:
            self._used -= fetched.room
            fetched.room = 0
            self._changed.notify_all()


class _Fetched(Source):
    """A source whose bytes are on their way; they are kept as long as this is."""

    __slots__ = ("_ahead", "data", "room", "source")
    data: Future[bytes]

    def __init__(self, source: Source, ahead: Ahead) -> None:
        self.source, self._ahead = source, ahead
        self.room = _UNKNOWN if source.size is None else source.size

    def __str__(self) -> str:
        return str(self.source)

    @property
    def size(self) -> int | None:
        return self.source.size

    @property
    def mtime_ns(self) -> int | None:
        return self.source.mtime_ns

    def read_bytes(self, most: int | None = None) -> bytes:
        data = self.data.result()
        self._ahead._give_back(self)
        return data
