"""Statistics of image quality on plain arrays: numpy and scipy, no files, no images, no models.

People: votes (mean opinion scores), screening, reliability, subjects (P.910), pairs and scaling
(Bradley–Terry, Thurstone, JOD), levels (soft five-level distributions).
"""

from __future__ import annotations

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
    OpinionScores,
    SosFit,
    Votes,
    collect_votes,
    fit_sos,
    mean_opinion_scores,
)

__all__ = [
    "Alpha",
    "Bt500Screening",
    "Intraclass",
    "OpinionScores",
    "P913Screening",
    "SosFit",
    "SubjectModel",
    "Votes",
    "collect_votes",
    "fit_sos",
    "fit_subjects",
    "intraclass_correlation",
    "krippendorff_alpha",
    "mean_opinion_scores",
    "rater_srcc",
    "screen_bt500",
    "screen_p913",
]
