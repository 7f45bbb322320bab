"""Panels of figures on the page of an audit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.audit.findings import Findings
from snellen.audit.rates import Rate
from snellen.reports import charts
from snellen.wording import number, span

_NOTHING = {
    "low": "scored low, as it should be",
    "flagged": "not scored, or said without conviction",
    "fooled": "scored as if it were a picture",
}


@dataclass(frozen=True)
class Part:
    """A panel: a heading, charts, a table (columns: name, whether figures), a line of words."""

    title: str
    figures: tuple[charts.Svg, ...] = ()
    columns: Sequence[tuple[str, bool]] = ()
    rows: Sequence[Sequence[str]] = ()
    say: str = ""
    wide: bool = False


def numbers_part(one: Findings) -> Part:
    """All figures of naming and scoring, chance and majority among them."""
    seen, content = one.perception, one.content
    rows = [
        ("names the distortion", percent(seen.accuracy), interval(seen.accuracy)),
        ("macro, each label once", percent(seen.macro), interval(seen.macro)),
        ("chance", f"{seen.chance:.1%}", ""),
        ("always the commonest", _share(seen.majority), ""),
        ("soft discrimination (.5 no preference)", number(seen.soft.value), figures(seen.soft)),
        ("calibration error", number(seen.calibration.value), figures(seen.calibration)),
        ("mass of the labels, median", number(seen.mass), ""),
        ("SRCC of scores with expected opinion", number(one.srcc.value), figures(one.srcc)),
    ]
    if content is not None:
        rows += [
            ("pristine photos lie apart", f"{content.spread:.1f} points", ""),
            ("the worst steps cost", f"{content.fall:.1f} points", ""),
            ("content index", number(content.value), span(content.low, content.high)),
        ]
    rows += [
        (f"a picture of nothing: {nil.name}", number(nil.score, 0), _NOTHING[nil.verdict])
        for nil in one.sanity
    ]
    columns = (("", False), ("value", True), ("95 % interval", True))
    return Part(
        "In numbers",
        columns=columns,
        rows=rows,
        say=f"{seen.n:,} pictures named, {seen.missing:,} without an answer. Content index: how "
        "far pristine photos of different motifs lie apart, in units of what the worst steps cost; "
        "0 is a judge of quality alone.",
    )


def consistency_part(one: Findings) -> Part:
    """What changes when only the way of asking does."""
    same = one.consistency
    unknown = [f"{change.told}: {change.reason}" for change in same.changes if change.reason]
    rows = [
        (f"named differently: {change.told}", percent(change.changed), interval(change.changed))
        for change in same.changes
        if not change.reason
    ]
    letters = (same.words_accuracy, "right, asked in words"), (same.letters_accuracy, "in letters")
    rows += [(told, percent(rate), interval(rate)) for rate, told in letters if rate.n]
    if same.spread.n:
        rows.append(("rating, over three wordings", f"± {number(same.spread.value, 1)} points", ""))
    pairs = (
        ("the first of two is called better", same.first),
        ("another winner in the other order", same.flipped),
        ("the pristine one of two wins", same.pristine_wins),
    )
    rows += [(told, percent(rate), interval(rate)) for told, rate in pairs if rate.n]
    for name, rate in one.wordings.items():
        kind, wording = name.split("/")
        rows.append((f"right, {kind} wording “{wording}”", percent(rate), interval(rate)))
    columns = (("", False), ("value", True), ("95 % interval", True))
    missing = f" Not known: {'; '.join(unknown)}." if unknown else ""
    return Part(
        "Does the answer stay when only the asking changes?",
        columns=columns,
        rows=rows,
        say=f"On {same.n:,} pictures. Unseen wordings are never used by `snellen tune`.{missing}",
    )


def percent(rate: Rate) -> str:
    """A share without its interval."""
    return _share(rate.value)


def interval(rate: Rate) -> str:
    """Of a share."""
    return "" if math.isnan(rate.low) else f"{rate.low:.1%} – {rate.high:.1%}"


def figures(rate: Rate) -> str:
    """The interval of a figure that is no share."""
    return "" if math.isnan(rate.low) else span(rate.low, rate.high)


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"
