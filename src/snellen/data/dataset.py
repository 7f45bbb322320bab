"""One table shape for every set of rated images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.data.splits import split_by_group
from snellen.data.tables import Table
from snellen.errors import DataError, NotFinite, UnknownName

Floats = npt.NDArray[np.float64]
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Scale:
    """What the numbers of a set mean.

    low, high        : ends; infinite where the scale has none (Elo).
    higher_is_better : False for a DMOS that counts impairment.
    name             : the set's own word, "MOS", "DMOS" or "Elo".
    observed         : nobody said what the ends are, so they are those of the numbers.
    """

    low: float
    high: float
    higher_is_better: bool = True
    name: str = "MOS"
    observed: bool = False


@dataclass(frozen=True)
class Dataset:
    """Rated images, one row each.

    name       : of the set, as in `snellen.data.READERS`.
    root       : directory that `image` is relative to.
    scale      : of `mos`.
    image      : (n,) path of the picture, "/" between its parts.
    mos        : (n,) mean opinion as published, on `scale`; NaN where nobody rated.
    std        : (n,) standard deviation of the votes, unit of `mos`; NaN where unpublished.
    votes      : (n,) number of votes; NaN where unpublished.
    reference  : (n,) what an image shares with others: its pristine original or its prompt;
                 "" where it stands alone. Images that share it are never independent.
    distortion : (n,) the set's own name of what was done to the image; "" for authentic ones.
    level      : (n,) strength, the set's own number; NaN without.
    family     : (n,) one of the eight families, "" where unknown.
    split      : (n,) "train", "val", "test" as published; "" where the set has no such thing.
    missing    : images named in the table without a file on disk.
    notes      : what a reader should know: rows left out, assumptions.
    """

    name: str
    root: Path
    scale: Scale
    image: list[str]
    mos: Floats
    std: Floats
    votes: Floats
    reference: list[str]
    distortion: list[str]
    level: Floats
    family: list[str]
    split: list[str]
    missing: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_columns(self)

    def __len__(self) -> int:
        return len(self.image)

    @property
    def paths(self) -> list[Path]:
        """(n,) where each picture is, or should be."""
        return [self.root / name for name in self.image]

    @property
    def quality(self) -> Floats:
        """(n,) `mos` turned so that higher is better, on the same scale: low + high − DMOS."""
        if self.scale.higher_is_better:
            return self.mos
        return self.scale.low + self.scale.high - self.mos

    @property
    def groups(self) -> list[str]:
        """(n,) what must stay together in a split or a bootstrap: reference, else the image."""
        return [ref or name for ref, name in zip(self.reference, self.image, strict=True)]

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Dataset:
        """The given rows, by number or by a mask of n booleans."""
        kept = np.arange(len(self))[np.asarray(rows)]
        changes: dict[str, Any] = {}
        for name in ("image", "reference", "distortion", "family", "split"):
            column = getattr(self, name)
            changes[name] = [column[row] for row in kept]
        for name in ("mos", "std", "votes", "level"):
            changes[name] = getattr(self, name)[kept]
        left = set(changes["image"])
        return replace(self, **changes, missing=[name for name in self.missing if name in left])

    def part(self, split: str) -> Dataset:
        """The rows of one split.

        Raises `UnknownName` for another word than train, val, test; `DataError` when the set has
        no such rows.
        """
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
        kept = [row for row, name in enumerate(self.split) if name == split]
        if not kept:
            raise DataError(
                f"{self.name} has no {split} split",
                "Make one with .split_by_reference().",
            )
        return self.take(kept)

    def split_by_reference(self, test: float = 0.2, val: float = 0.0, seed: int = 0) -> Dataset:
        """With splits of our own making: see `snellen.data.splits.split_by_group`.

        Images that share a reference stay together.
        """
        split = split_by_group(self.groups, test=test, val=val, seed=seed)
        return replace(self, split=split)

    def table(self) -> Table:
        """As columns, for writing; NaN becomes None."""
        columns: Table = {"image": list(self.image)}
        for name in ("mos", "std", "votes"):
            columns[name] = _plain(getattr(self, name))
        columns["reference"] = [name or None for name in self.reference]
        columns["distortion"] = [name or None for name in self.distortion]
        columns["level"] = _plain(self.level)
        columns["family"] = [name or None for name in self.family]
        columns["split"] = [name or None for name in self.split]
        return columns


def make(
    name: str,
    root: Path,
    scale: Scale,
    image: Sequence[str],
    mos: npt.ArrayLike,
    **columns: Any,
) -> Dataset:
    """A `Dataset` from the columns there are; the others are filled as unknown."""
    count = len(image)
    filled: dict[str, Any] = {
        key: np.full(count, math.nan) for key in ("std", "votes", "level")
    } | {key: [""] * count for key in ("reference", "distortion", "family", "split")}
    for key, value in columns.items():
        filled[key] = np.asarray(value, np.float64) if key in ("std", "votes", "level") else value
    return Dataset(name, root, scale, list(image), np.asarray(mos, np.float64), **filled)


def _plain(values: Floats) -> list[object]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _check_columns(data: Dataset) -> None:
    for name in ("mos", "std", "votes", "reference", "distortion", "level", "family", "split"):
        count = len(getattr(data, name))
        if count != len(data):
            raise DataError(f"{data.name}: {count} values of {name} for {len(data)} images")
    if not data.image:
        raise DataError(f"{data.name} holds no rated image")
    if np.isinf(data.mos).any():
        row = int(np.flatnonzero(np.isinf(data.mos))[0])
        raise NotFinite(
            f"{data.name}: the rating of {data.image[row]} is infinite", "Leave the cell empty."
        )
    name, times = Counter(data.image).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"{data.name}: {name} is rated {times} times over", "Keep one row per image."
        )
