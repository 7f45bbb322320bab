"""The command line: one file a verb, named after it.

A verb's module imports only typer and the standard library at the top; what is heavy is imported
inside its function. And verbs are imported when they are asked for, not to be listed, so that
`snellen --help` stays under 0.3 s whatever verbs exist.
"""

from __future__ import annotations

import sys

import typer

from snellen import __version__
from snellen.cli.verbs import Verbs
from snellen.errors import SnellenError

app = typer.Typer(
    cls=Verbs,
    name="snellen",
    help="Image quality scores you can check: which pictures are bad, how bad, and what is wrong.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a verb's own help has colour; the list of them is there at once
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"snellen {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def run() -> None:
    """The console script: errors made on purpose are one line on stderr and exit status 1."""
    try:
        app()
    except SnellenError as error:
        print(f"snellen: {error}", file=sys.stderr)
        sys.exit(1)
