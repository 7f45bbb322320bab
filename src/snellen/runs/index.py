"""Where each row of `rows.jsonl` lies and what it was made from: `index.bin`, 61 bytes a row.

It is a shortcut and never the truth: what it lacks is read from the rows, and one that does not
fit them is made again. With it a run of a million rows is taken up without parsing them, and in
memory it costs twelve bytes a row, whatever the names are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from snellen.runs import records
from snellen.runs.files import write_all
from snellen.runs.records import AT_ONCE, FIELDS, NONE, Records, numbers, read_records, record
from snellen.runs.rows import INDEX, ROWS, Row, scan

Stamp = tuple[int | None, int | None]  # size and time of change of a file


class Entry(NamedTuple):
    """Where a row lies in `rows.jsonl`, and what it was made from."""

    offset: int
    length: int
    bytes: int | None
    mtime_ns: int | None
    scorer: str
    missing: bool


class Index:
    """The latest row of each name in a run directory, opened for appending.

    Takes up what is there; afterwards `end` is the offset behind the last whole row.
    """

    def __init__(self, directory: Path) -> None:
        self._rows = directory / ROWS
        self._path = directory / INDEX
        self._file = self._path.open("ab", buffering=0)
        self._waiting: list[bytes] = []
        self._written = 0
        self._high = np.empty(0, np.uint64)  # of every row's name, sorted
        self._place = np.empty(0, np.uint32)  # the record that each of them stands in
        self._sorted = 0  # records that both know
        self._scorers: dict[int, str] = {}
        self.end = 0
        self._take_up()
        self._opened = self._written

    def __len__(self) -> int:
        """Number of rows, older ones of the same name among them."""
        return self._written + len(self._waiting)

    def add(self, row: Row, offset: int, length: int) -> None:
        """Note a row; written with the next `flush`."""
        [scorer] = numbers(row["scorer"], 1)
        self._scorers[scorer] = row["scorer"]
        self._waiting.append(record(row, offset, length))
        self.end = offset + length

    def flush(self) -> None:
        """Write what waits: after the rows themselves, so that no record points to nothing."""
        waiting, self._waiting = self._waiting, []
        write_all(self._file, b"".join(waiting))
        self._written += len(waiting)

    def close(self) -> None:
        """Close the file; what waits is left to the next `Index`, which reads it off the rows."""
        self._file.close()

    def find(self, names: Sequence[str], *, newest: bool = True) -> list[Entry | None]:
        """The latest row of each name; None where it has none. Many at once are much faster.

        newest : rows added since the opening count too; they are sorted in when they are asked for,
                 so this should not alternate with `add`.
        """
        self._sort(len(self) if newest else self._opened)
        latest, found = self._look_up(names)
        pairs = zip(latest, found.tolist(), strict=True)
        return [self._entry(one) if known else None for one, known in pairs]

    def as_now(
        self, names: Sequence[str], stamps: Sequence[Stamp], scorer: str
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Which of the names had a row with a score at the opening, made by `scorer` of a file of
        this very size and time of change; and where the rows of all that had one lie."""
        self._sort(self._opened)
        latest, found = self._look_up(names)
        flat = [NONE if number is None else number for stamp in stamps for number in stamp]
        asked = np.array(flat, np.int64).reshape(-1, 2)
        same: npt.NDArray[np.bool_] = (
            found
            & (latest["bytes"] == asked[:, 0])
            & (latest["mtime_ns"] == asked[:, 1])
            & (latest["scorer"] == numbers(scorer, 1)[0])
            & ~latest["missing"]
        )
        return same, latest["offset"][found].astype(np.int64)

    def latest(self, names: Sequence[str]) -> Records:
        """Of names that all have rows: the records of the latest ones."""
        self._sort(len(self))
        latest, found = self._look_up(names)
        if not found.all():
            raise KeyError(names[int(np.argmin(found))])
        return latest

    # --- taking up ----------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Trust the file as far as it fits the rows, and read the other rows."""
        size = self._path.stat().st_size
        end = records.fitting_end(self._path, self._rows)
        self._written = 0 if end is None else size // FIELDS.itemsize
        self.end = end or 0
        if self._written * FIELDS.itemsize != size:
            os.truncate(self._path, self._written * FIELDS.itemsize)
        if not self._rows.exists():
            return
        for offset, line, row in scan(self._rows, self.end):
            self.add(row, offset, len(line))
            if len(self._waiting) >= AT_ONCE:
                self.flush()
        self.flush()

    # --- looking up ---------------------------------------------------------------------------

    def _look_up(self, names: Sequence[str]) -> tuple[Records, npt.NDArray[np.bool_]]:
        """Each name's latest record, and whether it has one; without one it is any."""
        if not names:
            return np.empty(0, FIELDS), np.empty(0, bool)
        keys = np.frombuffer(b"".join(map(records.digest, names)), "<u8").reshape(-1, 2)
        if not len(self._high):
            return np.zeros(len(keys), FIELDS), np.zeros(len(keys), bool)
        # The last of equal ones is the latest, as the order is stable. Sorted keys are looked up
        # several times as fast: each search begins where the one before it ended.
        order = np.argsort(keys[:, 0])
        at = np.empty(len(keys), np.int64)
        at[order] = np.searchsorted(self._high, keys[order, 0], "right") - 1
        at = np.maximum(at, 0)
        latest = self._records_at(self._place[at])
        alike = latest["high"] == keys[:, 0]
        found = alike & (latest["low"] == keys[:, 1])
        for one in np.flatnonzero(alike & ~found):  # two names may share 64 bits, never 128
            latest[one], found[one] = self._walk(int(at[one]), keys[one])
        return latest, found

    def _walk(self, at: int, key: npt.NDArray[Any]) -> tuple[Any, bool]:
        """The latest record with both halves of `key`, among those with its first."""
        while at >= 0 and self._high[at] == key[0]:
            [one] = self._records_at(self._place[at : at + 1])
            if one["low"] == key[1]:
                return one, True
            at -= 1
        return np.zeros((), FIELDS), False

    def _sort(self, count: int) -> None:
        """See to it that the sorted keys are those of the first `count` records."""
        if self._sorted == count:
            return
        self.flush()
        keys = np.empty(count, np.uint64)
        for start in range(0, count, AT_ONCE):
            part = keys[start : start + AT_ONCE]
            part[:] = self._read(start, len(part))["high"]
        self._place = np.argsort(keys, kind="stable").astype(np.uint32)
        self._high = keys[self._place]
        self._sorted = count

    def _records_at(self, places: npt.NDArray[Any]) -> Records:
        """The records at `places`; in one read where they lie together, as they mostly do."""
        if not len(places):
            return np.empty(0, FIELDS)
        first, last = int(places.min()), int(places.max())
        if last - first < 16 * len(places) + 64:
            return self._read(first, last - first + 1)[places.astype(np.int64) - first]
        mapped = np.memmap(self._path, FIELDS, "r")  # let go when this returns
        return np.array(mapped[places])

    def _read(self, start: int, count: int) -> Records:
        return read_records(self._path, start, count)

    def _entry(self, record: Any) -> Entry:
        offset, length = int(record["offset"]), int(record["length"])
        size, mtime = int(record["bytes"]), int(record["mtime_ns"])
        scorer = int(record["scorer"])
        if scorer not in self._scorers:
            with self._rows.open("rb") as file:
                file.seek(offset)
                self._scorers[scorer] = json.loads(file.read(length))["scorer"]
        return Entry(
            offset,
            length,
            None if size == NONE else size,
            None if mtime == NONE else mtime,
            self._scorers[scorer],
            bool(record["missing"]),
        )
