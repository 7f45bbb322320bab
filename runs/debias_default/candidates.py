"""The candidates: ways to read one set of answers. Each is a method of the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snellen.images import Picture
from snellen.judges import Answer, Question
from snellen.scoring.base import Method
from snellen.scoring.contrast import Contrast
from snellen.scoring.copies import SETS, Spec
from snellen.scoring.debias import Debias
from snellen.scoring.levels import Levels
from snellen.scoring.two_words import TwoWords

PUBLISHED = SETS["photo"]
POOL: tuple[Spec, ...] = (*PUBLISHED, ("motion-blur", 5), ("pixelate", 5))
_WIDE = {
    "levels": Levels(),
    "two-words": TwoWords(),
    "words beside": Debias(POOL, "two-words", similarity=1.0),
    "levels beside": Debias(POOL, "levels"),
    "levels of copies": Contrast(POOL),
}
"""Everything that any candidate reads; a picture is asked all of it once."""


@dataclass(frozen=True)
class Candidate:
    """A method, and where its answers lie among those of a group of `_WIDE`."""

    called: str
    method: Method
    group: str
    places: tuple[int, ...]


def questions(picture: Picture) -> dict[str, list[Question]]:
    """What all candidates ask about one picture, by group."""
    return {group: method.questions(picture) for group, method in _WIDE.items()}


def candidates() -> list[Candidate]:
    """All of them: read-outs, similarity weights, sets of copies, strengths of the contrast."""
    found = [
        Candidate("levels, the picture alone", _WIDE["levels"], "levels", (0,)),
        Candidate("two words, the picture alone", _WIDE["two-words"], "two-words", (0,)),
        _debias("as published", PUBLISHED, "two-words", 1.0),
        *(
            _debias(f"as published, similarity at {t:g}", PUBLISHED, "two-words", t)
            for t in (0.3, 0.1)
        ),
        _debias("two words, all copies alike", PUBLISHED, "two-words", None),
        _debias("levels, all copies alike", PUBLISHED, "levels", None),
    ]
    sets: dict[str, Sequence[Spec]] = {f"{name}:{level}": [(name, level)] for name, level in POOL}
    sets |= {
        "the first two": PUBLISHED[:2],
        "blur and fog": (PUBLISHED[0], PUBLISHED[3]),
        "all six": POOL,
    }
    found += [_debias(f"levels, {called}", some, "levels", None) for called, some in sets.items()]
    for strength in (0.25, 0.5, 0.75):
        for called, some in {"published copies": PUBLISHED, **sets}.items():
            method = Contrast(some, strength)
            places = (0, *(1 + POOL.index(spec) for spec in method.copies.specs))
            name = f"contrast {strength:g}, {called}"
            found.append(Candidate(name, method, "levels of copies", places))
    return found


def _debias(called: str, some: Sequence[Spec], readout: str, similarity: float | None) -> Candidate:
    method = Debias(some, readout, similarity)  # type: ignore[arg-type]
    where = [POOL.index(spec) for spec in method.copies.specs]
    if readout == "levels":
        return Candidate(called, method, "levels beside", tuple(where))
    asked = (0,) if similarity is None else (0, 1)
    places = tuple(2 * place + one for place in where for one in asked)
    return Candidate(called, method, "words beside", places)


def reader(candidate: Candidate) -> Callable[[dict[str, list[Answer]]], float]:
    """The score of a picture from all its answers."""

    def read(answers: dict[str, list[Answer]]) -> float:
        own = [answers[candidate.group][place] for place in candidate.places]
        return candidate.method.score(own).value

    return read
