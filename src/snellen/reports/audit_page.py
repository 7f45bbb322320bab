"""The page of `snellen audit`: the verdict first, then confusion, ladders, what is lost where."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from snellen.audit.auditing import Audit
from snellen.audit.findings import Findings
from snellen.audit.material import PRISTINE, Item, Material
from snellen.audit.questions import LABELS
from snellen.audit.verdict import Verdict
from snellen.errors import ImageError
from snellen.reports import audit_charts as drawn
from snellen.reports import charts
from snellen.reports.audit_inside import inside_parts
from snellen.reports.audit_parts import Part, consistency_part, numbers_part, percent
from snellen.reports.shell import printable, write_page
from snellen.runs import Request
from snellen.wording import counted, number, p_value, span

_WIDE = 132  # pixels of an example's width
_EXAMPLE = 4  # place shown as an example: strong, not the worst


@dataclass(frozen=True)
class Row:
    """One distortion in the table of verdicts, as the template writes it."""

    type: str
    family: str
    sight: str
    kind: str
    example: str
    instead: str
    seen: charts.Svg
    seen_said: str
    ladder: charts.Svg
    score: str


@dataclass(frozen=True)
class Judged:
    """One judge's part of the page."""

    name: str
    headline: str
    rows: list[Row]
    parts: list[Part]


def write_audit_page(path: Path, found: Audit, material: Material, request: Request) -> Path:
    """Write the page and return its path.

    material : gives one example picture a distortion. request : what was asked for.
    """
    examples = _examples(material)
    judged = [_judged(one, examples) for one in found.findings]
    first = found.findings[0]
    title = (
        f"What {_short(first.judge)} sees"
        if len(judged) == 1
        else f"What {_short(first.judge)} and {_short(found.findings[1].judge)} see"
    )
    references = {item.reference for item in material.items}
    facts = [
        ("judge" if len(judged) == 1 else "judges", ", ".join(one.judge for one in found.findings)),
        ("scores by", first.method),
        ("pictures", f"{found.pictures:,} from {counted(len(references), 'photo')}"),
        ("of", ", ".join(request.paths)),
    ]
    return write_page(
        path,
        "audit.html",
        title=printable(title),
        styles=("agreement.css", "audit.css"),
        facts=[(label, printable(value)) for label, value in facts],
        judged=judged,
        differences=_differences(found),
        warnings=[printable(note) for note in _warnings(found)],
        left_out=[printable(line) for line in found.left_out],
    )


def _judged(one: Findings, examples: dict[str, str]) -> Judged:
    ladders = {ladder.name: ladder for ladder in one.types}
    rows = []
    for verdict in one.verdicts:
        ladder = ladders.get(verdict.type)
        rows.append(
            Row(
                type=printable(verdict.type),
                family=verdict.family,
                sight=verdict.sight,
                kind=verdict.sight.split()[0],
                example=examples.get(verdict.type, ""),
                instead=verdict.said_instead,
                seen=drawn.interval_bar(
                    verdict.informed, f"{verdict.type}: how surely it is named"
                ),
                seen_said=_said(verdict),
                ladder=drawn.spark(ladder.scores if ladder else (), f"{verdict.type}: its scores"),
                score=verdict.score,
            )
        )
    # Two and two of about one height, so that the columns leave no holes.
    parts = [_confusion(one), _labels(one), numbers_part(one), consistency_part(one)]
    return Judged(
        name=printable(one.judge),
        headline=one.headline,
        rows=rows,
        parts=[*parts, _families(one), *inside_parts(one)],
    )


def _said(verdict: Verdict) -> str:
    return number(verdict.informed.value, 2) if verdict.informed.n else "–"


def _confusion(one: Findings) -> Part:
    counts = one.perception.confusion
    known = [place for place in range(len(LABELS)) if sum(counts[place])]
    shares = [[count / max(sum(counts[row]), 1) for count in counts[row]] for row in known]
    chart = charts.matrix(
        [LABELS[row] for row in known],
        [_SHORT.get(label, label) for label in LABELS],
        shares,
        [[f"{share:.0%}" if share else "" for share in row] for row in shares],
        title="Which distortion is called what",
    )
    say = (
        "Row: what was done to the picture. Column: what the judge says. Each row adds up to 100 %."
    )
    return Part("What it says of each distortion", (chart,), say=say)


