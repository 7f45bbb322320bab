"""`attributes`: the five words, asked of each side of quality: sharpness, noise, exposure …

The score is the plain mean; what each side got stands in the evidence. Sides and wording are ours,
after the low-level attributes of Q-Bench and SPAQ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from snellen.errors import UnknownName
from snellen.images import Picture
from snellen.judges import Answer, Question
from snellen.scorers.base import Score
from snellen.scoring.base import Method, combine
from snellen.scoring.levels import Levels

SIDES: dict[str, str] = {
    "sharpness": "sharpness",
    "noise": "freedom from noise",
    "exposure": "exposure",
    "colour": "colour",
    "artefacts": "freedom from compression artefacts",
    "contrast": "contrast",
}
"""Name of a side → what is asked; excellent is good for each."""


class Attributes(Method):
    """One level question for each side.

    sides : names in `SIDES`; all of them without.
    """

    images = 1

    def __init__(self, sides: Sequence[str] = tuple(SIDES)) -> None:
        for side in sides:
            if side not in SIDES:
                raise UnknownName("side of quality", side, SIDES)
        self.sides = tuple(sides)
        self._asked = [
            Levels(
                prompt=f"Rate the {SIDES[side]} of the image.",
                prefill=f"The {SIDES[side]} of the image is",
                label=side,
            )
            for side in self.sides
        ]

    @property
    def name(self) -> str:
        return f"attributes({','.join(self.sides)})"

    def questions(self, picture: Picture) -> list[Question]:
        """One for each side."""
        return [question for levels in self._asked for question in levels.questions(picture)]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The mean over the sides that were answered."""
        return combine(
            [
                replace(levels.read(answer), label=levels.label)
                for levels, answer in zip(self._asked, answers, strict=True)
            ]
        )
