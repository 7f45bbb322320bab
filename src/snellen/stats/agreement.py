"""One scorer against people, whole: every figure a reader of an IQA paper looks for.

The raw figures first, then each map in-sample beside cross-fitted, so that nobody has to wonder
which of the two a number is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from snellen.errors import StatsError
from snellen.stats import mapping as maps
from snellen.stats.arrays import Aligned, Floats, Ints, align
from snellen.stats.correlation import (
    KRCC,
    PLCC,
    SRCC,
    Correlation,
    Estimate,
    correlate,
    fit_name,
    plcc_after_map,
)
from snellen.stats.prediction import outlier_ratio, rmse_of, spread_of_votes

#: The maps reported: the two logistics of the VQEG, and the most that a monotone map can do.
MAPS: tuple[maps.Kind, ...] = ("logistic4", "logistic5", "isotonic")


@dataclass(frozen=True)
class AfterMap:
    """A scorer mapped to the MOS scale, in-sample or cross-fitted as the figures' `fit` says.

    outlier_ratio : None where the votes' spread and number are not known.
    """

    plcc: Correlation
    rmse: Estimate
    outlier_ratio: Estimate | None


@dataclass(frozen=True)
class Agreement:
    """Agreement of one scorer with people.

    srcc, krcc, plcc : raw; `srcc.reversed` tells scores that fall as quality rises.
    in_sample    : per map, judged on the labels it was fitted on: flattering.
    cross_fitted : per map, judged on labels it has not seen: the figures to quote.
    skipped      : maps that could not be fitted, and why.
    n, missing   : images used, and left out for want of a score or a MOS.
    """

    srcc: Correlation
    krcc: Correlation
    plcc: Correlation
    in_sample: dict[str, AfterMap]
    cross_fitted: dict[str, AfterMap]
    skipped: dict[str, str]
    n: int
    missing: int


def agreement(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    std: ArrayLike | None = None,
    votes: ArrayLike | None = None,
    clusters: Sequence[Any] | ArrayLike | None = None,
    folds: int = 5,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Every figure of agreement between `scores` and `mos`.

    scores, mos, clusters : (n,) as in `srcc`.
    std, votes : (n,) spread and number of the votes behind each MOS, or None: no outlier ratio.
    Raises as `srcc`. A map that cannot be fitted (too few images for its parameters or its folds)
    is skipped with its reason.
    """
    data = align([scores], mos, clusters)
    how: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    spread = None
    if std is not None and votes is not None:
        given = spread_of_votes(std, votes, data.n + data.missing)
        spread = given[0][data.position], given[1][data.position]
    found: tuple[dict[str, AfterMap], dict[str, AfterMap]] = {}, {}
    skipped: dict[str, str] = {}
    for kind in MAPS:
        both = _both_ways(data, kind, folds, spread, how)
        if isinstance(both, str):
            skipped[kind] = both
        else:
            found[0][kind], found[1][kind] = both
    return Agreement(
        srcc=correlate(SRCC, data, **how)[0],
        krcc=correlate(KRCC, data, **how)[0],
        plcc=correlate(PLCC, data, **how)[0],
        in_sample=found[0],
        cross_fitted=found[1],
        skipped=skipped,
        n=data.n,
        missing=data.missing,
    )


def _both_ways(
    data: Aligned,
    kind: maps.Kind,
    folds: int,
    spread: tuple[Floats, Floats] | None,
    how: dict[str, Any],
) -> tuple[AfterMap, AfterMap] | str:
    """One map in-sample and cross-fitted, or why it cannot be fitted."""
    try:
        fold = maps.deal_folds(data.clusters, folds, how["seed"])
        return (
            _after_map(data, kind, None, spread, how),
            _after_map(data, kind, fold, spread, how),
        )
    except StatsError as error:
        return str(error)


def _after_map(
    data: Aligned,
    kind: maps.Kind,
    fold: Ints | None,
    spread: tuple[Floats, Floats] | None,
    how: dict[str, Any],
) -> AfterMap:
    mapped = maps.mapped(data, kind, fold)
    labels: dict[str, Any] = {"mapping": kind, "fit": fit_name(fold)}
    outliers = None
    if spread is not None:
        clusters = mapped.clusters if mapped.clustered else None
        outliers = replace(
            outlier_ratio(mapped.scores[0], mapped.mos, *spread, clusters=clusters, **how), **labels
        )
    return AfterMap(
        plcc=plcc_after_map(mapped, kind, fold, **how),
        rmse=replace(rmse_of(mapped, **how), **labels),
        outlier_ratio=outliers,
    )
