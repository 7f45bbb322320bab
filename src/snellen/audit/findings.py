"""Everything an audit found out about one judge, and how it is computed from the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from snellen.audit import sanity
from snellen.audit.consistency import Consistency, consistent, wordings
from snellen.audit.ladders import Ladder, climb
from snellen.audit.material import PRISTINE
from snellen.audit.perception import Perception, perceive
from snellen.audit.rates import NOTHING, Rate
from snellen.audit.reliability import Reliability, reliability
from snellen.audit.sheet import Sheet
from snellen.audit.verdict import Verdict, sight, verdicts
from snellen.errors import InputError, StatsError

if TYPE_CHECKING:
    from snellen.audit.inside import Inside
    from snellen.scoring.content_index import ContentIndex


@dataclass(frozen=True)
class Nothing:
    """What the judge made of one picture that shows nothing.

    score : 0–100; NaN where missing. verdict : low, flagged (it would rather have said something
    else, or did not answer) or fooled.
    """

    name: str
    score: float
    verdict: str


@dataclass(frozen=True)
class Findings:
    """One judge under audit.

    judge, method : names. srcc : of its scores with people's (expected) opinion; NaN without.
    content : how far scores differ by what is shown alone; None where it cannot be known, and
              `skipped` says why.
    inside  : alignment and layers; None for a judge that cannot be looked into.
    skipped : part → why it was left out.
    """

    judge: str
    method: str
    perception: Perception
    verdicts: tuple[Verdict, ...]
    types: tuple[Ladder, ...]
    families: tuple[Ladder, ...]
    consistency: Consistency
    wordings: Mapping[str, Rate]
    sanity: tuple[Nothing, ...]
    srcc: Rate
    reliability: Reliability
    content: ContentIndex | None
    inside: Inside | None
    skipped: Mapping[str, str]
    score_missing: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """One sentence: what it sees, what it guesses, where it is blind."""
        names = {"sees it": "sees", "guesses": "guesses", "blind": "is blind to"}
        seen = self.by_sight
        parts = [f"{names[word]} {', '.join(seen[word])}" for word in names if seen.get(word)]
        if not parts:
            return "Nothing was named: see the reasons."
        return f"This judge {'; '.join(parts)}."

    @property
    def by_sight(self) -> dict[str, list[str]]:
        """Sight → families (clean is none of them), from each label's informedness."""
        found: dict[str, list[str]] = {}
        for one in self.perception.labels:
            if one.n and one.label != "clean":
                found.setdefault(sight(one.informed), []).append(one.label)
        return found


def find_out(
    sheet: Sheet,
    judge: str,
    method: str,
    *,
    samples: bool,
    inside: Inside | None = None,
    skipped: Mapping[str, str] | None = None,
) -> Findings:
    """All figures from the answers of one judge.

    samples : the judge draws its answers. inside, skipped : see `Findings`.
    """
    types, families = climb(sheet)
    content, why = _content(sheet)
    missing = {**sheet.missing}
    for reason, count in sheet.score_missing.items():
        missing[reason] = max(missing.get(reason, 0), count)
    return Findings(
        judge=judge,
        method=method,
        perception=perceive(sheet),
        verdicts=verdicts(sheet, types),
        types=types,
        families=families,
        consistency=consistent(sheet, samples=samples),
        wordings=wordings(sheet),
        sanity=tuple(_nothing(name, sheet) for name in sanity.NAMES if name in sheet.sanity),
        srcc=_srcc(sheet),
        reliability=reliability(sheet, judge, method),
        content=content,
        inside=inside,
        skipped={**(skipped or {}), **({"content": why} if why else {})},
        score_missing=int(np.isnan(sheet.score).sum()),
        reasons=missing,
    )


def _nothing(name: str, sheet: Sheet) -> Nothing:
    row = sheet.sanity[name]
    if row["score"] is None:
        return Nothing(name, math.nan, "flagged")
    if row["score"] < sanity.LOW:
        return Nothing(name, row["score"], "low")
    little = row["mass"] is not None and row["mass"] < sanity.LITTLE
    return Nothing(name, row["score"], "flagged" if little else "fooled")


def _content(sheet: Sheet) -> tuple[ContentIndex | None, str]:
    """The content index over the ladders; or why there is none."""
    from snellen.scoring.content_index import content_index

    rows = [
        row
        for row, (kind, place) in enumerate(zip(sheet.type, sheet.place, strict=True))
        if place or kind == PRISTINE  # other pictures at place 0 are the pristine once more
    ]
    try:
        found = content_index(
            sheet.score[rows],
            [sheet.reference[row] for row in rows],
            [sheet.type[row] for row in rows],
            sheet.place[rows],
        )
    except (StatsError, InputError) as error:
        return None, str(error)
    return found, ""


def _srcc(sheet: Sheet) -> Rate:
    from snellen.stats import srcc

    try:
        found = srcc(sheet.score, sheet.mos, clusters=sheet.reference)
    except StatsError:
        return NOTHING
    return Rate(found.value, found.low, found.high, found.n)


def table_of(findings: Sequence[Findings]) -> list[dict[str, object]]:
    """The ladder of all tables: a row a judge and type, for CSV."""
    rows: list[dict[str, object]] = []
    for number, one in enumerate(findings, 1):
        ladders = {ladder.name: ladder for ladder in one.types}
        for verdict in one.verdicts:
            ladder = ladders.get(verdict.type)
            rows.append(
                {
                    "judge": number,
                    "type": verdict.type,
                    "family": verdict.family,
                    "verdict": verdict.sight,
                    "informed": _known(verdict.informed.value),
                    "informed_low": _known(verdict.informed.low),
                    "informed_high": _known(verdict.informed.high),
                    "said_instead": verdict.said_instead or None,
                    "tau": _known(verdict.tau.value),
                    "tau_low": _known(verdict.tau.low),
                    "tau_high": _known(verdict.tau.high),
                    "monotone": _known(ladder.monotone.value) if ladder else None,
                    "noticed": ladder.noticed if ladder else None,
                    **{
                        f"score_{place}": _known(score) if ladder else None
                        for place, score in enumerate(ladder.scores if ladder else ())
                    },
                }
            )
    return rows


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
