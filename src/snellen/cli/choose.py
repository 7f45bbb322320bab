"""`snellen choose`: which pictures people should rate next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import columns
from snellen.cli.screen import screen


def command(
    student: Annotated[str, typer.Argument(help="Folder of a student, or built-in.")],
    paths: Annotated[list[str], typer.Argument(help="Pictures to choose from.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 50,
    rated: Annotated[
        Path | None,
        typer.Option(help="Ratings that exist already: those pictures are not chosen again."),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Write the list: .csv, .jsonl or .parquet. Repeat."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the pictures whose ratings would tell most about all the others, best first.

    `known` says how much of what can be learned about the pool is known once this picture and all
    above it are rated.
    """
    from snellen.cli.progress import bar
    from snellen.runs import Progress
    from snellen.students.choosing import choose, rated_rows
    from snellen.students.features import found_images, look_at
    from snellen.students.model import open_student

    outputs = output or []
    columns.check_outputs(outputs, "rows")
    with bar("looking") as show:
        looked = look_at(
            open_student(student),
            found_images(paths),
            told=lambda done, total: show(Progress(total, done, 0, 0)),
        )
    known = [] if rated is None else rated_rows(rated, looked.paths)
    found = choose(looked.scores, looked.features, count, rated=known, hashes=looked.hashes)
    table = {
        "image": [str(looked.paths[row]) for row in found.rows],
        "score": looked.scores[found.rows].clip(0, 100).round(2),
        "known": found.known.round(4),
    }
    for path in outputs:
        columns.write_columns(path, table)
    notes = [str(reason) for reason in looked.missing.values()]
    if as_json:
        summary = {"pool": len(looked), "rated": len(known), "missing": notes}
        typer.echo(json.dumps({**summary, "chosen": columns.records(table)}))
        return

    console = screen()
    forms = {"score": ".1f", "known": ".0%"}
    console.print(columns.grid("Rate these next", table, forms, len(found.rows)))
    rest = f", {len(known)} of them rated already" if known else ""
    lines = [f"{len(found.rows)} of {len(looked)} pictures{rest}"]
    lines += [f"missing: {note}" for note in notes] + [f"table  {path}" for path in outputs]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
