"""`snellen audit`: what does this judge really see?"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.engines import Where, here_or_on_cluster
from snellen.cli.screen import screen
from snellen.wording import number, p_value, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from snellen.audit import Audit, Findings
    from snellen.audit.material import Material
    from snellen.audit.rates import Rate
    from snellen.runs import Request

SOME_MISSING, STOPPED = 2, 130  # exit statuses; 0 = everything was answered
_SHOWN = 3  # reasons told one by one; the page and findings.json hold all


@here_or_on_cluster
def command(
    judges: Annotated[
        list[str], typer.Argument(help="One judge, or two to set side by side: SCHEME:ADDRESS.")
    ],
    photos: Annotated[
        list[str] | None, typer.Option(help="Pristine photos, made worse on purpose. Repeat.")
    ] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(help="Directory of LIVE, CSIQ, TID2013 or KADID-10k instead. Repeat."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="How the judge is made to score: see docs/scoring.md.")
    ] = "levels",
    types: Annotated[
        str, typer.Option(help="Distortions, parted by commas. [default: KADID-10k's 25]")
    ] = "",
    most: Annotated[
        int | None,
        typer.Option(
            min=2, help="At most so many photos, or pictures of a set. [default: all, 400]"
        ),
    ] = None,
    side: Annotated[
        int, typer.Option(min=0, help="Longest side of the window cut from a photo; 0 keeps all.")
    ] = 512,
    thorough: Annotated[
        int, typer.Option(min=0, help="Pictures asked again in other words, orders and files.")
    ] = 120,
    inside: Annotated[
        bool, typer.Option(help="Look into the model, where the judge lets one: alignment, layers.")
    ] = True,
    run: Annotated[
        Path | None,
        typer.Option(help="Run directory. [default: one for this request under snellen-runs/]"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask everything again.")] = False,
    page: Annotated[bool, typer.Option(help="Write the report page.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    *,
    where: Where,
) -> None:
    """Find out which distortions a judge sees, guesses, or is blind to.

    `snellen audit built-in --photos photos/`

    The same command again goes on where it was stopped. Exit status: 0 everything was answered,
    2 some answers are missing (the page says which and why), 130 stopped by Ctrl-C.
    """
    from snellen.audit import audit
    from snellen.audit.tables import audit_plain
    from snellen.cli.progress import bar
    from snellen.images.addresses import place_of
    from snellen.judges import load_judge
    from snellen.runs import Request
    from snellen.scoring import make_method

    where.check()
    material = _material(photos, corpus, types, most, side)
    options = {"types": types, "most": most, "side": side, "thorough": thorough, "method": method}
    paths = [place_of(path) for path in (photos or corpus or ())]

    def request_of(asked: list[Any]) -> Request:
        return Request("audit", tuple(paths), {"judges": [one.name for one in asked], **options})

    try:
        with nullcontext() if quiet else bar("asking") as progress:
            asking: dict[str, Any] = {
                "directory": run, "fresh": fresh, "thorough": thorough, "inside": inside,
                "progress": progress,
            }  # fmt: skip
            if where.on_ray:
                found, request = _on_cluster(judges, material, method, request_of, where, asking)
            else:
                asked = [load_judge(name) for name in judges]
                request = request_of(asked)
                found = audit(asked, material, make_method(method), request, **asking)
    except KeyboardInterrupt:
        typer.echo("stopped: answers are saved; the same command again goes on", err=True)
        raise typer.Exit(STOPPED) from None
    report = _page(found, material, request) if page else None
    if as_json:
        typer.echo(json.dumps({**audit_plain(found), "report": report and str(report)}))
    elif not quiet:
        _show(found, report)
    if found.missing:
        raise typer.Exit(SOME_MISSING)


def _on_cluster(
    judges: list[str],
    material: Material,
    method: str,
    request_of: Callable[[list[Any]], Request],
    where: Where,
    asking: dict[str, Any],
) -> tuple[Audit, Request]:
    """The audit with every question asked by workers; nobody looks into the judges."""
    from functools import partial

    from snellen.audit import audit
    from snellen.scale.absent import who_is
    from snellen.scale.auditing import PART, AuditElsewhere
    from snellen.scoring import make_method

    with where.cluster() as cluster:
        known = [cluster.ask(partial(who_is, name)) for name in judges]
        request = request_of(known)
        directory = asking["directory"] or request.directory()
        elsewhere = AuditElsewhere(
            cluster, tuple(judges), method, tuple(known), material,
            where.shards or str((directory / "shards").absolute()), request.identity,
            where.part or PART,
        )  # fmt: skip
        found = audit(known, material, make_method(method), request, **asking, elsewhere=elsewhere)
    return found, request


def _material(
    photos: list[str] | None,
    corpus: list[Path] | None,
    types: str,
    most: int | None,
    side: int,
) -> Material:
    from snellen.audit.material import from_corpus, from_photos, join
    from snellen.data import read_dataset
    from snellen.errors import InputError
    from snellen.scorers import load_scorer

    if bool(photos) == bool(corpus):
        given = "both --photos and --corpus" if photos else "neither --photos nor --corpus"
        raise InputError(f"audit was given {given}", "Give a folder of photos, or public sets.")
    if corpus:
        options = {} if most is None else {"most": most}
        return join([from_corpus(read_dataset(place), **options) for place in corpus])
    names = [name.strip() for name in types.split(",") if name.strip()]
    return from_photos(
        photos or [], types=names or None, side=side, most=most, scorer=load_scorer("built-in")
    )


def _page(found: Audit, material: Material, request: Request) -> Path:
    from snellen.reports.audit_page import write_audit_page

    return write_audit_page(found.run / "report.html", found, material, request)


def _show(found: Audit, report: Path | None) -> None:

    console = screen()
    for one in found.findings:
        _show_judge(console, one)
    if found.differences:
        _show_differences(console, found)
    lines = [f"note: {note}" for note in found.notes]
    if found.left_out:
        lines.append(f"{len(found.left_out)} left out, such as {found.left_out[0]}")
    lines += [f"written: {path}" for path in (found.run, report) if path]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _show_judge(console: Console, one: Findings) -> None:
    from rich.text import Text

    grid = _grid(Text(one.judge), "distortion", "family", "verdict", "seen", "score", "from step")
    ladders = {ladder.name: ladder for ladder in one.types}
    colours = {"sees it": "green", "guesses": "yellow", "blind": "red"}
    for verdict in one.verdicts:
        instead = f", says {verdict.said_instead}" if verdict.said_instead else ""
        ladder = ladders.get(verdict.type)
        noticed = "–" if ladder is None or ladder.noticed is None else str(ladder.noticed)
        grid.add_row(
            verdict.type,
            verdict.family,
            Text(verdict.sight + instead, style=colours.get(verdict.sight, "dim")),
            number(verdict.informed.value, 2),
            number(verdict.tau.value, 2),
            noticed,
        )
    grid.caption = (
        "seen: named when there less when not, 0 blind, 1 perfect   score: Kendall's tau with the"
        " level   from step: first at which the score falls"
    )
    grid.caption_justify = "left"
    console.print(grid)
    for line in _lines(one):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(one: Findings) -> list[str]:
    """What there is to say beside the table."""
    seen, same = one.perception, one.consistency
    lines = [
        one.headline,
        f"names the distortion in {_percent(seen.accuracy)}; macro {_percent(seen.macro)}"
        f" (chance {seen.chance:.1%}, always the commonest {seen.majority:.1%})",
        f"calibration error {number(seen.calibration.value)}, soft discrimination"
        f" {number(seen.soft.value)} (.5 no preference)",
        f"scores with people's expected opinion: SRCC {_figure(one.srcc)}",
    ]
    if one.content is not None:
        lines.append(
            f"content: pristine photos lie {one.content.spread:.1f} points apart, the worst"
            f" distortions cost {one.content.fall:.1f}: index {number(one.content.value)}"
            f" [{span(one.content.low, one.content.high)}]"
        )
    lines += [
        f"changed when {change.told}: {_percent(change.changed)}"
        if not change.reason
        else f"changed when {change.told}: not known, {change.reason}"
        for change in same.changes
    ]
    lines.append(
        "pictures of nothing: " + ", ".join(f"{nil.name} {nil.verdict}" for nil in one.sanity)
    )
    lines += [f"{part} left out: {why}" for part, why in one.skipped.items()]
    reasons = sorted(one.reasons.items(), key=lambda pair: -pair[1])
    lines += [f"missing {count:,}: {reason}" for reason, count in reasons[:_SHOWN]]
    return [*lines, ""]


def _show_differences(console: Console, found: Audit) -> None:
    grid = _grid("Second less first, paired by photo", "", "first", "second", "difference",
                 "interval", "p (Holm)")  # fmt: skip
    for row in found.differences:
        grid.add_row(
            row.what, number(row.first), number(row.second), number(row.difference.value),
            span(row.difference.low, row.difference.high),
            p_value(row.p_holm) + (" *" if row.p_holm < 0.05 else "  "),
        )  # fmt: skip
    console.print(grid)


def _grid(title: object, *columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))  # type: ignore[arg-type]
    for place, name in enumerate(columns):
        grid.add_column(name, justify="right" if place > 2 else "left", overflow="fold")
    return grid


def _percent(rate: Rate) -> str:
    if not rate.n:
        return "–"
    bounds = "" if rate.low != rate.low else f" ({rate.low:.0%}–{rate.high:.0%})"
    return f"{rate.value:.1%}{bounds}"


def _figure(rate: Rate) -> str:
    if not rate.n:
        return "–"
    return f"{number(rate.value)} [{span(rate.low, rate.high)}]"
