"""Which of two images is better? Asked in both orders, so that the place does not decide.

    [verdict] = ask_pairs(judge, [(first, second)])
    verdict.preference, verdict.winner      # 0.83, "first"
    position_bias(verdicts).first           # how often the judge would say "the first" anyway

A judge that leans to whatever it saw first (most do) is asked twice, with the images swapped. The
lean enters both answers with opposite sign and cancels; what is left of it is reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from snellen.errors import ImageError, TooFewRatings
from snellen.judges import Answer, ImagePart, Judge, Question, check_images, choice

QUESTION = (
    "Which image has a better visual quality? A. The first image. B. The second image. Answer with"
    " the option's letter from the given choices directly."
)
"""The two-alternative question with the letters as options. Ours, as no paper prints its own."""
OPTIONS = ("A", "B")
Pair: TypeAlias = tuple[ImagePart, ImagePart]

LEAST_FOR_BIAS = 5  # pairs answered in both orders before one order may be corrected by them; ours
HALF = 0.5  # what a pair answered in one order only weighs; ours


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said about two images.

    forward    : P(the first is better) with the first image shown first; None where not answered.
    backward   : P(the first is better) with the second image shown first; None likewise.
    preference : P(the first is better) with the judge's lean to a place taken out; NaN if missing.
    weight     : 1 with both orders, ½ with one, 0 if missing.
    missing    : why there is no verdict; empty where there is one.
    note       : what a reader should know: identical images, one order only.
    mass       : the smaller of what the options held in the two answers; None where not known.
    """

    forward: float | None = None
    backward: float | None = None
    preference: float = math.nan
    weight: float = 0.0
    missing: str = ""
    note: str = ""
    mass: float | None = None

    @property
    def winner(self) -> Literal["first", "second", "tie"] | None:
        """Who was preferred in every order asked; "tie" where the order decides, or both are at
        one half (the rule of Zheng et al. 2023, "Judging LLM-as-a-judge"). None if missing."""
        if self.missing:
            return None
        said = [self.preference] if self.forward is None or self.backward is None else []
        said = said or [p for p in (self.forward, self.backward) if p is not None]
        if all(p > 0.5 for p in said):
            return "first"
        return "second" if all(p < 0.5 for p in said) else "tie"

    @property
    def lean(self) -> float | None:
        """Probability, −½ to ½, that being shown first adds; None without both orders."""
        if self.forward is None or self.backward is None:
            return None
        return (self.forward - self.backward) / 2

    @property
    def reliability(self) -> float:
        """In [0, 1]: margin × consistency of the two orders, |2p − 1| · (1 − |p_AB − (1 − p_BA)|).

        0 with one order or none: consistency was not seen. Ours.
        """
        if self.forward is None or self.backward is None:
            return 0.0
        return abs(2 * self.preference - 1) * (1 - abs(self.forward - self.backward))


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How much a judge's verdicts hang on the order of the images.

    first     : mean probability given to the image shown first, over both orders; ½ is no bias.
    low, high : interval of `first`, Student's t over the pairs (which share images where one image
                is in several pairs: then it is somewhat short).
    flipped   : share of pairs whose winner the order decides.
    flipped_low, flipped_high : its interval. Source: Wilson 1927.
    pairs     : n pairs answered in both orders.
    """

    first: float
    low: float
    high: float
    flipped: float
    flipped_low: float
    flipped_high: float
    pairs: int
    confidence: float


def pair_questions(first: ImagePart, second: ImagePart) -> tuple[Question, Question]:
    """The question in both orders: (first, second), then (second, first)."""
    return (
        choice(first, second, QUESTION, options=OPTIONS),
        choice(second, first, QUESTION, options=OPTIONS),
    )


def ask_pairs(judge: Judge, pairs: Sequence[Pair]) -> list[Verdict]:
    """One verdict for each pair, in their order; all questions in one batch.

    Identical images (by content) are a tie and are not asked about. A pair answered in one order
    only is corrected by the judge's lean over the others, counts half and says so; it is missing
    where fewer than five others show the lean.
    Raises `JudgeError` for a judge that takes one image at a time.
    """
    check_takes_two(judge)
    same = [_same(*pair) for pair in pairs]
    asked = [
        question
        for pair, known in zip(pairs, same, strict=True)
        if known is None
        for question in pair_questions(*pair)
    ]
    answers = iter(judge.answer(asked))
    return settle([known or read_pair(next(answers), next(answers)) for known in same])


def read_pair(forward: Answer, backward: Answer) -> Verdict:
    """The verdict of one pair from the answers to `pair_questions`.

    With one of them missing the verdict is missing too, but keeps the other: `settle` can use it.
    """
    p_forward = None if forward.missing else forward[OPTIONS[0]]
    p_backward = None if backward.missing else backward[OPTIONS[1]]
    if p_forward is None or p_backward is None:
        reason = forward.missing or backward.missing
        order = "either order" if p_forward is p_backward else "one order"
        return Verdict(p_forward, p_backward, missing=f"no answer in {order}: {reason}")
    masses = [answer.mass for answer in (forward, backward) if answer.mass is not None]
    mass = min(masses, default=None)
    return Verdict(p_forward, p_backward, unbiased(p_forward, p_backward), 1.0, mass=mass)


def unbiased(forward: float, backward: float) -> float:
    """P(the first is better) from both orders: the mean of their log-odds.

    A lean to one place that adds to the log-odds is removed exactly, whatever its size (the plain
    mean of the probabilities draws large preferences towards ½). Two certain answers for opposite
    images leave ½. Ours.
    """
    yes = math.sqrt(forward * backward)
    no = math.sqrt((1 - forward) * (1 - backward))
    return yes / (yes + no) if yes + no > 0 else 0.5


def settle(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts in which pairs answered in one order are corrected by the lean of all others."""
    leans = sorted(
        _log_odds(verdict.forward) / 2 - _log_odds(verdict.backward) / 2
        for verdict in verdicts
        if _inside(verdict.forward) and _inside(verdict.backward)
    )
    if len(leans) < LEAST_FOR_BIAS:
        return list(verdicts)
    middle = leans[len(leans) // 2]  # the median: one odd pair must not move the others
    return [_corrected(verdict, middle, len(leans)) for verdict in verdicts]


def position_bias(verdicts: Sequence[Verdict], confidence: float = 0.95) -> PositionBias:
    """The judge's bias towards a place, over the pairs answered in both orders.

    Raises `TooFewRatings` under two such pairs.
    """
    from scipy.special import ndtri, stdtrit

    both = [verdict for verdict in verdicts if verdict.lean is not None]
    n = len(both)
    if n < 2:
        raise TooFewRatings(
            f"position bias of {n} pair{'s' * (n != 1)} answered in both orders",
            "Ask about two pairs at least.",
        )
    leans = [verdict.lean or 0.0 for verdict in both]
    mean = math.fsum(leans) / n
    error = math.sqrt(math.fsum((lean - mean) ** 2 for lean in leans) / (n - 1) / n)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    flipped = sum(_flips(verdict) for verdict in both) / n
    z = float(ndtri((1 + confidence) / 2))
    centre = (flipped + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(flipped * (1 - flipped) / n + (z / (2 * n)) ** 2)
    return PositionBias(
        first=0.5 + mean,
        low=max(0.0, 0.5 + mean - half),
        high=min(1.0, 0.5 + mean + half),
        flipped=flipped,
        flipped_low=max(0.0, centre - reach),
        flipped_high=min(1.0, centre + reach),
        pairs=n,
        confidence=confidence,
    )


def check_takes_two(judge: Judge) -> None:
    """Raise `JudgeError` for a judge that takes one image at a time."""
    instead = (
        "Score the images one by one with `snellen score --method levels`, or take a judge that"
        " sees two (`snellen models`)."
    )
    check_images(judge, "a comparison", 2, instead)


def _same(first: ImagePart, second: ImagePart) -> Verdict | None:
    """The verdict that needs no asking: images that are equal, or cannot be read; else None."""
    try:
        equal = first.hash == second.hash
    except ImageError as error:
        return Verdict(missing=str(error))
    if not equal:
        return None
    return Verdict(preference=0.5, weight=1.0, note="the two images are identical; not asked")


def _corrected(verdict: Verdict, lean: float, seen: int) -> Verdict:
    """A pair known in one order only, the judge's usual lean (log-odds) taken out of it."""
    if verdict.forward is not None and verdict.backward is None:
        p = _shifted(verdict.forward, -lean)
    elif verdict.backward is not None and verdict.forward is None:
        p = _shifted(verdict.backward, lean)
    else:
        return verdict
    note = f"{verdict.missing}; corrected by the judge's lean over {seen} pairs, counts half"
    return replace(verdict, preference=p, weight=HALF, missing="", note=note)


def _flips(verdict: Verdict) -> bool:
    """Whether the winner changes with the order (an answer of exactly ½ prefers nobody)."""
    forward, backward = verdict.forward, verdict.backward
    return forward is not None and backward is not None and (forward - 0.5) * (backward - 0.5) < 0


def _inside(p: float | None) -> bool:
    return p is not None and 0 < p < 1


def _log_odds(p: float | None) -> float:
    assert p is not None  # the callers look with `_inside`
    return math.log(p) - math.log1p(-p)


def _shifted(p: float, by: float) -> float:
    """`p` with `by` added to its log-odds; certainty stays certain."""
    if not _inside(p):
        return p
    return 1 / (1 + math.exp(-(_log_odds(p) + by)))
