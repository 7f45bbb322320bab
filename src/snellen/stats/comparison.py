"""Which of several scorers agrees best with people, judged on the same images.

Correlations measured on the same images rise and fall together, so their separate intervals say
little about their difference. Three tests take the dependence into account: Williams' t and
Steiger's Z by formula, and the paired bootstrap, which needs no normality and respects clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import InputError, StatsError, TooFewRatings, UnknownName
from snellen.stats import intervals, resampling
from snellen.stats.arrays import Aligned, Floats, align
from snellen.stats.correlation import (
    PLCC,
    SRCC,
    Coefficient,
    Correlation,
    correlate,
    need_clusters,
)

Test = Literal["bootstrap", "williams", "steiger"]
Number = TypeVar("Number", float, Floats)
#: Figures that differ by less are the same figure computed in another order.
ROUNDING = 1e-12

_COEFFICIENTS: dict[str, Coefficient] = {"srcc": SRCC, "plcc": PLCC}


@dataclass(frozen=True)
class Comparison:
    """Every pair of k scorers, compared on the images that all of them scored.

    names          : the k scorers.
    statistic      : "srcc" or "plcc".
    correlations   : k `Correlation`s with the MOS.
    between        : (k, k) the same correlation between the scorers themselves.
    difference     : (k, k) correlation of row less correlation of column.
    low, high      : (k, k) percentile bootstrap interval of the difference.
    p_bootstrap, p_williams, p_steiger : (k, k) two-sided, for one pair taken alone; 1 on the
                     diagonal. The formulas take images as independent: NaN with clusters.
    p_holm         : (k, k) p of `test` after Holm's correction over all k(k − 1)/2 pairs.
    n, missing     : images used, and images left out because some scorer or the MOS lacks them.
    missing_scores : (k,) scores each scorer lacks.
    alpha          : chance of any false claim among all pairs.
    """

    names: tuple[str, ...]
    statistic: str
    correlations: tuple[Correlation, ...]
    between: Floats
    difference: Floats
    low: Floats
    high: Floats
    p_bootstrap: Floats
    p_williams: Floats
    p_steiger: Floats
    p_holm: Floats
    test: Test
    alpha: float
    n: int
    missing: int
    missing_scores: tuple[int, ...]

    @property
    def better(self) -> NDArray[np.bool_]:
        """(k, k) whether the row is significantly better than the column."""
        return np.asarray((self.difference > 0.0) & (self.p_holm < self.alpha))

    @property
    def ranking(self) -> tuple[str, ...]:
        """The names, highest correlation first."""
        return tuple(self.names[i] for i in self._order)

    @property
    def best(self) -> tuple[str, ...]:
        """The highest, and all that are not significantly worse than it, highest first."""
        top = self._order[0]
        return tuple(self.names[i] for i in self._order if not self.better[top, i])

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Runs of the ranking within which nobody is significantly better than anybody else.

        They may overlap: a and b may be alike, and b and c, but not a and c.
        """
        runs: list[tuple[int, ...]] = []
        for start in range(len(self._order)):
            run: tuple[int, ...] = ()
            for i in self._order[start:]:
                if self.better[list(run), i].any():
                    break
                run = (*run, i)
            if not runs or not set(run) <= set(runs[-1]):
                runs.append(run)
        return tuple(tuple(self.names[i] for i in run) for run in runs)

    @property
    def _order(self) -> list[int]:
        return sorted(range(len(self.names)), key=lambda i: -self.correlations[i].value)


@dataclass(frozen=True)
class PairTest:
    """A test of one pair: the statistic, its degrees of freedom (∞ for a Z) and two-sided p."""

    statistic: float
    df: float
    p: float


def williams(r_a: float, r_b: float, r_ab: float, n: int, *, ranks: bool = False) -> PairTest:
    """Williams' t: do scorers a and b correlate equally with the MOS?

    r_a, r_b : correlation of each with the MOS, in [−1, 1].
    r_ab     : correlation of the two scorers with each other.
    n        : images, at least 4.
    ranks    : the correlations are Spearman's: t is then divided by √(1 + r̄²/2), the excess of
               Spearman's error over Pearson's in Bonett & Wright. Without it the test finds a
               difference between equals in 7 to 10 % of experiments instead of 5 % once r̄ ≥ 0.8;
               with it in 4 to 5 % (ours, by simulation).
    Exact for Pearson's r of normal data. Equal correlations give t = 0; scorers that are exactly
    opposite leave it undefined (NaN).
    Source: Williams 1959; recommended by Steiger 1980.
    """
    from scipy.special import stdtr

    _check_images(n)
    check_correlations(r_a, r_b, r_ab)
    if abs(r_a - r_b) < ROUNDING:
        return PairTest(0.0, n - 3.0, 1.0)
    determinant = max(0.0, 1.0 - r_a**2 - r_b**2 - r_ab**2 + 2.0 * r_a * r_b * r_ab)
    mean = (r_a + r_b) / 2.0
    below = 2.0 * (n - 1.0) / (n - 3.0) * determinant + mean**2 * (1.0 - r_ab) ** 3
    if ranks:
        below *= rank_excess(mean)
    t = (r_a - r_b) * math.sqrt((n - 1.0) * (1.0 + r_ab) / below) if below > 0.0 else math.nan
    return PairTest(t, n - 3.0, float(2.0 * stdtr(n - 3.0, -abs(t))))


