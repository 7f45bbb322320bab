"""The pages of `snellen raters` and `snellen pairs`: what people said, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snellen.reports import charts
from snellen.reports.shell import printable, write_page
from snellen.stats.pairs import Comparisons
from snellen.stats.panel import Panel
from snellen.stats.scaling import PairScale
from snellen.stats.votes import Floats
from snellen.wording import counted, number, span

_MOST_LINES = 48  # drawn in one chart of intervals: as high as what stands beside it
_MOST_ROWS = 1000  # in one table
_MOST_POINTS = 4000


@dataclass(frozen=True)
class Part:
    """One panel of a page: a heading, a chart, a table, and what there is to say about them.

    columns : (name, whether of figures); rows: their cells as text.
    """

    title: str
    chart: charts.Svg | None = None
    columns: Sequence[tuple[str, bool]] = ()
    rows: Sequence[Sequence[str]] = ()
    say: str = ""


def write_raters_page(path: Path, panel: Panel, notes: Sequence[str], source: str) -> Path:
    """Write the page of a panel and return its path.

    notes  : what was left out, and the panel's own notes.
    source : name of the table of votes.
    """
    votes = panel.votes
    facts = [
        ("votes", f"{len(votes):,} from {source}"),
        ("raters", f"{len(votes.raters):,}"),
        ("images", f"{len(votes.items):,}"),
        ("scale", f"{panel.scale[0]:g} to {panel.scale[1]:g}"),
    ]
    beside = [_agreement(panel), _spread(panel), _against_mos(panel), _scales(panel)]
    stacks = [[_quality(panel), _contents(panel)], beside]
    below = [_raters(panel), _items(panel)]
    return _write(
        path, f"{counted(len(votes.raters), 'rater')} of {source}", facts, notes, stacks, below
    )


def write_pairs_page(
    path: Path, pairs: Comparisons, scale: PairScale, notes: Sequence[str], source: str
) -> Path:
    """Write the page of a scale and return its path; arguments as in `write_raters_page`."""
    tied = float(pairs.ties.sum())
    facts = [
        ("comparisons", f"{scale.comparisons:,g} from {source}"),
        ("images", f"{len(pairs.items):,}"),
        ("model", scale.model),
        ("ties", f"{tied:,g}, {scale.ties}" if tied else "none"),
    ]
    if scale.prior is not None:
        facts.append(("prior", f"{scale.prior:g} JOD"))
    if not math.isnan(scale.agreement):
        facts.append(("answers that agree", f"{scale.agreement:.1%} of the untied"))
    names = [printable(str(item)) for item in pairs.items]
    order = np.argsort(-scale.jod, kind="stable")
    wins = pairs.per_item(pairs.wins_first, pairs.wins_second)
    ties = pairs.per_item(pairs.ties, pairs.ties)
    each = pairs.wins_first + pairs.wins_second + pairs.ties
    total = pairs.per_item(each, each)
    shown = _thinned(order)
    chart = charts.intervals(
        [names[code] for code in shown],
        [float(scale.jod[code]) for code in shown],
        [(float(scale.low[code]), float(scale.high[code])) for code in shown],
        title="Images on one scale, best first",
        x_label="JOD about the mean of all",
    )
    say = "1 JOD: three of four people prefer the better image. 0 is the mean of all images."
    table = Part(
        "All images",
        columns=[("image", False), ("rank", True), ("JOD", True), ("interval", True)]
        + [(name, True) for name in ("comparisons", "wins", "ties")],
        rows=[
            (
                names[code],
                f"{rank:,}",
                number(float(scale.jod[code]), 2),
                span(float(scale.low[code]), float(scale.high[code]), 2),
                f"{total[code]:g}",
                f"{wins[code]:g}",
                f"{ties[code]:g}",
            )
            for rank, code in enumerate(order[:_MOST_ROWS].tolist(), 1)
        ],
        say=_cut(len(order)),
    )
    stacks = [[Part("The scale", chart, say=say + _thin(len(order)))], [table]]
    return _write(
        path, f"{counted(len(names), 'image')} compared in {source}", facts, notes, stacks, []
    )


def _write(
    path: Path,
    title: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    stacks: Sequence[Sequence[Part | None]],
    below: Sequence[Part],
) -> Path:
    """stacks: columns of parts that stand beside each other; below: parts of the full width."""
    return write_page(
        path,
        "people.html",
        title=title,
        styles=("agreement.css",),
        facts=[(name, printable(value)) for name, value in facts],
        warnings=[printable(note) for note in notes],
        stacks=[[part for part in stack if part is not None] for stack in stacks],
        below=below,
    )


def _quality(panel: Panel) -> Part:
    """Intervals of the images, those of the subject model where there is one."""
    model, opinions = panel.subjects, panel.opinions
    value, low, high = (
        (opinions.mos, opinions.low, opinions.high)
        if model is None
        else (model.quality, model.low, model.high)
    )
    order = np.argsort(-value, kind="stable")
    shown = _thinned(order)
    names = [printable(str(panel.votes.items[code])) for code in shown]
    chart = charts.intervals(
        names,
        [float(value[code]) for code in shown],
        # A single vote has no interval: its line is the dot alone.
        [_bounds(float(low[code]), float(high[code]), float(value[code])) for code in shown],
        title="Quality of the images, best first",
        x_label="MOS" if model is None else "quality, raters' bias taken out",
    )
    how = "Mean votes" if model is None else "Quality from the subject model"
    percent = f"{opinions.confidence:.0%}"
    return Part(
        "Quality", chart, say=f"{how} and {percent} intervals, best first." + _thin(len(order))
    )


def _agreement(panel: Panel) -> Part:
    """The panel's single figures."""
    rows = []
    for name, alpha in (
        ("Krippendorff's alpha, interval", panel.alpha_interval),
        ("Krippendorff's alpha, ordinal", panel.alpha_ordinal),
    ):
        if alpha is not None:
            rows.append((name, number(alpha.value), span(alpha.low, alpha.high)))
    if panel.intraclass is not None:
        found = panel.intraclass
        rows.append(("Intraclass correlation of one vote", number(found.single_absolute), ""))
        rows.append((f"… of the MOS of {found.k:.3g} votes", number(found.average_absolute), ""))
    if panel.sos is not None:
        sos = panel.sos
        rows.append(("SOS parameter a", number(sos.a), span(sos.low, sos.high)))
    return Part(
        "How far people agree",
        columns=[("figure", False), ("value", True), ("interval", True)],
        rows=rows,
        say="1 is full agreement, 0 what chance would give; of a, less is more agreement.",
    )


