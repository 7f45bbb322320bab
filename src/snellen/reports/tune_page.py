"""The page of `snellen tune`: what each combination of parts brought, before and after."""

from __future__ import annotations

import math
from pathlib import Path

from snellen.audit.findings import Findings
from snellen.audit.questions import LABELS
from snellen.audit.rates import Rate
from snellen.audit.tuning import Tuned, Tuning, gain, relative_change
from snellen.reports import charts
from snellen.reports.audit_inside import layers_chart
from snellen.reports.audit_parts import Part, figures, interval, percent
from snellen.reports.shell import printable, write_page
from snellen.wording import number

_LAYERS = (
    "Dots: accuracy of a linear reader of each layer, on photos it was not fitted on; rings: of the"
    " model's own head there; the line is chance."
)


def write_tune_page(path: Path, found: Tuning) -> Path:
    """Write the page and return its path."""
    recipe, runs = found.recipe, (found.before, *found.after)
    updates = f"low-rank, rank {recipe.lora}" if recipe.lora else "all weights of a part"
    facts = [
        ("judge", found.before.findings.judge),
        ("photos", f"{found.photos[0]} trained on, {found.photos[1]} audited"),
        ("steps", f"{recipe.steps:,} of {recipe.batch} pictures"),
        ("rate", f"{recipe.rate:g}"),
        ("updates", updates),
    ]
    best = max(found.after, key=lambda one: gain(found.before, one))
    parts = [_table(runs, found.before), _accuracies(runs), _labels(found.before, best)]
    parts += _alignment(found.before, best)
    parts += [
        Part(f"Where it is lost: {one.name}", (layers_chart(one.findings.inside),), wide=True,
             say=f"{one.findings.inside.sentence} {_LAYERS}")
        for one in (found.before, best)
        if one.findings.inside is not None
    ]  # fmt: skip
    return write_page(
        path,
        "tune.html",
        title="Which part must learn to see?",
        styles=("agreement.css", "audit.css"),
        facts=[(label, printable(value)) for label, value in facts],
        headline=found.sentence,
        parts=parts,
    )


def columns_of(before: Tuned, one: Tuned) -> dict[str, float | str | int | None]:
    """A row of the table of combinations, as CSV, JSON and the page have it."""
    seen = one.findings.perception
    was, now = likeness(before.findings), likeness(one.findings)
    return {
        "parts": one.name,
        "trained": one.trained,
        "loss": _known(one.loss),
        "accuracy": _known(seen.accuracy.value),
        "accuracy_low": _known(seen.accuracy.low),
        "accuracy_high": _known(seen.accuracy.high),
        "macro": _known(seen.macro.value),
        "taught_wordings": _known(one.findings.consistency.taught.value),
        "unseen_wordings": _known(one.findings.consistency.unseen.value),
        "likeness": _known(now),
        "likeness_change": _known(relative_change(was, now)),
        "logprob": _known(logprob(one.findings)),
        "srcc": _known(one.findings.srcc.value),
        "srcc_low": _known(one.findings.srcc.low),
        "srcc_high": _known(one.findings.srcc.high),
    }


def alignment_of(before: Tuned, one: Tuned) -> list[dict[str, float | str | None]]:
    """A row a label: how near it comes to the right word, before and after, relative change.

    Empty where one of the two could not be looked into.
    """
    if before.findings.inside is None or one.findings.inside is None:
        return []
    was = {row.label: row for row in before.findings.inside.alignment}
    rows: list[dict[str, float | str | None]] = []
    for now in one.findings.inside.alignment:
        if now.label not in was:
            continue
        row: dict[str, float | str | None] = {"parts": one.name, "label": now.label}
        for name in ("similarity", "logprob"):
            old, new = (getattr(side, name).value for side in (was[now.label], now))
            row |= {
                f"{name}_before": _known(old),
                f"{name}_after": _known(new),
                f"{name}_change": _known(relative_change(old, new)),
            }
        rows.append(row)
    return rows


def likeness(found: Findings) -> float:
    """Mean Sim(v, t) of pictures with the right word, less that with the others; labels alike."""
    if found.inside is None:
        return math.nan
    rows = found.inside.alignment
    return sum(row.similarity.value - row.others.value for row in rows) / len(rows)


