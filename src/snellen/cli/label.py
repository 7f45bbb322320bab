"""`snellen label`: a judge labels pictures, and pairs of them, for a student to learn from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.engines import Where, here_or_on_cluster
from snellen.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from snellen.students.labelling import Forecast, Labelled, Order

SOME_MISSING, NOTHING_DONE, STOPPED = 2, 1, 130


@here_or_on_cluster
def command(
    paths: Annotated[list[str], typer.Argument(help="Pictures, folders, globs.")],
    judge: Annotated[str, typer.Option(help="The teacher: a judge; see `snellen models`.")],
    method: Annotated[str, typer.Option(help="How it is asked and read.")] = "levels",
    pairs_per_image: Annotated[
        int, typer.Option(min=0, help="Also ask which of two is better: pairs each picture is in.")
    ] = 0,
    reliability: Annotated[
        Path | None, typer.Option(help="reliability.json of an audit of this judge.")
    ] = None,
    shard: Annotated[str, typer.Option(help="Part of the pictures: 2/8 is the second of 8.")] = "",
    run: Annotated[
        Path | None, typer.Option(help="Folder for the labels. [default: under snellen-runs/]")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="File of answers. [default: answers.db in the folder]")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the labels of before.")] = False,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Say what it would cost, and stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    *,
    where: Where,
) -> None:
    """Ask a judge about every picture and keep what it says as labels for a student.

    What it will cost is said once the first pictures are labelled. The same command again goes on
    where it was stopped; no question is asked twice. Exit status: 0; 2 when some pictures have no
    label; 130 stopped.
    """
    from snellen.audit.reliability import read_reliability
    from snellen.judges import load_judge
    from snellen.scoring import make_method
    from snellen.students.labelling import Order, label

    where.check(memory=memory, forecast=forecast or None)
    audit = None if reliability is None else read_reliability(reliability)
    order = Order(pairs_per_image, _shard(shard), audit)
    told: list[Forecast] = []

    def foretold(found: Forecast) -> None:
        told.append(found)
        if not quiet and not as_json:
            typer.echo(_forecast(found), err=True)

    from snellen.cli.progress import bar
    from snellen.runs import Progress

    try:
        with bar("labelling") as show:

            def tell(ready: int, total: int) -> None:
                show(Progress(max(total, ready), ready, 0, 0))

            if where.on_ray:
                done = _on_cluster(paths, judge, method, order, where, run, fresh, tell)
            else:
                done = label(
                    paths, load_judge(judge), make_method(method), order, run,
                    memory=memory, fresh=fresh, only_forecast=forecast, foretold=foretold,
                    told=tell,
                )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo("stopped: what was answered is kept; the same command again goes on", err=True)
        raise typer.Exit(STOPPED) from None
    summary: dict[str, Any] = {**asdict(done), "folder": str(done.folder)}
    if told:
        summary["forecast"] = asdict(told[0])
    if as_json:
        typer.echo(json.dumps(summary))
    elif not quiet:
        _show(done, forecast)
    if forecast:
        return
    if done.missing == done.pictures:
        raise typer.Exit(NOTHING_DONE)
    if done.missing or done.missing_pairs:
        raise typer.Exit(SOME_MISSING)


def _on_cluster(
    paths: list[str],
    judge: str,
    method: str,
    order: Order,
    where: Where,
    run: Path | None,
    fresh: bool,
    told: Callable[[int, int], None],
) -> Labelled:
    from snellen.scale.labelling import PART, label_on_ray

    with where.cluster() as cluster:
        return label_on_ray(
            paths, judge, method, order, cluster, run,
            shards=where.shards, part=where.part or PART, fresh=fresh, told=told,
        )  # fmt: skip


def _shard(text: str) -> tuple[int, int]:
    """ "2/8" → (2, 8); nothing → (1, 1). Raises `InputError`."""
    from snellen.errors import InputError

    if not text:
        return 1, 1
    which, slash, of = text.partition("/")
    if not (slash and which.isdecimal() and of.isdecimal()):
        raise InputError(f"--shard is {text!r}", "Write WHICH/OF, such as 2/8.")
    return int(which), int(of)


def _forecast(found: Forecast) -> str:
    rest = f"{_both(found.pictures, found.pairs)} to label"
    cost = f"{counted(found.questions, 'question')}"
    if found.seconds is not None:
        cost += f", about {_duration(found.seconds)}"
    if found.tokens is not None:
        cost += f", {found.tokens:,} prompt tokens"
    return f"forecast: {rest}: {cost}"


def _both(pictures: int, pairs: int) -> str:
    return counted(pictures, "picture") + (f" and {counted(pairs, 'pair')}" if pairs else "")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _show(done: Labelled, only_forecast: bool) -> None:
    lines = [f"note   {note}" for note in done.notes]
    if not only_forecast:
        known = f"{done.pictures - done.missing} of {counted(done.pictures, 'picture')}"
        if done.pairs:
            known += f" and {done.pairs - done.missing_pairs} of {counted(done.pairs, 'pair')}"
        lines.append(f"{known} labelled")
        if done.missing or done.missing_pairs:
            lines.append(
                f"missing: {_both(done.missing, done.missing_pairs)}; the rows say why, and the"
                " same command again tries once more"
            )
    lines.append(f"asked  {done.asked} questions, {done.remembered} known from before")
    lines.append(f"labels {done.folder}")
    for line in lines:
        typer.echo(line)
