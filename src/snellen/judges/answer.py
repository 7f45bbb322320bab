"""What comes back: a probability for every option, or the reason why there is none.

One type holds either and can never hold both. Whatever a model does (no mass on any option, NaN,
options that are not exclusive), the constructors turn it into one or the other; nothing is filled
in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from snellen.errors import InputError, MissingAnswer, UnknownName

# How far rounding may push the sum of the options' probabilities above 1: half-precision logits
# make a few 1e-4 of it. More means that options were counted twice. Ours.
MASS_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class ShownImage:
    """What became of one image on its way into the model.

    hash                      : `ImagePart.hash`.
    width, height             : as given, in pixels.
    shown_width, shown_height : what the model's vision encoder was given (of all tiles together,
                                where it cuts the image), in pixels; None where a server hides it.
    tokens                    : places that the image takes in the prompt; None where not known.
    crops                     : tiles or crops it was cut into; 1 where it stayed whole.
    resampler                 : "bicubic" and such; empty where not known or nothing was resampled.
    """

    hash: str
    width: int
    height: int
    shown_width: int | None = None
    shown_height: int | None = None
    tokens: int | None = None
    crops: int = 1
    resampler: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the model was shown, for the record beside every number.

    images    : one for each image of the question, in order; empty where the judge cannot say.
    tokens    : of the whole prompt with the pre-fill; None where not known.
    processor : image processor and its backend, such as "Qwen2VLImageProcessor (PIL)".
    prompt    : the text the model really got, where the judge knows it.
    """

    images: tuple[ShownImage, ...] = ()
    tokens: int | None = None
    processor: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A probability for every option, or missing. Made by the class methods, not directly.

    options  : those of the question, in its order.
    logprobs : natural logarithm of the probability that the model gave to each option, *before*
               normalising over the options; −inf is a probability of 0. Where the mass is not
               known they are normalised. Empty when missing.
    mass     : in [0, 1]: what the options held together of all that the model might have said.
               None where the judge cannot know it, and when missing.
    missing  : why there is no answer; empty when there is one.
    at_most  : options whose probability is only known not to be larger than given: they were not
               among the tokens that a server listed.
    shown    : what the model was shown.
    notes    : what a reader of this answer should know (a batch halved, a request repeated).
    Raises `InputError` where the fields contradict each other.
    """

    options: tuple[str, ...]
    logprobs: tuple[float, ...] = ()
    mass: float | None = None
    missing: str = ""
    at_most: tuple[str, ...] = ()
    shown: Shown = field(default_factory=Shown)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.missing) == bool(self.logprobs):
            raise InputError("an answer holds either log-probabilities or the reason for none")
        if self.missing:
            if self.mass is not None or self.at_most:
                raise InputError("a missing answer has neither mass nor bounds")
            return
        if len(self.logprobs) != len(self.options):
            raise InputError(
                f"{len(self.logprobs)} log-probabilities for {len(self.options)} options"
            )
        why = _fault(self.options, self.logprobs)
        if why:
            raise InputError(f"no answer: {why}")
        if self.mass is not None and not 0 <= self.mass <= 1:
            raise InputError(f"mass {self.mass} is not in [0, 1]")
        strangers = set(self.at_most) - set(self.options)
        if strangers:
            raise InputError(f"bounds for {sorted(strangers)}, which are no options")

    @classmethod
    def without(
        cls,
        options: Sequence[str],
        reason: str,
        *,
        shown: Shown | None = None,
        notes: Sequence[str] = (),
    ) -> Answer:
        """No answer; `reason` is a sentence that says why, with the fix where there is one."""
        if not reason:
            raise InputError("a missing answer needs its reason")
        return cls(tuple(options), missing=reason, shown=shown or Shown(), notes=tuple(notes))

    @classmethod
    def from_logprobs(
        cls,
        options: Sequence[str],
        logprobs: Sequence[float],
        *,
        at_most: Sequence[str] = (),
        shown: Shown | None = None,
        notes: Sequence[str] = (),
    ) -> Answer:
        """From the log-probabilities among everything the model might have said.

        logprobs : (options,) natural logarithms; −inf where the model gave exactly nothing.
        The mass is the sum of the probabilities. Missing, with the reason, where one is NaN or
        +inf, where all are −inf, and where they add up to more than 1 (not exclusive).
        """
        values = _values(options, logprobs)
        why = _fault(tuple(options), values)
        if why:
            return cls.without(options, why, shown=shown, notes=notes)
        mass = math.fsum(math.exp(value) for value in values)
        return cls(
            tuple(options),
            values,
            min(mass, 1.0),
            "",
            tuple(at_most),
            shown or Shown(),
            tuple(notes),
        )

    @classmethod
    def from_probabilities(
        cls,
        options: Sequence[str],
        probabilities: Sequence[float],
        *,
        shown: Shown | None = None,
        notes: Sequence[str] = (),
    ) -> Answer:
        """From probabilities among everything that might have been said, each in [0, 1].

        What they lack to 1 is what the options did not get, so their sum is the mass. Missing, with
        the reason, where they are none: negative, NaN, all 0, or adding up to more than 1.
        """
        values = _values(options, probabilities)
        negative = [value for value in values if value < 0]
        if negative:
            reason = f"the model gave {negative[0]} as a probability"
            return cls.without(options, reason, shown=shown, notes=notes)
        logprobs = [-math.inf if value == 0 else math.log(value) for value in values]
        return cls.from_logprobs(options, logprobs, shown=shown, notes=notes)

    @classmethod
    def from_logits(
        cls,
        options: Sequence[str],
        logits: Sequence[float],
        *,
        shown: Shown | None = None,
        notes: Sequence[str] = (),
    ) -> Answer:
        """From logits of the options alone: all others are not known, so the mass is None.

        logits : (options,) natural units, any offset. A judge that has the logits of the whole
        vocabulary uses `from_logprobs`. Missing where one is NaN or +inf or all are −inf.
        """
        values = _values(options, logits)
        top = max(values, default=-math.inf)
        if math.isfinite(top):
            total = top + math.log(math.fsum(math.exp(value - top) for value in values))
            values = tuple(value - total for value in values)
        why = _fault(tuple(options), values)
        if why:
            return cls.without(options, why, shown=shown, notes=notes)
        return cls(tuple(options), values, None, "", (), shown or Shown(), tuple(notes))

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of each option, normalised over the options: each in [0, 1], sum 1.

        Raises `MissingAnswer` when missing: look at `missing` first.
        """
        if self.missing:
            raise MissingAnswer(
                f"the answer is missing: {self.missing}", "Look at `missing` before reading it."
            )
        top = max(self.logprobs)
        parts = [math.exp(value - top) for value in self.logprobs]
        total = math.fsum(parts)
        return tuple(part / total for part in parts)

    def __getitem__(self, option: str) -> float:
        """Normalised probability of one option. Raises `UnknownName`, `MissingAnswer`."""
        if option not in self.options:
            raise UnknownName("option", option, self.options)
        return self.probabilities[self.options.index(option)]

    def expected(self, weights: Sequence[float]) -> float:
        """Mean of `weights`, one an option, under the probabilities: a score's value.

        Raises `InputError` for another number of weights, `MissingAnswer` when missing.
        """
        if len(weights) != len(self.options):
            raise InputError(f"{len(weights)} weights for {len(self.options)} options")
        return math.fsum(w * p for w, p in zip(weights, self.probabilities, strict=True))

    def plain(self) -> dict[str, Any]:
        """As JSON values, without loss: −inf becomes null. What is at its default is left out."""
        plain: dict[str, Any] = {"options": list(self.options)}
        if self.missing:
            plain["missing"] = self.missing
        else:
            plain["logprobs"] = [v if math.isfinite(v) else None for v in self.logprobs]
            plain["mass"] = self.mass
        if self.at_most:
            plain["at_most"] = list(self.at_most)
        if self.shown != Shown():
            plain["shown"] = asdict(self.shown)
        if self.notes:
            plain["notes"] = list(self.notes)
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Answer:
        """The opposite of `plain`. Raises `KeyError`, `TypeError` or `InputError` for other
        values."""
        shown = dict(plain.get("shown", {}))
        if "images" in shown:
            shown["images"] = tuple(ShownImage(**image) for image in shown["images"])
        logprobs = (-math.inf if v is None else float(v) for v in plain.get("logprobs", ()))
        return cls(
            tuple(plain["options"]),
            tuple(logprobs),
            plain.get("mass"),
            plain.get("missing", ""),
            tuple(plain.get("at_most", ())),
            Shown(**shown),
            tuple(plain.get("notes", ())),
        )


def _values(options: Sequence[str], values: Sequence[float]) -> tuple[float, ...]:
    """One float for each option."""
    if len(values) != len(options):
        raise InputError(f"{len(values)} values for {len(options)} options")
    return tuple(float(value) for value in values)


def _fault(options: tuple[str, ...], logprobs: tuple[float, ...]) -> str:
    """Why these are no log-probabilities of exclusive options; empty where they are."""
    for option, value in zip(options, logprobs, strict=True):
        if math.isnan(value) or value == math.inf:
            return f"the model gave {value} as the log-probability of {option!r}"
    if all(value == -math.inf for value in logprobs):
        return "the model gave no probability to any option"
    total = math.fsum(math.exp(min(value, 1.0)) for value in logprobs)
    if total > 1 + MASS_TOLERANCE:
        return (
            f"the options' probabilities add up to {total:.4g}: they are not exclusive, or no"
            " probabilities"
        )
    return ""
