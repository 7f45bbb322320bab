"""`snellen answers`: what a file of remembered answers holds, and its export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from snellen.errors import AnswerFileError, UnknownName


def command(
    file: Annotated[Path, typer.Argument(help="File of answers, as --memory makes it.")],
    export: Annotated[
        Path | None, typer.Option(help="Write every answer with its question as JSON lines.")
    ] = None,
    judge: Annotated[str, typer.Option(help="Only this judge's answers (its full name).")] = "",
    check: Annotated[bool, typer.Option("--check", help="Read every page of the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what there is as JSON.")] = False,
) -> None:
    """Tell which judges a file of answers remembers, and write its answers as JSON lines.

    The export is a table that `--judge scripted:FILE.jsonl` replays without the model.
    """
    from snellen.judges import AnswerStore

    if not file.is_file():  # opening would make one
        raise AnswerFileError(f"{file} is no file", "Give the file that --memory was given.")
    with AnswerStore(file) as store:
        if check:
            store.check()
        counts = store.judges()
        if judge and judge not in counts:
            raise UnknownName("judge of this file", judge, counts)
        counts = {judge: counts[judge]} if judge else counts
        written = store.export(export, judge or None) if export is not None else None
    if as_json:
        typer.echo(json.dumps({"judges": counts, "exported": written}, ensure_ascii=False))
        return
    for name, count in counts.items():
        typer.echo(f"{count:>9,}  {name}")
    if not counts:
        typer.echo("no answers")
    if written is not None:
        typer.echo(f"{written:,} answers written to {export}")
