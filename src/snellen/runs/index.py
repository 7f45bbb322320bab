"""Where each row of `rows.jsonl` lies and what it was made from: `index.bin`, 53 bytes a row.

It is a shortcut and never the truth: what it lacks is read from the rows, and one that does not
fit them is made again. With it a run of a million rows is taken up without parsing them, and in
memory it costs twelve bytes a row, whatever the names are.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from snellen.runs.files import write_all
from snellen.runs.rows import INDEX, ROWS, Row, scan

_FIELDS = np.dtype(
    [
        ("high", "<u8"), ("low", "<u8"),  # 128 bits of BLAKE2b of the name
        ("offset", "<u8"), ("length", "<u4"),
        ("bytes", "<i8"), ("mtime_ns", "<i8"),  # of the file it was made from; _NONE: unknown
        ("scorer", "<u8"),  # 64 bits of BLAKE2b of its identity
        ("missing", "?"),
    ]
)  # fmt: skip
_pack = struct.Struct("<QQQIqqQ?").pack
_NONE = -(2**63)
_AT_ONCE = 1 << 16  # records read together
_PROBES = 16  # records looked at before the file is trusted

Records = npt.NDArray[Any]


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
        size, mtime = row.get("bytes"), row.get("mtime_ns")
        [scorer] = _numbers(row["scorer"], 1)
        self._scorers[scorer] = row["scorer"]
        record = _pack(
            *_numbers(row["image"], 2), offset, length, _NONE if size is None else size,
            _NONE if mtime is None else mtime, scorer, row.get("missing") is not None,
        )  # fmt: skip
        self._waiting.append(record)
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
        places, found = self._look_up(names)
        records = iter(self._records_at(places[found]))
        return [self._entry(next(records)) if known else None for known in found.tolist()]

    def places(self, names: Sequence[str]) -> Records:
        """Of names that all have rows: `offset`, `length` and `missing` of the latest ones."""
        self._sort(len(self))
        places, found = self._look_up(names)
        if not found.all():
            raise KeyError(names[int(np.argmin(found))])
        return self._records_at(places)

    # --- taking up ----------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Trust the file as far as it fits the rows, and read the other rows."""
        size = _FIELDS.itemsize
        self._written = self._path.stat().st_size // size
        if not self._fits():
            self._written = self.end = 0
        os.truncate(self._path, self._written * size)
        if not self._rows.exists():
            return
        for offset, line, row in scan(self._rows, self.end):
            self.add(row, offset, len(line))
            if len(self._waiting) >= _AT_ONCE:
                self.flush()
        self.flush()

    def _fits(self) -> bool:
        """Whether records spread over the file lead to rows of their names; `end` is then set."""
        size = self._rows.stat().st_size if self._rows.exists() else 0
        for place in np.linspace(0, self._written - 1, min(_PROBES, self._written)).astype(int):
            [record] = self._read(int(place), 1)
            start, length = int(record["offset"]), int(record["length"])
            if start + length > size:
                return False
            _, line, row = next(scan(self._rows, start), (0, b"", {"image": ""}))
            if len(line) != length or _numbers(row["image"], 2) != (record["high"], record["low"]):
                return False
            self.end = start + length
        return True

    # --- looking up ---------------------------------------------------------------------------

    def _look_up(self, names: Sequence[str]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Place of each name's latest record, and whether it has one."""
        keys = np.frombuffer(b"".join(_digest(name) for name in names), "<u8").reshape(-1, 2)
        if not len(self._high):
            return np.zeros(len(keys), np.uint32), np.zeros(len(keys), bool)
        # The last of equal ones is the latest, as the order is stable.
        at = np.maximum(np.searchsorted(self._high, keys[:, 0], "right") - 1, 0)
        places = self._place[at]
        records = self._records_at(places)
        alike = records["high"] == keys[:, 0]
        found = alike & (records["low"] == keys[:, 1])
        for one in np.flatnonzero(alike & ~found):  # two names may share 64 bits, never 128
            places[one], found[one] = self._walk(int(at[one]), keys[one])
        return places, found

    def _walk(self, at: int, key: npt.NDArray[Any]) -> tuple[int, bool]:
        """The latest record with both halves of `key`, among those with its first."""
        while at >= 0 and self._high[at] == key[0]:
            [record] = self._records_at(self._place[at : at + 1])
            if record["low"] == key[1]:
                return int(self._place[at]), True
            at -= 1
        return 0, False

    def _sort(self, count: int) -> None:
        """See to it that the sorted keys are those of the first `count` records."""
        if self._sorted == count:
            return
        self.flush()
        keys = np.empty(count, np.uint64)
        for start in range(0, count, _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            part[:] = self._read(start, len(part))["high"]
        self._place = np.argsort(keys, kind="stable").astype(np.uint32)
        self._high = keys[self._place]
        self._sorted = count

    def _records_at(self, places: npt.NDArray[Any]) -> Records:
        """The records at `places`; in one read where they lie together, as they mostly do."""
        if not len(places):
            return np.empty(0, _FIELDS)
        first, last = int(places.min()), int(places.max())
        if last - first < 16 * len(places) + 64:
            return self._read(first, last - first + 1)[places.astype(np.int64) - first]
        mapped = np.memmap(self._path, _FIELDS, "r")  # let go when this returns
        return np.array(mapped[places])

    def _read(self, start: int, count: int) -> Records:
        with self._path.open("rb") as file:
            file.seek(start * _FIELDS.itemsize)
            return np.frombuffer(file.read(count * _FIELDS.itemsize), _FIELDS)

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
            None if size == _NONE else size,
            None if mtime == _NONE else mtime,
            self._scorers[scorer],
            bool(record["missing"]),
        )


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _numbers(name: str, count: int) -> tuple[int, ...]:
    """The first 64 or 128 bits of a name's hash, in numbers of 64."""
    return struct.unpack_from(f"<{count}Q", _digest(name))
