"""What the audit asks: name the distortion, in words or letters, in several wordings and orders.

Eight labels, as in the perception study arXiv 2512.09573, which prints no prompts: all wordings
here are ours. `TAUGHT` are those that tuning (`snellen tune`) trains on; `UNSEEN` are kept from it,
so that an answer learnt with a sentence is told from one learnt from the picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snellen.judges import Answer, Question, choice, score
from snellen.judges.image import ImagePart
from snellen.scorers.base import FAMILIES
from snellen.stats.levels import LEVELS

LABELS = FAMILIES
LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Wording:
    """One way of asking. `text` holds {options}; `prefill` is how the answer begins."""

    name: str
    text: str
    prefill: str = ""


TAUGHT = (
    Wording("plain", "Which distortion does the image show: {options}?", "The distortion is"),
    Wording("main", "What is the main distortion of this image? Options: {options}.", "It is"),
    Wording(
        "name", "Name the distortion of the image: {options}.", "The distortion of the image is"
    ),
)
UNSEEN = (
    Wording("fault", "Pick the one fault that spoils this photo most: {options}.", "The fault is"),
    Wording("was it", "Something may have degraded this picture. Was it {options}?", "It was"),
)
PLAIN = TAUGHT[0]
LETTERED = Wording(
    "letters",
    "What is the main distortion of this image? {options} Answer with the option's letter from the"
    " given choices directly.",
)
RATINGS = (
    Wording("rate", "Rate the quality of the image.", "The quality of the image is"),
    Wording("how", "How would you rate the quality of this image?", "The quality of this image is"),
    Wording("judge", "Please judge the quality of this picture.", "The quality of the picture is"),
)
BETTER = Wording(
    "better",
    "Which image has a better visual quality? A. The first image. B. The second image. Answer with"
    " the option's letter from the given choices directly.",
)


def order_of(content: str, number: int = 0) -> tuple[int, ...]:
    """A permutation of the eight labels from the picture's hash; `number` gives further ones."""
    digest = hashlib.blake2b(f"{content}\0{number}".encode(), digest_size=8).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))
    return tuple(rng.permutation(len(LABELS)).tolist())


def naming(
    image: ImagePart, wording: Wording = PLAIN, *, order: Sequence[int], prefill: bool = True
) -> Question:
    """Which of the eight labels? Options are the words, in `order`."""
    words = [LABELS[place] for place in order]
    listed = f"{', '.join(words[:-1])} or {words[-1]}"
    begun = wording.prefill if prefill else ""
    return choice(image, wording.text.format(options=listed), options=words, prefill=begun)


def naming_by_letter(image: ImagePart, *, order: Sequence[int]) -> Question:
    """The same in letters: "A. noise B. clean …"; option i stands for label `order[i]`."""
    listed = " ".join(
        f"{letter}. {LABELS[place]}" for letter, place in zip(LETTERS, order, strict=True)
    )
    return choice(image, LETTERED.text.format(options=listed), options=tuple(LETTERS))


def rating(image: ImagePart, wording: Wording, *, prefill: bool = True) -> Question:
    """How good, in the five levels, worst first."""
    return score(image, wording.text, levels=LEVELS, prefill=wording.prefill * prefill)


def better(first: ImagePart, second: ImagePart) -> Question:
    """Which of two pictures is better: A, the first, or B?"""
    return choice(first, second, BETTER.text, options=("A", "B"))


def by_label(answer: Answer, order: Sequence[int]) -> npt.NDArray[np.float64]:
    """(8,) probabilities in the order of `LABELS`, from an answer whose option i is `order[i]`.

    Raises `MissingAnswer` when the answer is missing.
    """
    found = np.empty(len(LABELS))
    found[list(order)] = answer.probabilities
    return found
