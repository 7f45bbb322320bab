"""The command line: one file a verb, named after it.

A verb's module imports only typer and the standard library at the top; what is heavy is imported
inside its function, so that `snellen --help` stays under 0.3 s whatever verbs exist.
"""

from __future__ import annotations

import sys

import typer

from snellen import __version__
from snellen.cli import (
    answers,
    ask,
    audit,
    calibrate,
    choose,
    compare,
    degrade,
    distil,
    doctor,
    evaluate,
    explain,
    export,
    label,
    models,
    pairs,
    rate,
    raters,
    score,
    serve,
    tournament,
    tune,
)
from snellen.errors import SnellenError

app = typer.Typer(
    name="snellen",
    help="Image quality scores you can check: which pictures are bad, how bad, and what is wrong.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
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


app.command("score")(score.command)
app.command("explain")(explain.command)
app.command("degrade")(degrade.command)
app.command("raters")(raters.command)
app.command("pairs")(pairs.command)
app.command("rate")(rate.command)
app.command("ratings")(rate.ratings)
app.command("evaluate")(evaluate.command)
app.command("compare")(compare.command)
app.command("tournament")(tournament.command)
app.command("audit")(audit.command)
app.command("label")(label.command)
app.command("distil")(distil.command)
app.command("calibrate")(calibrate.command)
app.command("choose")(choose.command)
app.command("export")(export.command)
app.command("tune")(tune.command)
app.command("ask")(ask.command)
app.command("answers")(answers.command)
app.command("doctor")(doctor.command)
app.command("models")(models.command)
app.command("serve")(serve.command)


def run() -> None:
    """The console script: errors made on purpose are one line on stderr and exit status 1."""
    try:
        app()
    except SnellenError as error:
        print(f"snellen: {error}", file=sys.stderr)
        sys.exit(1)
