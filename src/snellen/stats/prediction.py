"""How far mapped scores lie from the MOS, in its own units: RMSE and outlier ratio (P.1401)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import StatsError, TooFewRatings
from snellen.stats import intervals, resampling
from snellen.stats import mapping as maps
from snellen.stats.arrays import Aligned, Floats, align, vector
from snellen.stats.correlation import Estimate, bootstrap_name, fit_name, need_clusters


def rmse(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    mapping: maps.Kind | None,
    cross_fit: bool = True,
    folds: int = 5,
    clusters: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Root mean squared error of mapped `scores` against `mos`, in units of the MOS.

    scores, mos, clusters : as in `srcc`, errors too.
    mapping : a kind of `fit_mapping`, cross-fitted or not as in `plcc`; None only for scores that
              are on the MOS scale already.
    The interval is the percentile bootstrap over clusters, the map taken as given. The mean is over
    n, not n − d as in P.1401: cross-fitted errors have no degrees of freedom to give back.
    """
    data = align([scores], mos, clusters)
    if mapping is None:
        return rmse_of(data, confidence=confidence, resamples=resamples, seed=seed)
    fold = maps.deal_folds(data.clusters, folds, seed) if cross_fit else None
    data = maps.mapped(data, mapping, fold)
    found = rmse_of(data, confidence=confidence, resamples=resamples, seed=seed)
    return replace(found, mapping=mapping, fit=fit_name(fold))


def rmse_of(
    data: Aligned, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Estimate:
    """RMSE of the first scorer of `data`, whose scores are on the MOS scale."""
    squared = (data.scores[0] - data.mos) ** 2
    low, high = _mean_interval(squared, data, confidence, resamples, seed)
    return Estimate(
        name="RMSE",
        value=math.sqrt(float(squared.mean())),
        low=math.sqrt(low),
        high=math.sqrt(high),
        n=data.n,
        missing=data.missing,
        method=bootstrap_name("percentile", data, resamples),
        confidence=confidence,
    )


def outlier_ratio(
    predicted: ArrayLike,
    mos: ArrayLike,
    std: ArrayLike,
    votes: ArrayLike,
    *,
    clusters: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Share of images whose prediction lies outside the 95 % interval of their MOS.

    predicted : (n,) predictions *on the MOS scale*: `cross_fit` the scores first.
    std       : (n,) standard deviation of each image's votes.
    votes     : (n,) or one number: how many votes each MOS is the mean of, at least 2.
    An image is an outlier where |predicted − mos| > `mos_half_width`; `confidence` concerns the
    interval of the ratio only. Images without a std or votes are left out and counted.
    Source: ITU-T P.1401 (2020), 7.5.2.2.
    """
    given = vector(mos, "MOS values")
    half = mos_half_width(std, votes, given.size)
    data = align([predicted], np.where(np.isnan(half), np.nan, given), clusters)
    outside = (np.abs(data.scores[0] - data.mos) > half[data.position]).astype(np.float64)
    low, high = _mean_interval(outside, data, confidence, resamples, seed)
    return Estimate(
        name="outlier ratio",
        value=float(outside.mean()),
        low=low,
        high=high,
        n=data.n,
        missing=data.missing,
        method=bootstrap_name("percentile", data, resamples),
        confidence=confidence,
    )


def mos_half_width(std: ArrayLike, votes: ArrayLike, n: int) -> Floats:
    """(n,) half-width q·std/√votes of the 95 % interval of each MOS; NaN where std or votes are.

    q is 1.96, and under 30 votes Student's t with votes − 1 degrees of freedom.
    Raises `StatsError` on a negative std, `TooFewRatings` under 2 votes.
    Source: ITU-T P.1401 (2020), 7.4 and 7.5.2.2.
    """
    from scipy.special import stdtrit

    spread, count = spread_of_votes(std, votes, n)
    quantile = np.where(count < 30.0, stdtrit(count - 1.0, 0.975), 1.96)
    return np.asarray(quantile * spread / np.sqrt(count))


def spread_of_votes(std: ArrayLike, votes: ArrayLike, n: int) -> tuple[Floats, Floats]:
    """Checked (n,) standard deviations and (n,) numbers of votes; `votes` may be one number."""
    spread = vector(std, "standard deviations")
    count = vector(np.broadcast_to(votes, n) if np.ndim(votes) == 0 else votes, "vote counts")
    if spread.size != n or count.size != n:
        raise StatsError(
            f"there are {n} MOS values, {spread.size} standard deviations and {count.size} counts",
            "Give one of each per image.",
        )
    negative, few = np.flatnonzero(spread < 0.0), np.flatnonzero(count < 2.0)
    if negative.size:
        raise StatsError(
            f"the standard deviation at position {negative[0]} is {spread[negative[0]]:g}",
            "Give the standard deviation of the votes of each image: zero or more.",
        )
    if few.size:
        raise TooFewRatings(
            f"{few.size} images have under 2 votes, the first at position {few[0]}",
            "An interval of a MOS needs 2 votes; mark the count of others as missing (NaN).",
        )
    return spread, count


def _mean_interval(
    values: Floats, data: Aligned, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` (n,) over clusters."""
    intervals.check_confidence(confidence)
    need_clusters(data)
    sums = np.stack([values, np.ones_like(values)], axis=1)

    def mean(counts: resampling.Counts) -> Floats:
        drawn = counts @ sums
        return np.asarray(drawn[:, :1] / drawn[:, 1:])

    draws = resampling.bootstrap(mean, data.clusters, resamples=resamples, seed=seed)
    return intervals.percentile_interval(draws[:, 0], data.n_clusters, confidence)
