"""Pairs of images, and whether people tell them apart.

Krasula's analysis and the smallest meaningful gap both ask of every pair of images: did people find
one better, and did the scorer say the same? Pairs share images, so they are not independent
evidence: `shared_covariance` gives means over pairs the uncertainty of means over images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import InputError
from snellen.stats.arrays import Aligned, Floats, Ints
from snellen.stats.intervals import normal_quantile
from snellen.stats.prediction import spread_of_votes


@dataclass(frozen=True)
class ImagePairs:
    """Pairs of images and the people's verdict on each.

    first, second : (p,) images, by their place in the `Aligned` data.
    difference    : (p,) MOS of the first less MOS of the second.
    verdict       : (p,) 1 if people found the first better, −1 worse, 0 if they cannot be said to
                    differ.
    confidence    : (p,) chance that the first is better, from votes; None without votes.
    possible      : how many pairs there are; fewer were drawn at random if p is smaller.
    """

    first: Ints
    second: Ints
    difference: Floats
    verdict: NDArray[np.int8]
    confidence: Floats | None
    possible: int

    @property
    def sampled(self) -> bool:
        """Whether the pairs are a random sample."""
        return self.first.size < self.possible


def judged_by_votes(
    data: Aligned, std: ArrayLike, votes: ArrayLike, *, level: float, most: int, seed: int
) -> ImagePairs:
    """Pairs of `data`, told apart where the z of their MOS difference reaches `level` (one-sided).

    std, votes : (n,) as the caller gave them, in the caller's order; `votes` may be one number.
    z = (MOS₁ − MOS₂) / √(std₁²/votes₁ + std₂²/votes₂).
    Source: ITU-T J.149; Krasula et al. 2016 (level 0.95).
    """
    from scipy.special import ndtr

    given = np.size(std)
    spread, count = spread_of_votes(std, votes, given)
    error = (spread**2 / count)[data.position]
    first, second, possible = draw_pairs(data.n, most, seed)
    difference = data.mos[first] - data.mos[second]
    noise = np.sqrt(error[first] + error[second])
    with np.errstate(divide="ignore", invalid="ignore"):
        # Unanimous votes leave no noise: then any difference counts, and none is none.
        z = np.where(difference == 0.0, 0.0, difference / noise)
    return ImagePairs(
        first=first,
        second=second,
        difference=difference,
        verdict=(np.sign(z) * (np.abs(z) >= normal_quantile(level))).astype(np.int8),
        confidence=ndtr(z),
        possible=possible,
    )


def judged_by_gap(data: Aligned, gap: float, *, most: int, seed: int) -> ImagePairs:
    """Pairs of `data`, told apart where their MOS differ by more than `gap`.

    Source: NTIA TR-21-550, which takes 0.5 on a scale from 1 to 5.
    """
    if not gap > 0.0:
        raise InputError(
            f"a MOS gap of {gap!r} was given", "Give a positive number: 0.5 on a 1–5 scale."
        )
    first, second, possible = draw_pairs(data.n, most, seed)
    difference = data.mos[first] - data.mos[second]
    verdict = (np.sign(difference) * (np.abs(difference) > gap)).astype(np.int8)
    return ImagePairs(first, second, difference, verdict, None, possible)


def draw_pairs(n: int, most: int, seed: int) -> tuple[Ints, Ints, int]:
    """All n(n − 1)/2 pairs of images, or `most` of them drawn without replacement."""
    possible = n * (n - 1) // 2
    if possible <= most:
        first, second = np.triu_indices(n, 1)
        return first, second, possible
    # Numbers of pairs, counted row by row through the upper triangle, turned back into rows. The
    # guess from the square root is off by one where rounding bites, hence the two corrections.
    number = np.sort(_distinct(possible, most, seed))
    first = (n - 0.5 - np.sqrt((n - 0.5) ** 2 - 2.0 * number)).astype(np.intp)
    first -= (_row_start(first, n) > number).astype(np.intp)
    first += (_row_start(first + 1, n) <= number).astype(np.intp)
    return first, number - _row_start(first, n) + first + 1, possible


def shared_covariance(influence: Floats, pairs: ImagePairs, clusters: Ints) -> Floats:
    """(k, k) covariance of k sums over pairs, when pairs that share a cluster are dependent.

    influence : (k, p) what each pair contributes to each sum's deviation from its expectation.
    clusters  : (n,) cluster of each image; each its own if images are independent.
    Contributions are added up per cluster, and the totals of the m clusters multiplied, with the
    usual m / (m − 1). A pair across two clusters meets itself in both; Aronow et al. subtract the
    second time, we leave it in: the matrix stays positive semi-definite, and is cautious by no more
    than the variance that independent pairs would have.
    Source: Aronow, Samii & Assenova 2015 (dyadic data); with DeLong's components, ours.
    """
    a, b = clusters[pairs.first], clusters[pairs.second]
    m = int(clusters.max()) + 1
    across = a != b
    totals = np.array(
        [np.bincount(a, row, m) + np.bincount(b[across], row[across], m) for row in influence]
    )
    return np.asarray(totals @ totals.T * (m / (m - 1.0)))


def _row_start(row: Ints, n: int) -> Ints:
    """Number of the first pair of `row` in the upper triangle of an n × n table."""
    return np.asarray(row * n - row * (row + 1) // 2)


def _distinct(possible: int, most: int, seed: int) -> Ints:
    """`most` different whole numbers below `possible`, without laying all of them out."""
    rng = np.random.default_rng(seed)
    drawn = np.unique(rng.integers(0, possible, size=int(most * 1.1) + 16))
    while drawn.size < most:
        drawn = np.unique(np.concatenate([drawn, rng.integers(0, possible, size=most)]))
    return np.asarray(rng.permutation(drawn)[:most])
