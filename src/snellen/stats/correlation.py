"""Agreement of one scorer with people: SRCC, KRCC and PLCC, each with an interval.

A figure is never shown without how it was made: a `Correlation` says which map (if any) stood
between scores and MOS, on which labels it was fitted, and where its interval comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import ConstantValues, StatsError, TooFewRatings, UnknownName
from snellen.stats import intervals, resampling
from snellen.stats import mapping as maps
from snellen.stats.arrays import Aligned, Ints, align

Interval = Literal["auto", "analytic", "jackknife", "percentile", "bca"]
Fit = Literal["raw", "in-sample", "cross-fitted"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    name      : what it is: "SRCC", "RMSE", …
    value     : the figure.
    low, high : its interval at `confidence`.
    n         : images used; `missing` were left out for want of a score or a MOS.
    method    : where the interval comes from.
    mapping   : the map applied to the scores first ("logistic4", …), or "none".
    fit       : "raw" (no map), "in-sample" (the map was fitted on the very labels it is judged on:
                flattering) or "cross-fitted" (each image was mapped by a fit that has not seen it
                nor its cluster).
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    missing: int
    method: str
    confidence: float = 0.95
    mapping: str = "none"
    fit: Fit = "raw"

    def __str__(self) -> str:
        how = "" if self.fit == "raw" else f" ({self.mapping}, {self.fit})"
        left_out = f", {self.missing} missing" if self.missing else ""
        bounds = f"[{self.low:.3f}, {self.high:.3f}]"
        return f"{self.name}{how} {self.value:.3f} {bounds}, n = {self.n}{left_out}"


@dataclass(frozen=True)
class Correlation(Estimate):
    """An `Estimate` in [−1, 1]."""

    @property
    def reversed(self) -> bool:
        """Whether the scorer runs the other way: the whole interval lies below zero."""
        return self.high < 0.0


@dataclass(frozen=True)
class Coefficient:
    """One correlation: how it is computed from counts, its interval by formula, its largest value
    short of 1 for n images."""

    name: str
    statistic: Callable[[Aligned], resampling.Statistic]
    formula: Callable[[float, int, float], tuple[float, float]]
    formula_name: str
    nearest: Callable[[int], float]


SRCC = Coefficient(
    "SRCC",
    resampling.spearman,
    intervals.spearman_interval,
    "Bonett–Wright",
    intervals.nearest_spearman,
)
KRCC = Coefficient(
    "KRCC", resampling.kendall, intervals.kendall_interval, "Fieller", intervals.nearest_kendall
)
PLCC = Coefficient(
    "PLCC", resampling.pearson, intervals.pearson_interval, "Fisher z", intervals.nearest_pearson
)


def srcc(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    clusters: Sequence[Any] | ArrayLike | None = None,
    interval: Interval = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Correlation:
    """Spearman rank correlation of `scores` with `mos`.

    scores   : (n,) any monotone scale, higher is better; NaN = unscored, left out and counted.
    mos      : (n,) mean opinion, rater's own scale; same length.
    clusters : (n,) labels of images that are not independent (their reference image), or None.
    interval : "analytic" (Bonett–Wright), "jackknife", or "percentile" or "bca" (bootstrap), all
               three over clusters; "auto" is analytic without clusters and jackknife with them.
    Raises `TooFewRatings` under 3 pairs, `ConstantValues`, `NotFinite`.
    Source: Spearman 1904; intervals in `snellen.stats.intervals`.
    """
    data = align([scores], mos, clusters)
    return correlate(
        SRCC, data, interval=interval, confidence=confidence, resamples=resamples, seed=seed
    )[0]


def krcc(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    clusters: Sequence[Any] | ArrayLike | None = None,
    interval: Interval = "auto",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """Kendall's tau-b of `scores` with `mos`; arguments and errors as in `srcc`.

    Its bootstrap sorts every resample: seconds, not milliseconds, at n = 10,000.
    Source: Kendall 1945 (ties); interval Fieller, Hartley & Pearson 1957.
    """
    data = align([scores], mos, clusters)
    return correlate(
        KRCC, data, interval=interval, confidence=confidence, resamples=resamples, seed=seed
    )[0]


def plcc(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    mapping: maps.Kind | None = None,
    cross_fit: bool = True,
    folds: int = 5,
    clusters: Sequence[Any] | ArrayLike | None = None,
    interval: Interval = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Correlation:
    """Pearson's linear correlation of `scores`, mapped or not, with `mos`.

    mapping   : None for the raw scores, or a kind of `fit_mapping`.
    cross_fit : judge the map on labels it was not fitted on (`folds` by cluster, seeded). Both
                sides are then centred within each fold: pooled predictions of a scorer that knows
                nothing correlate *negatively* with the MOS, since the map of each fold leans
                towards the mean of the others (ours).
    Other arguments and errors as in `srcc`; analytic interval: Fisher's z. The interval of a mapped
    figure takes the map as given: it holds the noise of the images, not that of the fit.
    Source: Pearson 1896; VQEG 2000 for judging after a monotone map.
    """
    data = align([scores], mos, clusters)
    if mapping is None:
        return correlate(
            PLCC, data, interval=interval, confidence=confidence, resamples=resamples, seed=seed
        )[0]
    fold = maps.deal_folds(data.clusters, folds, seed) if cross_fit else None
    mapped = maps.mapped(data, mapping, fold)
    return plcc_after_map(
        mapped,
        mapping,
        fold,
        interval=interval,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )


def plcc_after_map(
    mapped: Aligned,
    mapping: maps.Kind,
    fold: Ints | None,
    *,
    interval: Interval = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Correlation:
    """PLCC of scores already mapped: in folds, or in-sample where `fold` is None."""
    if fold is not None:
        mapped = replace(
            mapped,
            scores=maps.centre_by_fold(mapped.scores[0], fold)[None],
            mos=maps.centre_by_fold(mapped.mos, fold),
        )
        _refuse_flat_folds(mapped, fold, mapping)
    found = correlate(
        PLCC, mapped, interval=interval, confidence=confidence, resamples=resamples, seed=seed
    )[0]
    return replace(found, mapping=mapping, fit=fit_name(fold))


def _refuse_flat_folds(centred: Aligned, fold: Ints, mapping: str) -> None:
    """Raise `ConstantValues` where in every fold one side is constant: a 0 would mean nothing."""
    scores, mos = (
        np.bincount(fold, np.abs(side) > 1e-12 * np.abs(side).max())
        for side in (centred.scores[0], centred.mos)
    )
    if not (scores * mos).any():
        raise ConstantValues(
            f"in every fold the MOS or the scores after the {mapping} map are constant",
            "Rate more images, use fewer folds, or quote the raw figures.",
        )


def fit_name(fold: Ints | None) -> Fit:
    """What a figure after a map must be labelled."""
    return "in-sample" if fold is None else "cross-fitted"


def correlate(
    coefficient: Coefficient,
    data: Aligned,
    *,
    interval: Interval = "auto",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[Correlation, ...]:
    """`coefficient` of every scorer of `data`, each with an interval as `srcc` describes."""
    intervals.check_confidence(confidence)
    if interval not in get_args(Interval):
        raise UnknownName("interval", interval, get_args(Interval))
    if interval == "analytic" and data.clustered:
        raise StatsError(
            f"the {coefficient.formula_name} interval takes images as independent, "
            "and clusters were given",
            "Use interval='jackknife', or leave the clusters out.",
        )
    statistic = coefficient.statistic(data)
    whole = statistic(np.ones((1, data.n), np.int32))[0]
    # Perfect agreement must not be missed for the last bit of a square root.
    values = np.where(np.abs(whole) > 1.0 - 1e-13, np.sign(whole), whole).tolist()
    if interval == "auto":
        interval = "jackknife" if data.clustered else "analytic"
    if interval == "analytic":
        bounds = [coefficient.formula(value, data.n, confidence) for value in values]
        method = coefficient.formula_name
    else:
        nearest = coefficient.nearest(data.n)
        bounds = _resampled(statistic, values, data, interval, nearest, confidence, resamples, seed)
        # Nothing that is left out or drawn breaks a perfect order: clusters then count as images.
        bounds = [
            coefficient.formula(value, data.n_clusters, confidence) if abs(value) == 1.0 else found
            for value, found in zip(values, bounds, strict=True)
        ]
        method = bootstrap_name(interval, data, resamples)
    return tuple(
        Correlation(coefficient.name, value, low, high, data.n, data.missing, method, confidence)
        for value, (low, high) in zip(values, bounds, strict=True)
    )


def _resampled(
    statistic: resampling.Statistic,
    values: list[float],
    data: Aligned,
    interval: Interval,
    nearest: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> list[tuple[float, float]]:
    """Intervals of `values` from images or clusters left out or drawn."""
    need_clusters(data)
    units = data.n_clusters
    if interval == "percentile":
        draws = resampling.bootstrap(statistic, data.clusters, resamples=resamples, seed=seed)
        return [intervals.percentile_interval(column, units, confidence) for column in draws.T]
    left_out = resampling.jackknife(statistic, data.clusters)
    if interval == "jackknife":
        return [
            intervals.jackknife_interval(value, without, units, nearest, confidence)
            for value, without in zip(values, left_out.T, strict=True)
        ]
    draws = resampling.bootstrap(statistic, data.clusters, resamples=resamples, seed=seed)
    return [
        intervals.bca_interval(column, value, without, confidence)
        for column, value, without in zip(draws.T, values, left_out.T, strict=True)
    ]


def need_clusters(data: Aligned) -> None:
    """Raise `TooFewRatings` where there are too few clusters to resample."""
    if data.n_clusters < 3:
        raise TooFewRatings(
            f"the {data.n} images fall into {data.n_clusters} clusters, and 3 are needed",
            "Rate images of more references, or take the images as independent.",
        )


def bootstrap_name(interval: Interval, data: Aligned, resamples: int) -> str:
    """How an interval by resampling was made, in words."""
    units = f"{data.n_clusters:,} {'clusters' if data.clustered else 'images'}"
    if interval == "jackknife":
        return f"jackknife of {units}, Student's t"
    style = "BCa" if interval == "bca" else interval
    return f"bootstrap {style}, {resamples:,} resamples of {units}"
