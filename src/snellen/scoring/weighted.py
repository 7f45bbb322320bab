"""`weighted`: adaptive logit weighting: whatever the judge might say first, weighed by its meaning.

One question, no options: the most likely first tokens of the answer are taken, and the logit of
each is weighed by how much its input embedding points from words of fault to words of praise.

Source: prompt, pre-fill, top 100 and the cosine with (mean of some 25 praise words − mean of some
25 fault words) are of the authors' code of adaptive logit weighting. Their word lists are not
printed here; ours stand below. Their sum of weighted logits ranks pictures and has no scale: the
score is its logistic at a temperature, which changes no rank (ours).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from snellen.errors import InputError, JudgeError, SnellenError
from snellen.images import Picture
from snellen.judges import Answer, Capabilities, Judge, Question, WhiteBox, choice
from snellen.judges.protocol import Floats, unfit
from snellen.scorers.base import Score
from snellen.scoring.base import Method, Reading, combine
from snellen.scoring.two_words import read_two

PROMPT = (
    "Taking into account the details and the rationality of the image, how would you rate the"
    " quality of this image?"
)
PREFILL = "The quality of this image is"
TOP = 100
PRAISE = (
    "excellent", "superb", "great", "good", "perfect", "outstanding", "impressive", "stunning",
    "high", "sharp", "clear", "crisp", "detailed", "vivid", "clean", "beautiful", "fine", "bright",
    "balanced", "pleasing", "natural", "rich", "smooth", "professional", "pristine",
)  # fmt: skip
FAULT = (
    "bad", "poor", "terrible", "awful", "horrible", "inferior", "disappointing", "ugly", "low",
    "blurry", "unclear", "fuzzy", "noisy", "grainy", "dull", "distorted", "pixelated", "dark",
    "overexposed", "unpleasant", "unnatural", "faded", "blocky", "amateurish", "damaged",
)  # fmt: skip
OPTIONS = ("praise", "fault")
TEMPERATURE = 100.0  # of the sum: a hundred logits of a few units each. Ours.


class Weighted(Method):
    """One question, asked of a judge whose weights are here.

    top         : how many tokens are weighed.
    temperature : the sum is divided by it before the logistic.
    """

    images = 1

    def __init__(self, top: int = TOP, temperature: float = TEMPERATURE) -> None:
        if top < 1:
            raise InputError(f"the top {top} tokens", "Weigh one at least.")
        if not (math.isfinite(temperature) and temperature > 0):
            raise InputError(f"the temperature is {temperature}", "Give a number above 0.")
        self.top, self.temperature = top, temperature

    @property
    def name(self) -> str:
        return f"weighted(top={self.top}, temperature={self.temperature:g})"

    def through(self, judge: Judge) -> Judge:
        """The judge, answering with the weighted sum. Raises `JudgeError` where it cannot."""
        return TokenWeigher(judge, self.top)

    def questions(self, picture: Picture) -> list[Question]:
        """The one question. Its options name the two ends of the sum; no model sees them."""
        return [choice(picture, PROMPT, options=OPTIONS, prefill=PREFILL)]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The logistic of the sum, 0–100."""
        value, spread = read_two(answers[0], self.temperature)
        return combine([Reading(value, spread, "first tokens weighed", PROMPT, answers[0])])


class TokenWeigher:
    """A judge that answers (praise, fault) with the weighted sum of a white box's first tokens.

    The sum is the log-odds of its answers, so that memory keeps it and any temperature reads it.
    Raises `JudgeError` for a judge that does not show logits and embeddings.
    """

    def __init__(self, judge: Judge, top: int) -> None:
        if not (judge.can.embeddings and isinstance(judge, WhiteBox)):
            other = "Take a model that runs here (hf:MODEL), or --method levels."
            raise JudgeError(
                f"{judge.name} does not show its logits and embeddings, which `weighted` reads",
                judge.can.opened_by or other,
            )
        self._box: WhiteBox = judge
        self._top = top
        self.name = f"{judge.name}, first {top} tokens weighed"
        self.can = Capabilities(readout="logits", max_images=1, max_options=2, mass=False)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Answer:
        why = unfit(question, self.can)
        if why:
            return Answer.without(question.options, why)
        try:
            tokens = self._box.token_scores(question, self._top)
            total = math.fsum(
                token.logit * cosine(token.embedding, self._direction) for token in tokens
            )
        except SnellenError as error:
            return Answer.without(question.options, str(error))
        return Answer.from_logits(question.options, (total, 0.0))

    @cached_property
    def _direction(self) -> Floats:
        """(width,) from fault to praise in the space of input embeddings."""
        praise, fault = (
            np.mean([self._box.word_embedding(word) for word in words], axis=0)
            for words in (PRAISE, FAULT)
        )
        return np.asarray(praise - fault, dtype=np.float64)


def cosine(one: Floats, other: Floats) -> float:
    """Cosine of the angle between two vectors; 0 where one has no length."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
