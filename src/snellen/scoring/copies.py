"""Ruined copies of a picture: the same content, poor for every picture.

Source: Q-Debias (arXiv 2411.12791) uses four corruptions of ImageNet-C at full size. Its authors
seed nothing; here every copy is drawn from the picture's content hash, so that the same picture
has the same copies on every machine (ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from snellen import distortions
from snellen.distortions import seed_of
from snellen.distortions.imagenet_c import Q_DEBIAS
from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges import ImagePart
from snellen.scoring.screen import screen_content

Spec: TypeAlias = tuple[str, int]
Steps: TypeAlias = tuple[Spec, ...]
"""What a copy went through, in order: one distortion or several in a row."""

DOCUMENT: tuple[Spec, ...] = (("low-ink", 5), ("skewed-light", 5), ("tilted-defocus", 5))
"""Copies for scans and screens, where fog and spatter look like nothing a reader knows. Ours."""
RUINED: Steps = (("zoom-blur", 3), ("darken", 5))
"""Evenly poor: blur takes away how good the picture was, darkness lies on all alike. Ours."""
BY_WORTH: tuple[Steps, ...] = (RUINED, (("fog", 4),), (("spatter", 3),), (("saturate", 3),))
"""The published copies, the blurred one darkened, in the order of their worth: how many is
the dial between cost and accuracy; docs/debias.md has the figures."""
SETS: dict[str, tuple[Spec, ...]] = {"photo": tuple(Q_DEBIAS), "document": DOCUMENT}


class Copies:
    """Which copies are made, and making them.

    specs : (distortion, level) of the catalogue for each copy, or several for one that goes
            through them in a row; in the order asked.
    steps : the same, each as what its copy goes through.
    """

    def __init__(self, specs: Sequence[Spec | Sequence[Spec]]) -> None:
        if not specs:
            raise InputError("debiasing needs at least one copy", "Give --copies 1 or more.")
        self.steps = tuple(_steps(spec) for spec in specs)
        for name, level in (step for steps in self.steps for step in steps):
            kind = distortions.get(name)
            if level not in kind.levels:
                known = ", ".join(map(str, kind.levels))
                raise InputError(f"{name} has no level {level}", f"Levels are {known}.")

    @classmethod
    def of(cls, which: str | int | Sequence[Spec | Sequence[Spec]]) -> Copies:
        """A set by name ("photo" the published four, "document"), so many of `BY_WORTH`, or specs.

        Raises `InputError` for a number or name that is none.
        """
        if isinstance(which, int):
            most = len(BY_WORTH)
            if not 1 <= which <= most:
                raise InputError(f"{which} copies were asked for", f"Give 1 to {most}.")
            return cls(BY_WORTH[:which])
        if isinstance(which, str):
            if which in SETS:
                return cls(SETS[which])
            return cls([parse_steps(part) for part in which.split(",")])
        return cls(which)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def spelled(self) -> str:
        """The copies as `of` reads them: "fog:4,zoom-blur:3+impulse-noise:5"."""
        return ",".join("+".join(f"{n}:{level}" for n, level in steps) for steps in self.steps)

    @property
    def names(self) -> tuple[str, ...]:
        """What each copy is called where it was shown."""
        return tuple(
            " + ".join(f"{name}, level {level}" for name, level in steps) for steps in self.steps
        )

    def make(self, picture: Picture) -> list[ImagePart]:
        """The copies of one picture, each named."""
        return [
            ImagePart(
                distortions.compose(picture.pixels, steps, seed=seed_of(picture.hash, *steps[0])),
                called,
            )
            for steps, called in zip(self.steps, self.names, strict=True)
        ]

    def cautions(self, picture: Picture) -> list[str]:
        """What a reader should know of these copies of this picture; usually nothing.

        Screens and documents: beside photographic copies the published method falls below its own
        baseline there (SIQAD: .324 against .333). One colour: nothing can be ruined.
        """
        if (picture.pixels == picture.pixels[0, 0]).all():
            return ["is of one colour all over: its copies show nothing that could be compared"]
        if self.steps == Copies(DOCUMENT).steps or not screen_content(picture.pixels):
            return []
        return [
            "looks like a screen or a document, where debiasing with photographic copies is known"
            " to fail: use --copies document"
        ]


def parse_steps(text: str) -> Steps:
    """(("fog", 4),) from "fog:4", (("fog", 4), ("jpeg", 5)) from "fog:4+jpeg:5".

    Raises `InputError` for anything else.
    """
    parts = [part.strip().partition(":") for part in text.split("+")]
    if not all(colon and level.isdigit() for _, colon, level in parts):
        raise InputError(
            f"{text!r} names no copies",
            f"Give a number, {' or '.join(SETS)}, or distortion:level,… such as fog:4,jpeg:5.",
        )
    return tuple((name, int(level)) for name, _, level in parts)


def _steps(spec: Spec | Sequence[Spec]) -> Steps:
    """What one copy goes through, of a spec that may be a single step."""
    several: Sequence[Any] = [spec] if isinstance(spec[0], str) else spec
    return tuple((str(name), int(level)) for name, level in several)
