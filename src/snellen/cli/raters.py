"""`snellen raters`: raw votes to mean opinion scores, and what the raters are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen
from snellen.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from snellen.cli.columns import Columns
    from snellen.data.tables import Table
    from snellen.stats.panel import Panel
    from snellen.stats.votes import Votes

_ITEM_FORMS = {
    "n": "d",
    "mos": ".2f",
    "std": ".2f",
    "interval": "",
    "quality": ".2f",
    "its interval": "",
}
_RATER_FORMS = {"votes": "d", "srcc": ".2f", "r1": ".2f", "bias": "+.2f", "inconsistency": ".2f"}


def command(
    votes: Annotated[Path, typer.Argument(help="Votes, one a row: .csv, .jsonl or .parquet.")],
    item: Annotated[str | None, typer.Option(help="Column of the rated image.")] = None,
    rater: Annotated[str | None, typer.Option(help="Column of who voted.")] = None,
    score: Annotated[str | None, typer.Option(help="Column of the vote.")] = None,
    condition: Annotated[
        str | None, typer.Option(help="Column of what was done to the image, for P.913.")
    ] = None,
    content: Annotated[
        str | None, typer.Option(help="Column of what the image shows, for its ambiguity.")
    ] = None,
    scale: Annotated[
        tuple[float, float] | None, typer.Option(help="Ends of the scale. [default: the votes']")
    ] = None,
    min_votes: Annotated[int, typer.Option(min=1, help="Leave out raters with fewer votes.")] = 1,
    screen: Annotated[
        str, typer.Option(help="Leave out raters flagged by: none, bt500 or p913.")
    ] = "none",
    r1: Annotated[
        float, typer.Option(help="Correlation with the panel under which P.913 flags a rater.")
    ] = 0.75,
    p910: Annotated[
        bool, typer.Option("--p910", help="The subject model exactly as in ITU-T P.910.")
    ] = False,
    confidence: Annotated[float, typer.Option(help="Of all intervals.")] = 0.95,
    rows: Annotated[int, typer.Option(min=0, help="How many rows to show of each table.")] = 12,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a page (.html), everything (.json) or the items (.csv, .jsonl, .parquet).",
        ),
    ] = None,
    raters_output: Annotated[
        Path | None, typer.Option("--raters", help="Write the raters' table.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Turn raw votes into MOS with intervals, and say which raters to doubt.

    Items get the mean of their votes and the quality of ITU-T P.910's subject model, which takes
    out each rater's bias and weighs careless raters down. Raters are flagged, not left out, unless
    --screen says so.
    """
    from snellen.cli.columns import check_outputs, plain, records, write_columns, write_json
    from snellen.data.comparisons import are_comparisons
    from snellen.data.tables import (
        IMAGE_NAMES,
        RATER_NAMES,
        VOTE_NAMES,
        find_column,
        find_optional,
        read_table,
    )
    from snellen.errors import DataError, UnknownName
    from snellen.stats.panel import describe_panel

    if screen not in ("none", "bt500", "p913"):
        raise UnknownName("screening", screen, ["none", "bt500", "p913"])
    outputs = output or []
    check_outputs(outputs, "page", "everything", "rows")
    check_outputs([] if raters_output is None else [raters_output], "rows")
    table = read_table(votes)
    if score is None and are_comparisons(table) and find_optional(table, VOTE_NAMES) is None:
        raise DataError(
            f"{votes} says which of two images is better, not how good each is",
            f"Scale such answers with `snellen pairs {votes}`.",
        )
    names = (
        find_column(table, RATER_NAMES, rater, votes, "--rater"),
        find_column(table, IMAGE_NAMES, item, votes, "--item"),
        find_column(table, VOTE_NAMES, score, votes, "--score"),
    )
    ballots = _read(table, names, votes)
    sides = {
        kind: _per_item(table, names[1], find_column(table, (), given, votes), votes)
        for kind, given in (("condition", condition), ("content", content))
        if given is not None
    }
    ballots, notes = _leave_out(ballots, sides.get("condition"), min_votes, screen, r1)
    panel = describe_panel(
        ballots,
        scale,
        condition=_in_order(ballots, sides.get("condition")),
        content=_in_order(ballots, sides.get("content")),
        confidence=confidence,
        r1_limit=r1,
        variance="p910" if p910 else "unbiased",
    )
    items, raters = _item_columns(panel), _rater_columns(panel)
    summary, notes = _summary(panel), [*notes, *panel.notes]
    found = plain({**summary, "items": records(items), "raters": records(raters), "notes": notes})
    for path in outputs:
        if path.suffix.lower() == ".html":
            from snellen.reports.people_page import write_raters_page

            write_raters_page(path, panel, notes, votes.name)
        elif path.suffix.lower() == ".json":
            write_json(path, found)
        else:
            write_columns(path, items)
    if raters_output is not None:
        write_columns(raters_output, raters)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _show(items, raters, summary, notes, rows)


