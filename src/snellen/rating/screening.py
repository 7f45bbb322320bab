"""Which raters should be looked at before their answers count: flagged, kept apart, not deleted.

What one person alone shows: the same answer always, no time to look, obvious cases missed, another
answer to the same picture. All thresholds are ours. Screening by agreement with the others
(ITU-R BT.500, ITU-T P.913, P.910) is `snellen.stats`' work and comes after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snellen.rating.store import Task, Trial
from snellen.wording import counted

_ENOUGH = 10  # answers before anything is said of sameness and speed
_SAME_SHARE = 0.9
_FASTEST = 0.5  # seconds (median): a glance takes about as long as this
_FEW_CHECKS, _MISSED_SHARE = 2, 0.5
_FEW_REPEATS, _REPEAT_STEPS = 3, 1.5
_TOP = 4  # a ruined copy rated at least "good" is a missed check


@dataclass(frozen=True)
class RaterReport:
    """What a rater's own answers say.

    ratings   : answers that count (no training, repeats or checks).
    seconds   : median time for an answer; None where none was told.
    checks    : obvious cases answered, and `missed` of them.
    repeats   : hidden repeats answered; `same` of them got the same answer again.
    steps     : mean distance between first and repeated answer, in steps of the scale (acr).
    leading   : share of the pairs in which the left picture was preferred (pairs), ties left out.
    flags     : sentences; any of them keeps the rater apart.
    """

    rater: str
    ratings: int
    seconds: float | None
    checks: int
    missed: int
    repeats: int
    same: int
    steps: float | None
    leading: float | None
    flags: tuple[str, ...] = ()


def report_rater(task: Task, rater: str, trials: Sequence[Trial]) -> RaterReport:
    """Look at one rater's answered trials."""
    answered = [trial for trial in trials if trial.rater == rater and trial.value is not None]
    ratings = [trial for trial in answered if trial.kind == "rating"]
    first = {_pair(trial): trial for trial in ratings}
    repeats = [
        (first[_pair(trial)], trial)
        for trial in answered
        if trial.kind == "repeat" and _pair(trial) in first
    ]
    checks = [trial for trial in answered if trial.kind == "check"]
    missed = sum(_missed(task, trial, first) for trial in checks)
    times = [trial.seconds for trial in ratings if trial.seconds is not None]
    steps = [abs(int(a.value or 0) - int(b.value or 0)) for a, b in repeats if task == "acr"]
    sides = [trial.value for trial in ratings if trial.value in ("first", "second")]
    report = RaterReport(
        rater=rater,
        ratings=len(ratings),
        seconds=float(np.median(times)) if times else None,
        checks=len(checks),
        missed=missed,
        repeats=len(repeats),
        same=sum(_preferred(a) == _preferred(b) for a, b in repeats),
        steps=float(np.mean(steps)) if steps else None,
        leading=sides.count("first") / len(sides) if task == "pairs" and sides else None,
    )
    return replace(report, flags=tuple(_flags(report, ratings)))


def _flags(report: RaterReport, ratings: Sequence[Trial]) -> list[str]:
    flags = []
    if len(ratings) >= _ENOUGH:
        [(answer, often)] = Counter(trial.value for trial in ratings).most_common(1)
        if often >= _SAME_SHARE * len(ratings):
            flags.append(f"answered {answer} in {often} of {counted(len(ratings), 'rating')}")
        if report.seconds is not None and report.seconds < _FASTEST:
            flags.append(f"took {report.seconds:.1f} s for an answer, too little to look")
    if report.checks >= _FEW_CHECKS and report.missed >= _MISSED_SHARE * report.checks:
        flags.append(f"missed {report.missed} of {counted(report.checks, 'obvious case')}")
    if report.repeats >= _FEW_REPEATS and (report.steps or 0) >= _REPEAT_STEPS:
        flags.append(f"moved {report.steps:.1f} steps when shown the same picture again")
    return flags


def _pair(trial: Trial) -> frozenset[str]:
    """What was shown, on whichever side."""
    return frozenset(stimulus.key for stimulus in trial.shown)


def _preferred(trial: Trial) -> str | None:
    """The answer, free of sides: the level, the image preferred, or "same"."""
    if trial.value in ("first", "second"):
        return trial.shown[trial.value == "second"].key
    return trial.value


def _missed(task: Task, check: Trial, first: dict[frozenset[str], Trial]) -> bool:
    """Whether an obvious case was answered wrongly."""
    if task == "pairs":
        good = next(stimulus.key for stimulus in check.shown if not stimulus.ruined)
        return _preferred(check) != good
    level = int(check.value or 0)
    # A copy that came out better than its original was not looked at either.
    original = first.get(frozenset([check.shown[0].image]))
    above = original is not None and level > int(original.value or 0)
    return level >= _TOP or above
