"""The catalogue: every distortion, its family, levels, what a person sees and who else has it.

Families are the eight labels that perception tests of language models use (arXiv 2512.09573 over
LIVE, CSIQ, TID2013 and KADID-10k): blur, noise, compression, brightness, contrast, colorfulness,
jitter and clean. A level that changes nothing belongs to *clean*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_args

import numpy as np

from snellen.distortions.planes import Planes
from snellen.distortions.severity import Opinion, opinion
from snellen.errors import InputError, UnknownName

Family = Literal[
    "blur", "noise", "compression", "brightness", "contrast", "colorfulness", "jitter", "clean"
]
FAMILIES: tuple[Family, ...] = get_args(Family)

Recipe = Callable[[Planes, float, np.random.Generator], Planes]


@dataclass(frozen=True)
class Distortion:
    """One way of making an image worse, in numbered levels.

    name       : short, the field's, with hyphens; what `snellen degrade --as` takes.
    family     : one of `FAMILIES`, for the levels that change something.
    parameter  : what the levels set, with unit. parameters : its value at level 1, 2, ….
    sees       : what a person sees, in one short phrase.
    source     : where recipe and parameters come from; "ours" where nobody else states them.
    aliases    : corpus → its own name or number ("kadid10k", "tid2013", "csiq", "live").
    order      : levels from mildest to worst; by people's opinion where there is one.
    unchanged  : levels that change nothing.
    recipe     : (planes, parameter, generator) → planes, see `snellen.distortions.planes`.
    """

    name: str
    family: Family
    parameter: str
    parameters: tuple[float, ...]
    sees: str
    source: str
    recipe: Recipe = field(repr=False)
    aliases: Mapping[str, str] = field(default_factory=dict)
    order: tuple[int, ...] = (1, 2, 3, 4, 5)
    unchanged: frozenset[int] = frozenset()

    @property
    def levels(self) -> tuple[int, ...]:
        """The level numbers, 1 to 5; the corpus's own numbering, see `order`."""
        return tuple(range(1, len(self.parameters) + 1))

    def value(self, level: int) -> float:
        """The parameter at `level`. Raises `InputError` where there is no such level."""
        if level not in self.levels:
            raise InputError(
                f"{self.name} has no level {level!r}",
                f"Levels are {self.levels[0]} to {self.levels[-1]}.",
            )
        return self.parameters[level - 1]

    def visible(self, level: int) -> bool:
        """Whether `level` changes anything. Raises `InputError` where there is no such level."""
        self.value(level)
        return level not in self.unchanged

    def label(self, level: int) -> Family:
        """The family of an image degraded at `level`: `family`, or "clean" if nothing changed."""
        return self.family if self.visible(level) else "clean"

    def opinion(self, level: int) -> Opinion | None:
        """What people said of `level` (KADID-10k, 1–5); None where nobody was asked."""
        self.value(level)
        return opinion(self.name, level)


def catalogue() -> tuple[Distortion, ...]:
    """Every distortion, KADID-10k's 25 first and in its order."""
    return tuple(_by_name().values())


def get(name: str) -> Distortion:
    """The distortion called `name`. Raises `UnknownName` with the nearest spellings."""
    try:
        return _by_name()[name]
    except KeyError:
        raise UnknownName("distortion", name, _by_name()) from None


@cache
def _by_name() -> dict[str, Distortion]:
    # Imported here because the tables import this module for `Distortion`.
    from snellen.distortions.further import IMAGENET_C, OURS
    from snellen.distortions.kadid import KADID10K

    return {distortion.name: distortion for distortion in (*KADID10K, *IMAGENET_C, *OURS)}
