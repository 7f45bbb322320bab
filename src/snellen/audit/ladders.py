"""Does the score fall when a picture is made worse? Photo by photo, along each type's levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snellen.audit.material import PRISTINE
from snellen.audit.questions import LABELS
from snellen.audit.rates import Floats, Rate, mean, share, signed
from snellen.audit.sheet import Sheet

STEPS = 5  # places beyond the pristine
_SAME = 1e-3  # points of 100 below which two scores are one: what float32 leaves of equal ones


@dataclass(frozen=True)
class Ladder:
    """How the score goes down one type's levels; for a family, over all of its types.

    monotone : share of ladders in which the score never rises and falls at least once.
    steps    : share of single steps, pristine to mildest first, at which it falls.
    tau      : mean Kendall's tau-b of score against place, reversed: 1 = falls at every step,
               0 = no relation. A ladder of one and the same score counts as 0 (ours).
    flat     : share of such ladders.
    fall     : mean points from the pristine to the worst place.
    noticed  : first place from which on the score lies below the pristine's, on average over the
               photos and beyond chance (one-sided 97.5 %); None where it never does.
    scores   : (6,) mean score at each place; NaN where no ladder has it.
    n        : ladders.
    """

    name: str
    family: str
    monotone: Rate
    steps: Rate
    tau: Rate
    flat: float
    fall: Rate
    noticed: int | None
    scores: tuple[float, ...]
    n: int


@dataclass(frozen=True)
class Table:
    """Scores of one type: references, and (references, 6) scores by place, NaN for missing."""

    references: tuple[str, ...]
    scores: Floats


def climb(sheet: Sheet) -> tuple[tuple[Ladder, ...], tuple[Ladder, ...]]:
    """(per type, per family); a type without one ladder of three scores is left out."""
    tables = tables_of(sheet)
    families = sheet.families
    types = [
        _ladder(name, families[name], [table])
        for name, table in tables.items()
        if name in families and np.isfinite(table.scores).sum(axis=1).max(initial=0) >= 3
    ]
    grouped = [
        _ladder(family, family, [tables[one.name] for one in types if one.family == family])
        for family in LABELS
        if any(one.family == family for one in types)
    ]
    return tuple(types), tuple(grouped)


def tables_of(sheet: Sheet) -> dict[str, Table]:
    """Type → its scores, in the sheet's order of types."""
    pristine: dict[str, float] = {}
    cells: dict[str, dict[str, Floats]] = {}
    for row, (reference, kind) in enumerate(zip(sheet.reference, sheet.type, strict=True)):
        if kind == PRISTINE:
            pristine[reference] = float(sheet.score[row])
            continue
        place = int(sheet.place[row])
        ladder = cells.setdefault(kind, {}).setdefault(reference, np.full(STEPS + 1, np.nan))
        if 1 <= place <= STEPS:
            ladder[place] = sheet.score[row]
    tables = {}
    for kind, ladders in cells.items():
        names = tuple(sorted(ladders))
        scores = np.array([ladders[name] for name in names])
        scores[:, 0] = [pristine.get(name, math.nan) for name in names]
        tables[kind] = Table(names, scores)
    return tables


def _ladder(name: str, family: str, tables: Sequence[Table]) -> Ladder:
    references = [name for table in tables for name in table.references]
    scores = np.concatenate([table.scores for table in tables])
    falls = [_falls(row) for row in scores]
    known = [len(steps) > 0 for steps in falls]
    worst = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else math.nan for row in scores]
    usable = [ref for ref, kept in zip(references, known, strict=True) if kept]
    steps = [
        (ref, step > _SAME) for ref, row in zip(references, falls, strict=True) for step in row
    ]
    return Ladder(
        name=name,
        family=family,
        monotone=share(
            [bool((row >= -_SAME).all() and (row > _SAME).any()) for row in falls if len(row)],
            usable,
        ),
        steps=share([down for _, down in steps], [ref for ref, _ in steps]),
        tau=signed([_tau(row) for row in scores], references),
        flat=float(
            np.mean([_is_flat(row) for row, kept in zip(scores, known, strict=True) if kept])
        ),
        fall=mean(scores[:, 0] - np.array(worst), references),
        noticed=_noticed(scores, references),
        scores=tuple(_column_means(scores)),
        n=sum(known),
    )


def _falls(row: Floats) -> Floats:
    """How far the score falls at each step between places that have one."""
    return np.asarray(-np.diff(row[np.isfinite(row)]))


def _is_flat(row: Floats) -> bool:
    return bool(np.ptp(row[np.isfinite(row)]) <= _SAME)


def _tau(row: Floats) -> float:
    """Kendall's tau-b of score against place, reversed; NaN under three scores, 0 where flat."""
    from scipy.stats import kendalltau

    known = np.isfinite(row)
    if known.sum() < 3:
        return math.nan
    if _is_flat(row):
        return 0.0
    rounded = np.round(row[known] / _SAME)
    return float(-kendalltau(np.flatnonzero(known), rounded).statistic)


def _noticed(scores: Floats, references: Sequence[str]) -> int | None:
    """See `Ladder.noticed`."""
    first = None
    for place in range(STEPS, 0, -1):
        fall = scores[:, 0] - scores[:, place]
        if not np.isfinite(fall).any():
            continue
        found = mean(fall, references)
        if not (found.low > 0 or (found.low == found.high and found.value > _SAME)):
            break
        first = place
    return first


def _column_means(scores: Floats) -> list[float]:
    return [
        float(column[np.isfinite(column)].mean()) if np.isfinite(column).any() else math.nan
        for column in scores.T
    ]