def _spread(panel: Panel) -> Part:
    """The SOS hypothesis: spread over mean, and its curve."""
    opinions = panel.opinions
    drawn = _drawn(len(opinions.mos))
    curve = None
    if panel.sos is not None:
        along = np.linspace(opinions.mos.min(), opinions.mos.max(), 81)
        expected = panel.sos.sos(along)
        inside = expected >= np.nanmin(opinions.std)  # where the chart has room for it
        curve = list(zip(along[inside].tolist(), expected[inside].tolist(), strict=True))
    chart = charts.scatter(
        opinions.mos[drawn].tolist(),
        opinions.std[drawn].tolist(),
        title="Spread of votes over their mean",
        x_label="MOS",
        y_label="standard deviation",
        names=[printable(str(panel.votes.items[code])) for code in drawn],
        curve=curve,
        height=320,
    )
    say = "The curve is the SOS hypothesis; images far above it divide people."
    return Part("Where people differ", chart, say=say)


def _against_mos(panel: Panel) -> Part | None:
    """What taking out the raters' bias and carelessness changed."""
    if panel.subjects is None:
        return None
    drawn = _drawn(len(panel.opinions.mos))
    chart = charts.scatter(
        panel.opinions.mos[drawn].tolist(),
        panel.subjects.quality[drawn].tolist(),
        title="Quality of the subject model over MOS",
        x_label="MOS",
        y_label="quality",
        names=[printable(str(panel.votes.items[code])) for code in drawn],
        identity=True,
        height=320,
    )
    return Part("Mean votes and the subject model", chart, say="On the line both say the same.")


