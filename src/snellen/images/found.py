"""What a search for images gives, and what it counts on the way."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from snellen.errors import ImageError, NothingFound
from snellen.images.addresses import shown
from snellen.images.sources import AnyFile, Stamp


@dataclass(frozen=True, slots=True)
class Found:
    """One image to score.

    path    : as it can be opened; bytes that are no UTF-8 are kept (PEP 383). A `Source` where it
              lies in a store or an archive.
    name    : the same as one printable line, different for different paths.
    problem : why it cannot be reached, where that is known before reading it.
    """

    path: AnyFile
    name: str
    problem: ImageError | None = None


class Met(NamedTuple):
    """A file of this machine, as a search meets it: texts only, as there may be millions.

    path, name : as of `Found`.
    stamp      : its size and time of change when it was met; None where nobody looked.
    """

    path: str
    name: str
    stamp: Stamp | None = None

    @property
    def problem(self) -> None:
        """Nothing is known to be wrong with it."""
        return

    def found(self) -> Found:
        """The same as what is read."""
        return Found(Path(self.path), self.name)


@dataclass(slots=True)
class Census:
    """What a search saw and did not give; for the message where it gave nothing.

    folders : folders looked into.
    others  : files in them without an image's file name ending.
    hidden  : files and folders whose names begin with a dot.
    again   : files that had been given already under another name.
    """

    folders: int = 0
    others: int = 0
    hidden: int = 0
    again: int = 0

    def nothing_found(self, paths: Iterable[str | os.PathLike[str]]) -> NothingFound:
        """The error for a search that gave no file."""
        where = ", ".join(shown(os.fspath(path)) for path in paths) or "no path at all"
        folders = f"{self.folders} folder{'' if self.folders == 1 else 's'}"
        seen = [
            f"{count} {what if count == 1 else what.replace('file', 'files')}"
            for count, what in (
                (self.others, "file of no image type"),
                (self.hidden, "hidden file"),
            )
            if count
        ]
        return NothingFound(
            f"no image under {where}: {folders} with {' and '.join(seen) or 'nothing'} in them",
            "Name the files themselves to try them whatever their names, or another folder.",
        )
