"""`snellen evaluate`: how well do scores agree with people?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import agreement as shared
from snellen.cli.screen import screen
from snellen.wording import compact

if TYPE_CHECKING:
    from rich.console import Console

    from snellen.evaluate import Evaluation

_MAPS = {"none": "", "logistic4": "logistic, 4", "logistic5": "logistic, 5"}


def command(
    scores: Annotated[Path, typer.Argument(help="Scores: .csv, .tsv, .jsonl, .xlsx or .parquet.")],
    mos: Annotated[
        Path, typer.Argument(help="Ratings: such a table, or the directory of a public data set.")
    ],
    column: shared.Column = None,
    image: shared.Image = None,
    mos_column: shared.Mos = None,
    lower_is_better: shared.LowerIsBetter = False,
    dmos: shared.Dmos = False,
    dataset: shared.DataSet = None,
    split: shared.Split = None,
    votes: shared.Votes = None,
    scale: shared.Scale = None,
    confidence: shared.Confidence = 0.95,
    resamples: shared.Resamples = 2000,
    seed: shared.Seed = 0,
    output: shared.Output = None,
    as_json: shared.Json = False,
    allow_missing: shared.AllowMissing = False,
) -> None:
    """Judge scores by people's ratings of the same images.

    Images are matched by path, else by file name. Maps are cross-fitted: what was fitted on the
    labels it is judged on is shown beside and marked. Exit status: 0; 2 when rated images have no
    score; 1 when nothing could be judged.
    """
    from snellen import plain
    from snellen.errors import InputError
    from snellen.evaluate import evaluate
    from snellen.matched import match

    outputs = output or []
    for path in outputs:
        plain.check_output(path)
    if column and len(column) > 1:
        raise InputError(f"{len(column)} columns were named", "`snellen compare` takes several.")
    ratings = shared.ratings_of(mos, dataset, mos_column, dmos, split)
    scorer = shared.scorers_of([scores], column, image, lower_is_better)
    matched = match(ratings, scorer, votes=votes)
    found = evaluate(matched, scale=scale, confidence=confidence, resamples=resamples, seed=seed)
    for path in outputs:
        _write(path, found)
    if as_json:
        typer.echo(json.dumps(plain.plain_evaluation(found), allow_nan=False))
    else:
        _show(found, outputs)
    shared.end(matched, allow_missing)


def _write(path: Path, found: Evaluation) -> None:
    from snellen import plain

    if path.suffix.lower() == ".json":
        plain.write_json(path, plain.plain_evaluation(found))
    elif path.suffix.lower() == ".csv":
        plain.write_images(path, plain.image_columns(found))
    else:
        from snellen.reports.evaluate_page import write_evaluate_page

        write_evaluate_page(path, found)


def _show(found: Evaluation, outputs: list[Path]) -> None:

    console = screen()
    confidence = found.figure("srcc").estimate
    percent = f"{confidence.confidence:.0%} interval" if confidence else "interval"
    title = f"{found.name} against {found.ratings}: {found.n} images"
    title += f" of {found.clusters} references" if found.clusters else ""
    table = shared.grid(title, "figure", "map", "fitted", "value", percent)
    without: dict[str, list[str]] = {}
    for figure in found.figures:
        if figure.estimate is None:
            without.setdefault(figure.reason, []).append(figure.key)
            continue
        kind, fit = figure.estimate.mapping, figure.estimate.fit
        table.add_row(
            figure.label,
            _MAPS.get(kind, kind),
            "" if fit == "raw" else fit,
            *shared.value_and_interval(figure),
        )
    console.print(table)
    _show_parts(console, found)
    _show_furthest(console, found)
    lines = [_gap(found)]
    lines += [f"missing: {', '.join(labels)}: {reason}." for reason, labels in without.items()]
    lines += [f"warning: {warning}" for warning in found.warnings]
    lines += [f"written: {path}" for path in outputs]
    shared.show_lines(console, lines)


def _show_parts(console: Console, found: Evaluation) -> None:
    if not found.parts:
        return
    table = shared.grid("", found.parted_by, "images", "SRCC", "interval", "PLCC")
    for part in found.parts:
        table.add_row(
            shared.plain(part.name),
            str(part.n),
            *shared.value_and_interval(part.srcc),
            shared.value_and_interval(part.plcc)[0],
        )
    console.print(table)


def _show_furthest(console: Console, found: Evaluation, count: int = 5) -> None:
    rows = found.furthest(count)
    if not rows:
        return
    table = shared.grid("Furthest from the ratings", "image", "score", "predicted", "rated")
    for row in rows:
        table.add_row(
            shared.plain(found.image[row]),
            *(compact(float(column[row])) for column in (found.scores, found.predicted, found.mos)),
        )
    console.print(table)


def _gap(found: Evaluation) -> str:
    gap = found.gap
    if isinstance(gap, str):
        return f"Smallest meaningful gap unknown: {gap}."
    return (
        f"Scores less than {compact(gap.practical)} apart mean nothing; "
        f"{compact(gap.ideal)} apart is as sure as two careful panels of people "
        f"({gap.rule})."
    )
