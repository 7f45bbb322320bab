"""`snellen tournament`: pictures compared pair by pair by a judge, on one scale."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen
from snellen.wording import counted

if TYPE_CHECKING:
    from snellen.cli.columns import Columns
    from snellen.images import Found
    from snellen.scoring.pairs import PositionBias
    from snellen.scoring.tournament import Tournament

ANSWERS = Path("snellen-runs") / "answers.db"
SOME_MISSING, STOPPED = 2, 130  # exit statuses
_FORMS = {"rank": "d", "score": ".1f", "interval": "", "jod": "+.2f", "compared": "d"}


def command(
    paths: Annotated[list[str], typer.Argument(help="Pictures, folders, globs; `-` reads a list.")],
    judge: Annotated[str, typer.Option(help="Judge: SCHEME:ADDRESS; see `snellen models`.")],
    per_image: Annotated[
        int, typer.Option(min=1, help="Comparisons of each picture, both orders each.")
    ] = 8,
    model: Annotated[str, typer.Option(help="bradley-terry or thurstone.")] = "bradley-terry",
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="Of all intervals.")
    ] = 0.95,
    memory: Annotated[
        Path, typer.Option(help="File of answers: what is in it is not asked again.")
    ] = ANSWERS,
    rows: Annotated[int, typer.Option(min=0, help="How many of the best to show.")] = 20,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a page (.html), everything (.json) or rows (.csv, .jsonl, .parquet).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
) -> None:
    """Rank pictures by what a judge prefers, pair by pair in both orders.

    A score is how often, in percent, the judge would prefer the picture to another one of these.
    The same command again goes on where it was stopped. Exit status: 0; 2 when some have no score,
    130 stopped by Ctrl-C.
    """
    from snellen.cli.columns import check_outputs, plain, records, write_columns, write_json
    from snellen.cli.progress import bar
    from snellen.images import Census, find
    from snellen.judges import ImagePart, Memory, load_judge
    from snellen.runs import Progress
    from snellen.scoring.tournament import tournament

    outputs = output or []
    check_outputs(outputs, "page", "everything", "rows")
    census = Census()
    found = list(find(paths, census=census))
    if not found:
        raise census.nothing_found(paths)
    loaded = load_judge(judge)
    memory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Memory(loaded, memory) as remembering, bar("comparing") as show:
            result = tournament(
                remembering,
                [ImagePart(one.path, one.name) for one in found],
                per_image=per_image,
                model=_model(model),
                confidence=confidence,
                told=None if quiet else lambda done, total: show(Progress(total, done, 0, 0)),
            )
    except KeyboardInterrupt:
        typer.echo("stopped: answers are saved; the same command again goes on", err=True)
        raise typer.Exit(STOPPED) from None
    columns = _columns(found, result)
    notes = _notes(result)
    everything = plain(
        {**_summary(loaded.name, result), "items": records(columns), "notes": notes}
    ) | {"meetings": _meetings(found, result)}
    for path in outputs:
        if path.suffix.lower() == ".html":
            from snellen.reports.tournament_page import write_tournament_page

            write_tournament_page(path, result, columns, notes, loaded.name)
        elif path.suffix.lower() == ".json":
            write_json(path, everything)
        else:
            write_columns(path, columns)
    if as_json:
        typer.echo(json.dumps(everything))
    elif not quiet:
        _show(columns, result, notes, rows, outputs)
    if result.missing:
        raise typer.Exit(SOME_MISSING)


def bias_line(bias: PositionBias) -> str:
    """Position bias in one sentence; shared with `snellen compare`."""
    return (
        f"position bias: {bias.first:.1%} for the picture shown first"
        f" ({bias.low:.1%} … {bias.high:.1%}, 50 % is none, taken out); the order decides"
        f" {bias.flipped:.0%} of {counted(bias.pairs, 'pair')}"
        f" ({bias.flipped_low:.0%} … {bias.flipped_high:.0%})"
    )


def _model(name: str) -> Any:
    from snellen.errors import UnknownName
    from snellen.scoring.standing import MODELS

    if name not in MODELS:  # known now rather than after all comparisons
        raise UnknownName("model", name, MODELS)
    return name


def _columns(found: list[Found], result: Tournament) -> Columns:
    """The table of all pictures, the best first, those without a score last."""
    order = sorted(range(len(found)), key=lambda at: (at in result.missing, -result.score[at]))
    scored = len(found) - len(result.missing)
    columns: dict[str, Any] = {
        "rank": [place + 1 if place < scored else None for place in range(len(order))],
        "image": [found[at].name for at in order],
    }
    parts = {
        "score": result.score, "low": result.low, "high": result.high,
        "jod": result.jod, "jod_low": result.jod_low, "jod_high": result.jod_high,
        "compared": result.compared,
    }  # fmt: skip
    columns |= {name: values[order] for name, values in parts.items()}
    columns["missing"] = [result.missing.get(at, "") for at in order]
    return columns


def _summary(judge: str, result: Tournament) -> dict[str, Any]:
    bias = result.bias
    scale = result.standing.scale
    return {
        "judge": judge,
        "model": scale.model,
        "comparisons": len(result.meetings),
        "prior": scale.prior,
        "dispersion": result.standing.dispersion,
        "confidence": scale.confidence,
        "position_bias": bias
        and {name: getattr(bias, name) for name in type(bias).__dataclass_fields__},
    }


def _meetings(found: list[Found], result: Tournament) -> list[dict[str, Any]]:
    """Every comparison as `snellen pairs` and the labelling of students read them."""
    return [
        {
            "first": found[one].name,
            "second": found[other].name,
            "preferred": verdict.winner,
            "forward": verdict.forward,
            "backward": verdict.backward,
            "preference": None if verdict.missing else verdict.preference,
            "missing": verdict.missing or None,
        }
        for one, other, verdict in result.meetings
    ]


def _notes(result: Tournament) -> list[str]:
    notes = []
    if result.missing:
        common, count = Counter(result.missing.values()).most_common(1)[0]
        why = common + (f", {count} times" if count > 1 else "")
        notes.append(f"{counted(len(result.missing), 'picture')} without a score ({why})")
    unanswered = [v.missing for _, _, v in result.meetings if v.missing]
    if unanswered:
        notes.append(f"{counted(len(unanswered), 'comparison')} not answered ({unanswered[0]})")
    halves = sum(verdict.weight == 0.5 for _, _, verdict in result.meetings)
    if halves:
        notes.append(f"{counted(halves, 'comparison')} answered in one order only, counted half")
    if result.twins:
        notes.append(f"{counted(len(result.twins), 'picture')} equal to another share its place")
    return notes


def _show(
    columns: Columns, result: Tournament, notes: list[str], rows: int, outputs: list[Path]
) -> None:

    from snellen.cli.columns import between, grid

    console = screen()
    total = len(result.score)
    shown = {name: columns[name] for name in ("rank", "score", "jod", "compared", "image")}
    shown["interval"] = between(columns["low"], columns["high"], ".1f")
    order = ("rank", "score", "interval", "jod", "compared", "image")
    title = f"best first ({min(rows, total)} of {total})"
    console.print(grid(title, {name: shown[name] for name in order}, _FORMS, rows))
    lines = [
        f"{counted(len(result.meetings), 'comparison')} in both orders;"
        " score: how often, in percent, preferred to another of these",
    ]
    lines += [bias_line(result.bias)] if result.bias else []
    lines += [f"note: {note}" for note in notes] + [f"written: {path}" for path in outputs]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
