"""`snellen export`: a student as one ONNX file that `snellen score --with` runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def command(
    student: Annotated[str, typer.Argument(help="Folder of a student, or built-in.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file; its name ends in .onnx.")
    ] = Path("student.onnx"),
    name: Annotated[str | None, typer.Option(help="What its scores are called.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the teacher's weights, for the card.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Write network, calibration and card as one file that needs neither torch nor this folder."""
    from snellen.students.card import lines_of
    from snellen.students.model import open_student
    from snellen.students.packing import pack

    card = pack(open_student(student), output, name=name, licence=licence)
    if as_json:
        typer.echo(json.dumps(card))
        return
    for line in lines_of(card):
        typer.echo(line)
    typer.echo(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")
    typer.echo(f"use   snellen score PHOTOS --with {output}")
