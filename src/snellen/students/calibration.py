"""A student calibrated on ratings: the fit, what it is worth on other images, how fast it learns.

    found = fit_calibration(scores, features, opinions)
    checked = cross_check(scores, features, opinions)     # every image judged by a fit without it

All of it works on features that are computed once, so it takes seconds. Ratings are in the units of
`opinions` throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from snellen.errors import ConstantValues, StatsError, TooFewRatings
from snellen.stats import fit_mapping, plcc, srcc
from snellen.stats.arrays import Floats, Ints, cluster_codes
from snellen.stats.conformal import conformal_quantile, covered, fewest_for
from snellen.stats.correlation import Correlation, Estimate
from snellen.stats.mapping import deal_folds
from snellen.stats.prediction import rmse
from snellen.students.opinion import FEWEST, MOST, Opinion, fit_opinion

COVERAGE = 0.95
"""What every interval of Snellen promises, so that scores of any scorer read alike."""

_FOLDS = 10
_FEWEST_IN_FOLDS = 5  # of ten ratings in five clusters a fold may leave but these
_DRAWS, _FEW_DRAWS, _MANY = 10, 4, 300  # behind each point of the learning curve; from so many on
_CURVE_FOLDS = 5
_SIZES = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500)

How = Literal["cross-conformal", "Student's t"]


@dataclass(frozen=True)
class Calibration:
    """What ratings made of a student.

    opinion : the head.
    half    : half the width of the interval about every calibrated score, in units of the ratings.
    how     : "cross-conformal" (of the errors' shape only that large ones are rarer), or "Student's
              t" where under 19 ratings no such interval exists: errors are then taken as normal.
    n       : ratings it was learned from.
    """

    opinion: Opinion
    half: float
    how: How
    n: int


@dataclass(frozen=True)
class Checked:
    """A calibration judged on images that it has not seen (10-fold, by cluster).

    predicted : (n,) what a fit on the other folds says.
    srcc, plcc, rmse : of `predicted`; `before` the same of the distilled score, on a straight line
                fitted likewise.
    coverage  : share of ratings inside their interval, with its own 95 % interval.
    """

    predicted: Floats
    srcc: Correlation
    plcc: Correlation
    rmse: Estimate
    before: tuple[Correlation, Correlation, Estimate]
    coverage: tuple[float, float, float]


@dataclass(frozen=True)
class CurvePoint:
    """The learning curve at n ratings: mean over random draws, and the middle 95 % of the draws."""

    n: int
    srcc: tuple[float, float, float]
    plcc: tuple[float, float, float]
    rmse: tuple[float, float, float]


@dataclass(frozen=True)
class Curve:
    """How figures grow with ratings.

    points : from few ratings to four fifths of them. draws : random choices behind each.
    gain   : SRCC that twice the ratings would add, with the middle 95 % of the draws; None unknown.
    """

    points: list[CurvePoint]
    draws: int
    gain: tuple[float, float, float] | None


def fit_calibration(
    scores: Floats, features: Floats, opinions: Floats, clusters: Sequence[Any] | None = None
) -> Calibration:
    """Learn from all ratings.

    scores   : (n,) of the distilled student. features : (n, d) normalised. opinions : (n,).
    clusters : (n,) what an image shares with others (its reference); None where each stands alone.
    With more than `MOST` ratings the head learns from every k-th and the others only set the
    interval. Raises `TooFewRatings` under 10.
    """
    n = len(opinions)
    errors = np.abs(cross_predict(scores, features, opinions, clusters) - opinions)
    kept = _spread_out(n, MOST)
    opinion = fit_opinion(scores[kept], features[kept], opinions[kept])
    half, how = interval_of(errors)
    return Calibration(opinion, half, how, n)


def cross_predict(
    scores: Floats,
    features: Floats,
    opinions: Floats,
    clusters: Sequence[Any] | None = None,
) -> Floats:
    """(n,) each image as judged by a fit on the other folds.

    Raises `ConstantValues` where nearly all ratings or scores are alike, so that a fold's absence
    leaves nothing that differs.
    """
    fold = _folds(len(opinions), clusters, 0)
    predicted = np.empty(len(opinions))
    for k in np.unique(fold):
        rest = np.flatnonzero(fold != k)
        rest = rest[_spread_out(len(rest), MOST)]
        for values, name in ((opinions, "ratings"), (scores, "scores")):
            if np.ptp(values[rest]) == 0:
                others = int((values != values[rest[0]]).sum())
                raise ConstantValues(
                    f"all but {others} of the {len(values)} {name} are alike: there is too little"
                    " to learn from them",
                    "Rate images of more different quality, or check the column.",
                )
        opinion = fit_opinion(scores[rest], features[rest], opinions[rest], fewest=_FEWEST_IN_FOLDS)
        predicted[fold == k] = opinion(scores[fold == k], features[fold == k])
    return predicted


def interval_of(errors: npt.ArrayLike) -> tuple[float, How]:
    """Half-width from absolute errors (n,) on images not learned from, and how it was made."""
    e = np.asarray(errors, np.float64)
    if e.size >= fewest_for(COVERAGE):
        return conformal_quantile(e, COVERAGE), "cross-conformal"
    from scipy.special import stdtrit

    # The errors' mean is 0 by assumption and not estimated, so each of them is a degree of freedom.
    return float(stdtrit(e.size, (1 + COVERAGE) / 2)) * math.sqrt(np.mean(e**2)), "Student's t"


def cross_check(
    scores: Floats, features: Floats, opinions: Floats, clusters: Sequence[Any] | None = None
) -> Checked:
    """Figures of a calibration on images it has not seen; errors as `fit_calibration`."""
    predicted = cross_predict(scores, features, opinions, clusters)
    fold = _folds(len(opinions), clusters, 0)
    straight = np.empty(len(opinions))
    half = np.empty(len(opinions))
    for k in np.unique(fold):
        rest, held = fold != k, fold == k
        straight[held] = fit_mapping(scores[rest], opinions[rest], "linear")(scores[held])
        half[held] = interval_of((predicted - opinions)[rest])[0]
    coverage = covered(predicted - half, predicted + half, opinions)
    return Checked(
        predicted, *_figures(predicted, opinions, clusters),
        _figures(straight, opinions, clusters), coverage,
    )  # fmt: skip


def learning_curve(
    scores: Floats, features: Floats, opinions: Floats, clusters: Sequence[Any] | None = None
) -> Curve:
    """SRCC, PLCC and RMSE against the number of ratings learned from.

    At each size every image is judged by a fit on so many random ratings of the other folds, so all
    sizes are judged on all images. Sizes grow to four fifths of the ratings; empty under 13.
    """
    n = len(opinions)
    most = min(int(n * (1 - 1 / _CURVE_FOLDS)), MOST)
    sizes = [size for size in _SIZES if size < most] + [most] * (most >= FEWEST)
    draws = _DRAWS if n <= _MANY else _FEW_DRAWS
    found = np.full((draws, len(sizes), 3), np.nan)
    for draw in range(draws):
        fold = _folds(n, clusters, draw, _CURVE_FOLDS)
        for column, size in enumerate(sizes):
            chance = np.random.default_rng([draw, size])
            try:
                said = _with_few(scores, features, opinions, fold, size, chance)
                found[draw, column] = _three(said, opinions)
            except StatsError:  # so few ratings may happen to be all alike
                continue
    points = [
        CurvePoint(size, *(_mean_and_middle(column) for column in found[:, at].T))
        for at, size in enumerate(sizes)
        if not np.isnan(found[:, at]).all()
    ]
    return Curve(points, draws, _gain(sizes, found[:, :, 0]))


def _with_few(
    scores: Floats,
    features: Floats,
    opinions: Floats,
    fold: Ints,
    size: int,
    chance: np.random.Generator,
) -> Floats:
    """(n,) each image judged by a fit on `size` random ratings of the other folds."""
    said = np.empty(len(opinions))
    for k in np.unique(fold):
        rest = chance.permutation(np.flatnonzero(fold != k))[:size]
        opinion = fit_opinion(scores[rest], features[rest], opinions[rest], fewest=_FEWEST_IN_FOLDS)
        said[fold == k] = opinion(scores[fold == k], features[fold == k])
    return said


def _three(said: Floats, opinions: Floats) -> tuple[float, float, float]:
    error = float(np.sqrt(np.mean((said - opinions) ** 2)))
    return srcc(said, opinions).value, plcc(said, opinions).value, error


def _gain(sizes: Sequence[int], ranks: Floats) -> tuple[float, float, float] | None:
    """SRCC that twice the ratings would add: the slope of the curve's upper half against log₂ n.

    ranks : (draws, sizes). Mean over the draws and their middle 95 %; None with fewer than three
    sizes. A straight line through the logarithm is generous, as learning curves bend down (ours).
    """
    half = max(3, len(sizes) // 2)
    whole = ranks[~np.isnan(ranks).any(axis=1), -half:]
    if len(sizes) < half or not len(whole):
        return None
    slopes = np.polyfit(np.log2(sizes[-half:]), whole.T, 1)[0]
    return _mean_and_middle(slopes)


def _mean_and_middle(values: Floats) -> tuple[float, float, float]:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(np.nanmean(values)), float(low), float(high)


def _figures(
    said: Floats, opinions: Floats, clusters: Sequence[Any] | None
) -> tuple[Correlation, Correlation, Estimate]:
    return (
        srcc(said, opinions, clusters=clusters),
        plcc(said, opinions, clusters=clusters),
        rmse(said, opinions, mapping=None, clusters=clusters),
    )


def _folds(n: int, clusters: Sequence[Any] | None, seed: int, most: int = _FOLDS) -> Ints:
    codes = np.arange(n) if clusters is None else cluster_codes(clusters, n)
    if n < FEWEST:
        raise TooFewRatings(
            f"{n} ratings are too few to calibrate with, which needs {FEWEST}", "Rate more images."
        )
    order = np.argsort(codes, kind="stable")
    fold = np.empty(n, np.intp)
    groups = int(codes.max()) + 1
    fold[order] = deal_folds(codes[order], min(most, groups), seed)
    return fold


def _spread_out(n: int, most: int) -> Ints:
    """Rows 0 … n − 1, or `most` of them at even steps."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))
