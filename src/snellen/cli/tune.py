"""`snellen tune`: train parts of a judge to see distortions, audited before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen

if TYPE_CHECKING:
    from snellen.audit.tuning import Tuning

STOPPED = 130  # exit status of Ctrl-C
STEPS = 400  # of the optimiser, unless steps or minutes are given


def command(
    judge: Annotated[
        str, typer.Argument(help="A judge whose weights are here: hf:MODEL, built-in-base.")
    ],
    photos: Annotated[list[str], typer.Option(help="Pristine photos, seven or more. Repeat.")],
    audit_photos: Annotated[
        list[str] | None,
        typer.Option(
            help="Photos to audit; all of --photos are trained on then."
            " [default: three of ten of --photos]"
        ),
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option(
            help="vision,projector,language in any combination, or all. Repeat for several;"
            " `every` is each of the seven. [default: vision,projector]"
        ),
    ] = None,
    lora: Annotated[
        int, typer.Option(min=0, help="Rank of low-rank updates; 0 trains the weights themselves.")
    ] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the optimiser. [default: 400]")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Instead of steps: what all of it may take; the steps are planned."
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 16,
    rate: Annotated[
        float | None,
        typer.Option(min=1e-8, help="Peak learning rate. [default: by the model's size]"),
    ] = None,
    learnt: Annotated[int, typer.Option(min=8, help="Pictures to train on.")] = 1200,
    audited: Annotated[
        int, typer.Option(min=8, help="Pictures to audit on, of other photos.")
    ] = 240,
    types: Annotated[
        str, typer.Option(help="Distortions, parted by commas. [default: KADID-10k's 25]")
    ] = "",
    side: Annotated[
        int, typer.Option(min=0, help="Longest side of the window cut from a photo; 0 keeps all.")
    ] = 512,
    seed: Annotated[int, typer.Option(help="Of the order of examples.")] = 0,
    run: Annotated[
        Path, typer.Option(help="Directory of checkpoints, audits and the page.")
    ] = Path("snellen-runs/tune"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Train parts of a judge to name distortions, and audit it before and after.

    `snellen tune built-in-base --parts vision,projector --photos photos/`

    Photos are split: three of ten are audited and never trained on. The same command again goes on
    where it was stopped. The tuned judge is hf:RUN/PARTS/checkpoint.
    """
    from snellen.audit.material import from_photos
    from snellen.audit.training import Recipe
    from snellen.audit.tuning import parse_parts, tune
    from snellen.errors import InputError

    if steps is not None and minutes is not None:
        raise InputError("tune was given both --steps and --minutes", "Give one of them.")
    combinations = parse_parts(parts or ["vision,projector"])
    names = [name.strip() for name in types.split(",") if name.strip()]
    material = from_photos(photos, types=names or None, side=side)
    others = from_photos(audit_photos, types=names or None, side=side) if audit_photos else None
    recipe = Recipe((), lora, steps or STEPS, batch, rate, seed)
    try:
        with _bar(quiet) as progress:
            found = tune(
                judge, material, combinations, recipe, run,
                others=others, minutes=minutes, learnt=learnt, audited=audited,
                progress=progress, say=lambda told: None if quiet else typer.echo(told, err=True),
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("stopped: what was trained is saved; the same command again goes on", err=True)
        raise typer.Exit(STOPPED) from None
    rows = _write(run, found)
    if as_json:
        typer.echo(json.dumps({"sentence": found.sentence, "table": rows, "run": str(run)}))
    elif not quiet:
        _show(run, found, rows)


def _write(run: Path, found: Tuning) -> list[dict[str, Any]]:
    """tune.json, tune.csv, alignment.csv and the page; gives the table's rows."""
    from snellen.audit.tables import plain
    from snellen.cli.columns import write_columns, write_json
    from snellen.reports.tune_page import alignment_of, columns_of, write_tune_page

    rows = [columns_of(found.before, one) for one in (found.before, *found.after)]
    write_json(run / "tune.json", plain(found))
    write_columns(run / "tune.csv", {name: [row[name] for row in rows] for name in rows[0]})
    near = [row for one in found.after for row in alignment_of(found.before, one)]
    if near:
        write_columns(
            run / "alignment.csv", {name: [row[name] for row in near] for name in near[0]}
        )
    write_tune_page(run / "report.html", found)
    return rows


def _show(run: Path, found: Tuning, rows: list[dict[str, Any]]) -> None:

    from snellen.cli.columns import grid

    shown = ("parts", "accuracy", "macro", "unseen_wordings", "likeness", "logprob", "srcc")
    console = screen()
    columns = {name: [row[name] for row in rows] for name in shown}
    forms = dict.fromkeys(shown[1:], ".3f")
    trained, audited = found.photos
    title = f"Trained on {trained} photos, audited on {audited} others"
    console.print(grid(title, columns, forms, len(rows)))
    lines = [found.sentence]
    lines += [f"hf:{one.folder}" for one in found.after]
    for line in [*lines, f"written: {run / 'report.html'}"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """One line on a terminal: what is being done, how far, how long still."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as drawing:
        tasks: dict[str, Any] = {}

        def show(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = drawing.add_task(doing)
            drawing.update(tasks[doing], completed=done, total=total)

        yield show
