"""From the verdicts of a tournament to scores with intervals.

Bradley–Terry takes every comparison as one vote. A judge's probability says more than a vote, and a
weak judge's few votes say less than they seem to. Both are met from the verdicts themselves: the
spread of the prior is the one that best predicts verdicts left out, and intervals are as wide as
the verdicts really scatter about the scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.errors import MissingAnswer, TooFewRatings
from snellen.scoring.pairs import Verdict
from snellen.stats import Comparisons, PairScale, bradley_terry, collect_counts, thurstone

Floats: TypeAlias = npt.NDArray[np.float64]
Model: TypeAlias = Literal["bradley-terry", "thurstone"]
MODELS: tuple[Model, ...] = ("bradley-terry", "thurstone")
Meeting: TypeAlias = tuple[int, int]

START_PRIOR = 2.0
"""Spread in JOD of the prior while the tournament still runs; it only orders the pairing. Ours."""
_PRIORS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # JOD; tried on verdicts left out
_FOLDS = 5
_BLOCK = 1000  # rows of the table image × opponent worked on at a time


@dataclass(frozen=True)
class Standing:
    """Where the players stand; all arrays by place in `comparisons.items`.

    scale      : JOD with intervals that respect the dispersion.
    percent, low, high : mean chance in percent of being preferred to another player; interval.
    dispersion : scatter of the verdicts about the scale over that of single votes, at most 1: near
                 0 for a judge whose probabilities fit one scale, 1 where it only gives votes.
    comparisons: what was fitted, players as numbers.
    """

    scale: PairScale
    percent: Floats
    low: Floats
    high: Floats
    dispersion: float
    comparisons: Comparisons


def provisional(n: int, played: Sequence[Meeting], verdicts: Sequence[Verdict]) -> Floats:
    """(n,) JOD as far as is known, 0 for who was not compared: what the next round goes by."""
    found = np.zeros(n)
    try:
        pairs = _counted(played, verdicts)
    except TooFewRatings:
        return found
    found[_places(pairs)] = bradley_terry(pairs, prior=START_PRIOR, intervals=False).jod
    return found


def final(
    n: int,
    played: Sequence[Meeting],
    verdicts: Sequence[Verdict],
    model: Model = "bradley-terry",
    confidence: float = 0.95,
) -> Standing:
    """The standing after all rounds.

    n        : players.
    played   : (one, other) numbers of players, one meeting a verdict.
    Intervals are normal, from the observed information times the dispersion (Wedderburn 1974,
    quasi-likelihood; fractions as responses: Papke & Wooldridge 1996); choosing the prior by what
    it predicts is ours. Raises `MissingAnswer` where no verdict was given.
    """
    try:
        pairs = _counted(played, verdicts)
    except TooFewRatings:
        raise MissingAnswer(
            f"none of {len(played)} comparisons was answered: {verdicts[0].missing}",
            "Run `snellen doctor JUDGE`.",
        ) from None
    fit = thurstone if model == "thurstone" else bradley_terry
    scale = fit(pairs, prior=_prior(n, played, verdicts), confidence=confidence)
    dispersion = _dispersion(pairs, scale)
    root = math.sqrt(dispersion)
    scale = replace(
        scale,
        std=scale.std * root,
        low=scale.jod + (scale.low - scale.jod) * root,
        high=scale.jod + (scale.high - scale.jod) * root,
        covariance=None if scale.covariance is None else scale.covariance * dispersion,
    )
    return Standing(scale, *_percent(scale), dispersion, pairs)


def _counted(played: Sequence[Meeting], verdicts: Sequence[Verdict]) -> Comparisons:
    """The verdicts as fractions of wins. Raises `TooFewRatings` where there are none."""
    first, second = np.array(played, dtype=np.int64).reshape(-1, 2).T
    weight = np.array([verdict.weight for verdict in verdicts])
    preference = np.array([0.5 if v.missing else v.preference for v in verdicts])
    return collect_counts(first, second, weight * preference, weight * (1 - preference))


def _places(pairs: Comparisons) -> npt.NDArray[np.int64]:
    """Numbers of the players of `pairs`, by code."""
    return np.array(pairs.items, dtype=np.int64)


def _prior(n: int, played: Sequence[Meeting], verdicts: Sequence[Verdict]) -> float:
    """The spread under which verdicts left out are predicted best (log loss, five folds)."""
    loss = dict.fromkeys(_PRIORS, 0.0)
    for fold in range(_FOLDS):
        kept = [at for at in range(len(played)) if at % _FOLDS != fold]
        left = range(fold, len(played), _FOLDS)
        try:
            known = _counted([played[at] for at in kept], [verdicts[at] for at in kept])
            asked = _counted([played[at] for at in left], [verdicts[at] for at in left])
        except TooFewRatings:  # too few verdicts to leave any out
            continue
        one, other = _places(asked)[asked.first], _places(asked)[asked.second]
        for prior in _PRIORS:
            scale = bradley_terry(known, prior=prior, intervals=False)
            jod = np.zeros(n)
            jod[_places(known)] = scale.jod
            p = np.clip(scale.chance(jod[one] - jod[other]), 1e-9, 1 - 1e-9)
            gained = asked.wins_first * np.log(p) + asked.wins_second * np.log1p(-p)
            loss[prior] -= float(gained.sum())
    if not any(loss.values()):
        return START_PRIOR
    return min(_PRIORS, key=lambda prior: loss[prior])


def _dispersion(pairs: Comparisons, scale: PairScale) -> float:
    """Pearson's statistic over its degrees of freedom, at most 1; 1 where verdicts are votes.

    From votes alone (0, ½, 1) it would come out too small after a fit with so many parameters.
    """
    total = pairs.wins_first + pairs.wins_second
    said = pairs.wins_first / total
    if np.isin(said, (0.0, 0.5, 1.0)).all():
        return 1.0
    p = np.clip(scale.preference(pairs.first, pairs.second), 1e-9, 1 - 1e-9)
    fitted = len(scale.jod) - float(np.sum(scale.std**2)) / (scale.prior or math.inf) ** 2
    free = max(1.0, len(pairs) - fitted)
    return float(min(1.0, np.sum(total * (said - p) ** 2 / (p * (1 - p))) / free))


def _percent(scale: PairScale) -> tuple[Floats, Floats, Floats]:
    """Value, low and high (items,): mean chance in percent of being preferred to another item."""
    n = len(scale.jod)

    def over(jod: Floats) -> Floats:
        total = np.empty(n)
        for start in range(0, n, _BLOCK):  # the whole table of 20,000 images would take 3 GB
            rows = slice(start, start + _BLOCK)
            total[rows] = scale.chance(jod[rows, None] - scale.jod).sum(axis=1)
        return 100 * (total - scale.chance(jod - scale.jod)) / (n - 1)

    return over(scale.jod), over(scale.low), over(scale.high)
