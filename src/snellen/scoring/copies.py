"""Ruined copies of a picture: the same content, poor for every picture.

Source: Q-Debias (arXiv 2411.12791) uses four corruptions of ImageNet-C at full size. Its authors
seed nothing; here every copy is drawn from the picture's content hash, so that the same picture
has the same copies on every machine (ours).
"""

from __future__ import annotations

from collections.abc import Sequence

from snellen import distortions
from snellen.distortions import seed_of
from snellen.distortions.imagenet_c import Q_DEBIAS
from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges import ImagePart
from snellen.scoring.screen import screen_content

Spec = tuple[str, int]

DOCUMENT: tuple[Spec, ...] = (("low-ink", 5), ("skewed-light", 5), ("tilted-defocus", 5))
"""Copies for scans and screens, where fog and spatter look like nothing a reader knows. Ours."""
BY_WORTH: tuple[Spec, ...] = (("zoom-blur", 3), ("fog", 4), ("spatter", 3), ("saturate", 3))
"""The published copies, those first that served best alone (`runs/debias_default`; the first two
are level): how many of them is the dial between cost and accuracy."""
SETS: dict[str, tuple[Spec, ...]] = {"photo": tuple(Q_DEBIAS), "document": DOCUMENT}


class Copies:
    """Which copies are made, and making them.

    specs : (distortion, level) of the catalogue, in the order asked.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        if not specs:
            raise InputError("debiasing needs at least one copy", "Give --copies 1 or more.")
        self.specs = tuple((str(name), int(level)) for name, level in specs)
        for name, level in self.specs:
            kind = distortions.get(name)
            if level not in kind.levels:
                known = ", ".join(map(str, kind.levels))
                raise InputError(f"{name} has no level {level}", f"Levels are {known}.")

    @classmethod
    def of(cls, which: str | int | Sequence[Spec]) -> Copies:
        """A set by name ("photo" the published four, "document"), the best so many of the
        published, or specs.

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
            return cls([parse_spec(part) for part in which.split(",")])
        return cls(which)

    def __len__(self) -> int:
        return len(self.specs)

    @property
    def names(self) -> tuple[str, ...]:
        """What each copy is called where it was shown."""
        return tuple(f"{name}, level {level}" for name, level in self.specs)

    def make(self, picture: Picture) -> list[ImagePart]:
        """The copies of one picture, each named."""
        return [
            ImagePart(
                distortions.apply(
                    picture.pixels, name, level, seed=seed_of(picture.hash, name, level)
                ),
                called,
            )
            for (name, level), called in zip(self.specs, self.names, strict=True)
        ]

    def cautions(self, picture: Picture) -> list[str]:
        """What a reader should know of these copies of this picture; usually nothing.

        Screens and documents: beside photographic copies the published method falls below its own
        baseline there (SIQAD: .324 against .333). One colour: nothing can be ruined.
        """
        if (picture.pixels == picture.pixels[0, 0]).all():
            return ["is of one colour all over: its copies show nothing that could be compared"]
        if self.specs == DOCUMENT or not screen_content(picture.pixels):
            return []
        return [
            "looks like a screen or a document, where debiasing with photographic copies is known"
            " to fail: use --copies document"
        ]


def parse_spec(text: str) -> Spec:
    """("fog", 4) from "fog:4". Raises `InputError` for anything else."""
    name, colon, level = text.strip().partition(":")
    if not colon or not level.isdigit():
        raise InputError(
            f"{text!r} names no copies",
            f"Give a number, {' or '.join(SETS)}, or distortion:level,… such as fog:4,jpeg:5.",
        )
    return name, int(level)
