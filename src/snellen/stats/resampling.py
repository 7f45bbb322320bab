"""The bootstrap, fast: a resample is a row of counts, and a correlation is computed from counts.

Drawing images with replacement and correlating each draw from scratch sorts every scorer again for
every resample. Instead each column is sorted once. A resample only says how often each image (each
cluster of images) was drawn; mid-ranks of the resample follow from running sums of those counts in
the sorted order, and Pearson's sums from one matrix product. Cost per resample and scorer: a few
passes over n numbers, no sort. (The rearrangement is ours; the result is the ordinary bootstrap.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from snellen.errors import InputError
from snellen.stats.arrays import Aligned, Floats, Ints, standardise

Counts = NDArray[np.int32]
#: Counts (b, n) → one value per resample and scorer, (b, k); NaN where a resample is constant.
Statistic = Callable[[Counts], Floats]

# Rows are worked on a few at a time so that one block of counts stays in the processor's cache.
_BLOCK = 40_000


def spearman(data: Aligned) -> Statistic:
    """Spearman's rank correlation of each scorer with the MOS, mid-ranks for ties."""
    target = _Sorted(data.mos)
    columns = [_Sorted(row) for row in data.scores]

    def statistic(counts: Counts) -> Floats:
        total = counts.sum(axis=1, dtype=np.float64)
        untied = _cubes(counts)  # an image drawn twice is tied with itself
        ranks, cubes = target.ranks(counts, untied)
        weighted = counts * (ranks - (total + 1.0)[:, None])
        # Deviations of the doubled ranks, squared and summed, are (N³ − Σ t³) / 3.
        spread = (total**3 - cubes) / 3.0
        result = np.empty((counts.shape[0], len(columns)))
        for j, column in enumerate(columns):
            ranks, cubes = column.ranks(counts, untied)
            covariance = np.einsum("bi,bi->b", weighted, ranks)
            result[:, j] = _ratio(covariance, spread * (total**3 - cubes) / 3.0)
        return result

    return statistic


def pearson(data: Aligned) -> Statistic:
    """Pearson's linear correlation of each scorer with the MOS."""
    # Standardised first: sums of squares of raw scores would lose the digits that matter.
    x = np.array([standardise(row)[0] for row in data.scores])
    y = standardise(data.mos)[0][None]
    sums = np.concatenate([x, x * x, x * y, y, y * y, np.ones_like(y)]).T
    k = x.shape[0]

    def statistic(counts: Counts) -> Floats:
        s = counts @ sums
        total = s[:, -1:]
        mean_x, mean_y = s[:, :k] / total, s[:, 3 * k : 3 * k + 1] / total
        var_x = s[:, k : 2 * k] / total - mean_x**2
        var_y = s[:, 3 * k + 1 : 3 * k + 2] / total - mean_y**2
        # What rounding leaves of the variance of a constant; the data have variance 1.
        constant = (var_x < 1e-12) | (var_y < 1e-12)
        return _ratio(
            s[:, 2 * k : 3 * k] / total - mean_x * mean_y, np.where(constant, 0.0, var_x * var_y)
        )

    return statistic


def kendall(data: Aligned) -> Statistic:
    """Kendall's tau-b of each scorer with the MOS; it sorts every resample, which is slow."""
    from scipy.stats import kendalltau

    def statistic(counts: Counts) -> Floats:
        result = np.full((counts.shape[0], data.scores.shape[0]), np.nan)
        for b, row in enumerate(counts):
            drawn = np.repeat(np.arange(data.n), row)
            mos = data.mos[drawn]
            # scipy divides by n − 2 for the p-value that nobody asked for here.
            method = "asymptotic" if drawn.size > 2 else "auto"
            for j, scores in enumerate(data.scores):
                if drawn.size > 1:
                    result[b, j] = kendalltau(scores[drawn], mos, method=method).statistic
        return result

    return statistic


