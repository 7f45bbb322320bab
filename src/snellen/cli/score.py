"""`snellen score`: which pictures are bad, how bad, and what is wrong with each."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.engines import WhereRows, here_or_on_cluster
from snellen.cli.judging import (
    AnchorsOption,
    AsPublished,
    CopiesOption,
    MethodName,
    asked_by,
)
from snellen.cli.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from snellen.runs import Progress
    from snellen.table import Table

SOME_MISSING, NOTHING_DONE, STOPPED = 2, 1, 130  # exit statuses; 0 = all scored
_REASONS_SHOWN = 5  # missing pictures told one by one; the table and the page hold all


@here_or_on_cluster
def command(
    paths: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, globs; `-` reads a list from standard input."),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Write the table: .csv, .jsonl or .parquet. Repeat."),
    ] = None,
    worst: Annotated[int, typer.Option(help="How many of the worst to show.", min=0)] = 10,
    below: Annotated[
        float | None, typer.Option(help="Show every picture scored under this instead.")
    ] = None,
    with_: Annotated[
        str, typer.Option("--with", help="Scorer: a name, the file of a student, or a judge.")
    ] = "built-in",
    method: MethodName = None,
    copies: CopiesOption = None,
    as_published: AsPublished = False,
    anchors: AnchorsOption = None,
    memory: Annotated[
        Path | None, typer.Option(help="File of a judge's answers. [default: in the run directory]")
    ] = None,
    crops: Annotated[
        int | None,
        typer.Option(min=1, help="Crops looked at per picture: more is better and slower."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads. [default: one a core]")] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Run directory. [default: one for this request under snellen-runs/]"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Score everything again.")] = False,
    max_megapixels: Annotated[
        float, typer.Option(min=0.01, help="Limit of the full decode; larger JPEGs shrink.")
    ] = 100.0,
    jpeg_scale: Annotated[
        int, typer.Option(help="Decode JPEGs at 1/n: 1, 2, 4 or 8. Faster; changes scores.")
    ] = 1,
    page: Annotated[bool, typer.Option(help="Write the report page.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    *,
    where: WhereRows,
) -> None:
    """Score pictures 0–100 (higher is better) and name what is wrong with each.

    The same command again goes on where it was stopped. Exit status: 0 every picture is scored,
    2 some are missing (the table says why), 1 nothing was done, 130 stopped by Ctrl-C.
    """
    from snellen.cli.progress import bar
    from snellen.errors import InputError
    from snellen.table import check_output

    if below is not None and not math.isfinite(below):
        raise InputError(f"--below must be a number, got {below}", "Scores run from 0 to 100.")
    where.check(jobs=jobs, memory=memory)
    outputs = output or []
    if not where.gather and (outputs or below is not None):
        raise InputError(
            "--no-gather leaves no rows for a table", "Read the shards, or leave --no-gather out."
        )
    for path in outputs:  # known now rather than after an hour of scoring
        check_output(path)
    try:
        with nullcontext() if quiet else bar() as drawn:
            told = _Told(drawn)
            asked: dict[str, Any] = {
                "crops": crops,
                "max_megapixels": max_megapixels,
                "jpeg_scale": jpeg_scale,
                "run": run,
                "fresh": fresh,
                "progress": told,
                "method": asked_by(method, copies, as_published, anchors),
            }
            if where.on_ray:
                table = _on_cluster(paths, with_, where, asked, quiet, as_json)
            else:
                from snellen.engine import score

                table = score(paths, with_, jobs=jobs, memory=memory, **asked)
    except KeyboardInterrupt:
        typer.echo("stopped: what was scored is saved; the same command again goes on", err=True)
        raise typer.Exit(STOPPED) from None
    report = _written(table, outputs, page)
    missing = table.missing
    summary = _summary(table, missing, told.new, outputs, report)
    picked = table.worst(worst) if below is None else table.below(below)
    if as_json:
        typer.echo(json.dumps({**summary, "worst": list(picked)}))
    elif not quiet:
        _show(picked, missing, summary, below)
    if status := _status(summary["scored"], summary["missing"]):
        raise typer.Exit(status)


class _Told:
    """Hands progress on, and remembers how much of it was new."""

    def __init__(self, show: Callable[[Progress], None] | None) -> None:
        self._show = show
        self.new = 0

    def __call__(self, progress: Progress) -> None:
        self.new = progress.done - progress.kept
        if self._show is not None:
            self._show(progress)


def _written(table: Table, outputs: list[Path], page: bool) -> Path | None:
    """Write the tables and the page, but those that show these very rows already."""
    from snellen.reports.score_page import PAGE, write_score_page
    from snellen.runs import Views

    views = Views(table.run)
    for path in outputs:
        if not views.shows(path):
            table.write(path)
            views.wrote(path)
    report = table.run / PAGE
    if page and not views.shows(report):
        views.wrote(write_score_page(table.run))
    return report if page else None


def _on_cluster(
    paths: list[str],
    with_: str,
    where: WhereRows,
    asked: dict[str, Any],
    quiet: bool,
    as_json: bool,
) -> Table:
    """The table of a run on a cluster; ends the command where its rows stay in the shards."""
    from snellen.scale import score_on_ray
    from snellen.scale.scoring import PART

    with where.cluster() as cluster:
        done = score_on_ray(
            paths, with_, cluster,
            shards=where.shards, part=where.part or PART, gather=where.gather, **asked,
        )  # fmt: skip
    if done.table is not None:
        return done.table
    scored = done.images - done.missing
    if as_json:
        told = {"images": done.images, "scored": scored, "missing": done.missing}
        typer.echo(json.dumps({**told, "run": str(done.run), "shards": done.shards}))
    elif not quiet:
        typer.echo(f"{scored} of {done.images} scored, {done.missing} missing")
        typer.echo(f"shards {done.shards}")
    raise typer.Exit(_status(scored, done.missing))


def _status(scored: int, missing: int) -> int:
    if not scored:
        return NOTHING_DONE
    return SOME_MISSING if missing else 0


def _summary(
    table: Table, missing: Table, new: int, outputs: list[Path], report: Path | None
) -> dict[str, Any]:
    """What there is to say about a whole run, as plain values."""
    reasons = Counter(row["missing"].split(":")[0] for row in missing)
    return {
        "images": len(table),
        "scored": len(table) - len(missing),
        "missing": len(missing),
        "new": new,
        "reasons": dict(reasons.most_common()),
        "run": str(table.run),
        "outputs": [str(path) for path in outputs],
        "report": report and str(report),
    }


def _show(picked: Table, missing: Table, summary: dict[str, Any], below: float | None) -> None:
    """The table of the worst, and the summary."""
    from rich.table import Table as Grid
    from rich.text import Text

    console = screen()
    if len(picked):
        folder = _common_folder(picked["image"])
        title = "the worst" if below is None else f"scored under {below:g}"
        grid = Grid(title=Text(f"{title} in {folder}" if folder else title))
        for heading in ("score", "95 % interval"):
            grid.add_column(heading, justify="right")
        named = any(picked["problem"])  # a judge that was asked for a score names no problem
        for heading in (*(("problem", "severity") if named else ()), "image"):
            grid.add_column(heading, overflow="fold")
        for row in picked:
            grid.add_row(
                f"{row['score']:.1f}",
                f"{row['low']:.0f}–{row['high']:.0f}",
                *((row["problem"], _severity(row["severity"])) if named else ()),
                Text(row["image"].removeprefix(folder).lstrip(os.sep)),  # never read as markup
            )
        console.print(grid)
    reasons = ", ".join(f"{name} {count}" for name, count in summary["reasons"].items())
    line = f"{summary['scored']} of {summary['images']} scored"
    line += f", {summary['missing']} missing ({reasons})" if reasons else ""
    lines = [line if summary["new"] else f"{line}; all of it was there already"]
    lines += [f"  {row['missing']}" for row in missing[:_REASONS_SHOWN]]
    lines += ["  …"] if len(missing) > _REASONS_SHOWN else []
    lines += [f"table  {path}" for path in summary["outputs"]] + [f"run    {summary['run']}"]
    lines += [f"report {summary['report']}"] if summary["report"] else []
    for text in lines:
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _common_folder(names: list[str]) -> str:
    """The folder that all of `names` lie in; empty when there is none."""
    kinds = {name.partition("://")[0] if "://" in name else "" for name in names}
    if len(kinds) > 1:
        return ""
    kind = f"{kinds.pop()}://"
    try:
        paths = [os.path.dirname(name.removeprefix(kind)) for name in names]
        common = os.path.commonpath(paths)
        return kind + common if common and kind != "://" else common
    except ValueError:  # some are absolute and some are not
        return ""


def _severity(severity: float) -> str:
    from snellen.scorers.base import SEVERITY_WORDS

    return SEVERITY_WORDS[min(4, max(0, round(severity)))]
