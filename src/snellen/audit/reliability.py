"""How far a judge's scores can be trusted, family by family: `reliability.json`, read by `label`.

A family's reliability is about the *score*, as scores are what a judge teaches: how surely a
picture with that distortion is scored below its own pristine original, 2 · P(below) − 1, ties half,
not below 0 (Somers' d): 0 is a coin, 1 is never wrong. For *clean* it is how often a pristine
picture is called clean. (Ours.)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snellen.audit.ladders import STEPS, Table, tables_of
from snellen.audit.questions import LABELS
from snellen.audit.rates import share, signed
from snellen.audit.sheet import Sheet
from snellen.errors import DataError
from snellen.runs.files import write_json

VERSION = 1
NAME = "reliability.json"
_SAME = 1e-3  # points of 100: as in `ladders`


@dataclass(frozen=True)
class OfFamily:
    """reliability in [0, 1] with its interval, over n pictures; by level, "1" mildest."""

    reliability: float
    low: float
    high: float
    n: int
    levels: Mapping[str, float]


@dataclass(frozen=True)
class Reliability:
    """Of one judge with one method.

    families : label → figures; families that were not audited are not there.
    overall  : mean over the families that are.
    """

    judge: str
    method: str
    overall: float
    families: Mapping[str, OfFamily]

    def weight(self, families: Mapping[str, float]) -> float:
        """Σ P(family) · reliability, for a label of a picture with these family probabilities.

        A family that was not audited counts as `overall`.
        """
        found = 0.0
        for name, p in families.items():
            known = self.families.get(name)
            found += p * (known.reliability if known else self.overall)
        return found


def reliability(sheet: Sheet, judge: str, method: str) -> Reliability:
    """From the answers of an audit."""
    tables = tables_of(sheet)
    family_of = sheet.families
    families: dict[str, OfFamily] = {}
    for label in LABELS:
        own = [table for kind, table in tables.items() if family_of.get(kind) == label]
        if own and (found := _of_family(own)) is not None:
            families[label] = found
    clean = sheet.named & (sheet.truth == LABELS.index("clean"))
    if clean.any():
        rate = share(sheet.said[clean] == LABELS.index("clean"), sheet.of(clean))
        families["clean"] = OfFamily(rate.value, rate.low, rate.high, rate.n, {})
    known = [one.reliability for one in families.values()]
    overall = sum(known) / len(known) if known else math.nan
    return Reliability(judge, method, overall, families)


def write_reliability(path: Path, found: Reliability) -> None:
    """As JSON; see docs/audit.md for the form."""
    write_json(path, plain(found))


def plain(found: Reliability) -> dict[str, Any]:
    """As JSON values."""
    return {
        "version": VERSION,
        "judge": found.judge,
        "method": found.method,
        "overall": _rounded(found.overall),
        "families": {
            label: {
                "reliability": _rounded(one.reliability),
                "low": _rounded(one.low),
                "high": _rounded(one.high),
                "n": one.n,
                "levels": {level: _rounded(value) for level, value in one.levels.items()},
            }
            for label, one in found.families.items()
        },
    }


def read_reliability(path: Path) -> Reliability:
    """Raises `DataError` where it is no such file, or one of a newer version."""
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        if content["version"] > VERSION:
            raise DataError(f"{path} was written by a newer Snellen", "Update Snellen.")
        families = {
            label: OfFamily(
                one["reliability"], _number(one["low"]), _number(one["high"]), one["n"],
                dict(one["levels"]),
            )
            for label, one in content["families"].items()
        }  # fmt: skip
        bad = [label for label, one in families.items() if not 0 <= one.reliability <= 1]
        if bad:
            raise ValueError(f"reliability of {bad[0]} is not in 0 to 1")
        return Reliability(content["judge"], content["method"], float(content["overall"]), families)
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"it has no {error}" if isinstance(error, KeyError) else error
        raise DataError(
            f"{path} is no {NAME} of an audit: {told}", "Give the one that `snellen audit` wrote."
        ) from None


def _of_family(tables: list[Table]) -> OfFamily | None:
    references = [name for table in tables for name in table.references]
    scores = np.concatenate([table.scores for table in tables])
    fall = scores[:, :1] - scores[:, 1:]
    order = np.where(np.isnan(fall), np.nan, np.sign(np.where(abs(fall) < _SAME, 0.0, fall)))
    if not np.isfinite(order).any():
        return None
    rate = signed(order.ravel(), np.repeat(references, STEPS).tolist())
    levels = {
        str(place): _clipped(float(np.nanmean(order[:, place - 1])))
        for place in range(1, STEPS + 1)
        if np.isfinite(order[:, place - 1]).any()
    }
    return OfFamily(_clipped(rate.value), _clipped(rate.low), _clipped(rate.high), rate.n, levels)


def _clipped(value: float) -> float:
    return math.nan if math.isnan(value) else min(max(value, 0.0), 1.0)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
