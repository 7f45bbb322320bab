"""`levels`: rate the picture in words of a scale, the mean over the words' values.

Source: Q-Align's read-out (Wu et al. 2023, "Q-Align: Teaching LMMs for visual scoring via discrete
text-defined levels"): the five words of ITU-T P.910 and weights 1, ¾, ½, ¼, 0 over a softmax of
their logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges import Answer, ImagePart, Question, score
from snellen.judges.question import check_options
from snellen.scorers.base import Score
from snellen.scoring.base import Method, Reading, combine, read_levels

WORDS = ("bad", "poor", "fair", "good", "excellent")
"""Worst first: the quality scale of ITU-T P.910."""
PROMPT = "Rate the quality of the image."
PREFILL = "The quality of the image is"


class Levels(Method):
    """One question, any ordered words.

    words   : worst first; two or more.
    weights : value of each in [0, 1], rising; equal steps from 0 to 1 without.
    prompt, prefill : what is asked, and how the answer begins.
    Raises `InputError` for words or weights that are no scale.
    """

    images = 1

    def __init__(
        self,
        words: Sequence[str] = WORDS,
        weights: Sequence[float] | None = None,
        prompt: str = PROMPT,
        prefill: str = PREFILL,
        label: str = "levels",
    ) -> None:
        self.words = tuple(words)
        check_options(self.words)
        self.weights = scale_of(len(self.words), weights)
        self.prompt, self.prefill, self.label = prompt, prefill, label

    @property
    def name(self) -> str:
        values = ",".join(f"{w}={v:g}" for w, v in zip(self.words, self.weights, strict=True))
        asked = "" if self.prompt == PROMPT else f"; {self.prompt!r}, {self.prefill!r}"
        return f"{self.label}({values}{asked})"

    def questions(self, picture: Picture) -> list[Question]:
        """The one question."""
        return [self.about(ImagePart(picture))]

    def about(self, image: ImagePart) -> Question:
        """The question about any image."""
        return score(
            image, self.prompt, levels=self.words, weights=self.weights, prefill=self.prefill
        )

    def score(self, answers: Sequence[Answer]) -> Score:
        """The mean level, 0–100."""
        return combine([self.read(answers[0])])

    def read(self, answer: Answer) -> Reading:
        """The answer as quality."""
        value, spread = read_levels(answer, self.weights)
        return Reading(value, spread, self.label, self.prompt, answer)


def scale_of(size: int, weights: Sequence[float] | None) -> tuple[float, ...]:
    """Values of `size` levels in [0, 1], rising. Raises `InputError` for others."""
    values = np.linspace(0, 1, size) if weights is None else np.asarray(weights, dtype=float)
    rising = values.shape == (size,) and bool((np.diff(values) > 0).all())
    if not rising or values[0] < 0 or values[-1] > 1:
        raise InputError(
            f"the weights {list(map(float, values.ravel()))} are no scale of {size} levels",
            "Give one for each word, worst first, rising from 0 to 1.",
        )
    return tuple(float(value) for value in values)
