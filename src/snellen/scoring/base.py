"""What a method is: the questions about one picture, and how their answers make a score.

The two halves are apart, so that answers that were kept (see `judges.Memory`) are read again, by
the same method with another temperature or by another one, without asking anybody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from snellen.errors import MissingAnswer
from snellen.images import Picture
from snellen.judges import Answer, Judge, Question
from snellen.scorers.base import Evidence, Score

SCALE = 100.0  # scores run from 0 to this, higher is better
PICTURE = "picture"  # what evidence calls the picture itself among what was shown
_Z = 1.959964  # of a 95 % normal interval


class Method(Protocol):
    """How a judge is asked about one picture, and how its answers are read.

    name   : its identity with every parameter that changes the score; part of a run's identity.
    images : the most images in one of its questions: a judge that takes fewer cannot be used.
    """

    @property
    def name(self) -> str: ...

    @property
    def images(self) -> int: ...

    def questions(self, picture: Picture) -> list[Question]:
        """What to ask about `picture`: always as many questions, in the same order, and the same
        ones for the same picture on every machine."""
        ...

    def score(self, answers: Sequence[Answer]) -> Score:
        """The score of the answers, in the order of the questions. Pure.

        Raises `MissingAnswer`, with the reason, where nothing can be read from them.
        """
        ...

    def through(self, judge: Judge) -> Judge:
        """Whom the questions go to: `judge`, unless the method reads more of it than answers.

        Raises `JudgeError` for a judge that cannot be read so.
        """
        return judge

    def cautions(self, picture: Picture) -> list[str]:
        """What a reader should know of this method on this picture; usually nothing."""
        return []


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer read as quality.

    value  : in [0, 1], higher is better; NaN where the answer is missing.
    spread : standard deviation of the answer's own distribution, same scale: how undecided the
             judge is.
    of_quality : False where the value only weighs others.
    """

    value: float
    spread: float
    label: str
    text: str
    answer: Answer
    shown: tuple[str, ...] = (PICTURE,)
    weight: float = 1.0
    of_quality: bool = True


def read_levels(answer: Answer, weights: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of levels worth `weights` under an answer's distribution.

    weights : (options,) in [0, 1]. (NaN, NaN) for a missing answer.
    Source: the mean over five levels is Q-Align's rule (Wu et al. 2023); the deviation is ours.
    """
    if answer.missing:
        return math.nan, math.nan
    p = answer.probabilities
    mean = math.fsum(a * w for a, w in zip(p, weights, strict=True))
    second = math.fsum(a * w * w for a, w in zip(p, weights, strict=True))
    return mean, math.sqrt(max(0.0, second - mean * mean))


def combine(readings: Sequence[Reading], *, notes: Sequence[str] = ()) -> Score:
    """One score from readings, weighted; missing ones are left out, widen it, and are told.

    The interval is ours: the variance of the weighted mean, taking both how undecided each answer
    is and how far the readings lie apart, times all / read where some are missing.
    Raises `MissingAnswer` with the first reason where no reading is left.
    """
    read = [reading for reading in readings if not math.isnan(reading.value)]
    counting = [reading for reading in read if reading.weight > 0]
    if not counting:
        reason = next((r.answer.missing for r in readings if r.answer.missing), "nothing was asked")
        raise MissingAnswer(f"no answer can be read: {reason}")
    total = math.fsum(reading.weight for reading in counting)
    shares = [reading.weight / total for reading in counting]
    value = math.fsum(s * r.value for s, r in zip(shares, counting, strict=True))
    own = math.fsum((s * r.spread) ** 2 for s, r in zip(shares, counting, strict=True))
    apart = math.fsum(
        s * (r.value - value) ** 2 for s, r in zip(shares, counting, strict=True)
    ) * math.fsum(s * s for s in shares)
    asked = sum(reading.weight > 0 or math.isnan(reading.value) for reading in readings)
    spread = SCALE * math.sqrt((own + apart) * asked / len(counting))
    lost = len(readings) - len(read)
    told = list(notes)
    if lost:
        why = next(r.answer.missing for r in readings if r.answer.missing)
        told.append(f"{lost} of {len(readings)} answers are missing ({why})")
    share = {id(reading): s for reading, s in zip(counting, shares, strict=True)}
    return Score(
        value=SCALE * value,
        low=max(0.0, SCALE * value - _Z * spread),
        high=min(SCALE, SCALE * value + _Z * spread),
        spread=spread,
        evidence=tuple(_evidence(reading, share.get(id(reading), 0.0)) for reading in readings),
        notes=tuple(told),
    )


def _evidence(reading: Reading, share: float) -> Evidence:
    answer = reading.answer
    return Evidence(
        label=reading.label,
        text=reading.text,
        shown=reading.shown,
        options=answer.options,
        probabilities=() if answer.missing else answer.probabilities,
        mass=answer.mass,
        weight=share,
        value=SCALE * reading.value
        if reading.of_quality and not math.isnan(reading.value)
        else None,
        missing=answer.missing,
    )


def weighted(reading: Reading, weight: float) -> Reading:
    """The same reading with another weight."""
    return replace(reading, weight=weight)