def bootstrap(
    statistic: Statistic, clusters: Ints, *, resamples: int = 2000, seed: int = 0
) -> Floats:
    """(resamples, k) values of `statistic` over whole clusters drawn with replacement.

    clusters : (n,) codes 0 … m − 1, ascending. Images of one cluster (one reference, one scene) are
               drawn together, since they are not independent evidence.
    The draws depend on `seed` and the number of clusters alone: two calls share their resamples.
    """
    if resamples < 40:
        raise InputError(
            f"{resamples} bootstrap resamples were asked for",
            "Ask for 40 at least, so that one lies in each tail of 2.5 %; 2000 is usual.",
        )
    return np.concatenate(
        [statistic(counts) for counts in cluster_draws(clusters, resamples=resamples, seed=seed)]
    )


def cluster_draws(
    clusters: Ints, *, resamples: int, seed: int, draws: int | None = None
) -> Iterator[Counts]:
    """Blocks (b, n) of how often each image is drawn; `draws` clusters a resample, default m."""
    m = int(clusters[-1]) + 1
    draws = m if draws is None else draws
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // max(clusters.size, draws))
    alone = clusters.size == m
    for start in range(0, resamples, rows):
        b = min(rows, resamples - start)
        picks = rng.integers(0, m, size=(b, draws)) + m * np.arange(b)[:, None]
        counts = np.bincount(picks.ravel(), minlength=b * m).reshape(b, m).astype(np.int32)
        yield counts if alone else counts[:, clusters]


def jackknife(statistic: Statistic, clusters: Ints, *, most: int = 1000) -> Floats:
    """(g, k) values of `statistic` with one cluster left out at a time.

    Above `most` clusters they are left out in `most` blocks: the error and skewness taken from them
    are the same in expectation, and the cost no longer grows with the square of n (ours).
    """
    m = int(clusters[-1]) + 1
    # Clusters stand in canonical order, by MOS when nobody named them: dealt round, not in runs,
    # so that a block is a cross-section and not a slice of the scale.
    block = clusters % min(m, most)
    rows = max(1, _BLOCK // clusters.size)
    left_out = np.arange(min(m, most))
    return np.concatenate(
        [
            statistic((block != left_out[i : i + rows, None]).astype(np.int32))
            for i in range(0, left_out.size, rows)
        ]
    )


class _Sorted:
    """One column, sorted once: where its tie groups end, and the group of each image."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        self.group = np.empty(values.size, np.intp)
        self.group[self.order] = np.cumsum(starts) - 1
        self.ends = np.flatnonzero(np.concatenate([starts[1:], [True]]))
        self.tied = self.ends.size < values.size

    def ranks(self, counts: Counts, untied: Floats) -> tuple[Counts, Floats]:
        """Mid-ranks of the draws, doubled so that they are whole, and the cubes of their ties.

        counts : (b, n) draws of each image.
        untied : (b,) sum of counts³: the ties of a column whose images all differ.
        Returns the doubled mid-rank of each image (b, n), and (b,) the sum of t³ over tie groups.
        """
        upto = np.cumsum(counts.take(self.order, axis=1), axis=1, dtype=np.int32)
        if self.tied:
            upto = upto.take(self.ends, axis=1)
            untied = _cubes(np.diff(upto, axis=1, prepend=np.int32(0)))
        twice = upto + np.int32(1)
        twice[:, 1:] += upto[:, :-1]
        return twice.take(self.group, axis=1), untied


def _cubes(counts: Counts) -> Floats:
    whole = counts.astype(np.float64)
    return np.asarray(np.einsum("bi,bi->b", whole * whole, whole))


def _ratio(covariance: Floats, variances: Floats) -> Floats:
    """Correlation from a covariance and the product of the variances; NaN where that is zero."""
    root = np.sqrt(np.where(variances > 0.0, variances, np.nan))
    return np.clip(covariance / root, -1.0, 1.0)
