"""Two judges on the same pictures: does one see more than the other, beyond chance?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snellen.audit.ladders import tables_of
from snellen.audit.questions import LABELS
from snellen.audit.rates import Floats, Rate, mean
from snellen.audit.sheet import Sheet


@dataclass(frozen=True)
class Difference:
    """One figure of the second judge less that of the first, paired by reference.

    what : "accuracy", "recall of blur", "tau of noise".
    p    : two-sided, Student's t over references; p_holm : after Holm's correction over all rows.
    """

    what: str
    first: float
    second: float
    difference: Rate
    p: float
    p_holm: float


def versus(first: Sheet, second: Sheet) -> tuple[Difference, ...]:
    """Accuracy, recall of each label, and tau of each family; pictures both judges answered.

    Each reference gives one difference (of its shares), so that the pictures made from one photo
    count as what they are. Raises nothing: figures that one judge lacks are left out.
    """
    from snellen.stats import holm

    raw = [*_named(first, second), *_climbed(first, second)]
    tested = [
        (what, a, b, references, *_t_test(b - a, references)) for what, a, b, references in raw
    ]
    adjusted = holm([p for *_, p in tested])
    return tuple(
        Difference(what, float(a.mean()), float(b.mean()), rate, p, float(corrected))
        for (what, a, b, _, rate, p), corrected in zip(tested, adjusted, strict=True)
    )


_Raw = tuple[str, Floats, Floats, list[str]]


def _named(first: Sheet, second: Sheet) -> list[_Raw]:
    both = first.named & second.named
    right = [(sheet.said == sheet.truth).astype(float) for sheet in (first, second)]
    rows: list[_Raw] = []
    for what, chosen in (
        ("accuracy", both),
        *(
            (f"recall of {label}", both & (first.truth == place))
            for place, label in enumerate(LABELS)
        ),
    ):
        if chosen.any():
            rows.append((what, right[0][chosen], right[1][chosen], first.of(chosen)))
    return rows


def _climbed(first: Sheet, second: Sheet) -> list[_Raw]:
    """Share of steps down minus steps up from the pristine, by family: Somers' d of each ladder."""
    tables = [tables_of(sheet) for sheet in (first, second)]
    family = first.families
    rows: list[_Raw] = []
    for label in LABELS:
        values: list[list[Floats]] = [[], []]
        references: list[str] = []
        for kind in tables[0]:
            if family.get(kind) == label and kind in tables[1]:
                references += tables[0][kind].references
                for side in range(2):
                    values[side].append(_order(tables[side][kind].scores))
        if references:
            a, b = (np.concatenate(side) for side in values)
            known = np.isfinite(a) & np.isfinite(b)
            if known.any():
                kept = [ref for ref, good in zip(references, known, strict=True) if good]
                rows.append((f"order of scores, {label}", a[known], b[known], kept))
    return rows


def _order(scores: Floats) -> Floats:
    """(references,) mean sign of the fall from pristine to each place."""
    signs = np.sign(scores[:, :1] - scores[:, 1:])
    known = np.isfinite(signs).sum(axis=1)
    total = np.nansum(signs, axis=1)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def _t_test(difference: Floats, references: Sequence[str]) -> tuple[Rate, float]:
    from scipy.special import stdtr

    rate = mean(difference, references)
    units = len(set(references))
    if units < 2:
        return rate, math.nan
    if rate.high == rate.low:  # the same in every reference: no more than as many coins can say
        return rate, 1.0 if rate.value == 0 else 2.0 ** (1 - units)
    from scipy.special import stdtrit

    error = (rate.high - rate.value) / float(stdtrit(units - 1, 0.975))
    return rate, float(2 * stdtr(units - 1, -abs(rate.value) / error))
