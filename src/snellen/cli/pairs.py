"""`snellen pairs`: paired comparisons to one scale, in JOD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen
from snellen.wording import counted

if TYPE_CHECKING:
    from snellen.cli.columns import Columns
    from snellen.stats.pairs import Comparisons
    from snellen.stats.scaling import PairScale

_FORMS = {"rank": "d", "jod": "+.2f", "interval": "", "comparisons": "g", "wins": "g", "ties": "g"}
_MODELS = ("bradley-terry", "thurstone")
_TIES = ("half", "davidson")


def command(
    pairs: Annotated[
        Path,
        typer.Argument(help="Answers, one a row, or counts per pair: .csv, .jsonl or .parquet."),
    ],
    model: Annotated[str, typer.Option(help="bradley-terry or thurstone.")] = _MODELS[0],
    ties: Annotated[
        str, typer.Option(help="A tie is half a win for each (half), or modelled (davidson).")
    ] = _TIES[0],
    prior: Annotated[
        float | None,
        typer.Option(help="Spread of a prior in JOD, for few answers or separate groups."),
    ] = None,
    first: Annotated[str | None, typer.Option(help="Column of the first image.")] = None,
    second: Annotated[str | None, typer.Option(help="Column of the second image.")] = None,
    preferred: Annotated[
        str | None, typer.Option(help="Column of the answer: first, second or tie, or its image.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of all intervals.")] = 0.95,
    rows: Annotated[int, typer.Option(min=0, help="How many of the best to show.")] = 20,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a page (.html), everything (.json) or the images (.csv, .jsonl, .parquet).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Rank images by who was preferred to whom, on a scale with intervals.

    A difference of 1 JOD means that three of four people prefer the better image; 0 is the mean of
    all. Understood are columns first, second and preferred; winner and loser; or first, second,
    wins_first, wins_second and, if any, ties.
    """
    from snellen.cli.columns import check_outputs, plain, records, write_columns, write_json
    from snellen.data.comparisons import comparisons_of
    from snellen.data.tables import read_table
    from snellen.errors import InputError, UnknownName
    from snellen.stats.scaling import bradley_terry, thurstone

    if model not in _MODELS:
        raise UnknownName("model", model, _MODELS)
    if ties not in _TIES:
        raise UnknownName("treatment of ties", ties, _TIES)
    if model == "thurstone" and ties == "davidson":
        raise InputError(
            "Davidson's ties belong to Bradley–Terry", "Leave out --ties, or take bradley-terry."
        )
    outputs = output or []
    check_outputs(outputs, "page", "everything", "rows")
    answers = comparisons_of(read_table(pairs), pairs, (first, second, preferred))
    if model == "thurstone":
        scale = thurstone(answers, prior, confidence)
    else:
        scale = bradley_terry(
            answers, "davidson" if ties == "davidson" else "half", prior, confidence
        )
    items, summary, notes = (
        _columns(answers, scale),
        _summary(answers, scale),
        _notes(answers, scale),
    )
    found = plain({**summary, "items": records(items), "notes": notes})
    for path in outputs:
        if path.suffix.lower() == ".html":
            from snellen.reports.people_page import write_pairs_page

            write_pairs_page(path, answers, scale, notes, pairs.name)
        elif path.suffix.lower() == ".json":
            write_json(path, found)
        else:
            write_columns(path, items)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _show(items, summary, notes, rows)


def _columns(pairs: Comparisons, scale: PairScale) -> Columns:
    """The table of all items, the best first."""
    order = sorted(range(len(scale.jod)), key=lambda code: -scale.jod[code])
    wins = pairs.per_item(pairs.wins_first, pairs.wins_second)
    ties = pairs.per_item(pairs.ties, pairs.ties)
    each = pairs.wins_first + pairs.wins_second + pairs.ties
    total = pairs.per_item(each, each)
    columns: dict[str, Any] = {
        "rank": range(1, len(order) + 1),
        "item": [pairs.items[code] for code in order],
    }
    parts = {
        "jod": scale.jod, "low": scale.low, "high": scale.high, "std": scale.std,
        "comparisons": total, "wins": wins, "ties": ties,
    }  # fmt: skip
    return columns | {name: values[order] for name, values in parts.items()}


def _summary(pairs: Comparisons, scale: PairScale) -> dict[str, Any]:
    return {
        "model": scale.model,
        "ties": scale.ties,
        "tie_factor": scale.tie_factor,
        "prior": scale.prior,
        "items_n": len(pairs.items),
        "pairs_n": len(pairs),
        "comparisons": scale.comparisons,
        "tied": float(pairs.ties.sum()),
        "missing": pairs.missing,
        "selfs": pairs.selfs,
        "agreement": scale.agreement,
        "log_likelihood": scale.log_likelihood,
        "confidence": scale.confidence,
    }


def _notes(pairs: Comparisons, scale: PairScale) -> list[str]:
    notes = []
    if pairs.missing:
        notes.append(f"left out for want of an answer: {counted(pairs.missing, 'row')}")
    if pairs.selfs:
        notes.append(f"left out, an image compared with itself: {counted(pairs.selfs, 'row')}")
    if scale.covariance is None:
        notes.append("above 3,000 images the standard errors are estimates, good to some percent")
    few = int((pairs.per_item(*[pairs.wins_first + pairs.wins_second + pairs.ties] * 2) < 5).sum())
    if few:
        notes.append(f"fewer than 5 comparisons, so a rough interval: {counted(few, 'image')}")
    return notes


def _show(items: Columns, summary: dict[str, Any], notes: list[str], rows: int) -> None:

    from snellen.cli.columns import between, grid

    console = screen()
    total = summary["items_n"]
    title = f"{summary['model']}, best first ({min(rows, total)} of {total})"
    columns = {
        "rank": items["rank"],
        "item": items["item"],
        "jod": items["jod"],
        "interval": between(items["low"], items["high"], "+.2f"),
        "comparisons": items["comparisons"],
        "wins": items["wins"],
        "ties": items["ties"],
    }
    console.print(grid(title, columns, _FORMS, rows))
    tied = f", {summary['tied']:g} of them ties ({summary['ties']})" if summary["tied"] else ""
    lines = [
        f"{summary['comparisons']:g} comparisons of {total} images{tied}",
        f"1 JOD = preferred by 75 %; intervals {100 * summary['confidence']:g} %, about the mean",
        f"{100 * summary['agreement']:.1f} % of the untied answers agree with the scale",
    ]
    for line in (*lines, *(f"note: {note}" for note in notes)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
