"""How a judge came to the score of one picture: what it was shown and asked, what it answered.

found = explain(read(Path("photo.jpg")), JudgeScorer(judge, make_method("debias")))
for one in found.score.evidence:
    print(one.label, one.value, one.weight, one.contribution)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from snellen.errors import MissingAnswer
from snellen.images import Picture
from snellen.judges import ImagePart
from snellen.scorers.base import Score
from snellen.scoring.base import PICTURE, Method
from snellen.scoring.scorer import JudgeScorer


@runtime_checkable
class Corrects(Protocol):
    """A method that shows more than the picture, to take out what its content adds."""

    @property
    def plain(self) -> Method:
        """The same read-out of the picture alone."""
        ...


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score and all that is behind it.

    judge, method : their identities.
    score         : with the evidence, one entry a question.
    images        : what the evidence's `shown` names → the image, in the order first shown.
    alone         : score of the same read-out without copies; None where the method shows none, or
                    where the judge did not answer it.
    """

    judge: str
    method: str
    score: Score
    images: Mapping[str, ImagePart]
    alone: float | None = None

    @property
    def correction(self) -> float | None:
        """Points that the copies added (negative: took off); None where there are none."""
        return None if self.alone is None else self.score.value - self.alone


def explain(picture: Picture, scorer: JudgeScorer) -> Explanation:
    """Score `picture` and keep what was shown.

    Raises `MissingAnswer`, with the reason, where no answer can be read.
    """
    method = scorer.method
    score = scorer.score(picture)
    images = {PICTURE: ImagePart(picture)}
    for question in method.questions(picture):
        images |= {part.name or PICTURE: part for part in question.images}
    alone = None
    if isinstance(method, Corrects):
        try:
            alone = JudgeScorer(scorer.judge, method.plain).score(picture).value
        except MissingAnswer:  # the score stands without it
            alone = None
    return Explanation(scorer.judge.name, method.name, score, images, alone)
