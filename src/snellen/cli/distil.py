"""`snellen distil`: a small student learns what a judge said of pictures."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from snellen.wording import counted

STOPPED = 130


class Tune(str, Enum):
    """What learns."""

    head = "head"
    all = "all"


def command(
    labels: Annotated[list[Path], typer.Argument(help="Folders that `snellen label` made.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the student.")] = Path(
        "student"
    ),
    backbone: Annotated[
        str,
        typer.Option(help="Size and kind: built-in, convnext-tiny … convnext-base, or a model."),
    ] = "built-in",
    tune: Annotated[
        Tune, typer.Option(help="head: in seconds, on known features; all: the body learns too.")
    ] = Tune.head,
    pairs: Annotated[
        float, typer.Option(help="λ: the weight of pairs, where the labels hold any.")
    ] = 1.0,
    reliability: Annotated[
        bool, typer.Option(help="Weigh labels by the teacher's own doubt.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes at most.")] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Take runs that were stopped for what they have.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Teach a student what the labels say. It stops when held-out pictures stop gaining.

    The same command again goes on from its checkpoint. The folder it makes is what `calibrate`,
    `choose` and `export` take.
    """
    from snellen.students.model import need_torch

    need_torch("distil a student")
    import torch

    from snellen.cli.progress import bar
    from snellen.runs import Progress
    from snellen.students.distilling import Recipe, distil
    from snellen.students.labels import read_labels
    from snellen.students.model import new_student

    torch.set_num_threads(1)  # two threads beside another busy process are ten times slower
    found = read_labels(labels, unfinished=unfinished)
    most = epochs if epochs is not None else (1000 if tune is Tune.head else 6)
    recipe = Recipe(tune.value, pairs, reliability, epochs=most)
    try:
        with bar("looking") as look, bar("learning") as learn:
            student = distil(
                new_student(backbone), found, recipe, output,
                looked=lambda done, total: look(Progress(total, done, 0, 0)),
                told=lambda epoch, of, _: learn(Progress(of, epoch, 0, 0)),
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("stopped: the same command again goes on from the checkpoint", err=True)
        raise typer.Exit(STOPPED) from None
    if as_json:
        typer.echo(json.dumps({**student.card, "notes": found.notes, "folder": str(output)}))
    elif not quiet:
        card = student.card["distilled"]
        for note in found.notes:
            typer.echo(f"note    {note}")
        typer.echo(f"teacher {found.teacher}, {found.method}")
        pairs_too = f" and {counted(card['pairs'], 'pair')}" if card["pairs"] else ""
        typer.echo(
            f"learned from {counted(card['pictures'], 'picture')}{pairs_too}"
            f" in {counted(card['epochs'], 'epoch')}: held-out loss"
            f" {card['held_out_before']:.4f} → {card['held_out']:.4f}"
        )
        typer.echo(f"student {output}")
