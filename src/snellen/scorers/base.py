"""What a scorer is, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from snellen.images import Picture

FAMILIES = (
    "blur",
    "noise",
    "compression",
    "brightness",
    "contrast",
    "colorfulness",
    "jitter",
    "clean",
)
"""What can be wrong with an image: the eight labels of arXiv 2512.09573; `clean` is nothing."""

SEVERITY_WORDS = ("imperceptible", "slight", "clear", "strong", "extreme")
"""Words for `Score.severity` rounded to 0…4 (ours, after the five-grade impairment scale of
ITU-R BT.500: imperceptible, perceptible, slightly annoying, annoying, very annoying)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the quality map.

    x, y, width, height : pixels of the oriented original.
    score               : quality there, on the scale of the whole score.
    """

    x: int
    y: int
    width: int
    height: int
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One question behind a score, and what its answer said.

    label         : what it is for, in a few words: "levels", "beside fog, level 4".
    text          : the words that were asked.
    shown         : what each image was, in order: "picture", "fog, level 4".
    options       : what could be answered; `probabilities` of each, empty when missing.
    mass          : what the options held together of all the judge might have said; None unknown.
    weight        : share in the score, all shares sum to 1; 0 for a question that only weighs.
    value         : what this answer says by itself, on the scale of the score; None when missing
                    or where it says nothing of quality.
    missing       : why there is no answer.
    """

    label: str
    text: str
    shown: tuple[str, ...]
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    mass: float | None
    weight: float
    value: float | None
    missing: str = ""

    @property
    def contribution(self) -> float:
        """Points of the score that come from this question; those of all add up to it."""
        return 0.0 if self.value is None else self.weight * self.value


@dataclass(frozen=True, slots=True)
class Score:
    """The quality of one image, with what is needed to believe it.

    value     : 0–100, higher is better.
    low, high : 95 % interval on the same scale, inside [0, 100].
    spread    : standard deviation behind the interval, points of the scale.
    families  : probability of each distortion family, the eight labels; sums to 1. Empty where the
                scorer does not name distortions.
    severity  : how strong the worst distortion is, 0 (imperceptible) to 4 (extreme); None likewise.
    cells     : coarse map of where it is bad; only what the network was shown at native
                resolution has cells.
    view      : what the network was shown: policy, input size, boxes, resampler.
    evidence  : the questions behind it, of scorers that ask a judge.
    notes     : what a reader should know: answers that are missing, content it is not made for.
    """

    value: float
    low: float
    high: float
    spread: float
    families: Mapping[str, float] = field(default_factory=dict)
    severity: float | None = None
    cells: tuple[Cell, ...] = ()
    view: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """The most probable family; `clean` where nothing is wrong, empty where nobody named it."""
        return max(self.families, key=lambda name: self.families[name], default="")


class Scorer(Protocol):
    """Anything that maps an image to a score.

    name : identity of what scores (model, version, hash of its weights, options that change the
           number); rows of a run are only reused under the same name.
    """

    @property
    def name(self) -> str: ...

    def score(self, picture: Picture) -> Score:
        """Score one picture. Safe to call from several threads at once.

        Raises `ImageError` when this image cannot be scored.
        """
        ...


@runtime_checkable
class Looks(Protocol):
    """A scorer that looks first and judges after, when the pixels are gone.

    A run over a folder then asks it in this way and never by `score`; of small pictures several are
    looked at before the first is judged.
    """

    def look(self, picture: Picture) -> Callable[[], Score]:
        """Copy what is needed of `picture`, whose pixels may lie in memory that is used again;
        what comes back gives its score, as `score` would."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A scorer that asks a judge, whose answers can be kept."""

    def remembering(self, path: Path) -> AbstractContextManager[Scorer]:
        """The same scorer with every answer kept in the file `path` and none asked twice."""
        ...
