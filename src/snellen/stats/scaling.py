"""Paired comparisons to a scale: Bradley–Terry and Thurstone by maximum likelihood, in JOD.

    scale = bradley_terry(comparisons, ties="davidson")
    scale.jod, scale.low, scale.high         # one per item, mean 0
    scale.preference(0, 1)                   # how often the first item would be preferred

A distance of 1 JOD (just objectionable difference) means that three of four people prefer the
better item, whichever model found it: scales of both models can be read side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from snellen.errors import ConstantValues, InputError, StatsError
from snellen.stats.laplacian import Laplacian
from snellen.stats.links import Davidson, Link, Local, Logistic, Normal
from snellen.stats.pairs import Comparisons, check_connected
from snellen.stats.votes import Floats, check_confidence

_EXACT = 3000  # items up to which the whole covariance is computed
_SETTLED = 1e-7  # Newton's next step after one this small would be 1e-14
_MAX_ROUNDS = 100
_MAX_HALVINGS = 40


@dataclass(frozen=True)
class PairScale:
    """Items on one scale, one entry per item of the comparisons.

    jod        : (items,) scores in JOD about their mean, which is 0.
    std        : (items,) standard error about that mean.
    low, high  : (items,) normal interval; NaN where intervals were not asked for.
    covariance : (items, items) of `jod`, None above 3,000 items or where not asked for; without
                 it `std` is an estimate (see `Laplacian.inverse_diagonal`).
    model      : "Bradley–Terry" or "Thurstone case V".
    ties       : how ties entered: "half" or "davidson".
    tie_factor : Davidson's ν (a tie between equals has the probability ν / (2 + ν)); 0 with "half".
    prior      : standard deviation of the prior in JOD, None without one.
    log_likelihood : of the answers, without the prior.
    agreement  : share of untied answers that prefer the item with the higher score.
    comparisons: answers in all.
    rounds     : Newton steps taken.
    """

    jod: Floats
    std: Floats
    low: Floats
    high: Floats
    covariance: Floats | None
    model: str
    ties: str
    tie_factor: float
    prior: float | None
    log_likelihood: float
    agreement: float
    comparisons: float
    rounds: int
    confidence: float

    def preference(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
        """Probability (…) that items `first` are preferred to `second` (codes), ties apart."""
        return self.chance(self.jod[np.asarray(first)] - self.jod[np.asarray(second)])

    def chance(self, gap: npt.ArrayLike) -> Floats:
        """Probability (…) that what lies `gap` JOD above is preferred; 0.75 at 1 JOD."""
        link = _LINKS[self.model]
        return link.probability(np.asarray(gap, dtype=np.float64) * link.per_jod)

    def difference(self, first: int, second: int) -> tuple[float, float, float]:
        """JOD from item `second` up to `first`, and its interval.

        Items compared with the same others share their error, so that this interval is not what
        the two intervals about the mean suggest.
        Raises `StatsError` without a covariance.
        """
        from scipy.special import ndtri

        if self.covariance is None:
            raise StatsError(
                f"there is no covariance of {len(self.jod)} items",
                f"It is computed for up to {_EXACT} items, with intervals=True.",
            )
        c = self.covariance
        variance = c[first, first] + c[second, second] - 2 * c[first, second]
        gap = float(self.jod[first] - self.jod[second])
        half = float(ndtri(check_confidence(self.confidence)) * np.sqrt(max(variance, 0.0)))
        return gap, gap - half, gap + half


def bradley_terry(
    pairs: Comparisons,
    ties: Literal["half", "davidson"] = "half",
    prior: float | None = None,
    confidence: float = 0.95,
    intervals: bool = True,
) -> PairScale:
    """Bradley–Terry scores by maximum likelihood.

    ties  : "half": a tie is half a win for either item, the common convention; it counts as a
            whole comparison, so that intervals are a little narrow where ties are many.
            "davidson": ties have a probability of their own, largest between equals.
    prior : None, or the standard deviation in JOD of a normal prior about the mean of the items:
            scores are drawn together, and items that won everything, or groups never compared
            with each other, get finite scores with intervals as wide as the prior leaves them.
    Intervals come from the observed information: approximate under some 10 answers an item.
    Raises `Disconnected` without a prior where distances are not finite (see `check_connected`),
    `ConstantValues` when every answer is a tie and ties are Davidson's, `InputError` for a prior
    that is not positive.
    Source: Bradley & Terry 1952; Davidson 1970; Newton's method on the sparse graph is ours.
    """
    if ties not in ("half", "davidson"):
        raise InputError(f"ties is {ties!r}", 'Give "half" or "davidson".')
    if ties == "davidson" and pairs.ties.any():
        if not (pairs.wins_first.any() or pairs.wins_second.any()):
            raise ConstantValues("every answer is a tie", "Davidson's model needs some preference.")
        return _fit(pairs, Davidson(pairs), "Bradley–Terry", ties, prior, confidence, intervals)
    return _fit(pairs, Logistic(pairs), "Bradley–Terry", ties, prior, confidence, intervals)


def thurstone(
    pairs: Comparisons,
    prior: float | None = None,
    confidence: float = 0.95,
    intervals: bool = True,
) -> PairScale:
    """Thurstone's case V by maximum likelihood: equal, independent normal spread of all items.

    Ties are half a win for either item. All else as `bradley_terry`.
    Source: Thurstone 1927; Tsukida & Gupta, "How to analyze paired comparison data", 2011; JOD as
    in Perez-Ortiz & Mantiuk, "A practical guide and software for analysing pairwise comparison
    experiments", 2017.
    """
    return _fit(pairs, Normal(pairs), "Thurstone case V", "half", prior, confidence, intervals)


_LINKS: dict[str, type[Link]] = {"Bradley–Terry": Logistic, "Thurstone case V": Normal}


def _fit(
    pairs: Comparisons,
    link: Link,
    model: str,
    ties: str,
    prior: float | None,
    confidence: float,
    intervals: bool,
) -> PairScale:
    from scipy.special import ndtri

    tail = check_confidence(confidence)
    if prior is None:
        check_connected(pairs)
    elif not (prior > 0 and np.isfinite(prior)):
        raise InputError(
            f"a prior of {prior} JOD is none", "Give a standard deviation over 0, such as 2."
        )
    ridge = 0.0 if prior is None else (prior * link.per_jod) ** -2
    graph = Laplacian(pairs.first, pairs.second, len(pairs.items), ridge)
    score, tie, rounds = _newton(pairs, link, graph)
    local = link.at(score[pairs.first] - score[pairs.second], tie)
    std = np.full(len(score), np.nan)
    covariance = None
    if intervals:
        graph.weigh(local.curvature)
        shared = _tie_column(pairs, link, graph, local)
        if len(score) <= _EXACT:
            covariance = graph.inverse() + np.outer(shared, shared)
            covariance /= link.per_jod**2
            std = np.sqrt(np.diag(covariance))
        else:
            std = np.sqrt(graph.inverse_diagonal() + shared**2) / link.per_jod
    jod = score / link.per_jod
    half = float(ndtri(tail)) * std
    gap = jod[pairs.first] - jod[pairs.second]
    untied = float(pairs.wins_first.sum() + pairs.wins_second.sum())
    right = float(pairs.wins_first[gap > 0].sum() + pairs.wins_second[gap < 0].sum())
    return PairScale(
        jod=jod,
        std=std,
        low=jod - half,
        high=jod + half,
        covariance=covariance,
        model=model,
        ties=ties,
        tie_factor=float(np.exp(tie)) if link.has_tie else 0.0,
        prior=prior,
        log_likelihood=float(local.value.sum()),
        agreement=right / untied if untied else float("nan"),
        comparisons=pairs.total,
        rounds=rounds,
        confidence=confidence,
    )


def _newton(pairs: Comparisons, link: Link, graph: Laplacian) -> tuple[Floats, float, int]:
    """Scores (items,), the log of the tie factor and the number of steps at the maximum."""
    score, tie = np.zeros(graph.size), link.tie_start
    local = link.at(score[pairs.first] - score[pairs.second], tie)
    value = float(local.value.sum())
    for rounds in range(1, _MAX_ROUNDS + 1):
        graph.weigh(local.curvature)
        slope = pairs.per_item(local.slope, -local.slope) - graph.ridge * score
        if link.has_tie:
            # The tie factor borders the Laplacian by one column: two right-hand sides instead of
            # a matrix without its structure.
            border = pairs.per_item(local.cross, -local.cross)
            step, shadow = graph.solve(np.stack([slope, border], axis=1)).T
            tie_step = float(local.tie_slope.sum() - border @ step)
            tie_step /= float(local.tie_curvature.sum() - border @ shadow)
            step = step - tie_step * shadow
        else:
            step, tie_step = graph.solve(slope[:, None])[:, 0], 0.0
        size = 1.0
        for _ in range(_MAX_HALVINGS):
            moved, moved_tie = score + size * step, tie + size * tie_step
            local = link.at(moved[pairs.first] - moved[pairs.second], moved_tie)
            found = float(local.value.sum()) - graph.ridge / 2 * float(moved @ moved)
            if found >= value - 1e-12 * abs(value):
                break
            size /= 2
        score, tie, value = moved, moved_tie, found
        if max(float(np.abs(step).max()), abs(tie_step)) < _SETTLED:
            return score, tie, rounds
    raise StatsError(
        f"the scale did not settle in {_MAX_ROUNDS} steps", "Give a prior such as prior=5."
    )


def _tie_column(pairs: Comparisons, link: Link, graph: Laplacian, local: Local) -> Floats:
    """What not knowing the tie factor adds to the covariance, as the column of an outer product."""
    if not link.has_tie:
        return np.zeros(graph.size)
    border = pairs.per_item(local.cross, -local.cross)
    shadow = graph.solve(border[:, None])[:, 0]
    return np.asarray(shadow / np.sqrt(float(local.tie_curvature.sum() - border @ shadow)))
