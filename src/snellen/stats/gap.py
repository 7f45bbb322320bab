"""The smallest meaningful gap: how far apart two scores must be to mean anything.

Every pair of images gets two verdicts: the people's (better, worse, no difference) and the scorer's
(its scores differ by at least a threshold, or they tie). The two can agree or fail in three ways:

                      people: different            people: no difference
  scorer: different   correct or *false ranking*   *false differentiation*
  scorer: tie         *false tie*                  correct tie

A larger threshold trades false rankings and differentiations for false ties. The smallest threshold
at which the failures are as rare as between two careful panels of people is the gap to quote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import InputError, StatsError
from snellen.stats import intervals, resampling
from snellen.stats import mapping as maps
from snellen.stats.arrays import Aligned, Floats, align, vector
from snellen.stats.correlation import SRCC, Estimate, bootstrap_name, correlate, need_clusters
from snellen.stats.differences import ImagePairs, judged_by_gap, judged_by_votes
from snellen.stats.prediction import spread_of_votes

# NTIA TR-21-550: how often two careful panels disagree on a ranking, half of how often one of them
# alone sees a difference, and the two together at their most lenient.
_FALSE_RANKING, _FALSE_DIFFERENTIATION, _EITHER = 0.01, 0.10, 0.16

# NTIA TR-21-550: MOS on a scale from 1 to 5 that differ by more are ranked alike by 95 % of panels.
_NTIA_GAP = 0.5 / 4.0

# NTIA TR-21-550: the false rankings of ad-hoc panels of so many people.
_PANELS = ((0.0325, 12), (0.0395, 9), (0.056, 6), (0.0765, 3), (0.0995, 2), (0.1285, 1))


@dataclass(frozen=True)
class Decisions:
    """Shares of all pairs at each threshold; the five of one threshold sum to 1.

    threshold             : (t,) score difference from which the scorer calls two images different.
    correct_ranking, correct_tie, false_tie, false_differentiation, false_ranking : (t,)
    """

    threshold: Floats
    correct_ranking: Floats
    correct_tie: Floats
    false_tie: Floats
    false_differentiation: Floats
    false_ranking: Floats

    @property
    def correct(self) -> Floats:
        """(t,) correct decisions of either kind."""
        return self.correct_ranking + self.correct_tie


@dataclass(frozen=True)
class Gap:
    """How large a score difference must be.

    ideal      : smallest threshold with under 1 % false rankings and 10 % false differentiations;
                 NaN where no threshold has.
    practical  : smallest threshold with under 16 % of both together.
    resolving  : smallest threshold from which the higher-scored image is better with 95 %
                 confidence on average: resolving power. NaN where it never is.
    panel      : people in an ad-hoc panel with as few false rankings when any difference counts
                 (12: 12 or more; 0: more false rankings than one person). NTIA's table holds for
                 its own verdict alone: None without `scale`.
    decisions  : the curves, from no gap to the widest.
    rule       : how people's verdict on a pair was reached.
    n, missing, pairs : images used, images left out, pairs judged.
    """

    ideal: float
    practical: float
    resolving: float
    panel: int | None
    decisions: Decisions
    rule: str
    n: int
    missing: int
    pairs: int


def smallest_gap(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    std: ArrayLike | None = None,
    votes: ArrayLike | None = None,
    scale: tuple[float, float] | None = None,
    level: float = 0.95,
    most_pairs: int = 500_000,
    seed: int = 0,
) -> Gap:
    """The smallest meaningful difference between two scores.

    scores : (n,) higher is better; NaN = unscored.
    mos    : (n,) mean opinion.
    std, votes : (n,) spread and number of the votes (or one number): people's verdict on a pair is
             then a z test at `level`, as in J.149.
    scale  : (lowest, highest) possible MOS. Where std or votes are unknown, people's verdict is a
             MOS difference over an eighth of the scale: NTIA's 0.5 on 1–5.
    most_pairs : above it, so many pairs are drawn at random from `seed`.
    Raises as `srcc`; `StatsError` if scores fall as quality rises.
    Source: ITU-T J.149 and Brill et al. 2004 (errors, resolving power); NTIA TR-21-550, Pinson 2020
    (limits, panels). J.149 fits a curve for resolving power; we take the isotonic fit (ours).
    """
    if scale is not None and not -math.inf < scale[0] < scale[1] < math.inf:
        raise InputError(f"the MOS scale is given as {scale}", "Give (lowest, highest): (1, 5).")
    apart = _NTIA_GAP * (scale[1] - scale[0]) if scale is not None else math.nan
    target = vector(mos, "MOS values")
    if std is not None and votes is not None:
        spread, count = spread_of_votes(std, votes, target.size)
        data = _upright(scores, np.where(np.isnan(spread) | np.isnan(count), np.nan, target))
        pairs = judged_by_votes(data, spread, count, level=level, most=most_pairs, seed=seed)
        rule = f"z test of the MOS difference at {level:.0%}"
    elif scale is not None:
        data = _upright(scores, target)
        pairs = judged_by_gap(data, apart, most=most_pairs, seed=seed)
        rule = f"MOS difference over {apart:g}"
    else:
        raise InputError(
            "neither the votes' spread nor the MOS scale is known",
            "Give std and votes, or scale=(lowest, highest possible MOS).",
        )

    difference = data.scores[0, pairs.first] - data.scores[0, pairs.second]
    size = np.abs(difference)
    told_apart = pairs.verdict != 0
    against = told_apart & (np.sign(difference) == -pairs.verdict)
    false_ranking, false_differentiation = np.sort(size[against]), np.sort(size[~told_apart])
    candidates = np.unique(size[size > 0.0])

    def failing(failures: Floats) -> Floats:
        """Share of all pairs that fail and lie at or above each candidate threshold."""
        reached = failures.size - np.searchsorted(failures, candidates, "left")
        return np.asarray(reached / size.size)

    ranking, differentiation = failing(false_ranking), failing(false_differentiation)
    ideal = (ranking < _FALSE_RANKING) & (differentiation < _FALSE_DIFFERENTIATION)
    practical = ranking + differentiation < _EITHER
    return Gap(
        ideal=_first(candidates, ideal),
        practical=_first(candidates, practical),
        resolving=_resolving_power(difference, pairs),
        panel=None if scale is None else _panel(difference, pairs.difference, apart),
        decisions=_decisions(difference, pairs),
        rule=rule,
        n=data.n,
        missing=data.missing,
        pairs=int(size.size),
    )


def equivalent_raters(
    scores: ArrayLike,
    mos: ArrayLike,
    std: ArrayLike,
    votes: ArrayLike,
    *,
    mapping: maps.Kind = "logistic4",
    folds: int = 5,
    clusters: Sequence[Any] | ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """How many people's mean vote predicts the true MOS as well as the scorer does.

    The squared error of a panel of k people is std²/k on average; that of the scorer, mapped to the
    MOS scale (cross-fitted), is its mean squared error less the noise std²/votes of the MOS it is
    judged by. The number is mean std² over the latter: infinite where the scorer errs by no more
    than that noise, so that these votes cannot tell it from the truth.
    std, votes : (n,) as in `outlier_ratio`. Interval: percentile bootstrap, the map taken as given.
    Raises as `srcc`.  Source: ours, after the reliability argument of Spearman 1910 and Brown 1910.
    """
    intervals.check_confidence(confidence)
    target = vector(mos, "MOS values")
    spread, count = spread_of_votes(std, votes, target.size)
    data = align([scores], np.where(np.isnan(spread) | np.isnan(count), np.nan, target), clusters)
    need_clusters(data)
    data = maps.mapped(data, mapping, maps.deal_folds(data.clusters, folds, seed))
    single = spread[data.position] ** 2
    excess = (data.scores[0] - data.mos) ** 2 - single / count[data.position]
    if not single.any():
        raise StatsError(
            f"the votes of all {data.n} images are unanimous (std 0)",
            "One vote would then do; check the column of standard deviations.",
        )
    sums = np.stack([single, excess], axis=1)

    # The share of one vote's error that the scorer leaves: one over the number, and always finite.
    def share(counts: resampling.Counts) -> Floats:
        drawn = counts @ sums
        return np.asarray(drawn[:, 1:] / drawn[:, :1])

    def people(share: float) -> float:
        return 1.0 / share if share > 0.0 else math.inf

    draws = resampling.bootstrap(share, data.clusters, resamples=resamples, seed=seed)[:, 0]
    least, most = intervals.percentile_interval(draws, data.n_clusters, confidence)
    return Estimate(
        name="equivalent raters",
        value=people(float(share(np.ones((1, data.n), np.int32))[0, 0])),
        low=people(most),
        high=people(least),
        n=data.n,
        missing=data.missing,
        method=bootstrap_name("percentile", data, resamples),
        confidence=confidence,
        mapping=mapping,
        fit="cross-fitted",
    )


def _panel(difference: Floats, mos_difference: Floats, apart: float) -> int:
    """People in the ad-hoc panel that ranks as many pairs falsely, by NTIA's table."""
    false = (np.abs(mos_difference) > apart) & (np.sign(difference) == -np.sign(mos_difference))
    return next((people for limit, people in _PANELS if false.mean() <= limit), 0)


