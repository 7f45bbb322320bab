"""Krasula's analysis: does a scorer see which images people tell apart, and which way round?

Correlation asks for agreement over the whole scale and takes every MOS as exact. Krasula's analysis
asks what a user of scores asks, of every pair of images, knowing how noisy the MOS is:

- *different / similar*: do large score differences mark the pairs that people find different?
- *better / worse*: among pairs that people do find different, is the better one scored higher?

Source: Krasula, Fliegel, Le Callet & Klíma, QoMEX 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import StatsError
from snellen.stats import intervals
from snellen.stats.arrays import Aligned, Floats, align, vector
from snellen.stats.comparison import ROUNDING
from snellen.stats.correlation import Estimate
from snellen.stats.differences import judged_by_votes, shared_covariance
from snellen.stats.prediction import spread_of_votes


@dataclass(frozen=True)
class Krasula:
    """The three figures of k scorers, and the tests between them.

    names             : the k scorers.
    different_similar : k areas under the ROC curve, |score difference| against different / similar.
    better_worse      : k areas, score difference against better / worse, different pairs only.
    correct           : k shares of different pairs whose better image is scored higher (CC₀); equal
                        scores count as wrong.
    threshold         : (k,) score difference that only 5 % of the similar pairs exceed.
    p_different_similar, p_better_worse, p_correct : (k, k) two-sided, allowing for the images that
                        pairs share; 1 on the diagonal.
    p_delong          : two (k, k) tables for the first two figures as in the paper: DeLong's test
                        with pairs taken as independent, which finds differences too easily.
    n, missing        : images used, and left out for want of a score, MOS, std or votes.
    different, similar : pairs of each kind; `sampled` if they are a random sample of all pairs.
    """

    names: tuple[str, ...]
    different_similar: tuple[Estimate, ...]
    better_worse: tuple[Estimate, ...]
    correct: tuple[Estimate, ...]
    threshold: Floats
    p_different_similar: Floats
    p_better_worse: Floats
    p_correct: Floats
    p_delong: tuple[Floats, Floats]
    n: int
    missing: int
    different: int
    similar: int
    sampled: bool


def krasula(
    scores: Sequence[ArrayLike] | ArrayLike,
    mos: ArrayLike,
    std: ArrayLike,
    votes: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    level: float = 0.95,
    clusters: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
    most_pairs: int = 500_000,
    seed: int = 0,
) -> Krasula:
    """Krasula's analysis of k scorers on the same images.

    scores     : (k, n) one row a scorer, or (n,) for one; higher is better; NaN = unscored.
    mos        : (n,) mean opinion; std: (n,) standard deviation of its votes; votes: (n,) or one
                 number, at least 2.
    level      : how sure people must be that a pair differs: Φ(|z|) ≥ level, the paper's 0.95.
    clusters   : (n,) labels of images that are not independent, or None.
    most_pairs : above it, so many pairs are drawn at random from `seed`.
    Raises as `srcc`; `StatsError` under two different or two similar pairs.
    """
    given: list[Any] = list(scores)  # type: ignore[arg-type]
    rows = given if given and np.ndim(given[0]) else [given]
    names = list(names) if names is not None else [f"scorer {i + 1}" for i in range(len(rows))]
    if len(names) != len(rows):
        raise StatsError(
            f"{len(rows)} scorers were given with {len(names)} names", "Give one name per scorer."
        )
    intervals.check_confidence(confidence)
    target = vector(mos, "MOS values")
    spread, count = spread_of_votes(std, votes, target.size)
    target = np.where(np.isnan(spread) | np.isnan(count), np.nan, target)
    data = align(rows, target, clusters, names=[f"scores of {name}" for name in names])
    pairs = judged_by_votes(data, spread, count, level=level, most=most_pairs, seed=seed)
    different = pairs.verdict != 0
    if not 2 <= different.sum() <= different.size - 2:
        raise StatsError(
            f"people tell apart {different.sum()} of {different.size} pairs, "
            "and at least 2 of each kind are needed",
            "Check std and votes, rate more images, or choose another level.",
        )

    gap = data.scores[:, pairs.first] - data.scores[:, pairs.second]
    figures = [
        _different_similar(gap, different),
        _better_worse(gap, pairs.verdict),
        _correct(gap, pairs.verdict),
    ]
    estimates, p_values = [], []
    for figure in figures:
        covariance = shared_covariance(figure.influence, pairs, data.clusters)
        estimates.append(_estimates(figure, covariance, data, confidence))
        p_values.append(_p_values(figure.value, covariance))
    return Krasula(
        names=tuple(names),
        different_similar=estimates[0],
        better_worse=estimates[1],
        correct=estimates[2],
        threshold=np.quantile(np.abs(gap[:, ~different]), 0.95, axis=1),
        p_different_similar=p_values[0],
        p_better_worse=p_values[1],
        p_correct=p_values[2],
        p_delong=(
            _p_values(figures[0].value, figures[0].delong),
            _p_values(figures[1].value, figures[1].delong),
        ),
        n=data.n,
        missing=data.missing,
        different=int(different.sum()),
        similar=int((~different).sum()),
        sampled=pairs.sampled,
    )


@dataclass(frozen=True)
class _Figure:
    """One of the three figures of k scorers over p pairs.

    value     : (k,)
    influence : (k, p) what each pair adds to the deviation of each value from its expectation.
    delong    : (k, k) covariance of the values with all pairs independent.
    """

    name: str
    value: Floats
    influence: Floats
    delong: Floats


def _different_similar(gap: Floats, different: NDArray[np.bool_]) -> _Figure:
    """Do large score differences `gap` (k, p) mark the `different` (p,) pairs?"""
    size = np.abs(gap)
    area, above, beyond = components(size[:, different], size[:, ~different])
    influence = np.empty_like(gap)
    influence[:, different] = (above - area[:, None]) / above.shape[1]
    influence[:, ~different] = (beyond - area[:, None]) / beyond.shape[1]
    return _Figure("AUC different/similar", area, influence, delong_covariance(above, beyond))


def _better_worse(gap: Floats, verdict: NDArray[np.int8]) -> _Figure:
    """Does the sign of score differences `gap` (k, p) follow the `verdict` (p,) of people?"""
    different = verdict != 0
    towards_better = gap[:, different] * verdict[different]
    # The worse class is the better one negated: every pair stands on both sides, and fares alike.
    above = np.array([_share_below(-row, row) for row in towards_better])
    area = above.mean(axis=1)
    influence = np.zeros_like(gap)
    influence[:, different] = 2.0 * (above - area[:, None]) / above.shape[1]
    return _Figure("AUC better/worse", area, influence, delong_covariance(above, above))


def _correct(gap: Floats, verdict: NDArray[np.int8]) -> _Figure:
    """Share of different pairs whose better image is scored higher."""
    different = verdict != 0
    right = (gap[:, different] * verdict[different] > 0.0).astype(np.float64)
    share = right.mean(axis=1)
    influence = np.zeros_like(gap)
    influence[:, different] = (right - share[:, None]) / right.shape[1]
    return _Figure("correct classification", share, influence, influence @ influence.T)


def components(positive: Floats, negative: Floats) -> tuple[Floats, Floats, Floats]:
    """Areas under ROC curves and DeLong's structural components.

    positive, negative : (k, p) and (k, q) values of the two classes under k scorers.
    Returns the areas (k,), the share of negatives that each positive exceeds (k, p) and of
    positives that exceed each negative (k, q), ties counting half.
    Source: DeLong, DeLong & Clarke-Pearson 1988.
    """
    above = np.array([_share_below(n, p) for p, n in zip(positive, negative, strict=True)])
    beyond = np.array([1.0 - _share_below(p, n) for p, n in zip(positive, negative, strict=True)])
    return above.mean(axis=1), above, beyond


def delong_covariance(above: Floats, beyond: Floats) -> Floats:
    """(k, k) covariance of k areas from `components`, all values taken as independent.

    Source: DeLong, DeLong & Clarke-Pearson 1988.
    """
    k = above.shape[0]
    covariance = np.cov(above) / above.shape[1] + np.cov(beyond) / beyond.shape[1]
    return np.asarray(covariance.reshape(k, k))


def _share_below(ground: Floats, values: Floats) -> Floats:
    """(p,) share of `ground` (q,) that lies below each of `values`, ties counting half."""
    # Searched in ascending order, so that neighbouring searches touch neighbouring memory.
    order = np.argsort(values)
    ascending, ordered = values[order], np.sort(ground)
    left = np.searchsorted(ordered, ascending, "left")
    right = np.searchsorted(ordered, ascending, "right")
    share = np.empty(values.size)
    share[order] = (left + right) / (2.0 * ordered.size)
    return share


def _estimates(
    figure: _Figure, covariance: Floats, data: Aligned, confidence: float
) -> tuple[Estimate, ...]:
    half = intervals.normal_quantile((1.0 + confidence) / 2.0) * np.sqrt(np.diag(covariance))
    return tuple(
        Estimate(
            name=figure.name,
            value=float(value),
            low=max(0.0, float(value - width)),
            high=min(1.0, float(value + width)),
            n=data.n,
            missing=data.missing,
            method="normal, pairs that share an image dependent",
            confidence=confidence,
        )
        for value, width in zip(figure.value, half, strict=True)
    )


def _p_values(values: Floats, covariance: Floats) -> Floats:
    """(k, k) two-sided p of each difference; 1 where two scorers are alike."""
    from scipy.special import ndtr

    variance = np.diag(covariance)
    p = np.ones_like(covariance)
    for i in range(values.size):
        for j in range(i + 1, values.size):
            gap = abs(float(values[i] - values[j]))
            error = math.sqrt(max(0.0, float(variance[i] + variance[j] - 2.0 * covariance[i, j])))
            if gap > ROUNDING:
                p[i, j] = p[j, i] = 2.0 * float(ndtr(-gap / error)) if error > 0.0 else 0.0
    return p