def steiger(r_a: float, r_b: float, r_ab: float, n: int, *, ranks: bool = False) -> PairTest:
    """Steiger's Z on Fisher's scale, with the pooled estimate: arguments as in `williams`.

    Source: Steiger 1980, equations 3 and 14 (after Dunn & Clark 1969).
    """
    from scipy.special import ndtr

    _check_images(n)
    check_correlations(r_a, r_b, r_ab)
    if abs(r_a - r_b) < ROUNDING:
        return PairTest(0.0, math.inf, 1.0)
    if 1.0 in (abs(r_a), abs(r_b)):
        return PairTest(math.copysign(math.inf, r_a - r_b), math.inf, 0.0)
    variance = fisher_difference_variance((r_a + r_b) / 2.0, r_ab, ranks=ranks)
    difference = math.atanh(r_a) - math.atanh(r_b)
    # Rounding alone can leave nothing: scorers that differ only in the last digits.
    z = difference * math.sqrt((n - 3.0) / variance) if variance > 0.0 else math.nan
    return PairTest(z, math.inf, float(2.0 * ndtr(-abs(z))))


def fisher_difference_variance(mean: Number, r_ab: Number, *, ranks: bool) -> Number:
    """Variance of √(n − 3)·(atanh r_a − atanh r_b) where both correlations are near `mean`.

    mean : correlation with the MOS; r_ab: between the scorers; numbers or arrays.
    Source: Steiger 1980; for ranks times 1 + r̄²/2 as in `williams`.
    """
    psi = r_ab * (1.0 - 2.0 * mean**2) - 0.5 * mean**2 * (1.0 - 2.0 * mean**2 - r_ab**2)
    variance = 2.0 - 2.0 * psi / (1.0 - mean**2) ** 2
    return variance * rank_excess(mean) if ranks else variance


def rank_excess(r: Number) -> Number:
    """Variance of Spearman's r on Fisher's scale over that of Pearson's.  Bonett & Wright 2000."""
    return 1.0 + r**2 / 2.0


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment of `p_values` (m,): compare the result with alpha itself.

    NaN stays NaN and does not count as a test.  Source: Holm 1979.
    """
    p = np.asarray(p_values, np.float64)
    if np.any((p < 0.0) | (p > 1.0)):
        raise StatsError("a p-value lies outside 0 to 1", "Give probabilities.")
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def compare(
    scores: Sequence[ArrayLike] | ArrayLike,
    mos: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    statistic: Literal["srcc", "plcc"] = "srcc",
    clusters: Sequence[Any] | ArrayLike | None = None,
    test: Test = "bootstrap",
    alpha: float = 0.05,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare k scorers on the images that all of them scored.

    scores    : (k, n) one row a scorer, k ≥ 2; NaN = unscored: the image is left out for all.
    mos       : (n,) mean opinion.
    names     : k names; default "a", "b", …
    statistic : "srcc", or "plcc" of the scores as given (cross-fit them first to compare maps).
    clusters  : (n,) labels of images that are not independent, or None.
    test      : which p-value Holm's correction, `better` and `best` go by.
    All scorers share each bootstrap resample. Its p compares the difference on Fisher's z scale
    with its bootstrap error, by Student's t with clusters (or images) − 1 degrees of freedom, so
    that p is not floored at 1/resamples, and never below 2^(1 − clusters), which is as sure as so
    many coins can be (ours).
    Raises as `srcc`, and `InputError` on fewer than two scorers or names that do not fit.
    """
    rows = list(scores)  # type: ignore[arg-type]
    names = _check_names(names, len(rows))
    if statistic not in _COEFFICIENTS:
        raise UnknownName("statistic", statistic, _COEFFICIENTS)
    if test not in ("bootstrap", "williams", "steiger"):
        raise UnknownName("test", test, ["bootstrap", "williams", "steiger"])
    intervals.check_confidence(1.0 - alpha)
    data = align(rows, mos, clusters, names=[f"scores of {name}" for name in names], need=4)
    if test != "bootstrap" and data.clustered:
        raise StatsError(
            f"the {test} test takes images as independent, and clusters were given",
            "Use test='bootstrap', or leave the clusters out.",
        )
    need_clusters(data)
    coefficient = _COEFFICIENTS[statistic]
    correlations = correlate(coefficient, data, resamples=resamples, seed=seed)
    values = np.array([found.value for found in correlations])
    draws = resampling.bootstrap(
        coefficient.statistic(data), data.clusters, resamples=resamples, seed=seed
    )
    low, high, p_bootstrap = _paired_bootstrap(
        values, draws, data.n_clusters, coefficient.nearest(data.n), alpha
    )
    between = correlation_matrix(data.scores, ranks=statistic == "srcc")
    p_williams, p_steiger = _formula_tests(values, between, data, ranks=statistic == "srcc")
    p = {"bootstrap": p_bootstrap, "williams": p_williams, "steiger": p_steiger}[test]
    upper = np.triu_indices(len(rows), 1)
    p_holm = np.ones_like(p)
    p_holm[upper] = p_holm.T[upper] = holm(p[upper])
    return Comparison(
        names=tuple(names),
        statistic=statistic,
        correlations=correlations,
        between=between,
        difference=values[:, None] - values[None, :],
        low=low,
        high=high,
        p_bootstrap=p_bootstrap,
        p_williams=p_williams,
        p_steiger=p_steiger,
        p_holm=p_holm,
        test=test,
        alpha=alpha,
        n=data.n,
        missing=data.missing,
        missing_scores=data.missing_scores,
    )


