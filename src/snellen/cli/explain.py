"""`snellen explain`: how a judge came to the score of one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.judging import (
    AnchorsOption,
    AsPublished,
    CopiesOption,
    MethodName,
    asked_by,
)
from snellen.cli.screen import screen

if TYPE_CHECKING:
    from snellen.scorers.base import Evidence
    from snellen.scoring import Explanation

MISSING = 2  # exit status when there is no answer to read
ANSWERS = Path("snellen-runs") / "answers.db"


def command(
    image: Annotated[Path, typer.Argument(help="The picture.")],
    judge: Annotated[str, typer.Option(help="Judge; see `snellen models`.")],
    method: MethodName = None,
    copies: CopiesOption = None,
    as_published: AsPublished = False,
    anchors: AnchorsOption = None,
    memory: Annotated[
        Path, typer.Option(help="File of answers: what is in it is not asked again.")
    ] = ANSWERS,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the page: a name in .html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it all as JSON.")] = False,
) -> None:
    """Show the copies of a picture, what the judge was asked, and what each answer contributed.

    Exit status: 0 explained, 2 when the judge gave no answer that can be read (the reason is told).
    """
    from snellen.errors import InputError, MissingAnswer
    from snellen.images import read
    from snellen.judges import load_judge
    from snellen.scoring import JudgeScorer, explain, make_method

    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"cannot write {output}: it names no page", "End the name in .html.")
    chosen = asked_by(method, copies, as_published, anchors) or make_method()
    picture = read(image)
    scorer = JudgeScorer(load_judge(judge), chosen)
    memory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scorer.remembering(memory) as remembering:
            found = explain(picture, remembering)
    except MissingAnswer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(MISSING) from None
    if output is not None:
        from snellen.reports.explain_page import write_explain_page

        write_explain_page(output, str(image), found)
    if as_json:
        typer.echo(json.dumps(_plain(image, found, output), ensure_ascii=False))
    else:
        _show(image, found, output)


def _plain(image: Path, found: Explanation, output: Path | None) -> dict[str, Any]:
    """Everything there is to say, as JSON values."""
    score = found.score
    return {
        "image": str(image),
        "judge": found.judge,
        "method": found.method,
        "score": score.value,
        "low": score.low,
        "high": score.high,
        "alone": found.alone,
        "notes": list(score.notes),
        "evidence": [_plain_evidence(one) for one in score.evidence],
        "page": output and str(output),
    }


def _plain_evidence(one: Evidence) -> dict[str, Any]:
    return {
        "label": one.label,
        "text": one.text,
        "shown": list(one.shown),
        "probabilities": dict(_said(one)),
        "mass": one.mass,
        "value": one.value,
        "weight": one.weight,
        "contribution": one.contribution,
        "missing": one.missing or None,
    }


def _said(one: Evidence) -> list[tuple[str, float]]:
    """Each option with its probability; nothing where the answer is missing."""
    return list(zip(one.options, one.probabilities, strict=not one.missing))


def _show(image: Path, found: Explanation, output: Path | None) -> None:
    """The explanation for people."""
    from rich.table import Table as Grid

    console = screen(highlight=False, markup=False, soft_wrap=True)
    score = found.score
    console.print(f"{image} by {found.judge}")
    console.print(f"method {found.method}")
    console.print(f"score  {score.value:.1f}, 95 % interval {score.low:.1f}–{score.high:.1f}")
    if found.alone is not None:
        console.print(f"alone  {found.alone:.1f}; the copies change it by {found.correction:+.1f}")
    for note in score.notes:
        console.print(f"note   {note}")
    grid = Grid()
    grid.add_column("asked", overflow="fold")
    for heading in ("says", "weight", "points", "mass"):
        grid.add_column(heading, justify="right")
    grid.add_column("answer", overflow="fold")
    for one in score.evidence:
        grid.add_row(
            one.label,
            "–" if one.value is None else f"{one.value:.1f}",
            f"{one.weight:.0%}",
            f"{one.contribution:.1f}",
            "–" if one.mass is None else f"{one.mass:.2f}",
            one.missing or ", ".join(f"{word} {p:.2f}" for word, p in _said(one)),
        )
    screen(highlight=False, markup=False).print(grid)
    for text in dict.fromkeys(one.text for one in score.evidence):
        console.print(f"asked  {text}")
    if output is not None:
        console.print(f"page   {output}")
