"""`snellen compare`: which of several scorers agrees best with people?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import agreement as shared
from snellen.cli.screen import screen
from snellen.wording import number, p_value, span

if TYPE_CHECKING:
    from rich.console import Console

    from snellen.compare import Ranking
    from snellen.matched import Matched

_MOST_COLUMNS = 5  # scorers side by side in a terminal


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Scores of each scorer: tables of any kind. Or, with --judge, 2 pictures."
        ),
    ],
    judge: Annotated[
        str | None, typer.Option(help="Compare two pictures instead, with this judge.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="File of the judge's answers, for --judge.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Ratings: a table, or the directory of a public data set."),
    ] = None,
    column: shared.Column = None,
    image: shared.Image = None,
    mos_column: shared.Mos = None,
    lower_is_better: shared.LowerIsBetter = False,
    dmos: shared.Dmos = False,
    dataset: shared.DataSet = None,
    split: shared.Split = None,
    votes: shared.Votes = None,
    confidence: shared.Confidence = 0.95,
    power: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="Of the images needed to tell two apart.")
    ] = 0.8,
    resamples: shared.Resamples = 2000,
    seed: shared.Seed = 0,
    output: shared.Output = None,
    as_json: shared.Json = False,
    allow_missing: shared.AllowMissing = False,
) -> None:
    """Compare scorers on the images that all of them scored and people rated.

    With --judge: which of two pictures does a judge prefer, asked in both orders?

    Differences are tested pair by pair on the same images, with Holm's correction. Exit status: 0;
    2 when rated images have no score from some scorer; 1 when nothing could be compared.
    """
    from snellen import plain
    from snellen.compare import compare
    from snellen.errors import InputError
    from snellen.images.formats import EXTENSIONS
    from snellen.matched import match

    if judge is not None:
        from snellen.cli.versus import versus

        versus(files, judge, memory, as_json)
        return
    endings = {ending for some in EXTENSIONS.values() for ending in some}
    if all(path.suffix.lower() in endings for path in files):
        raise InputError(
            "compare was given pictures and no judge to compare them",
            "Add --judge, such as --judge built-in; `snellen models` lists them.",
        )
    if against is None:
        raise InputError(
            "compare was not told what people said", "Add --against mos.csv, or a data set."
        )
    outputs = output or []
    for path in outputs:
        plain.check_output(path)
    ratings = shared.ratings_of(against, dataset, mos_column, dmos, split)
    matched = match(ratings, shared.scorers_of(files, column, image, lower_is_better), votes=votes)
    found = compare(matched, alpha=1 - confidence, power=power, resamples=resamples, seed=seed)
    for path in outputs:
        _write(path, found, matched)
    if as_json:
        typer.echo(json.dumps(plain.plain_ranking(found), allow_nan=False))
    else:
        _show(found, outputs)
    shared.end(matched, allow_missing)


def _write(path: Path, found: Ranking, matched: Matched) -> None:
    from snellen import plain

    if path.suffix.lower() == ".json":
        plain.write_json(path, plain.plain_ranking(found))
    elif path.suffix.lower() == ".csv":
        scores = dict(zip(matched.names, matched.scores.tolist(), strict=True))
        columns = {"image": matched.ratings.image, "mos": matched.mos.tolist(), **scores}
        plain.write_images(path, columns)
    else:
        from snellen.reports.compare_page import write_compare_page

        write_compare_page(path, found)


def _show(found: Ranking, outputs: list[Path]) -> None:

    console = screen()
    _show_ranking(console, found)
    _show_tests(console, found)
    _show_parts(console, found)
    best = found.srcc.best
    lines = [
        f"{best[0]} agrees best with people."
        if len(best) == 1
        else f"{best[0]} comes first, but these {found.n} images do not tell it from "
        f"{', '.join(best[1:])}."
    ]
    lines += [f"warning: {warning}" for warning in found.warnings]
    lines += [f"written: {path}" for path in outputs]
    shared.show_lines(console, lines)


def _show_ranking(console: Console, found: Ranking) -> None:
    title = f"{len(found.names)} scorers against {found.ratings}: {found.n} images"
    title += f", {found.left_out} left out" if found.left_out else ""
    table = shared.grid(title, "scorer", "SRCC", "interval", "PLCC", "PLCC*", "RMSE*")
    evaluations = {one.name: one for one in found.evaluations}
    for name in found.srcc.ranking:
        one = evaluations[name]
        keys = ("plcc", "plcc_logistic4_cross_fitted", "rmse_logistic4_cross_fitted")
        table.add_row(
            shared.plain(name) + (" ●" if name in found.srcc.best else ""),
            *shared.value_and_interval(one.figure("srcc")),
            *(shared.value_and_interval(one.figure(key))[0] for key in keys),
        )
    table.caption = "● not significantly worse than the first   * cross-fitted 4-parameter logistic"
    table.caption_justify = "left"
    console.print(table)


def _show_tests(console: Console, found: Ranking) -> None:
    tests, place = found.srcc, {name: row for row, name in enumerate(found.names)}
    clustered = math.isnan(tests.p_williams[0, 1])  # the formula takes images as independent
    columns = ["difference", "interval", "p (Holm)", "p Williams", "images"]
    table = shared.grid(
        "Difference of SRCC, every pair",
        *("pair", *(name for name in columns if not (clustered and name == "p Williams"))),
    )
    order = [place[name] for name in tests.ranking]
    for at, i in enumerate(order):
        for j in order[at + 1 :]:
            needed = found.needed[i][j]
            williams = [] if clustered else [p_value(float(tests.p_williams[i, j]))]
            table.add_row(
                shared.plain(f"{found.names[i]} − {found.names[j]}"),
                number(float(tests.difference[i, j])),
                span(float(tests.low[i, j]), float(tests.high[i, j])),
                p_value(float(tests.p_holm[i, j])) + (" *" if tests.better[i, j] else "  "),
                *williams,
                f"{needed:,}" if needed is not None else "–",
            )
    table.caption = (
        f"* significant at {tests.alpha:g}   images: so many independent ones would show the "
        f"difference with a chance of {found.power:.0%}"
    )
    table.caption_justify = "left"
    console.print(table)


def _show_parts(console: Console, found: Ranking) -> None:
    """SRCC of every scorer within each distortion; of the best alone where they are many."""
    if not found.parts:
        return
    wide = len(found.names) <= _MOST_COLUMNS
    columns = map(shared.plain, found.names) if wide else ("SRCC", "best")
    table = shared.grid("", found.parted_by, "images", *columns)
    for part in found.parts:
        tests = part.tests
        if isinstance(tests, str):
            cells = ["–"] * (len(found.names) if wide else 2)
        elif wide:
            cells = [
                number(one.value) + (" ●" if name in tests.best else "  ")
                for name, one in zip(found.names, tests.correlations, strict=True)
            ]
        else:
            first = max(one.value for one in tests.correlations)
            cells = [number(first), shared.plain(", ".join(tests.best))]
        table.add_row(shared.plain(part.name), str(part.n), *cells)
    console.print(table)
