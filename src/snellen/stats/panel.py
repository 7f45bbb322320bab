"""A panel of raters at a glance: every statistic of raw votes at once, or why it is missing.

panel = describe_panel(votes, scale=(1, 5))
panel.opinions.mos, panel.subjects.quality, panel.p913.rejected, panel.notes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from snellen.errors import StatsError
from snellen.stats.ambiguity import AmbiguityModel, fit_ambiguity
from snellen.stats.reliability import (
    Alpha,
    Intraclass,
    intraclass_correlation,
    krippendorff_alpha,
    rater_srcc,
)
from snellen.stats.screening import Bt500Screening, P913Screening, screen_bt500, screen_p913
from snellen.stats.subjects import SubjectModel, fit_subjects
from snellen.stats.votes import (
    Floats,
    OpinionScores,
    SosFit,
    Votes,
    fit_sos,
    mean_opinion_scores,
)
from snellen.wording import counted

# A variance from fewer votes than this is hardly known, and one that comes out small by chance
# gives its rater nearly all the weight: so many votes are borrowed from all raters then.
_FEW_VOTES, _PRIOR_VOTES = 10, 5.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class Panel:
    """What is known of a panel; None where the votes cannot tell, with the reason in `notes`.

    srcc        : (raters,) each rater against the mean of the others, NaN where it does not exist.
    prior_votes : with which the subject model was fitted (see `fit_subjects`).
    notes       : one sentence each, for people.
    """

    votes: Votes
    scale: tuple[float, float]
    opinions: OpinionScores
    sos: SosFit | None
    alpha_interval: Alpha | None
    alpha_ordinal: Alpha | None
    intraclass: Intraclass | None
    srcc: Floats
    bt500: Bt500Screening | None
    p913: P913Screening | None
    subjects: SubjectModel | None
    ambiguity: AmbiguityModel | None
    prior_votes: float
    notes: tuple[str, ...]

    def reasons(self) -> list[str]:
        """(raters) which standards would leave each rater out, and why; "" for the others."""
        found: list[list[str]] = [[] for _ in self.votes.raters]
        for standard, screening in (("BT.500", self.bt500), ("P.913", self.p913)):
            if screening is not None:
                for code in np.flatnonzero(screening.rejected):
                    found[code].append(f"{standard}: {screening.reasons[code]}")
        return ["; ".join(reasons) for reasons in found]


def describe_panel(
    votes: Votes,
    scale: tuple[float, float] | None = None,
    condition: npt.ArrayLike | None = None,
    content: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    r1_limit: float = 0.75,
    variance: Literal["unbiased", "p910"] = "unbiased",
) -> Panel:
    """Everything that `snellen.stats` can say of raw votes.

    scale     : ends of the rating scale; the range of the votes where not given, and noted.
    condition, r1_limit : of the screening by P.913, see `screen_p913`.
    content   : (items,) for the ambiguity of contents.
    variance  : of the subject model, see `fit_subjects`.
    A statistic that these votes cannot give is None, its reason a note. Where some raters gave too
    few votes for the subject model, it is fitted with their spread drawn to all raters', and noted.
    Raises what `mean_opinion_scores` raises.
    """
    notes = _first_notes(votes)
    if scale is None:
        scale = (float(votes.score.min()), float(votes.score.max()))
        if scale[0] < scale[1]:
            notes.append(
                f"the scale is taken to run from {scale[0]:g} to {scale[1]:g}, as the votes do"
            )
    ends = scale

    def attempt(what: str, function: Callable[[], Found]) -> Found | None:
        try:
            return function()
        except StatsError as error:
            notes.append(f"no {what}: {error.what}")
            return None

    opinions = mean_opinion_scores(votes, confidence)
    subjects, prior_votes = _subjects(votes, confidence, variance, notes)
    sos = None
    if ends[0] < ends[1]:
        sos = attempt(
            "SOS parameter", lambda: fit_sos(opinions.mos, opinions.std, ends, confidence)
        )
    none_known = np.full(len(votes.raters), np.nan)
    srcc = attempt("agreement of raters with the rest", lambda: rater_srcc(votes))
    ambiguity = None
    if content is not None and subjects is not None:
        ambiguity = attempt(
            "ambiguity of contents",
            lambda: fit_ambiguity(votes, content, confidence, prior_votes),
        )
    return Panel(
        votes=votes,
        scale=scale,
        opinions=opinions,
        sos=sos,
        alpha_interval=attempt(
            "Krippendorff's alpha", lambda: krippendorff_alpha(votes, "interval", confidence)
        ),
        alpha_ordinal=attempt(
            "ordinal alpha", lambda: krippendorff_alpha(votes, "ordinal", confidence)
        ),
        intraclass=attempt("intraclass correlation", lambda: intraclass_correlation(votes)),
        srcc=none_known if srcc is None else srcc,
        bt500=attempt("screening by BT.500", lambda: screen_bt500(votes)),
        p913=attempt("screening by P.913", lambda: screen_p913(votes, condition, r1_limit)),
        subjects=subjects,
        ambiguity=ambiguity,
        prior_votes=prior_votes,
        notes=tuple(notes),
    )


def _first_notes(votes: Votes) -> list[str]:
    """What anybody should know of the votes before reading a figure made from them."""
    notes = []
    if votes.missing:
        notes.append(f"left out for want of a score: {counted(votes.missing, 'row')}")
    if votes.repeats:
        notes.append(
            "a rater's vote repeated on the same item counts again: "
            + counted(votes.repeats, "vote")
        )
    if len(votes.raters) == 1:
        notes.append("there is one rater: these are one person's votes, without intervals")
    if votes.score.min() == votes.score.max():
        notes.append(f"every vote is {votes.score[0]:g}")
    single = int((votes.per_item() == 1).sum())
    if single and len(votes.raters) > 1:
        notes.append(f"a single vote and so no interval: {counted(single, 'item')}")
    return notes


def _subjects(
    votes: Votes, confidence: float, variance: Literal["unbiased", "p910"], notes: list[str]
) -> tuple[SubjectModel | None, float]:
    """The subject model, with borrowed votes where some raters gave few, or None."""
    few = int((votes.per_rater() < _FEW_VOTES).sum())
    prior_votes = _PRIOR_VOTES if few else 0.0
    try:
        model = fit_subjects(votes, confidence, variance, prior_votes=prior_votes)
    except StatsError as error:
        notes.append(f"no subject model: {error.what}")
        return None, 0.0
    if few:
        notes.append(
            f"{counted(few, 'rater')} gave fewer than {_FEW_VOTES} votes: the subject model draws "
            f"all raters' spreads together by {prior_votes:g} votes"
        )
    return model, prior_votes