def correlation_matrix(rows: Floats, *, ranks: bool) -> Floats:
    """(k, k) Pearson correlation of k rows (k, n), or of their mid-ranks (Spearman's)."""
    from scipy.stats import rankdata

    matrix = np.atleast_2d(np.corrcoef(rankdata(rows, axis=1) if ranks else rows))
    return np.asarray(np.clip(matrix, -1.0, 1.0))


def _paired_bootstrap(
    values: Floats, draws: Floats, units: int, nearest: float, alpha: float
) -> tuple[Floats, Floats, Floats]:
    """Interval and p of every difference from shared resamples `draws` (b, k) of `units`."""
    from scipy.special import stdtr

    intervals.finite_replicates(draws.sum(axis=1))
    k = values.size
    low, high, p = np.zeros((k, k)), np.zeros((k, k)), np.ones((k, k))
    fisher, centre = intervals.fisher_z(draws, nearest), intervals.fisher_z(values, nearest)
    # The bootstrap's variance divides by m where Student's t wants m − 1.
    widen = math.sqrt(units / (units - 1.0))
    # A handful of images in perfect order never varies; still they say no more than as many coins.
    surest = 2.0 ** (1 - units)
    for i in range(k):
        for j in range(i + 1, k):
            difference = draws[:, i] - draws[:, j]
            low[i, j], high[i, j] = intervals.percentile_interval(difference, units, 1.0 - alpha)
            low[j, i], high[j, i] = -high[i, j], -low[i, j]
            error = widen * float(np.nanstd(fisher[:, i] - fisher[:, j]))
            gap = abs(float(centre[i] - centre[j]))
            if gap > ROUNDING:
                found = 2.0 * float(stdtr(units - 1.0, -gap / error)) if error > 0.0 else 0.0
                p[i, j] = p[j, i] = max(found, surest)
    return low, high, p


def _formula_tests(
    values: Floats, between: Floats, data: Aligned, *, ranks: bool
) -> tuple[Floats, Floats]:
    """(k, k) p of Williams' and Steiger's tests; NaN off the diagonal of clustered data."""
    k = values.size
    by_williams, by_steiger = np.ones((k, k)), np.ones((k, k))
    for i in range(k):
        for j in range(i + 1, k):
            r = float(values[i]), float(values[j]), float(between[i, j])
            p = math.nan, math.nan
            if not data.clustered:
                p = williams(*r, data.n, ranks=ranks).p, steiger(*r, data.n, ranks=ranks).p
            by_williams[i, j] = by_williams[j, i] = p[0]
            by_steiger[i, j] = by_steiger[j, i] = p[1]
    return by_williams, by_steiger


def _check_names(names: Sequence[str] | None, k: int) -> list[str]:
    if k < 2:
        raise InputError(f"{k} scorers were given to compare", "Give the scores of at least two.")
    if names is None:
        return [chr(ord("a") + i) if k <= 26 else f"scorer {i + 1}" for i in range(k)]
    if len(names) != k or len(set(names)) != k:
        raise InputError(
            f"{k} scorers were given with {len(set(names))} different names",
            "Give one name per scorer, each different.",
        )
    return list(names)


def _check_images(n: int) -> None:
    if n < 4:
        raise TooFewRatings(
            f"two correlations were to be compared on {n} images, and 4 are needed",
            "Rate more images.",
        )


def check_correlations(r_a: float, r_b: float, r_ab: float) -> None:
    """Raise `StatsError` unless three variables can correlate so."""
    for r in (r_a, r_b, r_ab):
        if not -1.0 <= r <= 1.0:
            raise StatsError(f"a correlation of {r} was given", "Give numbers from -1 to 1.")
    # 1e-6: correlations of the same images, rounded, may lie that far outside.
    if 1.0 - r_a**2 - r_b**2 - r_ab**2 + 2.0 * r_a * r_b * r_ab < -1e-6:
        raise StatsError(
            f"scorers that correlate {r_a:g} and {r_b:g} with the MOS cannot correlate {r_ab:g} "
            "with each other",
            "Take all three correlations from the same images.",
        )
