"""Reading the rows of a run directory, finished or not."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import overload

from snellen.runs.records import of_sorted_rows
from snellen.runs.rows import INDEX, ROWS, Row, is_done, scan

_READ = 1 << 16  # bytes of rows read at a time


class Rows(Sequence[Row]):
    """The latest row of each image of a run, sorted by name, read as they are asked for.

    It holds where the rows lie, eight bytes each, and an open file: it outlives what the run
    directory becomes. Several threads may read it.
    """

    def __init__(self, lines: _Lines | None, offsets: Iterable[int]) -> None:
        self._lines = lines
        self.offsets = array("Q", offsets)
        self._scores: array[float] | None = None

    @classmethod
    def of(cls, directory: Path) -> Rows:
        """The rows of a run, finished or not."""
        path = directory / ROWS
        if not path.exists():
            return cls(None, ())
        if not is_done(directory):
            latest = {row["image"]: at for at, _, row in scan(path)}
            return cls(_Lines(path), (latest[name] for name in sorted(latest)))
        # One row an image, sorted already.
        records = of_sorted_rows(directory / INDEX, path)
        if records is None:
            return cls(_Lines(path), _line_starts(path))
        rows = cls(_Lines(path), ())
        rows._scores = array("d")
        for part in records:
            rows.offsets.frombytes(part["offset"].tobytes())
            rows._scores.frombytes(part["score"].tobytes())
        return rows

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Rows: ...
    def __getitem__(self, key: int | slice) -> Row | Rows:
        if isinstance(key, slice):
            return Rows(self._lines, self.offsets[key])
        return next(iter(Rows(self._lines, [self.offsets[key]])))

    def __iter__(self) -> Iterator[Row]:
        if self._lines is not None:
            yield from map(json.loads, self._lines.at(self.offsets))

    def scores(self) -> array[float]:
        """The score of each row, NaN where it has none. Of a run as it was finished they come
        without reading the rows."""
        if self._scores is None:
            scores = (row.get("score") for row in self)
            self._scores = array("d", (math.nan if one is None else one for one in scores))
        return self._scores

    def at(self, offsets: Iterable[int]) -> Rows:
        """The rows that begin at `offsets`, in that order."""
        return Rows(self._lines, offsets)


class _Lines:
    """Lines of a file by their offsets, read in blocks."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = Lock()

    def __del__(self) -> None:
        self._file.close()

    def at(self, offsets: Iterable[int]) -> Iterator[bytes]:
        """The line that begins at each offset; neighbours cost one read together."""
        block, start = b"", 0
        for offset in offsets:
            end = block.find(b"\n", offset - start) if offset >= start else -1
            if end < 0:
                next_to_it = start <= offset <= start + len(block)
                block, start = self._block(offset, _READ if next_to_it else _READ // 16), offset
                end = block.index(b"\n")
            yield block[offset - start : end]

    def _block(self, offset: int, size: int) -> bytes:
        """What lies at `offset`: some rows, at least one whole one."""
        block = b""
        with self._lock:
            while b"\n" not in block:
                self._file.seek(offset)
                block, size = self._file.read(size), 4 * size
        return block


def _line_starts(path: Path) -> Iterator[int]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            yield offset
            offset += len(line)
