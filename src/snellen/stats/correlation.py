"""Agreement of one scorer with people: SRCC, KRCC, PLCC, RMSE, outlier ratio, each with an interval.

Higher agreement never comes from a figure whose making is not named: a `Correlation` says which map
(if any) stood between scores and MOS, on which labels it was fitted, and where its interval is from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import StatsError, TooFewRatings, UnknownName
from snellen.stats import intervals, mapping, resampling
from snellen.stats.arrays import Aligned, Floats, align, refuse_constant, vector

Interval = Literal["auto", "analytic", "percentile", "bca"]
Fit = Literal["raw", "in-sample", "cross-fitted"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    name    : what it is: "SRCC", "RMSE", …
    value   : the figure.
    low, high : its interval at `confidence`.
    n       : images used; `missing` were left out for want of a score or a MOS.
    method  : where the interval comes from.
    mapping : the map applied to the scores first ("logistic4", …), or "none".
    fit     : "raw" (no map), "in-sample" (map fitted on the very labels it is judged on: flattering)
              or "cross-fitted" (every image mapped by a fit that has not seen its cluster).
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
        return f"{self.name}{how} {self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}{left_out}"


@dataclass(frozen=True)
class Correlation(Estimate):
    """An `Estimate` in [−1, 1]."""

    @property
    def reversed(self) -> bool:
        """Whether the scorer runs the other way: the whole interval lies below zero."""
        return self.high < 0.0


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
    interval : "analytic" (Bonett–Wright), "percentile" or "bca" (bootstrap over clusters); "auto" is
               analytic without clusters and BCa with them.
    Raises `TooFewRatings` under 3 pairs, `ConstantValues`, `NotFinite`.
    Source: Spearman 1904; intervals in `snellen.stats.intervals`.
    """
    data = align([scores], mos, clusters)  # type: ignore[list-item]
    return _correlation(
        "SRCC", data, resampling.spearman, intervals.spearman_interval, "Bonett–Wright",
        interval, confidence, resamples, seed,
    )  # fmt: skip


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
    data = align([scores], mos, clusters)  # type: ignore[list-item]
    return _correlation(
        "KRCC", data, resampling.kendall, intervals.kendall_interval, "Fieller",
        interval, confidence, resamples, seed,
    )  # fmt: skip


