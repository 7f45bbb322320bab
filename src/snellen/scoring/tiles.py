"""`tiles`: rate native windows of the picture, each by itself; the mean of their levels.

For a judge that shrinks what it is shown, or sees a part of it only (the built-in one sees the
middle 224 pixels), and so misses noise, blocking, and faults at the side. Windows are cut at native
resolution at fixed places: the middle and the four corners. Ours; that native windows beat one
shrunk view is an old finding of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snellen.errors import InputError
from snellen.images import Picture
from snellen.images.view import BLOCK
from snellen.judges import Answer, ImagePart, Question
from snellen.scorers.base import Score
from snellen.scoring.base import Method, combine
from snellen.scoring.levels import PREFILL, PROMPT, WORDS, Levels

PLACES: dict[str, tuple[float, float]] = {
    "middle": (0.5, 0.5),
    "top left": (0.0, 0.0),
    "top right": (0.0, 1.0),
    "bottom left": (1.0, 0.0),
    "bottom right": (1.0, 1.0),
}
"""Name of a window → how far down and to the right of what is free it lies, 0–1."""


class Tiles(Method):
    """The levels question about each window.

    side   : of a window, pixels; a picture with a shorter side is cut less on that side.
    words, weights, prompt, prefill : as `Levels` has them.
    Raises `InputError` for a side under 8 pixels, and for words or weights that are no scale.
    """

    images = 1

    def __init__(
        self,
        side: int = 224,
        words: Sequence[str] = WORDS,
        weights: Sequence[float] | None = None,
        prompt: str = PROMPT,
        prefill: str = PREFILL,
    ) -> None:
        if side < BLOCK:
            raise InputError(f"windows of {side} pixels show nothing", f"Give {BLOCK} or more.")
        self.side = side
        self._levels = Levels(words, weights, prompt, prefill)

    @property
    def name(self) -> str:
        return f"tiles({len(PLACES)} of {self.side}; {self._levels.name})"

    def questions(self, picture: Picture) -> list[Question]:
        """One for each of `PLACES`; where a picture is no larger than a window all are alike, and
        a judge that shares work looks once."""
        return [
            self._levels.about(self._window(picture, name, *place))
            for name, place in PLACES.items()
        ]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The mean over the windows that were answered, 0–100."""
        return combine(
            [
                replace(self._levels.read(answer), label=name, shown=(_shown(name),))
                for name, answer in zip(PLACES, answers, strict=True)
            ]
        )

    def _window(self, picture: Picture, name: str, down: float, right: float) -> ImagePart:
        pixels = picture.pixels
        top, left = (
            int(share * max(0, length - self.side)) // BLOCK * BLOCK
            for share, length in zip((down, right), pixels.shape, strict=False)
        )
        window = pixels[top : top + self.side, left : left + self.side]
        return ImagePart(np.ascontiguousarray(window), name=_shown(name))


def _shown(name: str) -> str:
    return f"{name} of the picture"