def _upright(scores: ArrayLike, mos: Floats) -> Aligned:
    """Aligned data of a scorer that rises with quality; a scorer that falls is refused."""
    data = align([scores], mos)
    found = correlate(SRCC, data, interval="analytic")[0]
    if found.reversed:
        raise StatsError(
            f"the scores fall as the MOS rises (SRCC {found.value:.2f})",
            "Negate scores for which lower is better.",
        )
    return data


def _first(candidates: Floats, meets: Any) -> float:
    """The smallest candidate that meets a condition, or NaN."""
    where = np.flatnonzero(meets)
    return float(candidates[where[0]]) if where.size else math.nan


def _decisions(difference: Floats, pairs: ImagePairs, points: int = 101) -> Decisions:
    """The five shares at `points` thresholds from the smallest to the widest score difference."""
    size, told_apart = np.abs(difference), pairs.verdict != 0
    agree = told_apart & (np.sign(difference) == pairs.verdict)
    against = told_apart & (np.sign(difference) == -pairs.verdict)
    threshold = np.linspace(float(size[size > 0.0].min()), float(size.max()), points)

    def beyond(group: Any) -> Floats:
        """Share of all pairs that are of a group and called different at each threshold."""
        ordered = np.sort(size[group])
        return np.asarray((ordered.size - np.searchsorted(ordered, threshold, "left")) / size.size)

    correct, wrong, invented = beyond(agree), beyond(against), beyond(~told_apart)
    return Decisions(
        threshold=threshold,
        correct_ranking=correct,
        correct_tie=float(np.mean(~told_apart)) - invented,
        false_tie=float(np.mean(told_apart)) - correct - wrong,
        false_differentiation=invented,
        false_ranking=wrong,
    )


def _resolving_power(difference: Floats, pairs: ImagePairs, level: float = 0.95) -> float:
    """Smallest score difference at which the higher-scored image is better with `level` confidence.

    Confidence in a pair is from its votes, or without them whether the MOS are in that order; it is
    smoothed over score difference by an isotonic fit.
    """
    from scipy.optimize import isotonic_regression

    first_higher = difference > 0.0
    better = pairs.confidence
    if better is None:
        better = 0.5 * (1.0 + np.sign(pairs.difference))
    sure = np.where(first_higher, better, 1.0 - better)
    apart = difference != 0.0
    gaps, group = np.unique(np.abs(difference[apart]), return_inverse=True)
    weight = np.bincount(group.reshape(-1))
    mean = np.bincount(group.reshape(-1), sure[apart]) / weight
    return _first(gaps, isotonic_regression(mean, weights=weight).x >= level)
