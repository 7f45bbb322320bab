"""A public set as it lies on disk: its label files found, its pictures located, nothing fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.data.dataset import Dataset
from snellen.data.tables import Table, read_table, table_from_rows
from snellen.errors import DataError

_DEPTH = 3  # directories that archives put around their content ("ChallengeDB_release/…/Data")
_SHOWN = 8  # entries named when a directory does not hold what it should


@dataclass(frozen=True)
class Reader:
    """How one public set is read.

    name   : short name, as on the command line.
    title  : as its authors write it.
    labels : files that hold the ratings, relative to where an archive unpacks; the first one
             found is read, so the fullest comes first.
    layout : what the unpacked set looks like, in one line.
    home   : where to get it.
    rated  : number of rated images the authors publish.
    read   : the reader itself.
    source : paper.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    layout: str
    home: str
    rated: int
    read: Callable[[Release], Dataset]
    source: str


class Release:
    """One set in one directory.

    root   : the directory the user named.
    labels : the label file that was found.
    base   : the directory that the layout is relative to, at or under `root`.
    """

    def __init__(self, reader: Reader, root: Path) -> None:
        if not root.is_dir():
            kind = "a file" if root.exists() else "not there"
            raise DataError(
                f"{reader.title} should be a directory and {root} is {kind}", _where(reader)
            )
        found = find_labels(reader, root)
        if found is None:
            raise DataError(
                f"{root} does not hold {reader.title}: expected {' or '.join(reader.labels)}, "
                f"found {_entries(root)}",
                _where(reader),
            )
        self.reader, self.root = reader, root
        self.labels, self.base = found
        self._listings: dict[Path, dict[str, str]] = {}
        self._everywhere: dict[str, list[str]] | None = None

    def table(self, file: Path | None = None, **options: Any) -> Table:
        """The label file (or another) as columns."""
        return read_table(file or self.labels, **options)

    def sheet(self, columns: Sequence[str], name: str | None = None) -> Table:
        """The label sheet, .xlsx or exported as CSV; its header is the row with all `columns`.

        Raises `DataError` when no row has them.
        """
        return table_from_rows(self.labels, columns, sheet=name)

    def other(self, name: str) -> Path | None:
        """Another file of the release, beside the label file or at the base; None when absent."""
        for place in (self.base / name, self.labels.parent / name):
            if place.is_file():
                return place
        return None

    def matrix(self, name: str | Path, variable: str) -> npt.NDArray[Any]:
        """A variable of a MATLAB file, flattened; cells of text become str.

        Raises `DataError` when file or variable is missing.
        """
        from scipy.io import loadmat  # slow to import, and only MATLAB releases need it

        path = self.base / name
        try:
            content = loadmat(path)
        except (OSError, ValueError, NotImplementedError) as error:
            raise DataError(f"{path} is not a readable MATLAB file: {error}") from None
        if variable not in content:
            named = [key for key in content if not key.startswith("__")]
            raise DataError(
                f"{path} has no variable {variable!r}; it has {', '.join(named) or 'none'}",
                _where(self.reader),
            )
        values = np.ravel(content[variable])
        if values.dtype == object:
            return np.array([str(np.ravel(cell)[0]) for cell in values])
        return values

    def pictures(self, names: Iterable[str], folders: Sequence[str]) -> tuple[list[str], list[str]]:
        """Where pictures lie: their paths relative to `root`, and those of them that are not there.

        names   : as the labels give them, with or without folders before them.
        folders : where the authors put them, relative to the base, preferred first; when a
                  picture is in none of them it is looked for under the whole root.
        Case is ignored, as on the systems where these sets were made.
        """
        found, missing = [], []
        for name in names:
            place = self._in_folders(name, folders) or self._anywhere(name)
            if place is None:
                place = self._relative(self.base / folders[0] / name)
                missing.append(place)
            found.append(place)
        return found, missing

    def _in_folders(self, name: str, folders: Sequence[str]) -> str | None:
        for folder in folders:
            wanted = self.base / folder / name
            listing = self._listing(wanted.parent)
            real = listing.get(wanted.name.casefold())
            if real is not None:
                return self._relative(wanted.parent / real)
        return None

    def _listing(self, folder: Path) -> dict[str, str]:
        if folder not in self._listings:
            try:
                names = os.listdir(folder)
            except OSError:
                names = []
            self._listings[folder] = {name.casefold(): name for name in names}
        return self._listings[folder]

    def _anywhere(self, name: str) -> str | None:
        if self._everywhere is None:
            self._everywhere = {}
            for folder, _, files in sorted(os.walk(self.root)):
                for file in files:
                    place = self._relative(Path(folder, file))
                    self._everywhere.setdefault(file.casefold(), []).append(place)
        # A name with folders means the picture in those folders: LIVE has an img1.bmp in five.
        ending = "/" + name.casefold()
        places = [
            place
            for place in self._everywhere.get(Path(name).name.casefold(), [])
            if ("/" + place.casefold()).endswith(ending)
        ]
        return places[0] if len(places) == 1 else None

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def find_labels(reader: Reader, root: Path) -> tuple[Path, Path] | None:
    """The label file of `reader` at or a few directories under `root`, and the base it is under."""
    for pattern in reader.labels:
        steps = len(Path(pattern).parts)
        for depth in range(_DEPTH + 1):
            for found in sorted(_glob(root, "*/" * depth + pattern)):
                return found, found.parents[steps - 1]
    return None


def _glob(root: Path, pattern: str) -> Iterator[Path]:
    return (found for found in root.glob(pattern) if found.is_file())


def _entries(root: Path) -> str:
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in root.iterdir())
    if not names:
        return "nothing"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _where(reader: Reader) -> str:
    return f"Get it from {reader.home} and unpack it there: {reader.layout}."
