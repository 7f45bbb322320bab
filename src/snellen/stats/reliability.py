"""How far raters agree: Krippendorff's alpha, intraclass correlation, each rater against the rest.

    agreement = krippendorff_alpha(votes, "interval")     # 1 = all agree, 0 = as by chance
    consistency = intraclass_correlation(votes)           # single votes, and the MOS of this test
    srcc = rater_srcc(votes)                              # who follows the others

All take votes that miss any pattern of raters and items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from snellen.errors import ConstantValues, InputError, TooFewRatings
from snellen.stats.votes import Floats, Votes, check_confidence

_RESAMPLES = 2000
_LEAST_RESAMPLES = 40  # so that one lies in each tail of 2.5 %
_DRAWS_AT_ONCE = 2_000_000  # numbers in memory: 16 MB


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha with its interval.

    value     : 1 = perfect agreement, 0 = as by chance, negative = systematic disagreement.
    low, high : percentile interval over resampled items.
    level     : "interval" or "ordinal".
    n         : items with two votes or more.
    """

    value: float
    low: float
    high: float
    level: str
    n: int


@dataclass(frozen=True)
class Intraclass:
    """Intraclass correlations from variance components.

    single_absolute    : ICC(2,1): a single vote of a rater picked at random, scale use included.
    average_absolute   : ICC(2,k): the MOS of `k` such votes: how far it would come out again with
                         other raters.
    average_one_way    : ICC(1,k): the same where every item has raters of its own.
    k                  : votes per item (harmonic mean).
    item, rater, error : the variance components, in squared units of the scale; a negative
                         estimate is given as it came out.
    """

    single_absolute: float
    average_absolute: float
    average_one_way: float
    k: float
    item: float
    rater: float
    error: float


