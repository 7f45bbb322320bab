"""The page of `snellen compare`: ranking, matrix of tests, distortions, scatter of every scorer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from snellen.compare import Part, Ranking
from snellen.reports import agreement
from snellen.reports.shell import printable, write_page
from snellen.stats import Comparison
from snellen.wording import number, p_value, span

_RANKED = ("plcc", "plcc_logistic4_cross_fitted", "rmse_logistic4_cross_fitted")


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: row less column, and whether that is significant."""

    kind: str
    difference: str
    detail: str
    needed: str


def write_compare_page(path: Path, found: Ranking) -> Path:
    """Write the page and return its path."""
    evaluations = {one.name: one for one in found.evaluations}
    ranked = [evaluations[name] for name in found.srcc.ranking]
    names = [printable(name) for name in found.srcc.ranking]
    return write_page(
        path,
        "compare.html",
        title=f"{len(found.names)} scorers against {found.ratings}",
        styles=("agreement.css",),
        facts=_facts(found),
        verdict=_verdict(found),
        names=names,
        alpha=f"{found.srcc.alpha:g}",
        power=f"{found.power:.0%}",
        ranking=[
            (
                printable(one.name),
                one.name in found.srcc.best,
                *agreement.cells(one.figure("srcc")),
                *(agreement.cells(one.figure(key))[0] for key in _RANKED),
            )
            for one in ranked
        ],
        matrices=[
            (title, _matrix(tests, found))
            for title, tests in (
                ("SRCC", found.srcc),
                ("PLCC, each after a cross-fitted 4-parameter logistic", found.plcc),
            )
            if not isinstance(tests, str)
        ],
        krasula=_krasula(found),
        krasula_reason=found.krasula if isinstance(found.krasula, str) else "",
        parted_by=found.parted_by,
        parts=[
            (printable(part.name), part.n, _part_cells(part, found.srcc.ranking, found.names))
            for part in found.parts
        ],
        charts=[
            (name, agreement.scatter(one, 360), agreement.residuals(one, 240))
            for name, one in zip(names, ranked, strict=True)
        ],
        undrawn=agreement.undrawn(ranked[0]),
        warnings=[printable(warning) for warning in found.warnings],
    )


def _facts(found: Ranking) -> list[tuple[str, str]]:
    facts = [("ratings", found.ratings), ("images", f"{found.n:,} that all of them scored")]
    if found.left_out:
        facts.append(("left out", f"{found.left_out:,} that some lack"))
    if found.evaluations[0].clusters:
        facts.append(("references", f"{found.evaluations[0].clusters:,}"))
    return [(label, printable(value)) for label, value in facts]


def _verdict(found: Ranking) -> str:
    first, *others = (printable(name) for name in found.srcc.best)
    if not others:
        return f"{first} agrees best with people: significantly better than every other scorer."
    return (
        f"{first} comes first, but these {found.n:,} images do not tell it from "
        f"{', '.join(others)}."
    )


def _matrix(tests: Comparison, found: Ranking) -> list[tuple[str, list[Cell]]]:
    """Rows and columns in the order of the ranking by SRCC."""
    place = {name: row for row, name in enumerate(tests.names)}
    order = [place[name] for name in found.srcc.ranking]
    needed = found.needed if tests is found.srcc else None
    rows = []
    for i in order:
        cells = [
            Cell("itself", "", "", "") if i == j else _cell(tests, i, j, needed) for j in order
        ]
        rows.append((printable(tests.names[i]), cells))
    return rows


def _cell(
    tests: Comparison, i: int, j: int, needed: tuple[tuple[int | None, ...], ...] | None
) -> Cell:
    kind = "better" if tests.better[i, j] else "worse" if tests.better[j, i] else "even"
    difference = float(tests.difference[i, j])
    sign = "+" if difference > 0 else ""
    count = needed[i][j] if needed else None
    return Cell(
        kind,
        sign + number(difference),
        f"p {p_value(float(tests.p_holm[i, j]))}",
        f"{count:,} images" if count is not None else "",
    )


def _krasula(found: Ranking) -> list[tuple[str, ...]]:
    """Name and three figures of every scorer, in the order of the ranking."""
    analysed = found.krasula
    if isinstance(analysed, str):
        return []
    rows: list[tuple[str, ...]] = []
    for name in found.srcc.ranking:
        at = analysed.names.index(name)
        shown = (
            f"{number(one[at].value)} ({span(one[at].low, one[at].high)})"
            for one in (analysed.different_similar, analysed.better_worse, analysed.correct)
        )
        rows.append((printable(name), *shown))
    return rows


def _part_cells(
    part: Part, ranking: tuple[str, ...], names: tuple[str, ...]
) -> list[tuple[str, bool]]:
    """(SRCC, whether nobody is significantly better) of every scorer, in the ranking's order."""
    tests = part.tests
    if isinstance(tests, str):
        return [("–", False)] * len(names)
    values = dict(zip(tests.names, tests.correlations, strict=True))
    return [(number(values[name].value), name in tests.best) for name in ranking]
