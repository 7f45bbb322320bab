"""`debias`: beside a ruined copy that is called poor, how good is the picture itself?

A judge leans on what a picture shows. The copy shows the same and is poor for every picture, so
that what the content adds to the answer is the same beside every quality, and cancels.

Source: Q-Debias (arXiv 2411.12791; prompts and weights from its authors' code). With
`as_published` it is exactly that: four copies, both prompts, good against poor, weights
softmax(s) of the probabilities s that both images show the same. Everything else is ours: five
levels under the same prior, similarity weights with a temperature or none at all (which spares half
of the questions, as s in [0, 1] leaves the published weights nearly uniform), other copies and
fewer of them, and a share for the picture alone. What a judge without a bias loses by being
debiased is the noise of its opinion of the copies, and that copies are not equally poor; the share
takes a part of that back, at the price of as much of the bias. docs/debias.md has the figures that
the defaults were chosen by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from snellen.errors import InputError, UnknownName
from snellen.images import Picture
from snellen.judges import Answer, Question, choice, predicate
from snellen.scorers.base import Score
from snellen.scoring.base import PICTURE, Method, Reading, combine, read_levels, weighted
from snellen.scoring.copies import Copies, Spec
from snellen.scoring.levels import WORDS, Levels, scale_of
from snellen.scoring.two_words import TwoWords, read_two

Readout: TypeAlias = Literal["levels", "two-words"]
READOUTS: tuple[Readout, ...] = ("levels", "two-words")

PRIOR = (
    "The visual quality of the first image is poor. How about the visual quality of the second"
    " image."
)
TWO_WORDS = f"{PRIOR} Good or poor?"
LEVELS = f"{PRIOR} Excellent, good, fair, poor or bad?"
SAME = "Do these two images describe the same object? Yes or no"
PREFILL = "The quality of the image is "


class Debias(Method):
    """Two-image questions over a set of copies.

    copies     : see `Copies.of`: a number, "photo", "document", or (distortion, level) pairs.
    readout    : "levels", the mean of five words; "two-words", good against poor.
    similarity : temperature of the similarity weights; 1 is the published one; None asks nothing
                 of similarity and weighs all copies alike.
    alone      : weight of the same read-out of the picture alone, from 0 (not asked) to below 1.
    as_published : all as in the paper, whatever the others say.
    """

    images = 2

    def __init__(
        self,
        copies: int | str | Sequence[Spec | Sequence[Spec]] = 1,
        readout: Readout = "levels",
        similarity: float | None = None,
        alone: float = 0.2,
        as_published: bool = False,
    ) -> None:
        if as_published:
            copies, readout, similarity, alone = "photo", "two-words", 1.0, 0.0
        if readout not in READOUTS:
            raise UnknownName("read-out", readout, READOUTS)
        if similarity is not None and not (math.isfinite(similarity) and similarity > 0):
            raise InputError(
                f"the temperature of the similarity is {similarity}",
                "Give a number above 0, or leave it out to weigh all copies alike.",
            )
        if not 0 <= alone < 1:
            raise InputError(
                f"the weight of the picture alone is {alone}", "Give a number from 0 to below 1."
            )
        self.copies = Copies.of(copies)
        self.readout, self.similarity, self.alone = readout, similarity, alone
        self._weights = scale_of(len(WORDS), None)

    @property
    def name(self) -> str:
        alike = "none" if self.similarity is None else f"{self.similarity:g}"
        alone = f"; alone={self.alone:g}" if self.alone else ""
        return f"debias({self.copies.spelled}; {self.readout}; similarity={alike}{alone})"

    @property
    def plain(self) -> Levels | TwoWords:
        """The same read-out of the picture alone."""
        return Levels() if self.readout == "levels" else TwoWords(temperature=1.0)

    def questions(self, picture: Picture) -> list[Question]:
        """The picture alone where it has a weight; for each copy the quality beside it and, with
        similarity weights, whether both show the same: neighbours in the batch begin with the same
        two images."""
        asked = self.plain.questions(picture) if self.alone else []
        for copy in self.copies.make(picture):
            if self.readout == "two-words":
                asked.append(
                    choice(copy, picture, TWO_WORDS, options=("Good", "Poor"), prefill=PREFILL)
                )
            else:
                words = tuple(word.capitalize() for word in WORDS)
                asked.append(choice(copy, picture, LEVELS, options=words, prefill=PREFILL))
            if self.similarity is not None:
                asked.append(predicate(copy, picture, SAME))
        return asked

    def score(self, answers: Sequence[Answer]) -> Score:
        """The weighted mean over the copies, and the picture alone with its share.

        A copy without its answer is left out; one without a similarity weighs as the mean of the
        others. Without any copy there is nothing to correct by: `MissingAnswer`.
        """
        own, rest = (answers[:1], answers[1:]) if self.alone else ((), answers)
        step = 1 if self.similarity is None else 2
        beside = [
            self._read(answer, copy)
            for answer, copy in zip(rest[::step], self.copies.names, strict=True)
        ]
        shares = [1 / len(beside)] * len(beside)
        alike: list[Reading] = []
        if self.similarity is not None:
            said = zip(rest[1::2], self.copies.names, strict=True)
            alike = [self._alike(answer, copy) for answer, copy in said]
            shares = similarity_weights([reading.value for reading in alike], self.similarity)
        counted = [weighted(r, share) for r, share in zip(beside, shares, strict=True)]
        answered = math.fsum(r.weight for r in counted if not math.isnan(r.value))
        if not answered or not own:
            return combine([*counted, *alike])
        scaled = [weighted(r, r.weight * (1 - self.alone) / answered) for r in counted]
        alone = replace(self.plain.read(own[0]), label="alone", weight=self.alone)
        return combine([*scaled, *alike, alone])

    def cautions(self, picture: Picture) -> list[str]:
        """See `Copies.cautions`."""
        return self.copies.cautions(picture)

    def _read(self, answer: Answer, copy: str) -> Reading:
        if self.readout == "two-words":
            value, spread = read_two(answer)
            text = TWO_WORDS
        else:
            value, spread = read_levels(answer, self._weights)
            text = LEVELS
        return Reading(value, spread, f"beside {copy}", text, answer, (copy, PICTURE))

    @staticmethod
    def _alike(answer: Answer, copy: str) -> Reading:
        value, spread = read_two(answer)
        shown = (copy, PICTURE)
        return Reading(
            value, spread, f"alike to {copy}", SAME, answer, shown, weight=0.0, of_quality=False
        )


def similarity_weights(alike: Sequence[float], temperature: float) -> list[float]:
    """softmax(s / T) over the copies; NaN (not answered) counts as the mean of the others.

    Source: T = 1 is Q-Debias; the temperature is ours.
    """
    known = [value for value in alike if not math.isnan(value)]
    middle = math.fsum(known) / len(known) if known else 0.5
    scaled = [(middle if math.isnan(value) else value) / temperature for value in alike]
    top = max(scaled)
    parts = [math.exp(value - top) for value in scaled]
    total = math.fsum(parts)
    return [part / total for part in parts]
