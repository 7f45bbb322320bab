"""A script for tutorials: it looks at sharpness and nothing else. It is no model.

    snellen ask photo.jpg "How is the quality?" --options Good,Poor \\
        --judge scripted:snellen.judges.demo:sharpness

It answers the forms of question that the methods ask, so that every verb can be tried offline with
numbers that follow the picture: a blurred copy comes out worse. All rules are ours and are good
for nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from snellen.judges.image import ImagePart, Pixels
from snellen.judges.question import Question

MASS = 0.9
"""What the options get together: a model always leaves some probability to other words."""
_ELSEWHERE = 0.2  # of what is left to distortions that it knows nothing of, all together
_RISING = (("poor", "good"), ("bad", "poor", "fair", "good", "excellent"))
_PLACES = (("a", "b"), ("first", "second"))


def sharpness(question: Question) -> Mapping[str, float] | None:
    """Option → probability; None for questions of another form.

    Levels and good/poor are about the last image; A/B and first/second compare the first with the
    last; Yes/No asks whether the first and the last show the same. Of the names of distortions it
    knows blur and clean alone: a picture is one as far as it is not the other.
    """
    if not question.images:
        return None
    values = _values(question)
    return None if values is None else {word: MASS * p for word, p in values.items()}


def _values(question: Question) -> dict[str, float] | None:
    """Probabilities that add up to 1."""
    words = {option.casefold(): option for option in question.options}
    first, last = question.images[0], question.images[-1]
    if question.kind == "score":
        rising = question.weights[0] < question.weights[-1]
        return _binomial(question.options[:: 1 if rising else -1], _quality(last.pixels()))
    for levels in _RISING:
        if set(words) == set(levels):
            return _binomial([words[level] for level in levels], _quality(last.pixels()))
    for one, other in _PLACES:
        if set(words) == {one, other} and first is not last:
            lead = _quality(first.pixels()) - _quality(last.pixels())
            p = 1 / (1 + math.exp(-8 * lead))
            return {words[one]: p, words[other]: 1 - p}
    if {"blur", "clean"} < set(words):
        quality = _quality(last.pixels())
        left = _ELSEWHERE / (len(words) - 2)
        sharp = (1 - _ELSEWHERE) / (1 + math.exp(-12 * (quality - 0.4)))
        known = {words["clean"]: sharp, words["blur"]: 1 - _ELSEWHERE - sharp}
        return {option: known.get(option, left) for option in question.options}
    if set(words) == {"yes", "no"}:
        p = _likeness(first, last)
        return {words["yes"]: p, words["no"]: 1 - p}
    return None


def _quality(pixels: Pixels) -> float:
    """In [0, 1): fine detail against all detail, so neither contrast nor brightness counts."""
    gray = pixels.mean(axis=2)
    if min(gray.shape) < 3 or gray.std() < 1e-6:
        return 0.0
    fine = np.abs(4 * gray[1:-1, 1:-1] - gray[:-2, 1:-1] - gray[2:, 1:-1] - gray[1:-1, :-2]
                  - gray[1:-1, 2:]).mean()  # fmt: skip
    share = float(fine / gray.std())
    return share / (share + 0.3)  # 0.3: what an ordinary photo has


def _binomial(levels: tuple[str, ...] | list[str], quality: float) -> dict[str, float]:
    """A binomial distribution over levels, worst first, with mean `quality`."""
    steps = len(levels) - 1
    return {
        level: math.comb(steps, place) * quality**place * (1 - quality) ** (steps - place)
        for place, level in enumerate(levels)
    }


def _likeness(one: ImagePart, other: ImagePart) -> float:
    """In (0, 1): correlation of coarse grids of brightness, squashed."""
    a, b = _grid(one.pixels()), _grid(other.pixels())
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 0.5
    correlation = float(np.corrcoef(a, b)[0, 1])
    return 1 / (1 + math.exp(-6 * (correlation - 0.5)))


def _grid(pixels: Pixels) -> npt.NDArray[np.float64]:
    """(64,) mean brightness of 8 × 8 cells; fewer pixels than cells are repeated."""
    gray = pixels.mean(axis=2)
    rows, columns = (np.arange(9) * side / 8 for side in gray.shape)
    return np.array(
        [gray[_cell(rows, i), _cell(columns, j)].mean() for i in range(8) for j in range(8)]
    )


def _cell(edges: npt.NDArray[np.float64], place: int) -> slice:
    """Pixels of one cell along one side; at least one."""
    start = int(edges[place])
    return slice(start, max(start + 1, int(edges[place + 1])))