def _contents(panel: Panel) -> Part | None:
    model = panel.ambiguity
    if model is None:
        return None
    order = np.argsort(-model.ambiguity, kind="stable")[:_MOST_LINES].tolist()
    chart = charts.intervals(
        [printable(str(model.contents[code])) for code in order],
        [float(model.ambiguity[code]) for code in order],
        [(float(model.ambiguity_low[code]), float(model.ambiguity_high[code])) for code in order],
        title="Ambiguity of the contents",
        x_label="standard deviation added to every vote",
    )
    return Part("Contents hard to judge", chart, say="Beyond the least ambiguous, which has 0.")


def _scales(panel: Panel) -> Part | None:
    """How each rater uses the scale."""
    model = panel.subjects
    if model is None:
        return None
    chart = charts.scatter(
        model.bias.tolist(),
        model.inconsistency.tolist(),
        title="Raters: inconsistency over bias",
        x_label="bias: gives less … gives more",
        y_label="inconsistency",
        names=[printable(str(name)) for name in panel.votes.raters],
        height=320,
    )
    return Part("How raters use the scale", chart, say="Each dot is a rater; the lower the better.")


def _raters(panel: Panel) -> Part:
    """The table of raters, doubtful ones first."""
    votes, model = panel.votes, panel.subjects
    names = [printable(str(name)) for name in votes.raters]
    given = votes.per_rater()
    reasons = panel.reasons()
    doubt = sorted(
        range(len(names)),
        key=lambda code: (not reasons[code], float(np.nan_to_num(panel.srcc[code], nan=2.0))),
    )
    missing = np.full(len(names), np.nan)
    figures: list[tuple[str, Floats]] = [
        ("SRCC with the rest", panel.srcc),
        ("r1 (P.913)", missing if panel.p913 is None else panel.p913.r1),
        ("bias", missing if model is None else model.bias),
        ("inconsistency", missing if model is None else model.inconsistency),
    ]
    return Part(
        "Raters",
        columns=[
            ("rater", False),
            ("votes", True),
            *((name, True) for name, _ in figures),
            ("flagged by", False),
        ],
        rows=[
            (
                names[code],
                f"{given[code]:g}",
                *(number(float(values[code]), 2) for _, values in figures),
                printable(reasons[code]),
            )
            for code in doubt[:_MOST_ROWS]
        ],
        say=_cut(len(names)),
    )


def _items(panel: Panel) -> Part:
    opinions, model = panel.opinions, panel.subjects
    order = np.argsort(opinions.mos, kind="stable")[:_MOST_ROWS].tolist()
    columns = [("image", False), ("votes", True), ("MOS", True), ("interval", True), ("std", True)]
    rows = []
    for code in order:
        row = [
            printable(str(panel.votes.items[code])),
            str(opinions.n[code]),
            number(float(opinions.mos[code]), 2),
            span(float(opinions.low[code]), float(opinions.high[code]), 2),
            number(float(opinions.std[code]), 2),
        ]
        if model is not None:
            row.append(number(float(model.quality[code]), 2))
            row.append(span(float(model.low[code]), float(model.high[code]), 2))
        rows.append(row)
    if model is not None:
        columns += [("quality", True), ("interval", True)]
    say = "Lowest MOS first." + _cut(len(opinions.mos))
    return Part("All images", columns=columns, rows=rows, say=say)


def _bounds(low: float, high: float, value: float) -> tuple[float, float]:
    return (value, value) if math.isnan(low) else (low, high)


def _thinned(order: Any) -> list[int]:
    """All of an order, or evenly spaced ones that hold its first and last."""
    if len(order) <= _MOST_LINES:
        return [int(code) for code in order]
    places = np.linspace(0, len(order) - 1, _MOST_LINES).round().astype(int)
    return [int(code) for code in order[places]]


def _drawn(n: int) -> list[int]:
    return [int(code) for code in np.linspace(0, n - 1, min(n, _MOST_POINTS)).round()]


def _thin(n: int) -> str:
    return f" Drawn are {_MOST_LINES} of {n:,}, evenly spaced." if n > _MOST_LINES else ""


def _cut(n: int) -> str:
    return (
        f" The first {_MOST_ROWS:,} of {n:,}; a table of all is -o table.csv."
        if n > _MOST_ROWS
        else ""
    )