def plcc(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    mapping: mapping.Kind | None = None,
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
    cross_fit : judge the map on labels it was not fitted on (`folds` by cluster, seeded). The two
                sides are then centred within each fold: pooled raw predictions of a scorer that knows
                nothing correlate *negatively* with the MOS, since each fold's map leans towards the
                mean of the others (ours).
    Other arguments and errors as in `srcc`; analytic interval: Fisher's z. The interval of a mapped
    figure takes the map as given: it holds the noise of the images, not that of the fit.
    Source: Pearson 1896; VQEG 2000 for judging after a monotone map.
    """
    data = align([scores], mos, clusters)  # type: ignore[list-item]
    fit: Fit = "raw"
    if mapping is not None:
        fit = "cross-fitted" if cross_fit else "in-sample"
        data = mapped(data, mapping, cross_fit=cross_fit, folds=folds, seed=seed, centre=True)
    return _correlation(
        "PLCC", data, resampling.pearson, intervals.pearson_interval, "Fisher z",
        interval, confidence, resamples, seed, mapping or "none", fit,
    )  # fmt: skip


def rmse(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    mapping: mapping.Kind | None,
    cross_fit: bool = True,
    folds: int = 5,
    clusters: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Root mean squared error of mapped `scores` against `mos`, in units of the MOS.

    mapping : a kind of `fit_mapping`, cross-fitted or not as in `plcc`; None only for scores that
              are on the MOS scale already.
    The interval is the percentile bootstrap over clusters, the map taken as given.
    """
    data = align([scores], mos, clusters)  # type: ignore[list-item]
    fit: Fit = "raw"
    if mapping is not None:
        fit = "cross-fitted" if cross_fit else "in-sample"
        data = mapped(data, mapping, cross_fit=cross_fit, folds=folds, seed=seed, centre=False)
    squared = (data.scores[0] - data.mos) ** 2
    low, high = _mean_interval(squared, data, confidence, resamples, seed)
    return Estimate(
        "RMSE", math.sqrt(float(squared.mean())), math.sqrt(low), math.sqrt(high), data.n,
        data.missing, _bootstrap_name("percentile", data, resamples), confidence, mapping or "none", fit,
    )  # fmt: skip


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

    predicted : (n,) predictions *on the MOS scale*: map them first, cross-fitted.
    std       : (n,) standard deviation of each image's votes.
    votes     : (n,) or one number: how many votes each MOS is the mean of (≥ 2).
    An image is an outlier where |predicted − mos| > q·std/√votes, q = 1.96, or Student's t with
    votes − 1 degrees of freedom under 30 votes. `confidence` concerns the interval of the ratio only.
    Images without a std or votes are left out and counted.  Source: ITU-T P.1401 (2020), 7.5.2.2.
    """
    given = vector(mos, "MOS values")
    half = mos_half_width(std, votes, given.size)
    data = align([predicted], np.where(np.isnan(half), np.nan, given), clusters)  # type: ignore[list-item]
    outside = (np.abs(data.scores[0] - data.mos) > half[data.position]).astype(np.float64)
    low, high = _mean_interval(outside, data, confidence, resamples, seed)
    return Estimate(
        "outlier ratio", float(outside.mean()), low, high, data.n, data.missing,
        _bootstrap_name("percentile", data, resamples), confidence,
    )  # fmt: skip


def mos_half_width(std: ArrayLike, votes: ArrayLike, n: int) -> Floats:
    """(n,) half-width of each MOS' 95 % interval, in units of the MOS; NaN where std or votes are.

    Raises `StatsError` on a negative std, `TooFewRatings` under 2 votes.
    Source: ITU-T P.1401 (2020), 7.4 and 7.5.2.2.
    """
    from scipy.special import stdtrit

    spread, count = spread_of_votes(std, votes, n)
    with np.errstate(invalid="ignore"):
        quantile = np.where(count < 30, stdtrit(count - 1.0, 0.975), 1.96)
    return np.asarray(quantile * spread / np.sqrt(count))


def spread_of_votes(std: ArrayLike, votes: ArrayLike, n: int) -> tuple[Floats, Floats]:
    """Checked (n,) standard deviations and (n,) numbers of votes; `votes` may be one number."""
    spread = vector(std, "standard deviations")
    count = vector(np.full(n, float(votes)) if np.ndim(votes) == 0 else votes, "vote counts")  # type: ignore[arg-type]
    if spread.size != n or count.size != n:
        raise StatsError(
            f"there are {n} MOS values, {spread.size} standard deviations and {count.size} vote counts",
            "Give one of each per image.",
        )
    if np.any(spread < 0.0):
        raise StatsError(
            f"the standard deviation at position {int(np.argmax(spread < 0.0))} is negative",
            "Give the standard deviation of the votes of each image.",
        )
    if np.any(count < 2.0):
        raise TooFewRatings(
            f"the image at position {int(np.argmax(count < 2.0))} has {count[count < 2.0][0]:g} votes",
            "An interval of a MOS needs 2 votes; mark the count of others as missing (NaN).",
        )
    return spread, count


def mapped(
    data: Aligned, kind: mapping.Kind, *, cross_fit: bool, folds: int, seed: int, centre: bool
) -> Aligned:
    """`data` with its one scorer mapped to the MOS scale; `centre`: both sides centred by fold."""
    x, y = data.scores[0], data.mos
    if cross_fit:
        fold = mapping.deal_folds(data.clusters, folds, seed)
        x = mapping.out_of_fold(x, y, fold, kind)
        if centre:
            x, y = mapping.centre_by_fold(x, fold), mapping.centre_by_fold(y, fold)
    else:
        x = mapping.fit_aligned(x, y, kind)(x)
    refuse_constant(x, f"scores after the {kind} map")
    return Aligned(
        x[None], y, data.clusters, data.position, data.missing, data.missing_scores, data.clustered
    )


def _correlation(
    name: str,
    data: Aligned,
    kernel: Callable[[Aligned], resampling.Statistic],
    formula: Callable[[float, int, float], tuple[float, float]],
    formula_name: str,
    interval: Interval,
    confidence: float,
    resamples: int,
    seed: int,
    mapping_name: str = "none",
    fit: Fit = "raw",
) -> Correlation:
    intervals.check_confidence(confidence)
    if interval not in ("auto", "analytic", "percentile", "bca"):
        raise UnknownName("interval", interval, ["auto", "analytic", "percentile", "bca"])
    if interval == "analytic" and data.clustered:
        raise StatsError(
            f"the {formula_name} interval takes images as independent, and clusters were given",
            "Use interval='bca', or leave the clusters out.",
        )
    statistic = kernel(data)
    value = float(statistic(np.ones((1, data.n), np.int32))[0, 0])
    if interval == "analytic" or (interval == "auto" and not data.clustered):
        low, high = formula(value, data.n, confidence)
        method = formula_name
    else:
        style: Literal["bca", "percentile"] = "percentile" if interval == "percentile" else "bca"
        need_clusters(data)
        replicates = resampling.bootstrap(statistic, data.clusters, resamples=resamples, seed=seed)
        if style == "bca":
            left_out = resampling.jackknife(statistic, data.clusters)
            low, high = intervals.bca_interval(replicates[:, 0], value, left_out[:, 0], confidence)
        else:
            low, high = intervals.percentile_interval(replicates[:, 0], confidence)
        method = _bootstrap_name(style, data, resamples)
    return Correlation(
        name, value, low, high, data.n, data.missing, method, confidence, mapping_name, fit
    )


def need_clusters(data: Aligned) -> None:
    """Raise `TooFewRatings` where there are too few clusters to resample."""
    if data.n_clusters < 3:
        raise TooFewRatings(
            f"the {data.n} images fall into {data.n_clusters} clusters, and a bootstrap needs 3",
            "Rate images of more references, or take the images as independent.",
        )


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

    replicates = resampling.bootstrap(mean, data.clusters, resamples=resamples, seed=seed)
    return intervals.percentile_interval(replicates[:, 0], confidence)


def _bootstrap_name(style: str, data: Aligned, resamples: int) -> str:
    unit = "clusters" if data.clustered else "images"
    label = {"bca": "BCa", "percentile": "percentile"}[style]
    return f"bootstrap {label}, {resamples:,} resamples of {data.n_clusters:,} {unit}"
