"""`contrast`: the picture's levels against those of its ruined copies, each shown alone.

log p(y | picture) − λ · log p(y | copy), normalised over the words, for each copy: what the content
adds to both is taken out by a factor λ. It needs one image a question, so it also serves judges
that take no two. Nobody has published it (METHODS calls it an obvious combination); all of it is
ours, after contrastive decoding (Li et al. 2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges import Answer, Question
from snellen.scorers.base import Score
from snellen.scoring.base import Method, Reading, combine, read_levels, weighted
from snellen.scoring.copies import Copies, Spec
from snellen.scoring.levels import Levels

_FLOOR = -30.0  # of a log-probability: a level given exactly nothing must not decide everything


class Contrast(Method):
    """One-image level questions about the picture and each of its copies.

    copies   : see `Copies.of`.
    strength : λ, 0 (plain levels) to below 1.
    """

    images = 1

    def __init__(
        self,
        copies: int | str | Sequence[Spec | Sequence[Spec]] = (("zoom-blur", 3), ("fog", 4)),
        strength: float = 0.5,
    ) -> None:
        if not 0 <= strength < 1:
            raise InputError(f"the strength is {strength}", "Give a number from 0 to below 1.")
        self.copies = Copies.of(copies)
        self.strength = strength
        self._levels = Levels()

    @property
    def name(self) -> str:
        return f"contrast({self.copies.spelled}; strength={self.strength:g})"

    @property
    def plain(self) -> Method:
        """The same read-out of the picture alone."""
        return self._levels

    def questions(self, picture: Picture) -> list[Question]:
        """The picture, then each copy."""
        [own] = self._levels.questions(picture)
        return [own, *(self._levels.about(copy) for copy in self.copies.make(picture))]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The mean over the copies of the contrasted levels."""
        own, *others = answers
        contrasts = []
        for answer, copy in zip(others, self.copies.names, strict=True):
            both = contrasted(own, answer, self.strength)
            value, spread = read_levels(both, self._levels.weights)
            label, shown = f"against {copy}", (copy,)
            contrasts.append(Reading(value, spread, label, self._levels.prompt, both, shown))
        return combine([weighted(self._levels.read(own), 0.0), *contrasts])

    def cautions(self, picture: Picture) -> list[str]:
        """See `Copies.cautions`."""
        return self.copies.cautions(picture)


def contrasted(own: Answer, other: Answer, strength: float) -> Answer:
    """The answer about the picture with `strength` of the answer about its copy taken out."""
    for answer in (own, other):
        if answer.missing:
            return Answer.without(own.options, answer.missing)
    return Answer.from_logits(
        own.options,
        [
            max(a, _FLOOR) - strength * max(b, _FLOOR)
            for a, b in zip(_relative(own), _relative(other), strict=True)
        ],
    )


def _relative(answer: Answer) -> list[float]:
    """Log-probabilities normalised over the options."""
    return [math.log(p) if p > 0 else -math.inf for p in answer.probabilities]
