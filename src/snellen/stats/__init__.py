"""Statistics for image quality: agreement of scorers with people, and what people's votes say.

Plain functions on plain arrays; numpy and scipy only. Results are frozen dataclasses.

Agreement: agreement (all figures of one scorer), correlation, prediction, mapping, intervals,
comparison, krasula, power, gap; arrays, resampling and differences are what they stand on.
People: votes (mean opinion scores), screening, reliability, subjects (P.910), pairs and scaling
(Bradley–Terry, Thurstone, JOD), levels (soft five-level distributions).
"""

from __future__ import annotations

from snellen.stats.agreement import AfterMap, Agreement, agreement
from snellen.stats.ambiguity import AmbiguityModel, fit_ambiguity
from snellen.stats.comparison import (
    Comparison,
    PairTest,
    compare,
    holm,
    steiger,
    williams,
)
from snellen.stats.correlation import Correlation, Estimate, krcc, plcc, srcc
from snellen.stats.gap import Decisions, Gap, equivalent_raters, smallest_gap
from snellen.stats.krasula import Krasula, krasula
from snellen.stats.levels import LEVELS, expected_score, soft_levels
from snellen.stats.mapping import Mapping, cross_fit, fit_mapping
from snellen.stats.pairs import Comparisons, check_connected, collect_counts, collect_pairs
from snellen.stats.panel import Panel, describe_panel
from snellen.stats.power import (
    Power,
    detectable_difference,
    images_needed,
    power_from_pilot,
)
from snellen.stats.prediction import outlier_ratio, rmse
from snellen.stats.reliability import (
    Alpha,
    Intraclass,
    intraclass_correlation,
    krippendorff_alpha,
    rater_srcc,
)
from snellen.stats.scaling import PairScale, bradley_terry, thurstone
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
    "LEVELS",
    "AfterMap",
    "Agreement",
    "Alpha",
    "AmbiguityModel",
    "Bt500Screening",
    "Comparison",
    "Comparisons",
    "Correlation",
    "Decisions",
    "Estimate",
    "Gap",
    "Intraclass",
    "Krasula",
    "Mapping",
    "OpinionScores",
    "P913Screening",
    "PairScale",
    "PairTest",
    "Panel",
    "Power",
    "SosFit",
    "SubjectModel",
    "Votes",
    "agreement",
    "bradley_terry",
    "check_connected",
    "collect_counts",
    "collect_pairs",
    "collect_votes",
    "compare",
    "cross_fit",
    "describe_panel",
    "detectable_difference",
    "equivalent_raters",
    "expected_score",
    "fit_ambiguity",
    "fit_mapping",
    "fit_sos",
    "fit_subjects",
    "holm",
    "images_needed",
    "intraclass_correlation",
    "krasula",
    "krcc",
    "krippendorff_alpha",
    "mean_opinion_scores",
    "outlier_ratio",
    "plcc",
    "power_from_pilot",
    "rater_srcc",
    "rmse",
    "screen_bt500",
    "screen_p913",
    "smallest_gap",
    "soft_levels",
    "srcc",
    "steiger",
    "thurstone",
    "williams",
]
