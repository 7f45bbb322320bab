"""What the pages of `evaluate` and `compare` share: cells of figures, scatter and residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snellen.evaluate import Evaluation, Figure
from snellen.reports import charts
from snellen.reports.shell import printable
from snellen.wording import compact, number, span

_MOST_POINTS = 4_000  # drawn in one chart: a page with more would scroll badly
_MAPS = {
    "linear": "linear",
    "isotonic": "isotonic",
    "logistic4": "4-parameter logistic",
    "logistic5": "5-parameter logistic",
}
_MEANING = {
    "equivalent_raters": "how many people's mean vote predicts quality as well",
    "outlier_ratio": "share of images predicted outside the interval of their rating",
    "auc_different_similar": "telling pairs that people find different from similar ones (Krasula)",
    "auc_better_worse": "scoring the better image of a pair higher (Krasula)",
    "correct_classification": "share of different pairs put the right way round (Krasula)",
}


@dataclass(frozen=True)
class Row:
    """One line of the table of figures, as text."""

    label: str
    detail: str
    value: str
    interval: str
    flattering: bool


def rows_of(found: Evaluation) -> list[Row]:
    """The figures that could be computed, in their order."""
    rows = []
    for figure in found.figures:
        if figure.estimate is None:
            continue
        value, interval = cells(figure)
        one = figure.estimate
        how = "" if one.fit == "raw" else f"{_MAPS[one.mapping]}, {one.fit}"
        detail = "; ".join(part for part in (_MEANING.get(figure.key, ""), how) if part)
        rows.append(Row(figure.label, detail, value, interval, one.fit == "in-sample"))
    return rows


def missing_of(found: Evaluation) -> list[tuple[str, str]]:
    """(keys as in JSON, reason) of the figures that could not be computed."""
    reasons: dict[str, list[str]] = {}
    for figure in found.figures:
        if figure.estimate is None:
            reasons.setdefault(figure.reason, []).append(figure.key)
    if isinstance(found.gap, str):
        reasons.setdefault(found.gap, []).append("smallest_gap")
    return [(", ".join(keys), printable(reason)) for reason, keys in reasons.items()]


def cells(figure: Figure) -> tuple[str, str]:
    """Value and interval of a figure; a dash and the reason where it is missing."""
    found = figure.estimate
    if found is None:
        return "–", printable(figure.reason)
    digits = 1 if figure.key == "equivalent_raters" else 3
    return number(found.value, digits), span(found.low, found.high, digits)


def scatter(found: Evaluation, height: int = 420) -> charts.Svg:
    """Ratings over scores, with the map that was fitted to them."""
    drawn = _drawn(found)
    return charts.scatter(
        found.scores[drawn].tolist(),
        found.mos[drawn].tolist(),
        title=f"Ratings over scores of {printable(found.name)}",
        x_label="score",
        y_label=printable(found.scale.name),
        names=[printable(found.image[row]) for row in drawn],
        curve=[(float(x), float(y)) for x, y in found.curve] or None,
        height=height,
    )


def residuals(found: Evaluation, height: int = 260) -> charts.Svg:
    """What the cross-fitted map leaves unexplained, over what it predicts."""
    drawn = _drawn(found)
    return charts.scatter(
        found.predicted[drawn].tolist(),
        found.residual[drawn].tolist(),
        title=f"Residuals of {printable(found.name)}",
        x_label=f"predicted {printable(found.scale.name)}, cross-fitted",
        y_label="rated less predicted",
        names=[printable(found.image[row]) for row in drawn],
        level=0.0,
        height=height,
    )


def undrawn(found: Evaluation) -> int:
    """How many images the charts leave out."""
    return max(0, len(found.image) - _MOST_POINTS)


def _drawn(found: Evaluation) -> list[int]:
    """All rows, or the largest residuals and evenly many of the others by score."""
    n = len(found.image)
    if n <= _MOST_POINTS:
        return list(range(n))
    kept = set(found.furthest(_MOST_POINTS // 10))
    others = [int(row) for row in np.argsort(found.scores, kind="stable") if int(row) not in kept]
    places = np.linspace(0, len(others) - 1, _MOST_POINTS - len(kept)).round().astype(int)
    return sorted(kept | {others[place] for place in places.tolist()})


def facts_of(found: Evaluation) -> list[tuple[str, str]]:
    """The line under the heading."""
    facts = [("scores", found.source), ("ratings", found.ratings), ("images", f"{found.n:,}")]
    if found.clusters:
        facts.append(("references", f"{found.clusters:,}"))
    if found.unscored:
        facts.append(("without a score", f"{found.unscored:,}"))
    scale = found.scale
    ends = f"{scale.low:g} to {scale.high:g}"
    known = f"{scale.name}, {'seen ' if scale.observed else ''}{ends}"
    facts.append(("scale", known if scale.higher_is_better else f"{known}; turned for this page"))
    return [(label, printable(value)) for label, value in facts]


def gap_of(found: Evaluation) -> list[tuple[str, str]]:
    """The smallest meaningful gap in words, largest claim last; empty where it is unknown."""
    gap = found.gap
    if isinstance(gap, str):
        return []
    return [
        ("Below this, a difference between two scores says nothing", compact(gap.practical)),
        ("From here it is as sure as two careful panels of people", compact(gap.ideal)),
        ("From here the higher score is the better image with 95% confidence",
         compact(gap.resolving)),
    ]  # fmt: skip
