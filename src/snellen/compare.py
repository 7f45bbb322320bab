"""Which of several scorers agrees best with people, and could this many images tell?

result = compare(match(ratings, [a, b, c]))
result.srcc.better                   # (k, k) row significantly better than column
result.needed[0][1]                  # images that would tell the first two apart
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from snellen import stats
from snellen.errors import InputError
from snellen.evaluate import MAP, Evaluation, distortions_of, evaluate, or_reason
from snellen.matched import Floats, Matched
from snellen.stats import Comparison, Krasula


@dataclass(frozen=True)
class Part:
    """SRCC of every scorer within one kind of distortion.

    tests  : paired tests of the scorers on these n images; the reason where there are none.
    """

    name: str
    n: int
    tests: Comparison | str


@dataclass(frozen=True)
class Ranking:
    """k scorers on the n images that all of them scored.

    names, sources : of the scorers.
    ratings        : name of the ratings.
    n, left_out    : images used; rated images that some scorer has no score for.
    evaluations    : (k,) each scorer alone, on the same images, in brief.
    srcc           : paired tests on SRCC.
    plcc           : likewise on PLCC after a cross-fitted 4-parameter logistic; the reason where a
                     map cannot be fitted.
    krasula        : which pairs of images each scorer tells apart; the reason without votes.
    needed         : (k, k) independent images that would tell row and column apart by SRCC with
                     chance `power`, if the correlations seen here are the true ones; None where no
                     number would.
    power          : 0.8 unless asked otherwise.
    parts, parted_by : SRCC per "distortion" or "family".
    warnings       : what was left out or looks wrong.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    ratings: str
    n: int
    left_out: int
    evaluations: tuple[Evaluation, ...]
    srcc: Comparison
    plcc: Comparison | str
    krasula: Krasula | str
    needed: tuple[tuple[int | None, ...], ...]
    power: float
    parts: tuple[Part, ...]
    parted_by: str
    warnings: tuple[str, ...]


def compare(
    matched: Matched,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    resamples: int = 2000,
    folds: int = 5,
    seed: int = 0,
) -> Ranking:
    """Compare the scorers of `matched` on the images that all of them scored.

    alpha : chance of any false claim among all pairs of scorers (Holm).
    power : chance with which `needed` images would show the difference.
    Pairs are tested by a bootstrap that all scorers share and that respects references. Raises
    `InputError` for fewer than two scorers, and as `snellen.stats.compare`.
    """
    if len(matched.names) < 2:
        raise InputError(
            f"{len(matched.names)} scorer was given to compare", "Give the scores of two or more."
        )
    options: dict[str, Any] = {"alpha": alpha, "resamples": resamples, "seed": seed}
    srcc = _tests(matched, matched.scores, options)
    used = matched.common()
    evaluations = tuple(
        evaluate(
            used.only(row), confidence=1 - alpha, resamples=resamples, folds=folds, seed=seed,
            brief=True,
        )
        for row in range(len(used.names))
    )  # fmt: skip
    parted_by, masks = distortions_of(used.ratings)
    return Ranking(
        names=used.names,
        sources=used.sources,
        ratings=used.ratings.name,
        n=srcc.n,
        left_out=int((~np.isnan(matched.mos)).sum()) - srcc.n,
        evaluations=evaluations,
        srcc=srcc,
        plcc=or_reason(
            lambda: _tests(used, _on_mos_scale(used, folds, seed), options, statistic="plcc")
        ),
        krasula=or_reason(lambda: _krasula(used, alpha, seed)),
        needed=_needed(srcc, power, alpha),
        power=power,
        parts=tuple(_part(name, used.take(mask), options) for name, mask in masks.items()),
        parted_by=parted_by,
        warnings=_once(matched.warnings, *(found.warnings for found in evaluations)),
    )


def _tests(
    rows: Matched,
    scores: Floats,
    options: dict[str, Any],
    statistic: Literal["srcc", "plcc"] = "srcc",
) -> Comparison:
    return stats.compare(
        scores, rows.mos, names=rows.names, clusters=rows.clusters, statistic=statistic, **options
    )


def _on_mos_scale(used: Matched, folds: int, seed: int) -> Floats:
    """(k, n) every scorer through its own cross-fitted map; the folds are the same for all."""
    fit = partial(stats.cross_fit, kind=MAP, folds=folds, clusters=used.clusters, seed=seed)
    return np.array([fit(row, used.mos) for row in used.scores])


def _krasula(used: Matched, alpha: float, seed: int) -> Krasula | str:
    if not used.has_votes:
        return "the spread and number of votes are not known"
    return stats.krasula(
        used.scores, used.mos, used.ratings.std, used.votes,
        names=used.names, clusters=used.clusters, confidence=1 - alpha, seed=seed,
    )  # fmt: skip


def _needed(srcc: Comparison, power: float, alpha: float) -> tuple[tuple[int | None, ...], ...]:
    values = [found.value for found in srcc.correlations]
    k = len(values)
    table: list[list[int | None]] = [[None] * k for _ in range(k)]
    for i in range(k):
        for j in range(i + 1, k):
            found = or_reason(
                partial(
                    stats.images_needed, values[i], values[j], float(srcc.between[i, j]),
                    power=power, alpha=alpha,
                )
            )  # fmt: skip
            table[i][j] = table[j][i] = None if isinstance(found, str) else found
    return tuple(tuple(row) for row in table)


def _part(name: str, rows: Matched, options: dict[str, Any]) -> Part:
    return Part(name, len(rows.ratings), or_reason(lambda: _tests(rows, rows.scores, options)))


def _once(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said for group in groups for said in group))
