"""Every file of a request, sorted by name, however many: what does not fit lies on the disk.

Folders come in order as they are walked, so work on the first files begins while the others are
not yet listed. Anything else is listed first: files are sorted by the thousand, each such part is
laid in a temporary file, and reading merges the parts. So a million names cost the memory of a few
thousand.
"""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO

from snellen.errors import NothingFound
from snellen.images import Census, Found
from snellen.images.find import comes_in_order, meet
from snellen.images.found import Met
from snellen.runs import Closing

_PART = 1 << 15  # names held and sorted at a time
_BLOCK = 1024  # names given, written and read at a time
_IN_MEMORY = 1 << 20  # bytes of names that are worth no file

Entry = Met | Found
_Kept = str | Met | Found  # the name alone says it all of nearly every file


class Listing(Closing):
    """Files by name, each once. Iterate as often as you like, over files, `names()` or `blocks()`.

    given : paths as `find` takes them.
    part  : names held in memory while they are sorted.
    Raises `NothingFound` when there is nothing, or when no path given can be reached at all: a
    mistyped one is told at once and leaves no run behind.
    """

    def __init__(self, given: Sequence[str | os.PathLike[str]], *, part: int = _PART) -> None:
        census = Census()
        source = _told_once(meet(given, census))
        first: list[Entry] = []
        for entry in source:
            first.append(entry)
            if entry.problem is None:
                break
        else:
            unreachable = next((entry.problem for entry in first if entry.problem), None)
            if unreachable is None:
                raise census.nothing_found(given)
            raise NothingFound(*unreachable.args)
        source = chain(first, source)
        self._files = _Walked(source) if comes_in_order(given) else _Sorted(source, part)

    def __len__(self) -> int:
        """Files listed so far; all of them where it `is_whole`."""
        return self._files.count

    @property
    def is_whole(self) -> bool:
        """Whether everything is listed."""
        return self._files.is_whole

    def __iter__(self) -> Iterator[Found]:
        return map(_found, self._files.by_name())

    def names(self) -> Iterator[str]:
        """Names alone, which is faster."""
        return (_name(kept) for kept in self._files.by_name())

    def blocks(self) -> Iterator[list[Entry]]:
        """Files by the thousand, listed no further than they are asked for, in order but for a
        few; those that were listed just now with their stamps."""
        return self._files.blocks()

    def list_more(self) -> bool:
        """List some more, for who has time; False where there is no more."""
        return self._files.list_more()

    def close(self) -> None:
        """Let go of the temporary files."""
        self._files.close()


class _Files(Closing):
    """Where the files of a listing lie: `count` of them so far."""

    count = 0
    is_whole = True

    @abstractmethod
    def by_name(self) -> Iterator[_Kept]:
        """All of them, sorted by name."""

    @abstractmethod
    def blocks(self) -> Iterator[list[Entry]]: ...

    def list_more(self) -> bool:
        return False


class _Walked(_Files):
    """Files that come in order, listed as they are asked for."""

    def __init__(self, source: Iterator[Entry]) -> None:
        self._source = source
        self._log = _Log()
        self._last = ""
        self._late: list[Entry] = []  # a folder that cannot be listed is told where its files were
        self.is_whole = False

    def by_name(self) -> Iterator[_Kept]:
        while self.list_more():
            pass
        late = sorted(self._late, key=_name)
        return heapq.merge(chain.from_iterable(self._log.blocks()), late, key=_name)

    def blocks(self) -> Iterator[list[Entry]]:
        at = 0
        while True:
            while at < self._log.end:
                kept, at = self._log.read(at)
                yield list(map(_entry, kept))
            if self.is_whole:
                break
            block = self._next()
            at = self._log.end
            if block:
                yield block
        if self._late:
            yield self._late

    def list_more(self) -> bool:
        if not self.is_whole:
            self._next()
        return not self.is_whole

    def _next(self) -> list[Entry]:
        """The next files of the walk, which are then in the log too."""
        block, taken = [], 0
        for entry in islice(self._source, _BLOCK):
            taken += 1
            if entry.name > self._last:
                block.append(entry)
                self._last = entry.name
            else:
                self._late.append(entry)
        self.count += taken
        if taken < _BLOCK:
            self.is_whole = True
            self._source = iter(())  # lets go of what the walk remembers
        self._log.add(list(map(_kept, block)))
        return block

    def close(self) -> None:
        self._log.close()


class _Sorted(_Files):
    """Files that come in any order: all of them are listed, and sorted, before the first is given.

    They are laid in files by the `part`.
    """

    def __init__(self, source: Iterator[Entry], part: int) -> None:
        self._parts: list[_Log] = []
        self._rest: list[_Kept] = []
        for entry in source:
            self._rest.append(_kept(entry))
            self.count += 1
            if len(self._rest) == part:
                self._spill()
        self._rest.sort(key=_name)

    def by_name(self) -> Iterator[_Kept]:
        if not self._parts:
            return iter(self._rest)
        parts = (chain.from_iterable(part.blocks()) for part in self._parts)
        return heapq.merge(*parts, self._rest, key=_name)

    def blocks(self) -> Iterator[list[Entry]]:
        entries = map(_entry, self.by_name())
        while block := list(islice(entries, _BLOCK)):
            yield block

    def _spill(self) -> None:
        """Lay the names in memory in a file, sorted."""
        self._rest.sort(key=_name)
        part = _Log()
        for start in range(0, len(self._rest), _BLOCK):
            part.add(self._rest[start : start + _BLOCK])
        self._parts.append(part)
        self._rest = []

    def close(self) -> None:
        for part in self._parts:
            part.close()


class _Log(Closing):
    """Blocks of names, one after the other, in a temporary file once there are many.

    Several readers may be at different places of it while it grows; `end` is the place behind it.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 closed by `close`
            _IN_MEMORY, prefix="snellen-listing-"
        )
        self.end = 0

    def add(self, block: list[_Kept]) -> None:
        self._file.seek(self.end)
        pickle.dump(block, self._file, pickle.HIGHEST_PROTOCOL)
        self.end = self._file.tell()

    def read(self, at: int) -> tuple[list[_Kept], int]:
        """The block at a place, and the place of the next one."""
        self._file.seek(at)
        block: list[_Kept] = pickle.load(self._file)
        return block, self._file.tell()

    def blocks(self) -> Iterator[list[_Kept]]:
        at = 0
        while at < self.end:
            block, at = self.read(at)
            yield block

    def close(self) -> None:
        self._file.close()


def _told_once(entries: Iterator[Entry]) -> Iterator[Entry]:
    """What cannot be reached has no inode to be known by, and may be given twice."""
    unreachable = set()
    for entry in entries:
        if isinstance(entry, Found) and entry.problem is not None:
            if entry.name in unreachable:
                continue
            unreachable.add(entry.name)
        yield entry


def _kept(entry: Entry) -> _Kept:
    if not isinstance(entry, Met):
        return entry
    return entry.name if entry.path == entry.name else entry._replace(stamp=None)


def _entry(kept: _Kept) -> Entry:
    return Met(kept, kept) if isinstance(kept, str) else kept


def _found(kept: _Kept) -> Found:
    entry = _entry(kept)
    return entry.found() if isinstance(entry, Met) else entry


def _name(kept: _Kept) -> str:
    return kept if isinstance(kept, str) else kept.name