def _read(table: Table, names: tuple[str, str, str], path: Path) -> Votes:
    """The votes of the table; a row without rater or item is an error, one without score is not."""
    from snellen.data.tables import numbers, texts
    from snellen.errors import DataError
    from snellen.stats.votes import collect_votes

    raters, items = (texts(table, name) for name in names[:2])
    for name, cells in zip(names, (raters, items), strict=False):
        if "" in cells:
            row = cells.index("")
            raise DataError(
                f"{path}: row {row + 1} has an empty {name!r}", "Fill in or delete the row."
            )
    return collect_votes(raters, items, numbers(table, names[2], path))


def _per_item(table: Table, item: str, column: str, path: Path) -> dict[str, str]:
    """item → cell of a column that says the same in all rows of an item."""
    from snellen.data.tables import texts
    from snellen.errors import DataError

    found: dict[str, str] = {}
    for name, cell in zip(texts(table, item), texts(table, column), strict=True):
        if found.setdefault(name, cell) != cell:
            raise DataError(
                f"{path}: {column!r} of {name!r} is {found[name]!r} in one row and {cell!r} in "
                "another",
                "It belongs to the image and must be the same in all its rows.",
            )
    return found


def _in_order(votes: Votes, facts: dict[str, str] | None) -> list[str] | None:
    return None if facts is None else [facts[str(name)] for name in votes.items]


def _leave_out(
    votes: Votes, conditions: dict[str, str] | None, min_votes: int, screen: str, r1: float
) -> tuple[Votes, list[str]]:
    """The votes that stay after --min-votes and --screen, and what was left out."""
    from snellen.stats.screening import screen_bt500, screen_p913

    notes = []
    few = votes.per_rater() < min_votes
    if few.any():
        notes.append(
            f"left out with fewer than {min_votes} votes: {counted(int(few.sum()), 'rater')}"
        )
        votes = votes.keep_raters(~few)
    if screen == "none":
        return votes, notes
    checked: npt.NDArray[np.bool_]
    if screen == "bt500":
        checked = screen_bt500(votes).rejected
    else:
        checked = screen_p913(votes, _in_order(votes, conditions), r1).rejected
    names = ", ".join(str(votes.raters[code]) for code in checked.nonzero()[0])
    if names:
        notes.append(f"left out by {screen}: {names}")
        votes = votes.keep_raters(~checked)
    return votes, notes


def _item_columns(panel: Panel) -> Columns:
    """The items' table: MOS, and the quality of the subject model where there is one."""
    opinions, model = panel.opinions, panel.subjects
    nothing = [None] * len(panel.votes.items)
    return {
        "item": panel.votes.items,
        "n": opinions.n,
        "mos": opinions.mos,
        "std": opinions.std,
        "low": opinions.low,
        "high": opinions.high,
        "quality": nothing if model is None else model.quality,
        "quality_low": nothing if model is None else model.low,
        "quality_high": nothing if model is None else model.high,
    }


def _rater_columns(panel: Panel) -> Columns:
    """The raters' table: how far each follows the others, and what was flagged."""
    votes, model, p913 = panel.votes, panel.subjects, panel.p913
    nothing = [None] * len(votes.raters)
    return {
        "rater": votes.raters,
        "votes": votes.per_rater().astype(int),
        "srcc": panel.srcc,
        "r1": nothing if p913 is None else p913.r1,
        "bias": nothing if model is None else model.bias,
        "inconsistency": nothing if model is None else model.inconsistency,
        "flags": panel.reasons(),
    }


