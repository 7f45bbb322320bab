"""The page of `snellen tournament`: pictures on one scale, and how far the judge can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snellen.reports import charts
from snellen.reports.people_page import Part
from snellen.reports.shell import printable, write_page
from snellen.scoring.tournament import Tournament
from snellen.wording import counted, number, span

_MOST_LINES = 48  # drawn in the chart of intervals
_MOST_ROWS = 1000  # in the table


def write_tournament_page(
    path: Path,
    result: Tournament,
    columns: Mapping[str, Any],
    notes: Sequence[str],
    judge: str,
) -> Path:
    """Write the page and return its path.

    columns : the table of all pictures, best first, as the verb writes it.
    """
    scale, bias = result.standing.scale, result.bias
    facts = [
        ("judge", judge),
        ("comparisons", f"{len(result.meetings):,}, each in both orders"),
        ("model", scale.model),
    ]
    if bias is not None:
        facts.append(("for the first shown", f"{bias.first:.1%}, taken out"))
        facts.append(("decided by the order", f"{bias.flipped:.0%} of pairs"))
    scored = len(result.score) - len(result.missing)
    drawn = np.unique(np.linspace(0, scored - 1, min(scored, _MOST_LINES)).round().astype(int))
    names = [printable(str(name)) for name in columns["image"]]
    say = (
        "How often, in percent, the judge would prefer the picture to another one of these."
        + f" Drawn are {len(drawn)} of {scored:,}, evenly spaced." * (len(drawn) < scored)
    )
    ranking = Part(
        "Where they stand",
        charts.intervals(
            [Path(names[at]).name for at in drawn],
            [float(columns["score"][at]) for at in drawn],
            [(float(columns["low"][at]), float(columns["high"][at])) for at in drawn],
            title="Pictures on one scale, best first",
            x_label="score",
        ),
        say=say,
    )
    table = Part(
        "All pictures",
        columns=[
            ("image", False),
            *((name, True) for name in ("rank", "score", "interval", "JOD", "comparisons")),
            ("missing", False),
        ],
        rows=[_row(names[at], columns, at) for at in range(min(len(names), _MOST_ROWS))],
        say=f"The first {_MOST_ROWS:,} of {len(names):,}." if len(names) > _MOST_ROWS else "",
    )
    return write_page(
        path,
        "people.html",
        title=f"Tournament of {counted(len(names), 'picture')}",
        styles=("agreement.css",),
        facts=[(name, printable(value)) for name, value in facts],
        warnings=[printable(note) for note in notes],
        stacks=[[ranking, *_orders(result)], [table]],
        below=[],
    )


def _row(name: str, columns: Mapping[str, Any], at: int) -> tuple[str, ...]:
    rank = columns["rank"][at]
    if rank is None:
        return name, "–", "–", "–", "–", "0", printable(str(columns["missing"][at]))
    return (
        name,
        f"{rank:,}",
        f"{columns['score'][at]:.1f}",
        f"{columns['low'][at]:.0f} … {columns['high'][at]:.0f}",
        number(float(columns["jod"][at]), 2),
        str(columns["compared"][at]),
        "",
    )


def _orders(result: Tournament) -> list[Part]:
    """Both orders of every pair against each other: off the line is position bias."""
    both = [
        (verdict.forward, 1 - verdict.backward)
        for _, _, verdict in result.meetings
        if verdict.forward is not None and verdict.backward is not None
    ]
    if result.bias is None or not both:
        return []
    drawn = both[:: max(1, len(both) // 2000)]
    chart = charts.scatter(
        [one for one, _ in drawn],
        [other for _, other in drawn],
        title="Probability given to the picture shown first, in either order",
        x_label="the pair's first picture, shown first",
        y_label="its second, shown first",
        names=[f"pair {at}" for at in range(1, len(drawn) + 1)],
        height=320,
    )
    bias = result.bias
    say = (
        "A judge without position bias lies on the falling diagonal. This one gives"
        f" {bias.first:.1%} ({span(bias.low, bias.high)}) to whatever it sees first."
    )
    return [Part("The two orders", chart, say=say)]
