"""The subject model of ITU-T P.910: a rater's bias and inconsistency, found with the quality.

    model = fit_subjects(votes)
    model.quality, model.low, model.high        # one per item
    model.bias, model.inconsistency             # one per rater

Every vote is quality + the rater's bias + noise of the rater's own size. Careless raters weigh
little instead of being rejected, and a strict one shifts nothing.
`snellen.stats.ambiguity` adds what makes a content hard to judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from snellen.errors import ConstantValues, InputError, StatsError, TooFewRatings
from snellen.stats.votes import Floats, Votes, check_confidence

# P.910's own constants: they also guard the weights of raters without any residual.
_TOLERANCE = 1e-8
_EPSILON = 1e-8
_MAX_ROUNDS = 1000
# A rater whose variance is this small beside all raters' is fitted exactly: the likelihood grows
# without bound there and the "estimate" is that rater's own votes.
_COLLAPSED = 1e-6


@dataclass(frozen=True)
class SubjectModel:
    """Maximum-likelihood estimates, one entry per item or per rater of the votes.

    quality, std, low, high : (items,) quality in the raters' scale, its standard error, interval.
    bias, bias_low, bias_high : (raters,) how much more than the panel a rater gives; their mean,
        weighted by votes, is 0 (with "p910" the plain one).
    inconsistency, inconsistency_low, inconsistency_high : (raters,) standard deviation of a
        rater's votes about quality + bias; its interval.
    log_likelihood : of all votes.  bic : Bayesian information criterion of all votes, smaller is
        better (P.910 divides both by the number of votes).
    rounds : iterations until nothing moved by more than 1e-8 of the votes' spread.
    variance, interval : how they were made, see `fit_subjects`.
    """

    quality: Floats
    std: Floats
    low: Floats
    high: Floats
    bias: Floats
    bias_low: Floats
    bias_high: Floats
    inconsistency: Floats
    inconsistency_low: Floats
    inconsistency_high: Floats
    log_likelihood: float
    bic: float
    rounds: int
    confidence: float
    variance: str
    interval: str


def fit_subjects(
    votes: Votes,
    confidence: float = 0.95,
    variance: Literal["unbiased", "p910"] = "unbiased",
    interval: Literal["information", "residual"] = "information",
    prior_votes: float = 0.0,
) -> SubjectModel:
    """Quality, bias and inconsistency by alternating projection.

    variance    : of each rater's residuals. "p910": their mean square, as in the standard. That is
                  too small for whoever weighs much, since the quality then follows his own votes;
                  in panels under some 20 raters it often runs away until the best rater *is* the
                  quality (an error here). "unbiased": divided by what the fit left free of them
                  instead of by their number, which cannot run away and whose intervals hold (ours).
    interval    : of the quality. "information": from the inconsistencies, 1 / √Σ(1 / v²) (what the
                  model itself says). "residual": from the item's own residuals, σ / √n, the
                  "SOS" that P.910's reference program prints, with the normal quantile: wider for
                  items that raters disagree about more than the model says.
    prior_votes : above 0 every rater's variance is drawn towards all raters' with the weight of so
                  many votes (ours): needed where some raters gave only a few votes.
    Bias is relative to these raters: quality is what their mean would give with infinitely many
    votes.
    Raises `TooFewRatings` under 3 raters or 2 items, `ConstantValues` when every vote is equal,
    `StatsError` when a rater's votes are fitted exactly or the iteration does not settle.
    Source: ITU-T P.910 (2022) Appendix VI; Li, Bampis, Krasula, Janowski & Katsavounidis, "A simple
    model for subject behavior in subjective experiments", HVEI 2020 (its AP; interval "residual":
    AP2). "unbiased": Horn, Horn & Duncan, "Estimating heteroscedastic variances in linear models",
    1975. The interval of the inconsistency is that of a standard deviation (chi-square).
    """
    from scipy.special import chdtri, ndtri

    tail = check_confidence(confidence)
    _check_options(variance, interval, prior_votes)
    check_panel(votes)
    n_item, n_rater = votes.per_item(), votes.per_rater()
    quality = votes.per_item(votes.score) / n_item
    bias = votes.per_rater(votes.score - quality[votes.item]) / n_rater
    weight = np.ones(len(votes))
    tolerance = _TOLERANCE * float(votes.score.std())
    rounds, moved = 0, np.inf
    while moved >= tolerance:
        if rounds == _MAX_ROUNDS:
            raise StatsError(
                f"the subject model did not settle in {_MAX_ROUNDS} rounds",
                "Raters may share too few items; use the mean opinion scores.",
            )
        rounds += 1
        before = quality
        rest = votes.score - quality[votes.item] - bias[votes.rater]
        free = n_rater if variance == "p910" else _free_votes(votes, weight, n_rater)
        spread = _variances(votes, rest, free, prior_votes)
        weight = (1 / (spread + _EPSILON))[votes.rater]
        unbiased = votes.score - bias[votes.rater]
        quality = votes.per_item(weight * unbiased) / votes.per_item(weight)
        bias = votes.per_rater(votes.score - quality[votes.item]) / n_rater
        moved = float(np.linalg.norm(quality - before))
    _check_collapse(votes, spread)
    # The standard's mean of the raters would let one with two votes shift every quality.
    shift = float(bias.mean() if variance == "p910" else n_rater @ bias / n_rater.sum())
    quality, bias = quality + shift, bias - shift
    # The residuals of the last round, as P.910's program uses them for both spreads it reports.
    if interval == "information":
        std = 1 / np.sqrt(votes.per_item((1 / spread)[votes.rater]))
    else:
        mean = votes.per_item(rest) / n_item
        std = np.sqrt(votes.per_item((rest - mean[votes.item]) ** 2)) / n_item
    normal = float(ndtri(tail))
    inconsistency = np.sqrt(spread)
    bias_std = inconsistency / np.sqrt(n_rater)
    known = free + prior_votes
    loss = votes.score - quality[votes.item] - bias[votes.rater]
    log_likelihood = float(
        -0.5 * np.sum(np.log(2 * np.pi * spread)[votes.rater] + loss**2 / spread[votes.rater])
    )
    # Bias sums to zero, so that one of the parameters is not free (P.910's program counts it).
    parameters = len(votes.items) + 2 * len(votes.raters) - 1
    return SubjectModel(
        quality=quality,
        std=std,
        low=quality - normal * std,
        high=quality + normal * std,
        bias=bias,
        bias_low=bias - normal * bias_std,
        bias_high=bias + normal * bias_std,
        inconsistency=inconsistency,
        inconsistency_low=inconsistency * np.sqrt(known / chdtri(known, 1 - tail)),
        inconsistency_high=inconsistency * np.sqrt(known / chdtri(known, tail)),
        log_likelihood=log_likelihood,
        bic=float(np.log(len(votes))) * parameters - 2 * log_likelihood,
        rounds=rounds,
        confidence=confidence,
        variance=variance,
        interval=interval,
    )


def check_panel(votes: Votes) -> None:
    """Refuse votes from which quality and raters cannot be told apart."""
    if len(votes.raters) < 3 or len(votes.items) < 2:
        raise TooFewRatings(
            f"{len(votes.raters)} raters on {len(votes.items)} items",
            "The subject model needs 3 raters and 2 items; use the mean opinion scores.",
        )
    if votes.score.min() == votes.score.max():
        raise ConstantValues(f"every vote is {votes.score[0]:g}", "Nothing is left to model.")


def _check_options(variance: str, interval: str, prior_votes: float) -> None:
    if variance not in ("unbiased", "p910"):
        raise InputError(f"variance is {variance!r}", 'Give "unbiased" or "p910".')
    if interval not in ("information", "residual"):
        raise InputError(f"interval is {interval!r}", 'Give "information" or "residual".')
    if not prior_votes >= 0:
        raise InputError(f"prior_votes is {prior_votes}", "Give 0 or more.")


def _free_votes(votes: Votes, weight: Floats, n_rater: Floats) -> Floats:
    """(raters,) votes' worth of residuals that the fit of qualities and bias leaves free.

    A vote takes its share of the item's weight out of its own residual, and a rater's bias one
    vote of his residuals.
    """
    share = weight / votes.per_item(weight)[votes.item]
    return votes.per_rater(1 - share) * (1 - 1 / n_rater)


def _variances(votes: Votes, rest: Floats, free: Floats, prior_votes: float) -> Floats:
    """(raters,) variance of each rater's residuals about their mean, drawn to that of all."""
    mean = votes.per_rater(rest) / votes.per_rater()
    squares = votes.per_rater((rest - mean[votes.rater]) ** 2)
    shared = float(squares.sum()) / float(free.sum())
    known = free + prior_votes
    found = np.zeros_like(squares)
    return np.divide(squares + prior_votes * shared, known, out=found, where=known > 0)


def _check_collapse(votes: Votes, variance: Floats) -> None:
    fitted = np.flatnonzero(variance < _COLLAPSED * float(variance.mean()))
    if len(fitted):
        name = votes.raters[fitted[0]]
        given = int(votes.per_rater()[fitted[0]])
        raise StatsError(
            f"{len(fitted)} of {len(variance)} raters are fitted exactly by the subject model, "
            f"such as {name!r} with {given} votes",
            'Take variance="unbiased", or prior_votes=5 where raters gave few votes.',
        )
