"""How many pixels may be in memory at once, whatever the number of threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition


class PixelBudget:
    """Lets threads decode side by side while their pictures are small enough together.

    limit : pixels. A single picture above it is let in alone, so that it is slow and not fatal.
    Threads are let in in the order they came, so that small pictures do not starve a large one.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """One picture's part. Gives `admit(pixels)`, which waits until they fit; see `read`.

        Asked again for no more pixels, `admit` returns at once; the part ends with the block.
        """
        held = 0

        def admit(pixels: int) -> None:
            nonlocal held
            if pixels > held:
                self._give_back(held)  # never wait with something in hand: two would wait for ever
                held = 0
                self._wait_for(pixels)
                held = pixels

        try:
            yield admit
        finally:
            self._give_back(held)

    def _wait_for(self, pixels: int) -> None:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(
                lambda: (
                    self._queue[0] is ticket
                    and (not self._used or self._used + pixels <= self._limit)
                )
            )
            self._queue.popleft()
            self._used += pixels
            self._changed.notify_all()

    def _give_back(self, pixels: int) -> None:
        if pixels:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
