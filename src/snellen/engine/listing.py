"""Every file of a request, sorted by name, however many: what does not fit lies on the disk.

Files are sorted by the thousand, each such part is laid in a temporary file, and reading the
listing merges the parts. So a million names cost the memory of a few thousand.
"""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from snellen.errors import NothingFound
from snellen.images import Census, Found, find
from snellen.runs import Closing

_PART = 1 << 15  # names held and sorted at a time
_BLOCK = 256  # names written and read at a time

_Kept = str | Found  # the name alone says it all of nearly every file
_Block = tuple[list[str], list[_Kept]]


class Listing(Closing):
    """Files by name, each once. Iterate as often as you like, over files or `names()`.

    given : paths as `find` takes them.
    Raises `NothingFound` when there is nothing, or when no path given can be reached at all: a
    mistyped one is told at once and leaves no run behind.
    """

    def __init__(self, given: Sequence[str | os.PathLike[str]], *, part: int = _PART) -> None:
        self._parts: list[IO[bytes]] = []
        self._rest: list[tuple[str, _Kept]] = []
        self._part = part
        self._count = 0
        unreachable: dict[str, NothingFound] = {}
        census = Census()
        for found in find(given, census=census):
            if found.problem is not None:
                if found.name in unreachable:  # such files have no inode to be known by
                    continue
                unreachable[found.name] = NothingFound(*found.problem.args)
            self._add(found)
        if not self._count:
            raise census.nothing_found(given)
        if len(unreachable) == self._count:
            raise next(iter(unreachable.values()))
        self._rest.sort(key=_name)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Found]:
        for name, kept in self._sorted():
            yield Found(Path(name), name) if isinstance(kept, str) else kept

    def names(self) -> Iterator[str]:
        """Names alone, which is faster."""
        return (name for name, _ in self._sorted())

    def close(self) -> None:
        """Let go of the temporary files."""
        for file in self._parts:
            file.close()

    def _add(self, found: Found) -> None:
        plain = found.problem is None and found == Found(Path(found.name), found.name)
        self._rest.append((found.name, found.name if plain else found))
        self._count += 1
        if len(self._rest) == self._part:
            self._spill()

    def _spill(self) -> None:
        """Lay the names in memory in a file, sorted."""
        self._rest.sort(key=_name)
        file = tempfile.TemporaryFile(prefix="snellen-listing-")  # noqa: SIM115 closed by `close`
        self._parts.append(file)
        for start in range(0, len(self._rest), _BLOCK):
            pickle.dump(self._rest[start : start + _BLOCK], file, pickle.HIGHEST_PROTOCOL)
        self._rest = []

    def _sorted(self) -> Iterator[tuple[str, _Kept]]:
        if not self._parts:
            return iter(self._rest)
        return heapq.merge(*map(_read, self._parts), self._rest, key=_name)


def _name(pair: tuple[str, _Kept]) -> str:
    return pair[0]


def _read(file: IO[bytes]) -> Iterator[tuple[str, _Kept]]:
    """The names of one part. Several readers may be at different places of one file."""
    at, end = 0, file.seek(0, os.SEEK_END)
    while at < end:
        file.seek(at)
        block = pickle.load(file)
        at = file.tell()
        yield from block
