"""How many rated images would tell two scorers apart.

A difference that is not significant may be no difference or too few images. From a pilot (the
images rated so far) or from three correlations alone, these functions say how many it would take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import InputError, StatsError, UnknownName
from snellen.stats import intervals, resampling
from snellen.stats.arrays import Aligned, Floats, align
from snellen.stats.comparison import (
    ROUNDING,
    check_correlations,
    correlation_matrix,
    fisher_difference_variance,
)
from snellen.stats.correlation import PLCC, SRCC, Coefficient, need_clusters

# Beyond this many images a simulated experiment costs more than it tells.
_LARGEST_SIMULATED = 50_000


@dataclass(frozen=True)
class Power:
    """How many images would tell two scorers apart.

    images     : by formula from the pilot's correlations, images independent; None where the pilot
                 shows no difference at all, so that no number would, and where a scorer is perfect.
    bootstrap  : the same from the pilot's bootstrap error, which knows its ties, its shape and its
                 clusters (as many images per cluster as in the pilot); None without a difference.
    found      : share of simulated experiments of `bootstrap` images, drawn from the pilot, whose
                 test finds the difference, to be compared with `power`; NaN where not simulated
                 (clusters, or more than 50,000 images).
    difference : correlation of the first with the MOS less that of the second, in the pilot.
    power, alpha : what was asked for: chance of finding the difference, of a false alarm.
    n, missing : images of the pilot, and images left out of it.
    """

    images: int | None
    bootstrap: int | None
    found: float
    difference: float
    power: float
    alpha: float
    n: int
    missing: int


def images_needed(
    r_a: float,
    r_b: float,
    r_ab: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    statistic: Literal["srcc", "plcc"] = "srcc",
) -> int | None:
    """Images on which a two-sided test at `alpha` finds r_a ≠ r_b with chance `power`.

    r_a, r_b : true correlation of each scorer with the MOS, in (−1, 1).
    r_ab     : true correlation of the scorers with each other; the higher, the fewer images.
    Returns None where r_a = r_b: no number would. At least 4.
    n = 3 + v·((z_{1−α/2} + z_{power}) / (atanh r_a − atanh r_b))², v from
    `fisher_difference_variance`.  Source: Steiger 1980's Z turned round; ranks as in `williams`.
    """
    ranks = _check(power, alpha, statistic)
    for r in (r_a, r_b):
        if not -1.0 < r < 1.0:
            raise StatsError(
                f"a correlation of {r} with the MOS was given", "Give numbers between -1 and 1."
            )
    check_correlations(r_a, r_b, r_ab)
    gap = abs(math.atanh(r_a) - math.atanh(r_b))
    if gap < ROUNDING:
        return None
    variance = fisher_difference_variance((r_a + r_b) / 2.0, r_ab, ranks=ranks)
    return max(4, math.ceil(3.0 + max(0.0, variance) * (_reach(power, alpha) / gap) ** 2))


def detectable_difference(
    r: float,
    r_ab: float,
    n: int,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    statistic: Literal["srcc", "plcc"] = "srcc",
) -> float:
    """Smallest fall below correlation `r` that `n` images would show: `images_needed` inverted.

    Returns r − r_b for the lower scorer's r_b; NaN where no possible fall would show.
    """
    ranks = _check(power, alpha, statistic)
    if n < 4:
        raise InputError(f"{n} images were given", "The tests need at least 4.")
    if not -1.0 < r < 1.0:
        raise StatsError(f"a correlation of {r} was given", "Give a number between -1 and 1.")
    reach = _reach(power, alpha) / math.sqrt(n - 3.0)
    check_correlations(r, r, r_ab)

    def shows(lower: float) -> bool:
        variance = fisher_difference_variance((r + lower) / 2.0, r_ab, ranks=ranks)
        return math.atanh(r) - math.atanh(lower) >= reach * math.sqrt(max(0.0, variance))

    # The lowest correlation that a third variable, given the other two, can have.
    low = r * r_ab - math.sqrt((1.0 - r**2) * (1.0 - r_ab**2))
    low, high = max(low, -1.0 + 1e-9), r
    if not shows(low):
        return math.nan
    for _ in range(100):  # halving; the gap that is needed depends on the lower correlation itself
        middle = (low + high) / 2.0
        low, high = (middle, high) if shows(middle) else (low, middle)
    return r - low


def power_from_pilot(
    a: ArrayLike,
    b: ArrayLike,
    mos: ArrayLike,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    statistic: Literal["srcc", "plcc"] = "srcc",
    clusters: Sequence[Any] | ArrayLike | None = None,
    resamples: int = 2000,
    experiments: int = 400,
    seed: int = 0,
) -> Power:
    """How many images like the pilot's would tell scorers `a` and `b` apart.

    a, b, mos : (n,) as in `compare`; clusters: (n,) labels or None.
    The pilot's own difference is taken as the true one: after a lucky pilot this is too few images.
    Raises as `srcc`.
    """
    ranks = _check(power, alpha, statistic)
    data = align([a, b], mos, clusters, names=["scores of a", "scores of b"], need=4)
    need_clusters(data)
    coefficient = SRCC if ranks else PLCC
    nearest = coefficient.nearest(data.n)
    whole = correlation_matrix(np.vstack([data.scores, data.mos]), ranks=ranks)
    r_a, r_b, r_ab = float(whole[0, 2]), float(whole[1, 2]), float(whole[0, 1])
    formula = by_bootstrap = None
    found = math.nan
    if abs(r_a - r_b) > ROUNDING:
        if max(abs(r_a), abs(r_b)) < 1.0:
            formula = images_needed(r_a, r_b, r_ab, power=power, alpha=alpha, statistic=statistic)
        draws = resampling.bootstrap(
            coefficient.statistic(data), data.clusters, resamples=resamples, seed=seed
        )
        draws = intervals.fisher_z(draws, nearest)
        error = float(np.nanstd(draws[:, 0] - draws[:, 1]))
        gap = abs(float(np.diff(intervals.fisher_z(np.array([r_a, r_b]), nearest))[0]))
        # Perfect and nearly perfect on a handful of images are not told apart by any error.
        if gap > ROUNDING:
            by_bootstrap = max(4, math.ceil(data.n * (error * _reach(power, alpha) / gap) ** 2))
            if not data.clustered and by_bootstrap <= _LARGEST_SIMULATED:
                found = _simulate(data, coefficient, by_bootstrap, alpha, experiments, seed + 1)
    return Power(formula, by_bootstrap, found, r_a - r_b, power, alpha, data.n, data.missing)


def _simulate(
    data: Aligned,
    coefficient: Coefficient,
    images: int,
    alpha: float,
    experiments: int,
    seed: int,
) -> float:
    """Share of experiments, `images` drawn from the pilot, in which Steiger's Z is significant."""
    scorers = align([data.scores[0]], data.scores[1])
    with_mos, between = coefficient.statistic(data), coefficient.statistic(scorers)
    nearest = coefficient.nearest(images)
    significant: list[Floats] = []
    limit = intervals.normal_quantile(1.0 - alpha / 2.0)
    for counts in resampling.cluster_draws(
        data.clusters, resamples=experiments, seed=seed, draws=images
    ):
        z = intervals.fisher_z(with_mos(counts), nearest)
        r_ab = between(counts[:, scorers.position])[:, 0]
        variance = fisher_difference_variance(
            np.tanh(z).mean(axis=1), r_ab, ranks=coefficient is SRCC
        )
        gap = z[:, 0] - z[:, 1]
        # Rounding can leave a variance of nothing between near copies of one scorer.
        error = np.sqrt(np.maximum(variance, 1e-300) / (images - 3.0))
        significant.append(np.abs(gap) / error > limit)
    return float(np.concatenate(significant).mean())


def _reach(power: float, alpha: float) -> float:
    """How many standard errors the true difference must be away from none."""
    return intervals.normal_quantile(1.0 - alpha / 2.0) + intervals.normal_quantile(power)


def _check(power: float, alpha: float, statistic: str) -> bool:
    """Whether the statistic is of ranks; errors for what makes no sense."""
    if statistic not in ("srcc", "plcc"):
        raise UnknownName("statistic", statistic, ["srcc", "plcc"])
    if not 0.0 < alpha < 1.0 or not alpha < power < 1.0:
        raise InputError(
            f"a power of {power!r} at alpha {alpha!r} was asked for",
            "Give alpha between 0 and 1, and a power between alpha and 1.",
        )
    return statistic == "srcc"
