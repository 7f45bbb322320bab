"""The page of `snellen evaluate`: figures, scatter, residuals, distortions, what stands apart."""

from __future__ import annotations

from pathlib import Path

from snellen.evaluate import Evaluation
from snellen.reports import agreement, charts
from snellen.reports.shell import printable, write_page
from snellen.wording import number


def write_evaluate_page(path: Path, found: Evaluation) -> Path:
    """Write the page and return its path."""
    known = [part for part in found.parts if part.srcc.estimate is not None]
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
        parted_by=found.parted_by,
        parts=[
            (printable(part.name), part.n, agreement.cells(part.srcc), agreement.cells(part.plcc))
            for part in sorted(found.parts, key=lambda part: _lowest_first(part.srcc.estimate))
        ],
        part_chart=charts.bars(
            [printable(part.name) for part in known],
            [max(0.0, part.srcc.estimate.value) for part in known if part.srcc.estimate],
            title=f"SRCC within each {found.parted_by}",
            digits=3,
        )
        if known
        else "",
        gap=agreement.gap_of(found),
        gap_rule="" if isinstance(found.gap, str) else found.gap.rule,
        furthest=[
            (
                printable(found.image[row]),
                *(
                    number(float(column[row]), 2)
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


def _lowest_first(estimate: object) -> float:
    """Weakest distortions first: they are what the reader came for; missing ones last."""
    return float(getattr(estimate, "value", 2.0))
