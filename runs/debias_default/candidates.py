"""The candidates: ways to read one set of answers. Each is a method of the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snellen.images import Picture
from snellen.judges import Answer, Question
from snellen.scoring.base import Method
from snellen.scoring.contrast import Contrast
from snellen.scoring.copies import RUINED, SETS, Copies, Spec, Steps
from snellen.scoring.debias import Debias, Readout
from snellen.scoring.levels import Levels
from snellen.scoring.two_words import TwoWords

PUBLISHED = SETS["photo"]
POOL: tuple[Steps, ...] = (
    *((spec,) for spec in PUBLISHED),
    RUINED,
    (("zoom-blur", 3), ("impulse-noise", 5)),
    (("motion-blur", 5),),
    (("pixelate", 5),),
)
ALONE = (0.1, 0.2, 0.3)  # shares of the picture alone
_WIDE = {
    "levels": Levels(),
    "two-words": TwoWords(),
    "words beside": Debias(POOL, "two-words", similarity=1.0, alone=0.0),
    "levels beside": Debias(POOL, "levels", alone=0.0),
    "levels of copies": Contrast(POOL),
}
"""Everything that any candidate reads; a picture is asked all of it once."""


@dataclass(frozen=True)
class Candidate:
    """A method, and where its answers lie: groups of `_WIDE` and places in them."""

    called: str
    method: Method
    places: tuple[tuple[str, int], ...]


def questions(picture: Picture) -> dict[str, list[Question]]:
    """What all candidates ask about one picture, by group."""
    return {group: method.questions(picture) for group, method in _WIDE.items()}


def candidates() -> list[Candidate]:
    """All of them: read-outs, similarity weights, sets of copies, shares, strengths."""
    found = [
        Candidate("levels, the picture alone", _WIDE["levels"], (("levels", 0),)),
        Candidate("two words, the picture alone", _WIDE["two-words"], (("two-words", 0),)),
        _debias("as published", PUBLISHED, "two-words", 1.0),
        *(
            _debias(f"as published, similarity at {t:g}", PUBLISHED, "two-words", t)
            for t in (0.3, 0.1)
        ),
        _debias("two words, all copies alike", PUBLISHED, "two-words", None),
        _debias("levels, all copies alike", PUBLISHED, "levels", None),
    ]
    sets: dict[str, Sequence[Spec | Steps]] = {Copies([one]).spelled: [one] for one in POOL}
    sets |= {
        "blur and fog": (PUBLISHED[0], PUBLISHED[3]),
        "dark blur and fog": (RUINED, PUBLISHED[3]),
        "--copies 4": Copies.of(4).steps,
        "all": POOL,
    }
    for called, some in {"published copies": PUBLISHED, **sets}.items():
        found.append(_debias(f"levels, {called}", some, "levels", None))
        found += [_debias(f"levels, {called}, {a:g} alone", some, "levels", None, a) for a in ALONE]
    for strength in (0.25, 0.5, 0.75):
        for called, some in {"published copies": PUBLISHED, **sets}.items():
            method = Contrast(some, strength)
            where = (0, *(1 + POOL.index(steps) for steps in method.copies.steps))
            places = tuple(("levels of copies", place) for place in where)
            found.append(Candidate(f"contrast {strength:g}, {called}", method, places))
    return found


def _debias(
    called: str,
    some: Sequence[Spec | Steps],
    readout: Readout,
    similarity: float | None,
    alone: float = 0.0,
) -> Candidate:
    method = Debias(some, readout, similarity, alone)
    where = [POOL.index(steps) for steps in method.copies.steps]
    own = (("levels", 0),) if alone else ()
    if readout == "levels":
        return Candidate(called, method, (*own, *(("levels beside", place) for place in where)))
    asked = (0,) if similarity is None else (0, 1)
    places = tuple(("words beside", 2 * place + one) for place in where for one in asked)
    return Candidate(called, method, places)


def reader(candidate: Candidate) -> Callable[[dict[str, list[Answer]]], float]:
    """The score of a picture from all its answers."""

    def read(answers: dict[str, list[Answer]]) -> float:
        own = [answers[group][place] for group, place in candidate.places]
        return candidate.method.score(own).value

    return read
