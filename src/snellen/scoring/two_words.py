"""`two-words`: good or poor? The softmax of two logits at a high temperature.

Source: Q-Bench (Wu et al. 2023, "Q-Bench: A benchmark for general-purpose foundation models on
low-level vision"). Dividing the logits by 100 before the softmax, as its authors do, changes no
rank and makes the score nearly linear in the difference of the logits, which PLCC rewards; all
scores then lie close to 50.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges import Answer, Question, choice
from snellen.scorers.base import Score
from snellen.scoring.base import Method, Reading, combine
from snellen.scoring.levels import PREFILL, PROMPT

TEMPERATURE = 100.0


class TwoWords(Method):
    """One question with two words.

    good, poor  : the words.
    temperature : logits are divided by it; 1 = the plain probability.
    """

    images = 1

    def __init__(
        self,
        good: str = "good",
        poor: str = "poor",
        temperature: float = TEMPERATURE,
        prompt: str = PROMPT,
        prefill: str = PREFILL,
    ) -> None:
        if not (math.isfinite(temperature) and temperature > 0):
            raise InputError(f"the temperature is {temperature}", "Give a number above 0.")
        self.good, self.poor, self.temperature = good, poor, temperature
        self.prompt, self.prefill = prompt, prefill

    @property
    def name(self) -> str:
        asked = "" if self.prompt == PROMPT else f"; {self.prompt!r}, {self.prefill!r}"
        return f"two-words({self.good}/{self.poor}, temperature={self.temperature:g}{asked})"

    def questions(self, picture: Picture) -> list[Question]:
        """The one question."""
        options = (self.good, self.poor)
        return [choice(picture, self.prompt, options=options, prefill=self.prefill)]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The softened probability of the good word, 0–100."""
        return combine([self.read(answers[0])])

    def read(self, answer: Answer) -> Reading:
        """The answer as quality."""
        value, spread = read_two(answer, self.temperature)
        return Reading(value, spread, "two words", self.prompt, answer)


def read_two(answer: Answer, temperature: float = 1.0) -> tuple[float, float]:
    """Softened probability of the first option, and how undecided that is; NaN when missing.

    The spread is that of the unsoftened answer times how much less a step of log-odds moves the
    softened one (ours); it is exact at a temperature of 1.
    """
    if answer.missing:
        return math.nan, math.nan
    first, second = answer.logprobs
    if math.isinf(first) or math.isinf(second):
        value = float(first > second)  # one of them was given exactly nothing
        return value, 0.0
    odds = first - second
    value = _logistic(odds / temperature)
    steep = _logistic(odds) * _logistic(-odds)  # 1 − p would lose the last digits
    slope = value * _logistic(-odds / temperature) / temperature
    return value, math.sqrt(steep) * min(1.0, slope / steep) if steep > 0 else 0.0


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