def _summary(panel: Panel) -> dict[str, Any]:
    """The panel in single figures, None where there is none."""
    from dataclasses import asdict

    votes = panel.votes
    parts = {
        "sos": panel.sos,
        "alpha_interval": panel.alpha_interval,
        "alpha_ordinal": panel.alpha_ordinal,
        "intraclass": panel.intraclass,
    }
    found: dict[str, Any] = {
        "votes": len(votes),
        "raters_n": len(votes.raters),
        "items_n": len(votes.items),
        "missing": votes.missing,
        "repeats": votes.repeats,
        "scale": panel.scale,
        "confidence": panel.opinions.confidence,
        "prior_votes": panel.prior_votes,
        **{name: None if part is None else asdict(part) for name, part in parts.items()},
    }
    if panel.ambiguity is not None:
        model = panel.ambiguity
        found["contents"] = [
            {"content": name, "ambiguity": value, "low": low, "high": high}
            for name, value, low, high in zip(
                model.contents,
                model.ambiguity,
                model.ambiguity_low,
                model.ambiguity_high,
                strict=True,
            )
        ]
    return found


def _show(
    items: Columns, raters: Columns, summary: dict[str, Any], notes: list[str], rows: int
) -> None:
    """Both tables, lowest MOS and most doubtful raters first, and the panel in a few lines."""

    from snellen.cli.columns import between, grid

    console = screen()
    total = len(items["item"])
    shown = _sorted(items, sorted(range(total), key=lambda row: items["mos"][row])[:rows])
    columns = {
        "item": shown["item"],
        "n": shown["n"],
        "mos": shown["mos"],
        "interval": between(shown["low"], shown["high"], ".2f"),
        "std": shown["std"],
        "quality": shown["quality"],
        "its interval": between(shown["quality_low"], shown["quality_high"], ".2f"),
    }
    title = f"items, lowest MOS first ({min(rows, total)} of {total})"
    console.print(grid(title, columns, _ITEM_FORMS, rows))
    total = len(raters["rater"])
    shown = _sorted(raters, sorted(range(total), key=lambda row: _doubt(raters, row))[:rows])
    # The reasons are long: they stand in the files; here the standards that flag a rater do.
    flags = [", ".join(part.split(":")[0] for part in cell.split("; ")) for cell in shown["flags"]]
    title = f"raters, most doubtful first ({min(rows, total)} of {total})"
    console.print(grid(title, {**shown, "flags": flags}, _RATER_FORMS, rows))
    if "contents" in summary:
        contents = sorted(summary["contents"], key=lambda row: -row["ambiguity"])
        columns = {name: [row[name] for row in contents] for name in contents[0]}
        forms = {"ambiguity": ".2f", "low": ".2f", "high": ".2f"}
        console.print(grid("contents, most ambiguous first", columns, forms, rows))
    for line in (*_lines(summary), *(f"note: {note}" for note in notes)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(summary: dict[str, Any]) -> list[str]:
    """The panel's figures as sentences."""
    lines = [
        f"{counted(summary['votes'], 'vote')} of {counted(summary['raters_n'], 'rater')} "
        f"on {counted(summary['items_n'], 'image')}"
    ]
    percent = f"{100 * summary['confidence']:g} %"
    for name, what in (("alpha_interval", "interval"), ("alpha_ordinal", "ordinal")):
        if summary[name] is not None:
            part = summary[name]
            lines.append(
                f"Krippendorff's alpha ({what}) {part['value']:.3f}, "
                f"{percent} interval {part['low']:.3f} to {part['high']:.3f}"
            )
    if summary["intraclass"] is not None:
        part = summary["intraclass"]
        lines.append(
            f"intraclass correlation: one vote {part['single_absolute']:.3f}, "
            f"the MOS of {part['k']:.3g} votes {part['average_absolute']:.3f}"
        )
    if summary["sos"] is not None:
        part = summary["sos"]
        lines.append(
            f"SOS parameter a = {part['a']:.3f}, {percent} interval "
            f"{part['low']:.3f} to {part['high']:.3f}"
        )
    return lines


def _doubt(raters: Columns, row: int) -> tuple[bool, float]:
    """Sorts the flagged first, then by agreement with the rest, unknown last."""
    srcc = float(raters["srcc"][row])
    return (not raters["flags"][row], srcc if srcc == srcc else 2.0)


def _sorted(columns: Columns, order: list[int]) -> Columns:
    return {name: [cells[row] for row in order] for name, cells in columns.items()}
