"""A run directory opened for writing: take up what is there, append rows, finish."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from snellen.errors import RunError
from snellen.runs.files import atomic, plain_errors, take_lock, write_all, write_json
from snellen.runs.index import Entry, Index, Stamp
from snellen.runs.records import Records
from snellen.runs.request import FORMAT, Request, check_same, facts_of, now
from snellen.runs.rows import DONE, FACTS, INDEX, LOCK, ROWS, THUMBNAILS, Row, is_done

_BATCH_ROWS, _BATCH_SECONDS = 64, 0.5  # rows are written when there are so many or so old
_NAMES_AT_ONCE = 4096  # looked up together
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Run:
    """A run directory opened for writing; a context manager that saves and unlocks at its end.

    Use `Run.open`. Not safe for several threads: one thread appends.
    """

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock
        self._rows: BinaryIO | None = None
        self._thumbnails: BinaryIO | None = None
        self._index: Index | None = None
        self._waiting: list[bytes] = []
        self._waiting_thumbnails: list[bytes] = []
        self._offset = self._thumbnail_offset = 0
        self._finished = False
        self._found, self._found_at = 0, -1  # rows that `as_now` found in order, the last of them
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
                run._begin(request, scorer, begun and not fresh)
                run._take_up()
            except BaseException:
                run.close()
                raise
        return run

    def _begin(self, request: Request, scorer: str, begun: bool) -> None:
        """Say what is asked for. A finished run stays marked as long as nothing in it changes."""
        there = check_same(self.directory, request) if begun else {}
        facts = facts_of(request, scorer, there.get("started", now()))
        self._finished = begun and is_done(self.directory)
        if facts == there:
            return
        self._unmark()
        if not begun:
            for name in (ROWS, INDEX, THUMBNAILS):
                (self.directory / name).unlink(missing_ok=True)
        write_json(self.directory / FACTS, facts)

    def _unmark(self) -> None:
        (self.directory / DONE).unlink(missing_ok=True)
        self._finished = False

    def _take_up(self) -> None:
        """Read the rows that are there, cut off a torn last line, and open for appending."""
        for half_written in self.directory.glob(".*.tmp"):
            half_written.unlink()
        rows = self.directory / ROWS
        self._index = Index(self.directory)
        self._offset = self._index.end
        if rows.exists() and rows.stat().st_size > self._offset:
            self._unmark()
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
        assert self._index is not None
        return self._index.find([name])[0]

    def kept(self, names: Sequence[str]) -> list[Entry | None]:
        """What lay there of each name when the run was opened. Some thousand names at once are
        found much faster than one by one."""
        assert self._index is not None
        return self._index.find(names, newest=False)

    def as_now(self, names: Sequence[str], stamps: Sequence[Stamp], scorer: str) -> list[bool]:
        """Which files have a row that still holds: with a score, by `scorer`, of a file of this
        size and time of change. Ask it of the names of the request only, and once."""
        assert self._index is not None
        same, offsets = self._index.as_now(names, stamps, scorer)
        if len(offsets) and (np.diff(offsets, prepend=self._found_at) > 0).all():
            self._found += len(offsets)
            self._found_at = int(offsets[-1])
        return [bool(one) for one in same.tolist()]

    def read(self, entry: Entry) -> Row:
        """The row that `entry` points to, one that lay there when the run was opened."""
        with (self.directory / ROWS).open("rb") as file:
            file.seek(entry.offset)
            row: Row = json.loads(file.read(entry.length))
        return row

    def append(self, row: Row, thumbnail: bytes | None = None) -> None:
        """Add a row (it needs `image` and `scorer`) and its thumbnail; written soon, in a batch.

        Raises `RunError` when the disk is full or the file cannot be written; afterwards nothing is
        added any more.
        """
        if self._index is None:
            return
        if thumbnail is not None:
            row = {**row, "thumbnail": [self._thumbnail_offset, len(thumbnail)]}
            self._thumbnail_offset += len(thumbnail)
            self._waiting_thumbnails.append(thumbnail)
        line = _encode(row).encode() + b"\n"
        self._index.add(row, self._offset, len(line))
        self._offset += len(line)
        self._waiting.append(line)
        old = time.monotonic() - self._written_at > _BATCH_SECONDS
        if old or len(self._waiting) >= _BATCH_ROWS:
            self.flush()

    def clear(self) -> None:
        """Forget every row: they are written anew."""
        self._waiting, self._waiting_thumbnails = [], []
        self._close_files()
        self._unmark()
        for name in (ROWS, INDEX, THUMBNAILS):
            (self.directory / name).unlink(missing_ok=True)
        self._take_up()

    def flush(self) -> None:
        """Write the rows that wait; thumbnails first, so that no row points to nothing."""
        if self._rows and self._thumbnails and self._index and self._waiting:
            waiting, self._waiting = self._waiting, []
            thumbnails, self._waiting_thumbnails = self._waiting_thumbnails, []
            try:
                with plain_errors(self.directory):
                    if self._finished:
                        self._unmark()
                    write_all(self._thumbnails, b"".join(thumbnails))
                    write_all(self._rows, b"".join(waiting))
                    self._index.flush()
            except BaseException:
                # The index is now ahead of the files: nothing more may be written. The next
                # opening reads what is really there.
                self._close_files()
                raise
        self._written_at = time.monotonic()

    def finish(self, names: Sequence[str] | Callable[[], Iterable[str]]) -> None:
        """Mark the run as complete.

        names : every image of the request, sorted; rows of others (vanished since) leave. Where
                they are too many for a list: what gives them, called again for a second look.
        """
        every = names if callable(names) else lambda: names
        self.flush()
        assert self._index is not None
        if self._finished and self._found == len(self._index):
            return  # every row was found where it should be, and none was added
        with plain_errors(self.directory):
            count, missing, in_order = self._look_over(every())
            if len(self._index) != count or not in_order:
                self._rewrite(every())
            elif self._finished:
                return
            os.utime(self.directory / INDEX)  # it fits the rows as they are now
            counts = {"rows": count, "scored": count - missing, "missing": missing}
            write_json(self.directory / DONE, {"format": FORMAT, **counts, "finished": now()})

    def _look_over(self, names: Iterable[str]) -> tuple[int, int, bool]:
        """Rows of `names`, those without a score, and whether they lie in that order."""
        count = missing = 0
        behind, in_order = -1, True
        for latest in self._latest(names):
            offsets = latest["offset"].astype(np.int64)
            in_order &= bool((np.diff(offsets, prepend=behind) > 0).all())
            behind = int(offsets[-1])
            count += len(latest)
            missing += int(latest["missing"].sum())
        return count, missing, in_order

    def _latest(self, names: Iterable[str]) -> Iterator[Records]:
        assert self._index is not None
        rest = iter(names)
        while some := list(islice(rest, _NAMES_AT_ONCE)):
            yield self._index.latest(some)

    def _rewrite(self, names: Iterable[str]) -> None:
        """Leave one row an image, in order; the old file stays until the new one is whole."""
        self._unmark()
        path, at = self.directory / ROWS, 0
        with path.open("rb") as old, atomic(self.directory / INDEX) as index, atomic(path) as new:
            for latest in self._latest(names):
                for offset, length in _stretches(latest):
                    old.seek(offset)
                    new.write(old.read(length))
                ends = at + np.cumsum(latest["length"], dtype=np.uint64)
                latest["offset"] = ends - latest["length"]
                index.write(latest.tobytes())
                at = int(ends[-1])
            self._close_files()
            (self.directory / INDEX).unlink()  # before the rows change: it never leads astray
        self._take_up()

    def close(self) -> None:
        """Write what waits, and unlock."""
        try:
            self.flush()
        finally:
            self._close_files()
            os.close(self._lock)

    def _close_files(self) -> None:
        for file in (self._rows, self._thumbnails, self._index):
            if file is not None:
                file.close()
        self._rows = self._thumbnails = self._index = None


def _stretches(places: Records) -> Iterator[tuple[int, int]]:
    """Offset and length of rows, those that lie one behind the other taken together."""
    starts, ends = places["offset"], places["offset"] + places["length"]
    first = np.flatnonzero(np.r_[True, starts[1:] != ends[:-1]])
    last = np.r_[first[1:], len(places)] - 1
    yield from zip(starts[first].tolist(), (ends[last] - starts[first]).tolist(), strict=True)


def _is_run(directory: Path) -> bool:
    """Whether a run was begun here. Raises `RunError` when the directory holds other things."""
    if (directory / FACTS).exists():
        return True
    other = [p.name for p in directory.iterdir() if p.name != LOCK and p.suffix != ".tmp"]
    if other:
        what = f"{directory} is not empty and no run directory (it holds {sorted(other)[0]!r})"
        raise RunError(what, "Give a new directory as --run.")
    return False
