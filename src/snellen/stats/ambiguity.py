"""The subject model with content: which contents raters disagree about, whoever rates.

    model = fit_ambiguity(votes, content)      # content: the source image of each item
    model.ambiguity                            # one per content

A vote is quality + the rater's bias + noise of the rater's size + noise of the content's size. The
plain subject model (`snellen.stats.subjects`) is this without the last term.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snellen.errors import InputError, StatsError, TooFewRatings
from snellen.stats.subjects import check_panel, fit_subjects
from snellen.stats.votes import Codes, Floats, Votes, check_confidence, encode

# Variances are fitted in units of all votes' variance; this is the least a rater may have.
_FLOOR = 1e-6


@dataclass(frozen=True)
class AmbiguityModel:
    """Maximum-likelihood estimates, one entry per item, rater or content.

    quality, std, low, high : (items,) quality in the raters' scale, its standard error, interval.
    bias          : (raters,) how much more than the panel a rater gives; the mean is 0.
    inconsistency : (raters,) standard deviation of a rater's votes about quality + bias on the
                    least ambiguous content.
    ambiguity, ambiguity_low, ambiguity_high : (contents,) standard deviation that a content adds
                    to every rater's votes, its interval; 0 for the least ambiguous.
    contents      : names in the order of `ambiguity`.
    log_likelihood: of all votes.  bic : Bayesian information criterion, comparable with that of
                    `SubjectModel`: content matters where it is smaller here.
    """

    quality: Floats
    std: Floats
    low: Floats
    high: Floats
    bias: Floats
    inconsistency: Floats
    ambiguity: Floats
    ambiguity_low: Floats
    ambiguity_high: Floats
    contents: tuple[Hashable, ...]
    log_likelihood: float
    bic: float
    confidence: float


def fit_ambiguity(
    votes: Votes, content: npt.ArrayLike, confidence: float = 0.95, prior_votes: float = 0.0
) -> AmbiguityModel:
    """Quality, bias, inconsistency and content ambiguity by maximum likelihood.

    content     : (items,) what each item shows (its source), in the order of `votes.items`; a
                  content needs items or votes enough to tell its spread, some 20 votes.
    prior_votes : as in `fit_subjects`, whose estimate this one starts from.
    Only sums of a rater's and a content's variance show in votes: adding to all of one kind and
    taking from the other changes nothing. The published model leaves that open; here the least
    ambiguous content is given 0 and ambiguity is what the others have beyond it (ours). Its
    interval comes from the expected information. As in all maximum likelihood the variances are too
    small by the qualities' share of the votes, about one in the number of raters.
    Raises `TooFewRatings` under 3 raters, 2 items or 2 contents, `InputError` for a content of the
    wrong length, `StatsError` when a rater's votes are fitted exactly or nothing converges.
    Source: Li & Bampis, "Recover subjective quality scores from noisy measurements", DCC 2017;
    maximised by L-BFGS-B instead of their belief propagation (ours).
    """
    from scipy.optimize import minimize
    from scipy.special import ndtri

    normal = float(ndtri(check_confidence(confidence)))
    check_panel(votes)
    codes, contents = encode(np.asarray(content).tolist())
    if len(codes) != len(votes.items):
        raise InputError(
            f"{len(codes)} contents for {len(votes.items)} items",
            "Give one content per item, in the order of votes.items.",
        )
    if len(contents) < 2:
        raise TooFewRatings(
            "all items show one content", "Ambiguity compares contents; use the subject model."
        )
    unit = float(votes.score.std())
    problem = _Problem(votes, codes[votes.item], len(contents), unit)
    start = fit_subjects(votes, prior_votes=prior_votes)
    variance = (start.inconsistency / unit) ** 2
    found = minimize(
        problem.loss,
        np.concatenate(
            [
                start.quality / unit,
                start.bias / unit,
                np.maximum(variance * 0.8, _FLOOR),
                np.full(len(contents), variance.mean() * 0.2),
            ]
        ),
        jac=True,
        method="L-BFGS-B",
        bounds=problem.bounds,
        options={"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-14, "gtol": 1e-7, "maxcor": 30},
    )
    if found.status == 1:
        raise StatsError(
            "the ambiguity model did not converge", "Use the subject model, or more votes."
        )
    quality, bias, own, added = problem.parts(found.x)
    least = int(np.argmin(added))
    own, added = own + added[least], added - added[least]
    if (own <= 2 * _FLOOR).any():
        name = votes.raters[int(np.argmin(own))]
        raise StatsError(
            f"the votes of rater {name!r} are fitted exactly by the ambiguity model",
            "Leave out raters with few votes, or use the subject model with prior_votes=5.",
        )
    total = own[votes.rater] + added[problem.content]
    half = normal * _variance_errors(problem, total, len(votes.raters), least)
    std = unit / np.sqrt(votes.per_item(1 / total))
    shift = float(bias.mean())
    quality = (quality + shift) * unit
    log_likelihood = -float(found.fun) - len(votes) * float(np.log(unit))
    # The means of bias and of ambiguity are fixed: two parameters are not free.
    free = len(votes.items) + 2 * len(votes.raters) + len(contents) - 2
    return AmbiguityModel(
        quality=quality,
        std=std,
        low=quality - normal * std,
        high=quality + normal * std,
        bias=(bias - shift) * unit,
        inconsistency=np.sqrt(own) * unit,
        ambiguity=np.sqrt(added) * unit,
        ambiguity_low=np.sqrt(np.maximum(added - half, 0)) * unit,
        ambiguity_high=np.sqrt(added + half) * unit,
        contents=contents,
        log_likelihood=log_likelihood,
        bic=float(np.log(len(votes))) * free - 2 * log_likelihood,
        confidence=confidence,
    )


class _Problem:
    """The negative log-likelihood of votes in units of `unit`, and its gradient.

    Parameters in one vector: quality (items), bias (raters), a rater's variance (raters) and a
    content's (contents).
    """

    def __init__(self, votes: Votes, content: Codes, contents: int, unit: float) -> None:
        self.votes, self.content, self.contents = votes, content, contents
        self.score = votes.score / unit
        raters = len(votes.raters)
        self._cuts = np.cumsum([len(votes.items), raters, raters])
        self.bounds: list[tuple[float | None, None]] = [(None, None)] * int(self._cuts[1])
        self.bounds += [(_FLOOR, None)] * raters + [(0.0, None)] * contents

    def parts(self, x: Floats) -> list[Floats]:
        return np.split(x, self._cuts)

    def per_content(self, values: Floats) -> Floats:
        return np.bincount(self.content, values, self.contents).astype(np.float64)

    def loss(self, x: Floats) -> tuple[float, Floats]:
        votes = self.votes
        quality, bias, own, added = self.parts(x)
        total = own[votes.rater] + added[self.content]
        rest = self.score - quality[votes.item] - bias[votes.rater]
        pull = rest / total
        by_variance = 0.5 * (1 / total - pull**2)
        value = 0.5 * float(np.log(2 * np.pi * total).sum() + rest @ pull)
        slopes = (
            -votes.per_item(pull),
            -votes.per_rater(pull),
            votes.per_rater(by_variance),
            self.per_content(by_variance),
        )
        return value, np.concatenate(slopes)


def _variance_errors(problem: _Problem, total: Floats, raters: int, least: int) -> Floats:
    """(contents,) standard error of each content's variance minus that of content `least`.

    The expected information of the variances is that of a two-way table with the weights
    1 / (2 total²). Its one free direction, the trade between raters and contents, drops out of
    differences of contents, which the pseudo-inverse therefore gets right.
    """
    weight = 0.5 / total**2
    cross = np.zeros((raters, problem.contents))
    np.add.at(cross, (problem.votes.rater, problem.content), weight)
    own = np.diag(problem.votes.per_rater(weight))
    added = np.diag(problem.per_content(weight))
    covariance = np.linalg.pinv(np.block([[own, cross], [cross.T, added]]), hermitian=True)
    block = covariance[raters:, raters:]
    variance = np.diag(block) + block[least, least] - 2 * block[:, least]
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
