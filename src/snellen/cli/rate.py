"""`snellen rate`: people rate pictures in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli.ratings import DEFAULT_FILE
from snellen.wording import counted

if TYPE_CHECKING:
    from snellen.rating import Study


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
