"""The rows of one judge as columns: what every figure of the audit is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.audit import sanity
from snellen.audit.questions import LABELS
from snellen.runs import ROWS
from snellen.runs.rows import scan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sheet:
    """Answers of one judge, a row a picture.

    reference, type : (n,) see `material.Item`.
    truth   : (n,) place of the right label in `LABELS`.
    level, place : (n,) integers. mos : (n,) NaN without.
    label   : (n, 8) probabilities, NaN where the answer is missing.
    mass    : (n,) of the naming question, NaN where not known.
    score   : (n,) 0–100, higher is better, NaN where missing.
    asked   : (n,) further answers by key (see `sitting`), empty for most.
    missing : reason → how often naming is missing; score_missing likewise.
    sanity  : picture of nothing → its row.
    """

    reference: list[str]
    type: list[str]
    truth: Ints
    level: Ints
    place: Ints
    mos: Floats
    label: Floats
    mass: Floats
    score: Floats
    asked: list[Mapping[str, Any]]
    missing: dict[str, int]
    score_missing: dict[str, int]
    sanity: dict[str, dict[str, Any]]

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def named(self) -> Bools:
        """(n,) whether the picture was named at all."""
        return np.isfinite(self.label[:, 0])

    @property
    def said(self) -> Ints:
        """(n,) place of the most probable label; −1 where missing."""
        return np.where(self.named, np.nan_to_num(self.label, nan=-1.0).argmax(axis=1), -1)

    @property
    def families(self) -> dict[str, str]:
        """Type → its family: the label of its levels that change something."""
        changed = self.place > 0
        return {
            kind: LABELS[truth]
            for kind, truth, seen in zip(self.type, self.truth.tolist(), changed, strict=True)
            if seen
        }

    def of(self, rows: Bools) -> list[str]:
        """References of some rows."""
        return [name for name, kept in zip(self.reference, rows, strict=True) if kept]


def read_sheets(directory: Path, judges: int) -> list[Sheet]:
    """The sheets of a finished run, one a judge, in the judges' order."""
    rows: list[list[dict[str, Any]]] = [[] for _ in range(judges)]
    for _, _, row in scan(directory / ROWS):
        rows[int(row["image"].partition("/")[0])].append(row)
    return [sheet_of(own) for own in rows]


def sheet_of(rows: Iterable[Mapping[str, Any]]) -> Sheet:
    """Rows as columns."""
    pictures, nothing = [], {}
    for row in rows:
        if row["type"] == sanity.TYPE:
            nothing[row["image"].split("/")[-2]] = dict(row)
        else:
            pictures.append(row)
    blank = [np.nan] * len(LABELS)
    return Sheet(
        reference=[row["reference"] for row in pictures],
        type=[row["type"] for row in pictures],
        truth=np.array([LABELS.index(row["family"]) for row in pictures], np.int64),
        level=np.array([row["level"] for row in pictures], np.int64),
        place=np.array([row["place"] for row in pictures], np.int64),
        mos=_floats(row["mos"] for row in pictures),
        label=np.array([row["label"] or blank for row in pictures], np.float64).reshape(
            -1, len(LABELS)
        ),
        mass=_floats(row["mass"] for row in pictures),
        score=_floats(row["score"] for row in pictures),
        asked=[row["asked"] for row in pictures],
        missing=_count(row["missing"] for row in pictures),
        score_missing=_count(row["score_missing"] for row in pictures),
        sanity=nothing,
    )


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _count(reasons: Iterable[str | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for reason in reasons:
        if reason:
            found[reason] = found.get(reason, 0) + 1
    return found
