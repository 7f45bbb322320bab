"""`snellen rate`: people rate pictures in a browser. `snellen ratings`: what they said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.wording import counted

if TYPE_CHECKING:
    from snellen.rating import Study

DEFAULT_FILE = Path("ratings.db")


def command(
    paths: Annotated[list[str], typer.Argument(help="Pictures, folders or globs to rate.")],
    study: Annotated[
        Path, typer.Option(help="File of the study; the same one again goes on with it.")
    ] = DEFAULT_FILE,
    student: Annotated[
        str, typer.Option(help="Folder of a student, or built-in: says what to rate next.")
    ] = "built-in",
    task: Annotated[
        str, typer.Option(help="acr: one picture on five levels. pairs: which of two is better.")
    ] = "acr",
    n: Annotated[
        int, typer.Option("-n", min=1, help="Pictures or pairs each rater is asked.")
    ] = 50,
    raters: Annotated[
        list[str] | None, typer.Option(help="Invite this rater. Repeat. [default: you]")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; links are secret on any.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8017,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Name this machine is called by in links, where --host is not 127.0.0.1."
        ),
    ] = None,
) -> None:
    """Rate pictures in a browser: one page, by keyboard or touch, nothing ever lost.

    Prints a link for each rater and one for you, with who is how far, the opinions so far and the
    button that calibrates the scorer. Ctrl-C ends it; the same command goes on where it was.
    """
    from typing import cast, get_args

    from snellen.cli.progress import bar
    from snellen.errors import MissingExtra, UnknownName
    from snellen.rating import Gallery, Study
    from snellen.rating.store import Task
    from snellen.rating.teaching import Teaching
    from snellen.runs import Progress

    if task not in get_args(Task):
        raise UnknownName("task", task, get_args(Task))
    try:
        from snellen.rating.serving import serve
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "show pages to raters") from None
    with bar() as progress:
        gallery = Gallery.open(paths, progress)
    with bar("looking") as progress:
        teaching = Teaching(
            gallery, student, lambda done, total: progress(Progress(total, done, 0, 0))
        )
    with Study.begin(study, gallery, cast(Task, task), n, teaching=teaching) as opened:
        for rater in raters or (["me"] if not opened.file.raters() else []):
            opened.join(rater)
        serve(opened, host, port, name or [], lambda base: _tell(opened, base, study))


def _tell(study: Study, base: str, path: Path) -> None:
    """The links, once the pages can be opened."""
    missing = study.gallery.missing
    what = "pictures" if study.task == "acr" else "pairs"
    typer.echo(
        f"{study.n} {what} of {counted(len(study.gallery.known), 'picture')}, kept in {path}"
    )
    if missing:
        typer.echo(f"left out, cannot be read: {counted(len(missing), 'picture')}")
        for name, reason in missing[:5]:
            typer.echo(f"  {name}: {reason}")
    for rater in study.file.raters():
        typer.echo(f"  {rater.name:<12} {base}/r/{rater.token}")
    typer.echo(f"  {'the study':<12} {base}/study/{study.owner}")
    typer.echo("Ctrl-C ends it; nothing that was answered is lost.")


def ratings(
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
    from rich.console import Console
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
    Console(highlight=False).print(table)
    typer.echo(f"{counted(summary['pictures'], 'picture')} rated")
    for path in summary["outputs"]:
        typer.echo(f"written: {path}")
