"""`snellen calibrate`: a student learns the scale of people from a few of their ratings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen
from snellen.wording import counted, number, span

if TYPE_CHECKING:
    from snellen.students.calibrating import Calibrated
    from snellen.students.calibration import Checked

PAGE, FIGURES = "calibration.html", "calibration.json"


def command(
    student: Annotated[str, typer.Argument(help="Folder of a student, or built-in.")],
    ratings: Annotated[
        Path, typer.Argument(help="MOS, votes (a column rater) or pairs: .csv, .jsonl, …")
    ],
    images: Annotated[
        Path | None,
        typer.Option(help="Folder to look for the rated images in. [default: the ratings' own]"),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Learn from so many ratings; judge by the others.")
    ] = None,
    scale: Annotated[
        tuple[float, float] | None, typer.Option(help="Ends of the rating scale, such as 1 5.")
    ] = None,
    lower_is_better: Annotated[
        bool | None,
        typer.Option(
            "--lower-is-better/--higher-is-better",
            help="Which way the ratings run. [default: higher, and asked about if it looks wrong]",
        ),
    ] = None,
    image: Annotated[str | None, typer.Option(help="Column of the images.")] = None,
    mos: Annotated[str | None, typer.Option(help="Column of the ratings.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder of the calibrated student. [STUDENT-calibrated]"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Re-learn a student's head from ratings, give every score an interval, say what it is worth.

    From 10 rated images up. Every figure is cross-validated; the page beside the student shows the
    learning curve. `snellen export` makes the file to score with.
    """
    from snellen.cli.columns import plain, write_json
    from snellen.cli.progress import bar
    from snellen.reports.calibrate_page import write_calibrate_page
    from snellen.runs import Progress
    from snellen.students.calibrating import calibrate, figures_of
    from snellen.students.model import open_student
    from snellen.students.ratings import read_opinions

    opinions = read_opinions(
        ratings, scale=scale, lower_is_better=bool(lower_is_better), image=image, mos=mos
    )
    with bar("looking") as show:
        done = calibrate(
            open_student(student), opinions, images if images is not None else ratings.parent,
            search=images is not None, budget=budget, trusted=lower_is_better is not None,
            told=lambda ready, total: show(Progress(total, ready, 0, 0)),
        )  # fmt: skip
    folder = output if output is not None else Path(f"{Path(student)}-calibrated")
    done.student.save(folder)
    found: dict[str, Any] = plain({**figures_of(done), "folder": str(folder)})
    write_json(folder / FIGURES, found)
    page = write_calibrate_page(folder / PAGE, done, ratings.name)
    if as_json:
        typer.echo(json.dumps(found))
    elif not quiet:
        _show(done, folder, page)


def _show(done: Calibrated, folder: Path, page: Path) -> None:
    from rich.table import Table as Grid

    console = screen()
    n = len(done.opinions)
    grid = Grid(title=f"Calibrated on {counted(n, 'rated image')}", title_justify="left")
    heads = ["judged on", "", "SRCC", "PLCC", "RMSE"]
    for head in heads:
        grid.add_column(head, justify="right" if head.isupper() else "left")
    for row in _rows("other folds of them", done.checked, done.unit):
        grid.add_row(*row)
    if done.held_out is not None:
        for row in _rows(f"{len(done.held_out.predicted)} kept apart", done.held_out, done.unit):
            grid.add_row(*row)
    console.print(grid)
    share, low, high = (done.held_out or done.checked).coverage
    lines = [
        f"interval {done.calibration.how}, 95 %: ± {done.calibration.half:.1f} points; held"
        f" {share:.1%} [{low:.1%}, {high:.1%}]"
    ]
    if done.curve is not None and done.curve.gain is not None:
        gain, low, high = done.curve.gain
        lines.append(
            f"more     {2 * n} ratings would add about {number(gain)} SRCC ({span(low, high)})"
        )
    lines += [f"note     {note}" for note in done.notes]
    lines += [f"page     {page}", f"student  {folder}"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rows(judged: str, checked: Checked, unit: float) -> list[list[str]]:
    def row(where: str, name: str, figures: Any) -> list[str]:
        srcc, plcc, rmse = figures
        error = f"{rmse.value / unit:.2f} [{rmse.low / unit:.2f}, {rmse.high / unit:.2f}]"
        return [where, name, *(f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in (srcc, plcc)),
                error]  # fmt: skip

    return [
        row(judged, "distilled", checked.before),
        row("", "calibrated", (checked.srcc, checked.plcc, checked.rmse)),
    ]