def logprob(found: Findings) -> float:
    """Mean log-probability of the right word, labels alike."""
    if found.inside is None:
        return math.nan
    rows = found.inside.alignment
    return sum(row.logprob.value for row in rows) / len(rows)


def _table(runs: tuple[Tuned, ...], before: Tuned) -> Part:
    heads = ("tuned", "accuracy", "interval", "macro", "unseen wordings", "likeness", "change",
             "log p", "rating SRCC", "interval", "loss")  # fmt: skip
    rows = []
    for one in runs:
        seen = one.findings.perception
        was, now = likeness(before.findings), likeness(one.findings)
        change = relative_change(was, now)
        rows.append(
            (
                one.name,
                percent(seen.accuracy),
                interval(seen.accuracy),
                percent(seen.macro),
                percent(one.findings.consistency.unseen),
                number(now),
                "" if one is before else _change(_known(change)),
                number(logprob(one.findings), 2),
                number(one.findings.srcc.value),
                figures(one.findings.srcc),
                "" if one is before else number(one.loss),
            )
        )
    return Part(
        "Combination by combination",
        columns=[(name, place > 0) for place, name in enumerate(heads)],
        rows=rows,
        say="On photos never trained on. Likeness: of a picture's projected visual tokens with the "
        "right word, less that with the other words; log p: natural logarithm of the right word's "
        "probability as the answer; SRCC: of scores with people's expected opinion.",
        wide=True,
    )


def _accuracies(runs: tuple[Tuned, ...]) -> Part:
    known = [one for one in runs if one.findings.perception.n]
    rates = [one.findings.perception.accuracy for one in known]
    chance = known[0].findings.perception.chance if known else math.nan
    chart = charts.intervals(
        [one.name for one in known],
        [rate.value for rate in rates],
        [(_or(rate.low, rate.value), _or(rate.high, rate.value)) for rate in rates],
        title="Accuracy of naming by what was tuned",
        x_label="share of pictures named rightly",
        level=chance if known else None,
    )
    said = f"The line is chance, {chance:.1%}. Intervals are 95 %, by photo."
    return Part("Named rightly", (chart,), say=said)


def _labels(before: Tuned, after: Tuned) -> Part:
    rows = []
    for place, label in enumerate(LABELS):
        was = before.findings.perception.labels[place]
        now = after.findings.perception.labels[place]
        if now.n:
            rows.append((label, percent(was.recall), percent(now.recall), _sight(was.informed),
                         _sight(now.informed)))  # fmt: skip
    heads = ("label", "named, before", "after", "seen, before", "after")
    return Part(
        f"Label by label, before and after: {after.name}",
        columns=[(name, place > 0) for place, name in enumerate(heads)],
        rows=rows,
        say="Seen: named when there, less named when not; 0 blind, 1 perfect.",
    )


def _alignment(before: Tuned, after: Tuned) -> list[Part]:
    rows = [
        (
            str(row["label"]),
            *(_cell(row[f"similarity_{when}"], 3) for when in ("before", "after")),
            _change(row["similarity_change"]),
            *(_cell(row[f"logprob_{when}"], 2) for when in ("before", "after")),
            _change(row["logprob_change"]),
        )
        for row in alignment_of(before, after)
    ]
    if not rows:
        return []
    heads = ("label", "likeness, before", "after", "change", "log p, before", "after", "change")
    return [
        Part(
            f"How near the word, label by label: {after.name}",
            columns=[(name, place > 0) for place, name in enumerate(heads)],
            rows=rows,
            say="Likeness: mean cosine of the projected visual tokens with the right word's input "
            "embedding; log p: natural logarithm of its probability as the answer. Change: "
            "(after − before) / |before|.",
            wide=True,
        )
    ]


def _cell(value: float | str | None, digits: int) -> str:
    return number(value, digits) if isinstance(value, float) else "–"


def _change(value: float | str | None) -> str:
    return f"{value:+.0%}".replace("-", "−") if isinstance(value, float) else ""


def _sight(rate: Rate) -> str:
    return number(rate.value, 2)


def _or(value: float, other: float) -> float:
    return other if math.isnan(value) else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
