"""`snellen degrade`: make a picture worse on purpose, or show every way of doing so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen

if TYPE_CHECKING:
    from PIL import Image


def command(
    image: Annotated[Path | None, typer.Argument(help="The picture to degrade.")] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="NAME[=LEVEL]",
            help="Distortion, see --list. Repeat for several in a row.",
        ),
    ] = None,
    level: Annotated[int, typer.Option(help="Level 1–5, where --as names none.")] = 3,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; its ending names the format."),
    ] = None,
    ladder: Annotated[
        bool,
        typer.Option(
            "--ladder", help="Draw the five levels beside the original; all types if no --as."
        ),
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the distortions and stop.")] = False,
) -> None:
    """Make a picture worse on purpose, in five levels, the same on every machine.

    `snellen degrade photo.jpg --as jpeg --level 4`

    `snellen degrade photo.jpg --as motion-blur=3 --as jpeg=4 -o bad.png`

    `snellen degrade photo.jpg --ladder -o sheet.png`
    """
    from snellen.errors import InputError

    if list_:
        _list()
        return
    if image is None:
        raise InputError("no picture was given", "Name one, or use --list to see the distortions.")

    from PIL import Image

    from snellen import distortions
    from snellen.distortions.sheet import sheet
    from snellen.images.read import read

    steps = [_step(text, level) for text in as_ or ()]
    if not steps and not ladder:
        raise InputError("nothing to do to the picture", "Add --as NAME (see --list) or --ladder.")
    chosen = [distortions.get(name) for name, _ in steps]
    for distortion, (_, number) in zip(chosen, steps, strict=True):
        distortion.value(number)  # refuses a level that is not there before anything is read
    picture = read(image)
    if ladder:
        ending = "ladder"
        made = sheet(picture.pixels, chosen or distortions.catalogue(), content=picture.hash)
    else:
        ending = "-".join(f"{name}-{number}" for name, number in steps)
        seed = distortions.seed_of(picture.hash, *steps[0])
        made = Image.fromarray(distortions.compose(picture.pixels, steps, seed=seed))
    target = output or Path(f"{image.stem}-{ending}.png")
    _write(made, target, image)
    typer.echo(f"{target} ({made.width}×{made.height})")


def _step(text: str, level: int) -> tuple[str, int]:
    """NAME or NAME=LEVEL as (name, level)."""
    from snellen.errors import InputError

    name, equals, number = text.partition("=")
    if not equals:
        return name, level
    if not number.isdecimal():
        raise InputError(f"--as {text!r}: level {number!r} is no number", "Write NAME=LEVEL.")
    return name, int(number)


def _write(made: Image.Image, target: Path, source: Path) -> None:
    """Save, without ever writing over the picture that was read."""
    from snellen.errors import InputError

    if target.exists() and target.samefile(source):
        raise InputError(f"{target} is the picture itself", "Give another file with -o.")
    # JPEG's own losses must not be taken for the distortion's.
    options: dict[str, Any] = {}
    if target.suffix.lower() in {".jpg", ".jpeg"}:
        options = {"quality": 95, "subsampling": "4:4:4"}
    try:
        made.save(target, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{target} cannot be written: {error}",
            "Choose an existing folder and an ending such as .png or .jpg.",
        ) from None


def _list() -> None:
    """The catalogue as a table."""
    from rich.table import Table

    from snellen.distortions import catalogue

    table = Table("name", "family", "what a person sees", "source", box=None, pad_edge=False)
    for distortion in catalogue():
        table.add_row(distortion.name, distortion.family, distortion.sees, distortion.source)
    screen().print(table)
