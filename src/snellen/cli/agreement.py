"""What `snellen evaluate` and `snellen compare` share: options, loading, tables in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.wording import number, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table as Grid

    from snellen.data import Dataset
    from snellen.evaluate import Figure
    from snellen.matched import Matched, Scores

SOME_MISSING = 2  # exit status: rated images have no score

Column = Annotated[
    list[str] | None,
    typer.Option("-c", "--column", help="Column of the scores. Repeat for several of one file."),
]
Image = Annotated[str | None, typer.Option(help="Column of image names in the scores.")]
Mos = Annotated[str | None, typer.Option(help="Column of the ratings.")]
LowerIsBetter = Annotated[
    bool, typer.Option("--lower-is-better", help="Lower scores mean better images.")
]
Dmos = Annotated[bool, typer.Option("--dmos", help="Lower ratings mean better images.")]
DataSet = Annotated[
    str | None,
    typer.Option("--dataset", help="The ratings are the directory of this public data set."),
]
Split = Annotated[
    str | None, typer.Option(help="Use one published split of the ratings: train, val or test.")
]
Votes = Annotated[
    float | None, typer.Option(min=2, help="Votes behind each rating, where the table is silent.")
]
Scale = Annotated[
    tuple[float, float] | None,
    typer.Option(help="Lowest and highest possible rating, such as 1 5."),
]
Confidence = Annotated[
    float, typer.Option(min=0.5, max=0.9999, help="Of the intervals; 1 − it is the tests' alpha.")
]
Resamples = Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")]
Seed = Annotated[int, typer.Option(help="Another number draws other resamples and folds.")]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "-o", "--output", help="Write a page (.html), everything (.json) or rows (.csv). Repeat."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Exit 0 although rated images have no score.")
]


def scorers_of(
    files: Sequence[Path], columns: list[str] | None, image: str | None, negate: bool
) -> list[Scores]:
    """The scorers meant by files and columns: several columns of one file, or one of each file.

    Scorers of files with one name are told apart by their directories.
    """
    from snellen.errors import InputError
    from snellen.matched import load_scores, rename_alike

    if columns and len(columns) > 1:
        if len(files) > 1:
            raise InputError(
                f"{len(columns)} columns of {len(files)} files were asked for",
                "Name several columns of one file, or one column that every file has.",
            )
        return [load_scores(files[0], name, image=image, negate=negate) for name in columns]
    column = columns[0] if columns else None
    loaded = [load_scores(path, column, image=image, negate=negate) for path in files]
    return rename_alike(loaded, files) if len(files) > 1 else loaded


def ratings_of(
    path: Path, dataset: str | None, mos: str | None, dmos: bool, split: str | None
) -> Dataset:
    """The ratings that the options mean."""
    from snellen.matched import load_ratings

    return load_ratings(path, dataset=dataset, mos=mos, lower_is_better=dmos, split=split)


def end(matched: Matched, allow_missing: bool) -> None:
    """Exit 2 when rated images have no score, unless told otherwise."""
    if any(matched.unscored) and not allow_missing:
        raise typer.Exit(SOME_MISSING)


def grid(title: str, *columns: str) -> Grid:
    """A table whose first column is text and whose others are figures."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    table = Grid(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place, name in enumerate(columns):
        # Names fold where the terminal is narrow; figures never do.
        table.add_column(
            Text(name), justify="right" if place else "left", overflow="fold", no_wrap=place > 0
        )
    return table


def plain(text: str) -> str:
    """`text` for a cell: never read as markup, and without characters that act on a terminal."""
    from rich.markup import escape

    from snellen.reports.shell import printable

    return escape(printable(text))


def value_and_interval(figure: Figure) -> tuple[str, str]:
    """The two cells of a figure; the reason stands in the second where it is missing."""
    found = figure.estimate
    if found is None:
        return "–", plain(figure.reason)
    digits = 1 if figure.key == "equivalent_raters" else 3
    return number(found.value, digits), span(found.low, found.high, digits)


def show_lines(console: Console, lines: Iterable[str]) -> None:
    """Lines of plain text, wrapped by the terminal itself."""
    from snellen.reports.shell import printable

    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