_SHORT = {"compression": "compress.", "brightness": "bright.", "colorfulness": "colour"}


def _labels(one: Findings) -> Part:
    rows = [
        (
            label.label,
            f"{label.n:,}",
            percent(label.recall),
            percent(label.false_alarms),
            percent(label.precision),
            number(label.informed.value, 2),
            span(label.informed.low, label.informed.high, 2) if label.informed.n else "–",
        )
        for label in one.perception.labels
        if label.n
    ]
    columns = (
        ("label", False), ("pictures", True), ("named so", True), ("falsely", True),
        ("precision", True), ("seen", True), ("interval", True),
    )  # fmt: skip
    return Part(
        "Label by label",
        columns=columns,
        rows=rows,
        say="Seen: named when there, less named when not: 0 for a judge that does not look, "
        "1 for a perfect one. Intervals are 95 %, by photo.",
    )


def _families(one: Findings) -> Part:
    """Small multiples: the mean score along the steps, a chart a family, a line a type."""
    figures = tuple(
        drawn.ladder_lines(
            family.name,
            [(ladder.name, ladder.scores) for ladder in one.types if ladder.family == family.name],
        )
        for family in one.families
    )
    rows = [
        (
            ladder.name,
            percent(ladder.monotone),
            percent(ladder.steps),
            number(ladder.tau.value, 2),
            span(ladder.tau.low, ladder.tau.high, 2) if ladder.tau.n else "–",
            number(ladder.fall.value, 1),
            "never" if ladder.noticed is None else f"step {ladder.noticed}",
        )
        for ladder in one.families
    ]
    columns = (
        ("family", False), ("never rises", True), ("steps down", True), ("tau", True),
        ("interval", True), ("points lost", True), ("noticed from", True),
    )  # fmt: skip
    return Part(
        "Does the score fall as the picture gets worse?",
        figures,
        columns,
        rows,
        "Mean score over all photos at each step; 0 is the pristine photo. Tau: Kendall's, of "
        "score against step, turned so that 1 is a fall at every step and 0 no relation.",
        wide=True,
    )


def _differences(found: Audit) -> list[tuple[str, ...]]:
    return [
        (
            row.what,
            number(row.first),
            number(row.second),
            number(row.difference.value),
            span(row.difference.low, row.difference.high),
            p_value(row.p_holm),
            "better" if row.p_holm < 0.05 and row.difference.value > 0 else
            "worse" if row.p_holm < 0.05 else "",
        )
        for row in found.differences
    ]  # fmt: skip


def _warnings(found: Audit) -> Sequence[str]:
    lines = list(found.notes)
    for one in found.findings:
        fooled = [nil.name for nil in one.sanity if nil.verdict == "fooled"]
        if fooled:
            lines.append(
                f"{_short(one.judge)} scores pictures of nothing well: {', '.join(fooled)}"
            )
        lines += [f"{part} left out: {why}" for part, why in one.skipped.items()]
        reasons = sorted(one.reasons.items(), key=lambda pair: -pair[1])
        lines += [f"{count:,} answers missing: {reason}" for reason, count in reasons]
    return lines


def _examples(material: Material) -> dict[str, str]:
    """Type → a small JPEG of it as a data URL, all of the first photo."""
    chosen: dict[str, Item] = {}
    for item in material.items:
        if item.type != PRISTINE and item.place == _EXAMPLE:
            chosen.setdefault(item.type, item)
    found = {}
    for name, item in chosen.items():
        try:
            pixels = material.picture(item).pixels
        except ImageError:
            continue
        # The middle at native resolution: shrunk, noise and blocks would be gone.
        height, width, _ = pixels.shape
        h, w = min(height, _WIDE * 2 // 3), min(width, _WIDE)
        top, left = (height - h) // 2, (width - w) // 2
        file = io.BytesIO()
        Image.fromarray(pixels[top : top + h, left : left + w]).save(file, "JPEG", quality=85)
        found[name] = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    return found


def _short(judge: str) -> str:
    """A judge's name without what follows its revision."""
    name = judge.split("@")[0].split("#")[0]
    return name if len(name) <= 48 else name[:47] + "…"
