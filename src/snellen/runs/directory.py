"""A run directory opened for writing: take up what is there, append rows, finish."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from snellen.errors import RunError
from snellen.runs.files import atomic, plain_errors, take_lock, write_all, write_json
from snellen.runs.request import FORMAT, Request, check_same, facts_of, now
from snellen.runs.rows import DONE, FACTS, LOCK, ROWS, THUMBNAILS, Row, scan

_BATCH_ROWS, _BATCH_SECONDS = 64, 0.5  # rows are written when there are so many or so old
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Entry(NamedTuple):
    """Where a row lies in `rows.jsonl`, and what it was made from."""

    offset: int
    length: int
    bytes: int | None
    mtime_ns: int | None
    hash: str | None
    scorer: str
    missing: bool


class Run:
    """A run directory opened for writing; a context manager that saves and unlocks at its end.

    Use `Run.open`. Not safe for several threads: one thread appends.
    """

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock
        self._rows: BinaryIO | None = None
        self._thumbnails: BinaryIO | None = None
        self._index: dict[str, Entry] = {}
        self._lines = 0
        self._waiting: list[bytes] = []
        self._waiting_thumbnails: list[bytes] = []
        self._offset = self._thumbnail_offset = 0
        self._written_at = time.monotonic()

    @classmethod
    def open(cls, directory: Path, request: Request, scorer: str, *, fresh: bool = False) -> Run:
        """Create `directory`, or take up the run in it.

        scorer : identity of what scores; rows of another identity are not `kept`.
        fresh  : forget the rows that are there.
        Raises `RunError` when the directory cannot be written, is in use by a living process,
        holds something else than a run, or a run of another request or of a newer version.
        """
        with plain_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            begun = _is_run(directory)
            run = cls(directory, take_lock(directory / LOCK))
            try:
                if begun and not fresh:
                    started = check_same(directory, request).get("started", now())
                else:
                    started = now()
                    for name in (ROWS, THUMBNAILS):
                        (directory / name).unlink(missing_ok=True)
                (directory / DONE).unlink(missing_ok=True)
                write_json(directory / FACTS, facts_of(request, scorer, started))
                run._take_up()
            except BaseException:
                run.close()
                raise
        return run

    def _take_up(self) -> None:
        """Read the rows that are there, cut off a torn last line, and open for appending."""
        for half_written in self.directory.glob(".*.tmp"):
            half_written.unlink()
        rows = self.directory / ROWS
        if rows.exists():
            for offset, line, row in scan(rows):
                self._lines += 1
                self._offset = offset + len(line)
                self._index[row["image"]] = _entry(row, offset, len(line))
            if rows.stat().st_size > self._offset:
                os.truncate(rows, self._offset)
        self._rows = rows.open("ab", buffering=0)
        self._thumbnails = (self.directory / THUMBNAILS).open("ab", buffering=0)
        self._thumbnail_offset = self._thumbnails.tell()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, name: str) -> Entry | None:
        """What is known of the image called `name`; None when it has no row."""
        return self._index.get(name)

    def read(self, entry: Entry) -> Row:
        """The row that `entry` points to, one that lay there when the run was opened."""
        with (self.directory / ROWS).open("rb") as file:
            file.seek(entry.offset)
            row: Row = json.loads(file.read(entry.length))
        return row

    def append(self, row: Row, thumbnail: bytes | None = None) -> None:
        """Add a row (it needs `image` and `scorer`) and its thumbnail; written soon, in a batch.

        Raises `RunError` when the disk is full or the file cannot be written.
        """
        if thumbnail is not None:
            row = {**row, "thumbnail": [self._thumbnail_offset, len(thumbnail)]}
            self._thumbnail_offset += len(thumbnail)
            self._waiting_thumbnails.append(thumbnail)
        line = _encode(row).encode() + b"\n"
        self._index[row["image"]] = _entry(row, self._offset, len(line))
        self._offset += len(line)
        self._lines += 1
        self._waiting.append(line)
        old = time.monotonic() - self._written_at > _BATCH_SECONDS
        if old or len(self._waiting) >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait; thumbnails first, so that no row points to nothing."""
        if self._rows is not None and self._thumbnails is not None and self._waiting:
            waiting, self._waiting = self._waiting, []
            thumbnails, self._waiting_thumbnails = self._waiting_thumbnails, []
            try:
                with plain_errors(self.directory):
                    write_all(self._thumbnails, b"".join(thumbnails))
                    write_all(self._rows, b"".join(waiting))
            except BaseException:
                # The index is now ahead of the files: nothing more may be written. The next
                # opening reads what is really there.
                self._close_files()
                raise
        self._written_at = time.monotonic()

    def finish(self, names: Sequence[str]) -> None:
        """Mark the run as complete.

        names : every image of the request, sorted; rows of others (vanished since) leave.
        """
        self.flush()
        with plain_errors(self.directory):
            if self._lines != len(names) or not self._lies_sorted(names):
                self._rewrite(names)
            missing = sum(self._index[name].missing for name in names)
            counts = {"rows": len(names), "scored": len(names) - missing, "missing": missing}
            write_json(self.directory / DONE, {"format": FORMAT, **counts, "finished": now()})

    def _lies_sorted(self, names: Sequence[str]) -> bool:
        places = [self._index[name].offset for name in names]
        return all(a < b for a, b in pairwise(places))

    def _rewrite(self, names: Sequence[str]) -> None:
        """Leave one row an image, in order; the old file stays until the new one is whole."""
        path = self.directory / ROWS
        index: dict[str, Entry] = {}
        offset = 0
        with path.open("rb") as old, atomic(path) as new:
            for name in names:
                entry = self._index[name]
                old.seek(entry.offset)
                new.write(old.read(entry.length))
                index[name] = entry._replace(offset=offset)
                offset += entry.length
        assert self._rows is not None
        self._rows.close()
        self._rows = path.open("ab", buffering=0)
        self._index, self._lines, self._offset = index, len(names), offset

    def close(self) -> None:
        """Write what waits, and unlock."""
        try:
            self.flush()
        finally:
            self._close_files()
            os.close(self._lock)

    def _close_files(self) -> None:
        for file in (self._rows, self._thumbnails):
            if file is not None:
                file.close()
        self._rows = self._thumbnails = None


def _entry(row: Row, offset: int, length: int) -> Entry:
    return Entry(
        offset,
        length,
        row.get("bytes"),
        row.get("mtime_ns"),
        row.get("hash"),
        sys.intern(row["scorer"]),
        row.get("missing") is not None,
    )


def _is_run(directory: Path) -> bool:
    """Whether a run was begun here. Raises `RunError` when the directory holds other things."""
    if (directory / FACTS).exists():
        return True
    other = [p.name for p in directory.iterdir() if p.name != LOCK and p.suffix != ".tmp"]
    if other:
        what = f"{directory} is not empty and no run directory (it holds {sorted(other)[0]!r})"
        raise RunError(what, "Give a new directory as --run.")
    return False
