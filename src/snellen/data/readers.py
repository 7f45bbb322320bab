"""The public sets that can be read, and ratings of your own.

    data = read_dataset("downloads/kadid10k")            # which set it is shows in its label file
    data = read_dataset("downloads/koniq", "koniq-10k")
    data = read_ratings("my_mos.csv")

Nothing is ever downloaded: a set that is not there is an error that says where to get it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from snellen.data import tables
from snellen.data.authentic import AUTHENTIC
from snellen.data.dataset import SPLITS, Dataset, Scale, make
from snellen.data.generated import GENERATED
from snellen.data.release import Reader, Release, find_labels
from snellen.data.synthetic import SYNTHETIC
from snellen.data.tables import find_column, find_optional, numbers, read_table, texts
from snellen.errors import DataError, UnknownName

READERS: dict[str, Reader] = {
    reader.name: reader for reader in (*AUTHENTIC, *SYNTHETIC, *GENERATED)
}


# Columns of a table of one's own that are read when they are there.
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "std": tables.STD_NAMES,
    "votes": tables.VOTES_NAMES,
    "reference": tables.REFERENCE_NAMES,
    "distortion": tables.DISTORTION_NAMES,
    "level": tables.LEVEL_NAMES,
    "family": ("family",),
    "split": tables.SPLIT_NAMES,
}


def read_dataset(root: str | Path, name: str | None = None) -> Dataset:
    """The public set in directory `root`.

    name : of the set, one of `READERS`; recognised by its label file otherwise.
    Pictures named in the labels that are not on disk are kept and counted in `missing`.
    Raises `DataError` when the directory does not hold the set (what was expected, what was found,
    where to get it), `UnknownName` for a name that is no set.
    """
    root = Path(root)
    reader = READERS[known_name(name)] if name is not None else recognise(root)
    data = reader.read(Release(reader, root))
    if len(data) != reader.rated:
        count = f"{len(data):,} images are rated here; {reader.title} publishes {reader.rated:,}."
        data = replace(data, notes=(*data.notes, count))
    return data


def known_name(name: str) -> str:
    """`name` as in `READERS`, whatever its case and dashes. Raises `UnknownName`."""
    plain = {_letters(known): known for known in READERS}
    if _letters(name) not in plain:
        raise UnknownName("data set", name, READERS)
    return plain[_letters(name)]


def recognise(root: Path) -> Reader:
    """The reader whose label file lies in `root`. Raises `DataError` for none or several."""
    found = [reader for reader in READERS.values() if root.is_dir() and find_labels(reader, root)]
    if len(found) == 1:
        return found[0]
    if not found:
        if not root.is_dir():
            raise DataError(f"{root} is not a directory", "Name the one the data set lies in.")
        named = sorted(file.name for file in root.glob("*.csv"))
        hint = f"; for ratings of your own name the table: {', '.join(named[:3])}" if named else ""
        raise DataError(f"{root} holds no known data set", f"Known: {', '.join(READERS)}{hint}.")
    names = ", ".join(reader.name for reader in found)
    raise DataError(f"{root} holds several data sets: {names}", "Name the one to read.")


def read_ratings(
    path: str | Path,
    *,
    image: str | None = None,
    mos: str | None = None,
    lower_is_better: bool = False,
) -> Dataset:
    """Ratings from any table: an image column, a MOS column, and whatever else it has.

    image, mos      : names of the columns; found by the field's usual names otherwise.
    lower_is_better : the numbers count impairment (DMOS). Never guessed from a column's name:
                      KADID-10k's `dmos` is higher for better images.
    Optional columns, found by name: std, votes, reference, distortion, level, family, split.
    The scale's ends are those of the numbers. Raises `DataError`.
    """
    path = Path(path)
    table = read_table(path)
    names = texts(table, find_column(table, tables.IMAGE_NAMES, image, where=path))
    column = find_column(table, tables.MOS_NAMES, mos, where=path)
    values = numbers(table, column, path)
    known = values[np.isfinite(values)]
    if not known.size:
        raise DataError(f"{path}: column {column!r} holds no number")
    scale = Scale(
        float(known.min()), float(known.max()), not lower_is_better, name=column, observed=True
    )
    columns: dict[str, object] = {}
    for key, wanted in _OPTIONAL.items():
        found = find_optional(table, wanted, path)
        if found is None or found in {column, image}:
            continue
        if key in {"std", "votes", "level"}:
            columns[key] = numbers(table, found, path)
        elif key == "split":
            columns[key] = [_split(word) for word in texts(table, found)]
        else:
            columns[key] = texts(table, found)
    return make(path.stem, path.parent, scale, names, values, **columns)


def _split(word: str) -> str:
    short = {"training": "train", "validation": "val", "valid": "val", "testing": "test"}
    word = word.strip().lower()
    word = short.get(word, word)
    return word if word in SPLITS else ""


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
