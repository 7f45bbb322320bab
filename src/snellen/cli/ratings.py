"""`snellen ratings`: what people said in a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from snellen.cli.screen import screen
from snellen.wording import counted

DEFAULT_FILE = Path("ratings.db")


def command(
    study: Annotated[Path, typer.Argument(help="File of the study.")] = DEFAULT_FILE,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Write to .csv, .json or .jsonl. Repeat."),
    ] = None,
    form: Annotated[
        str, typer.Option("--as", help="votes, counting, mos, label-studio or fiftyone.")
    ] = "mos",
    add: Annotated[
        list[Path] | None,
        typer.Option("--import", help="Take in votes: a table, or Label Studio's JSON. Repeat."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """What people said in a study: raters, flags, opinions; out to files, in from others.

    `snellen raters votes.csv` then screens the panel by ITU-R BT.500 and ITU-T P.913 and fits
    P.910's model; `snellen calibrate` sets a student's scale.
    """
    from snellen.errors import InputError
    from snellen.rating import StudyFile
    from snellen.rating.exchange import export, import_votes, opinions_of
    from snellen.rating.screening import report_rater

    if not study.exists():
        raise InputError(f"no study at {study}", "Begin one: snellen rate PHOTOS.")
    with StudyFile(study) as file:
        taken = [(path, *import_votes(file, path)) for path in add or []]
        for path in output or []:
            export(file, path, form)
        task, trials = file.settings().get("task", "acr"), file.trials()
        reports = [report_rater(task, rater.name, trials) for rater in file.raters()]
        opinions = opinions_of(file)
    summary = {
        "task": task,
        "raters": [
            {
                "name": r.rater, "ratings": r.ratings, "seconds": r.seconds,
                "checks": r.checks, "missed": r.missed, "repeats": r.repeats, "same": r.same,
                "flags": list(r.flags),
            }
            for r in reports
        ],
        "pictures": len(opinions),
        "imported": [{"file": str(p), "votes": n, "unknown": u} for p, n, u in taken],
        "outputs": [str(path) for path in output or []],
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        _show(summary)


def _show(summary: dict[str, Any]) -> None:
    from rich.table import Table

    for taken in summary["imported"]:
        text = f"{taken['file']}: took {counted(taken['votes'], 'vote')}"
        if taken["unknown"]:
            text += f"; {taken['unknown']} of images that are not in the study"
        typer.echo(text)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (
        "rater",
        "ratings",
        "seconds",
        "obvious cases",
        "repeats the same",
        "to look at",
    ):
        table.add_column(heading, justify="left" if heading in ("rater", "to look at") else "right")
    for rater in summary["raters"]:
        table.add_row(
            rater["name"],
            str(rater["ratings"]),
            "–" if rater["seconds"] is None else f"{rater['seconds']:.1f}",
            f"{rater['checks'] - rater['missed']} of {rater['checks']}",
            f"{rater['same']} of {rater['repeats']}",
            "; ".join(rater["flags"]),
        )
    screen(highlight=False).print(table)
    typer.echo(f"{counted(summary['pictures'], 'picture')} rated")
    for path in summary["outputs"]:
        typer.echo(f"written: {path}")
