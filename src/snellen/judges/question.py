"""What is asked: images and text in any order, and a fixed list of options.

    choice(first, second, "Which is sharper?", options=("A", "B"), prefill="Answer: ")
    score(image, "Rate the quality.", levels=("bad", "poor", "fair", "good", "excellent"))
    predicate(first, second, "Do these images show the same object?")

The kinds are those of the field's decision interfaces. A question knows nothing of models, tokens
or chat templates: turning it into a prompt is the judge's work.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from snellen.errors import InputError
from snellen.images import Picture
from snellen.judges.image import ImagePart, Pixels

Kind: TypeAlias = Literal["choice", "score", "predicate"]
Part: TypeAlias = str | ImagePart | Path | bytes | Picture | Pixels
"""What the constructors below take: text as str; an image as `ImagePart` or what makes one."""

KINDS: tuple[Kind, ...] = ("choice", "score", "predicate")
_VERSION = 1  # of what `Question.key` hashes; raised whenever the same question gets another key


@dataclass(frozen=True)
class Question:
    """One closed question. Usually made by `choice`, `score` or `predicate`.

    parts   : text and images in the order the model is to see them; at least one.
    options : two or more words or phrases, exactly one of which is the answer. They are words, not
              tokens: leading space and capitals are the judge's business, so options that differ
              only in case or outer space are refused here.
    prefill : how the model's answer begins; the option is what comes next. A space at its end is
              meant as "a word follows" and must not change the answer.
    kind    : "choice", options in no order; "score", options are levels on a scale, in order;
              "predicate", options are (true, false).
    weights : of a score's levels, strictly rising or falling, on any scale; empty for other kinds.
              They say how an answer is read, not what is asked, so they are no part of `key`.

    Frozen and hashable: two questions are equal when all of it is, images by content. Nothing is
    read from disk until `key`, `==` or `hash()` needs the images' hashes.
    Raises `InputError` for a question that makes no sense.
    """

    parts: tuple[str | ImagePart, ...]
    options: tuple[str, ...]
    prefill: str = ""
    kind: Kind = "choice"
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        object.__setattr__(self, "options", tuple(self.options))
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        _check_parts(self.parts)
        check_options(self.options)
        _check_kind(self)

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The images in order; one that is shown twice is here twice."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart))

    @property
    def text(self) -> str:
        """All text parts, one a line: for people, tables and logs."""
        return "\n".join(part for part in self.parts if isinstance(part, str))

    @cached_property
    def wording(self) -> str:
        """Everything that is asked except which images: JSON, the same for the same words.

        An image is null in its "parts". Questions of one method over a thousand images share one
        wording.
        """
        return json.dumps(
            {
                "version": _VERSION,
                "kind": self.kind,
                "parts": [part if isinstance(part, str) else None for part in self.parts],
                "options": self.options,
                "prefill": self.prefill,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @cached_property
    def key(self) -> str:
        """What is asked, as 64 hexadecimal digits: SHA-256 of `wording` and the images' hashes.

        The same in every process and on every machine; it changes with any text, option (or their
        order), pre-fill, kind and image. Raises `ImageError` where a file cannot be read.
        """
        digest = hashlib.sha256(self.wording.encode("utf-8", "surrogatepass"))
        for image in self.images:
            digest.update(b"\n" + image.hash.encode())
        return digest.hexdigest()

    def permuted(self, order: Sequence[int]) -> Question:
        """The same question with options (and weights) in another order: `order[i]` comes i-th.

        A permuted score keeps its pairs of level and weight but is no longer in order, so it turns
        into a choice; so does a predicate.
        """
        if sorted(order) != list(range(len(self.options))):
            raise InputError(f"{list(order)} is no order of {len(self.options)} options")
        options = tuple(self.options[place] for place in order)
        return replace(self, options=options, kind="choice", weights=())


def choice(*parts: Part, options: Sequence[str], prefill: str = "") -> Question:
    """Which of these? `options` have no order."""
    return Question(_parts(parts), tuple(options), prefill, "choice")


def score(
    *parts: Part,
    levels: Sequence[str],
    weights: Sequence[float] | None = None,
    prefill: str = "",
) -> Question:
    """How much, on an ordered scale?

    levels  : words for the levels, in order.
    weights : the value of each level; without them 0 … 1 in equal steps, the first level lowest.
    """
    values = np.linspace(0.0, 1.0, len(levels)).tolist() if weights is None else weights
    return Question(_parts(parts), tuple(levels), prefill, "score", tuple(values))


def predicate(*parts: Part, prefill: str = "", words: tuple[str, str] = ("Yes", "No")) -> Question:
    """Is it so? `words` are what the model says for true and for false."""
    return Question(_parts(parts), tuple(words), prefill, "predicate")


def check_options(options: tuple[str, ...]) -> None:
    """Raise `InputError` for options that cannot be told apart or that no model could say.

    Options that only the judge's tokenizer confuses are the judge's to find.
    """
    if len(options) < 2:
        raise InputError(
            f"a question needs at least two options, got {len(options)}",
            "Add what the model would otherwise say.",
        )
    seen: dict[str, str] = {}
    for option in options:
        if not isinstance(option, str) or not option.strip():
            raise InputError(f"an option is {option!r}", "Options are words or phrases.")
        if option != option.strip() or not option.isprintable():
            raise InputError(
                f"option {option!r} has space around it or characters that cannot be printed",
                "Write the word alone; leading space is found by the judge.",
            )
        if option.casefold() in seen:
            raise InputError(
                f"options {seen[option.casefold()]!r} and {option!r} collide: case variants of a"
                " word are counted together",
                "Use words that differ in more than capitals.",
            )
        seen[option.casefold()] = option


def _parts(parts: Sequence[Part]) -> tuple[str | ImagePart, ...]:
    return tuple(part if isinstance(part, (str, ImagePart)) else ImagePart(part) for part in parts)


def _check_parts(parts: tuple[str | ImagePart, ...]) -> None:
    if not parts:
        raise InputError("a question has neither text nor images", "Give at least one of them.")
    for place, part in enumerate(parts, start=1):
        if not isinstance(part, (str, ImagePart)):
            raise InputError(
                f"part {place} of a question is {type(part).__name__}",
                "Use choice(), score() or predicate(), or wrap images in ImagePart(…).",
            )
        if isinstance(part, str) and not part.strip():
            raise InputError(f"part {place} of a question is empty text", "Leave it out.")


def _check_kind(question: Question) -> None:
    kind, options, weights = question.kind, question.options, question.weights
    if kind not in KINDS:
        raise InputError(f"a question has kind {kind!r}", f"Kinds are {', '.join(KINDS)}.")
    if kind == "predicate" and len(options) != 2:
        raise InputError(
            f"a predicate has {len(options)} options", "Give the words for true and for false."
        )
    if kind != "score":
        if weights:
            raise InputError(f"a {kind} has weights", "Only the levels of a score have weights.")
        return
    if len(weights) != len(options):
        raise InputError(
            f"a score has {len(options)} levels and {len(weights)} weights",
            "Give one weight for each level.",
        )
    steps = [after - before for before, after in itertools.pairwise(weights)]
    rising, falling = all(step > 0 for step in steps), all(step < 0 for step in steps)
    if not all(map(math.isfinite, weights)) or not (rising or falling):
        raise InputError(
            f"the weights {weights} of a score are not in order",
            "Weights of levels strictly rise or strictly fall.",
        )
