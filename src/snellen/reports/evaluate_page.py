"""The page of `snellen evaluate`: figures, scatter, residuals, distortions, what stands apart."""

from __future__ import annotations

import math
from pathlib import Path

from snellen.evaluate import Evaluation, Part
from snellen.reports import agreement, charts
from snellen.reports.shell import printable, write_page
from snellen.wording import compact


def write_evaluate_page(path: Path, found: Evaluation) -> Path:
    """Write the page and return its path."""
    return write_page(
        path,
        "evaluate.html",
        title=f"{found.name} against {found.ratings}",
        styles=("agreement.css",),
        facts=agreement.facts_of(found),
        rows=agreement.rows_of(found),
        missing=agreement.missing_of(found),
        confidence=_confidence(found),
        scatter=agreement.scatter(found),
        residuals=agreement.residuals(found),
        undrawn=agreement.undrawn(found),
        curve=len(found.curve) > 0,
        parted_by=found.parted_by,
        parts=[
            (printable(part.name), part.n, agreement.cells(part.srcc), agreement.cells(part.plcc))
            for part in _weakest_first(found)
        ],
        part_chart=_part_chart(found),
        gap=agreement.gap_of(found),
        gap_rule="" if isinstance(found.gap, str) else found.gap.rule,
        furthest=[
            (
                printable(found.image[row]),
                *(
                    compact(float(column[row]))
                    for column in (found.scores, found.predicted, found.mos, found.residual)
                ),
            )
            for row in found.furthest()
        ],
        warnings=[printable(warning) for warning in found.warnings],
    )


def _confidence(found: Evaluation) -> str:
    estimate = found.figure("srcc").estimate
    return f"{estimate.confidence:.0%}" if estimate else ""


def _weakest_first(found: Evaluation) -> list[Part]:
    """Weakest distortions first: they are what the reader came for; missing ones last."""

    def place(part: Part) -> float:
        estimate = part.srcc.estimate
        return estimate.value if estimate else math.inf

    return sorted(found.parts, key=place)


def _part_chart(found: Evaluation) -> str:
    known = [
        (printable(part.name), part.srcc.estimate)
        for part in _weakest_first(found)
        if part.srcc.estimate is not None
    ]
    if not known:
        return ""
    return charts.intervals(
        [name for name, _ in known],
        [one.value for _, one in known],
        [(one.low, one.high) for _, one in known],
        title=f"SRCC within each {found.parted_by}",
        x_label="SRCC",
    )