def krippendorff_alpha(
    votes: Votes,
    level: Literal["interval", "ordinal"] = "interval",
    confidence: float = 0.95,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> Alpha:
    """Krippendorff's alpha, with a bootstrap interval over items.

    level : "interval": differences of scores count squared. "ordinal": the ranks alone matter;
            its metric is the squared difference of mid-ranks among all votes, so that it is the
            interval alpha of the ranks. In the resamples the ranks stay those of all votes (ours).
    Items with one vote say nothing about agreement and are left out.
    Raises `TooFewRatings` under 2 items with two votes, `ConstantValues` when every vote is equal,
    `InputError` for under 40 resamples, which leave nothing in the tails.
    Source: Krippendorff, "Content Analysis", 3rd ed. 2013, ch. 12.
    """
    from scipy.stats import rankdata

    tail = check_confidence(confidence)
    if resamples < _LEAST_RESAMPLES:
        raise InputError(
            f"{resamples} bootstrap resamples were asked for",
            f"Ask for {_LEAST_RESAMPLES} at least; {_RESAMPLES} is usual.",
        )
    n = votes.per_item()
    paired = n >= 2
    if paired.sum() < 2:
        raise TooFewRatings(
            f"{int(paired.sum())} items have two votes; agreement needs 2 such items",
            "Let several raters vote on the same items.",
        )
    kept = paired[votes.item]
    values = votes.score[kept]
    if values.min() == values.max():
        raise ConstantValues(f"every vote is {values[0]:g}", "Agreement by chance is certain then.")
    if level == "ordinal":
        values = rankdata(values)
    elif level != "interval":
        raise InputError(f"level is {level!r}", 'Give "interval" or "ordinal".')
    values = values - values.mean()  # centred: sums of squares lose no digits
    item, size = votes.item[kept], len(votes.items)
    count = n[paired]
    sums = np.bincount(item, values, size)[paired]
    squares = np.bincount(item, values**2, size)[paired]
    # Pairs within an item: Σ(x − y)² over ordered pairs is 2(m Σx² − (Σx)²), each divided by m − 1.
    within = (count * squares - sums**2) / (count - 1)

    def alpha(times: npt.ArrayLike) -> Floats:
        """Alpha of items counted `times` (…, items)."""
        weights = np.asarray(times, dtype=np.float64)
        total = weights @ count
        between = total * (weights @ squares) - (weights @ sums) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(1 - (total - 1) * (weights @ within) / between)

    items = len(count)
    random, at_once = np.random.default_rng(seed), max(1, _DRAWS_AT_ONCE // items)
    spread = np.concatenate(
        [
            alpha(random.multinomial(items, np.full(items, 1 / items), min(at_once, left)))
            for left in range(resamples, 0, -at_once)
        ]
    )
    low, high = np.nanquantile(spread, [1 - tail, tail])
    return Alpha(float(alpha(np.ones(items))), float(low), float(high), level, items)


def intraclass_correlation(votes: Votes) -> Intraclass:
    """ICC(2,1), ICC(2,k) and ICC(1,k) from votes with or without gaps.

    Variance components of items, raters and error by Henderson's method 3 (sums of squares of each
    effect adjusted for the other, set equal to their expectations); with every rater voting on
    every item this is the analysis of variance of Shrout and Fleiss exactly.
    Raises `TooFewRatings` under 2 raters or items, or when too few votes overlap to tell raters
    from items; `ConstantValues` when every vote is equal.
    Source: Shrout & Fleiss 1979; Searle, Casella & McCulloch, "Variance Components", 1992, § 5.5.
    """
    from scipy.sparse import block_array, csr_matrix
    from scipy.sparse.csgraph import connected_components

    items, raters, total = len(votes.items), len(votes.raters), len(votes)
    if items < 2 or raters < 2:
        raise TooFewRatings(
            f"{raters} raters and {items} items", "Intraclass correlation needs 2 of each."
        )
    counts = csr_matrix((np.ones(total), (votes.item, votes.rater)), shape=(items, raters))
    graph = block_array([[None, counts], [counts.T, None]])
    groups, _ = connected_components(graph, directed=False)
    freedom = total - items - raters + groups
    n_item, n_rater = votes.per_item(), votes.per_rater()
    if freedom < 1 or total in (items, raters):
        raise TooFewRatings(
            f"{total} votes of {raters} raters on {items} items hardly overlap",
            "Let raters vote on the same items.",
        )
    scores = votes.score - votes.score.mean()
    if not scores.any():
        raise ConstantValues(f"every vote is {votes.score[0]:g}", "Nothing varies to be explained.")
    in_item = float(scores @ scores - (votes.per_item(scores) ** 2 / n_item).sum())
    in_rater = float(scores @ scores - (votes.per_rater(scores) ** 2 / n_rater).sum())
    in_both = _two_way_residual(votes, scores)
    error = in_both / freedom
    squared = counts.multiply(counts).tocoo()
    spread_items = total - float((squared.data / n_rater[squared.col]).sum())
    spread_raters = total - float((squared.data / n_item[squared.row]).sum())
    item = (in_rater - error * (total - raters)) / spread_items
    rater = (in_item - error * (total - items)) / spread_raters
    k = items / float((1 / n_item).sum())
    # One-way: raters are part of the error; n0 is the vote count that unequal items amount to.
    one_error = in_item / (total - items)
    n0 = (total - float((n_item**2).sum()) / total) / (items - 1)
    between = (float(scores @ scores) - in_item) / (items - 1)
    one_item = (between - one_error) / n0
    return Intraclass(
        single_absolute=item / (item + rater + error),
        average_absolute=item / (item + (rater + error) / k),
        average_one_way=one_item / (one_item + one_error / k),
        k=k,
        item=item,
        rater=rater,
        error=error,
    )


def rater_srcc(votes: Votes) -> Floats:
    """(raters,) Spearman correlation of each rater with the mean of the others on the same items.

    NaN for a rater with fewer than 3 items that others voted on too, or with constant votes. A
    rater's own votes are not in the mean, so that a small panel does not flatter itself.
    Raises `TooFewRatings` with one rater.
    Source: leave-one-out agreement as in Hosu et al., "KonIQ-10k", 2020; Spearman 1904.
    """
    from scipy.stats import rankdata

    if len(votes.raters) < 2:
        raise TooFewRatings("there is one rater and nobody to agree with", "Add raters.")
    size = len(votes.raters)
    cell, row, each = np.unique(
        votes.rater * len(votes.items) + votes.item, return_inverse=True, return_counts=True
    )
    rater, item = cell // len(votes.items), cell % len(votes.items)
    sums = np.bincount(row, votes.score)
    others = votes.per_item()[item] - each
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (votes.per_item(votes.score)[item] - sums) / others
    found = np.full(size, np.nan)
    order = np.argsort(rater, kind="stable")
    bounds = np.searchsorted(rater[order], np.arange(size + 1))
    for code in range(size):
        mine = order[bounds[code] : bounds[code + 1]]
        mine = mine[others[mine] > 0]
        if len(mine) < 3:
            continue
        # Rounded: means that differ in the last bit alone are ties.
        x = rankdata(sums[mine] / each[mine])
        y = rankdata(np.round(rest[mine], 9))
        x, y = x - x.mean(), y - y.mean()
        scale = np.sqrt(float(x @ x) * float(y @ y))
        if scale > 0:
            found[code] = float(x @ y) / scale
    return found


def _two_way_residual(votes: Votes, scores: Floats) -> float:
    """Σ(score − item − rater)² at the least-squares fit of both effects."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import lsmr

    total, items = len(votes), len(votes.items)
    rows = np.repeat(np.arange(total), 2)
    columns = np.stack([votes.item, items + votes.rater], axis=1).ravel()
    design = csr_matrix(
        (np.ones(2 * total), (rows, columns)), shape=(total, items + len(votes.raters))
    )
    fitted = lsmr(design, scores, atol=1e-12, btol=1e-12, conlim=0, maxiter=20_000)[0]
    rest = scores - design @ fitted
    return float(rest @ rest)
