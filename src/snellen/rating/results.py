"""From answers to tables: votes, opinion scores, and how raters agree.

Votes are what counts: no training, no repeats, no checks; raters who were flagged or left out by
hand stand in the table of votes but not in the opinions. Everything statistical is
`snellen.stats`' work.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.errors import StatsError
from snellen.rating.screening import RaterReport
from snellen.rating.store import Task, Trial

Row = dict[str, Any]
_SHARED = 8  # pictures two parties must both have rated before their agreement is told


@dataclass(frozen=True)
class Opinion:
    """What people say of one picture.

    mos       : mean opinion 1–5 (acr), or the Bradley–Terry score in JOD about 0 (pairs).
    low, high : 95 % interval; None where one vote alone tells no spread.
    n         : votes, or comparisons the picture took part in.
    """

    image: str
    mos: float
    std: float | None
    low: float | None
    high: float | None
    n: int


def votes(
    task: Task, trials: Sequence[Trial], names: dict[str, str], reports: Sequence[RaterReport]
) -> list[Row]:
    """One row an answer, in the order given; training among it, marked by `kind`.

    Columns (acr): rater, image, score; (pairs): rater, first, second, preferred; both: kind, hash
    or hashes, seconds, answered (seconds since 1970, UTC), flag.
    """
    flag = {report.rater: "; ".join(report.flags) for report in reports}
    rows = []
    for trial in sorted(trials, key=lambda trial: trial.answered or 0):
        if trial.value is None:
            continue
        shown = [_name(stimulus.key, names) for stimulus in trial.shown]
        if task == "acr":
            said: Row = {"image": shown[0], "score": int(trial.value)}
        else:
            preferred = "tie" if trial.value == "same" else trial.value
            said = {"first": shown[0], "second": shown[1], "preferred": preferred}
        rows.append(
            {
                "rater": trial.rater,
                **said,
                "kind": trial.kind,
                "hash": " ".join(stimulus.key for stimulus in trial.shown),
                "seconds": None if trial.seconds is None else round(trial.seconds, 3),
                "answered": trial.answered,
                "flag": flag.get(trial.rater, ""),
            }
        )
    return rows


def _name(key: str, names: dict[str, str]) -> str:
    """The name of a stimulus; a ruined copy says so."""
    image = key.rstrip("~")
    return names.get(image, image) + (" (ruined)" if key != image else "")


def counting(trials: Sequence[Trial], left_out: Collection[str]) -> list[Trial]:
    """The answers that make opinions."""
    return [
        trial
        for trial in trials
        if trial.kind == "rating" and trial.value is not None and trial.rater not in left_out
    ]


def opinions(task: Task, trials: Sequence[Trial], left_out: Collection[str] = ()) -> list[Opinion]:
    """What people say of each picture, by hash. Empty where there are no answers yet.

    left_out : raters whose answers do not count.
    """
    counted = counting(trials, left_out)
    if not counted:
        return []
    return _means(counted) if task == "acr" else _scale(counted)


def _means(trials: Sequence[Trial]) -> list[Opinion]:
    from snellen.stats import collect_votes, mean_opinion_scores

    table = collect_votes(
        [trial.rater for trial in trials],
        [trial.shown[0].image for trial in trials],
        np.array([float(trial.value or "nan") for trial in trials]),
    )
    found = mean_opinion_scores(table)
    columns = zip(table.items, found.mos, found.std, found.low, found.high, found.n, strict=True)
    return [
        Opinion(str(image), float(mos), _number(std), _number(low), _number(high), int(n))
        for image, mos, std, low, high, n in columns
    ]


def _scale(trials: Sequence[Trial]) -> list[Opinion]:
    """Bradley–Terry with a weak prior (3 JOD), so that few comparisons give finite scores."""
    from snellen.stats import bradley_terry, collect_pairs

    pairs = collect_pairs(
        [trial.shown[0].image for trial in trials],
        [trial.shown[1].image for trial in trials],
        ["tie" if trial.value == "same" else trial.value for trial in trials],
    )
    scale = bradley_terry(pairs, prior=3.0)
    compared = pairs.wins_first + pairs.wins_second + pairs.ties
    often = pairs.per_item(compared, compared)
    columns = zip(pairs.items, scale.jod, scale.low, scale.high, often, strict=True)
    return [
        Opinion(str(image), float(mos), None, _number(low), _number(high), int(n))
        for image, mos, low, high, n in columns
    ]


def agreement_with_others(trials: Sequence[Trial], rater: str) -> float | None:
    """SRCC of a rater's levels with the mean of the others'; None where too little is shared."""
    from snellen.stats import srcc

    mine = counting([trial for trial in trials if trial.rater == rater], ())
    own = {trial.shown[0].image: float(trial.value or 0) for trial in mine}
    others = {opinion.image: opinion.mos for opinion in opinions("acr", trials, {rater})}
    shared = sorted(own.keys() & others.keys())
    if len(shared) < _SHARED:
        return None
    try:
        return float(srcc([own[i] for i in shared], [others[i] for i in shared]).value)
    except StatsError:
        return None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
