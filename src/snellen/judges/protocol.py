"""The one seam: what every judge is, and what it may offer besides.

    class Judge(Protocol):
        name: str
        can: Capabilities
        def answer(self, questions: Sequence[Question]) -> list[Answer]: ...

The rules behind these three lines, all checked by `snellen.judges.conformance`:

- One `Answer` for each question, in the order of the questions; an empty batch gives an empty list.
- `answer` does not raise for what is wrong with a question, an image, a request or a model: that
  answer is missing, with the reason, and the others are not. `unfit` below finds the usual reasons.
- The same question gets the same answer, alone or in any batch (to 1e-4 in probability), unless
  `can.samples` says that the judge draws.
- Options are permuted, answers are permuted with them: what is read is the option, not its place;
  unless `can.lists` says that the model sees their order.
- A number is what the model gave. No default, no smoothing, no number where nothing was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from snellen.errors import ImageError, JudgeError
from snellen.judges.answer import Answer
from snellen.judges.image import ImagePart
from snellen.judges.question import Question

Floats: TypeAlias = npt.NDArray[np.float32]
Readout: TypeAlias = Literal["logits", "listed", "top-k", "text", "given"]
"""How the options' probabilities are read.

logits : from the model's logits over its whole vocabulary: exact, mass known.
listed : from a server that returns the log-probabilities of the tokens it is asked for: as exact.
top-k  : from the k most likely tokens: an option below them is known only by a bound (`at_most`).
text   : from what the model writes; a probability only by repetition (`samples`).
given  : the judge states the probabilities itself: a decisions interface, a script, a table.
"""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a judge can do.

    readout     : how the options' probabilities are read.
    max_images  : the most images in a question; None where there is no limit.
    max_options : the most options; None where there is no limit.
    prefill     : the judge honours `Question.prefill`. Where it does not, questions with one are
                  answered as missing: a pre-fill dropped in silence is another question.
    mass        : its answers know their mass.
    lists       : it writes the options into the prompt (a decisions interface does), so that their
                  order may matter; a method that wants to be sure asks in several orders.
    samples     : the judge draws, so the same question may get another answer.
    embeddings  : it also gives visual tokens and word embeddings (for the audit).
    tunable     : its weights are here and can be trained (for the audit).
    opened_by   : what to do so that the last two are so, where the judge knows: a sentence.
    """

    readout: Readout
    max_images: int | None = None
    max_options: int | None = None
    prefill: bool = True
    mass: bool = True
    lists: bool = False
    samples: bool = False
    embeddings: bool = False
    tunable: bool = False
    opened_by: str = ""


@runtime_checkable
class Judge(Protocol):
    """Anything that answers closed questions about images.

    name : its identity, on one line: everything that changes its answers (model, revision,
           precision, image processor, a script's content). It is half of every memory key, so two
           judges that answer differently must not share it.
    can  : what it can do, known without asking it anything.
    """

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> Capabilities: ...

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order. Never raises for a bad question.

        `KeyboardInterrupt` and the like pass. A judge may share work between the questions of a
        batch: those that begin with the same images should be asked together.
        """
        ...


@runtime_checkable
class SpellsOptions(Protocol):
    """A judge that can say how its model spells the options; `snellen doctor` asks for it."""

    def spell(self, question: Question) -> dict[str, tuple[str, ...]]:
        """Option → the tokens that are read for it after this question, as text.

        Raises `JudgeError` for options that the tokenizer cannot tell apart, naming them.
        """
        ...


@runtime_checkable
class Describes(Protocol):
    """A judge that can say what it decided when it was loaded, and what it cost since."""

    def describe(self) -> Mapping[str, str]:
        """Label → one sentence, such as {"precision": "float32: this CPU has no bfloat16"} or
        {"cost": "1,204 prompt tokens in 3.1 s"}; shown by `snellen ask` and `snellen doctor`."""
        ...


class TokenScore(NamedTuple):
    """One token that the answer might begin with.

    text      : the token as text, its leading space kept.
    logit     : before the softmax over the whole vocabulary.
    embedding : (width,) its input embedding.
    """

    text: str
    logit: float
    embedding: Floats


@runtime_checkable
class WhiteBox(Protocol):
    """A judge whose model runs in this process and can be looked into (`can.embeddings`).

    model, processor : the torch model, in evaluation mode, and its processor; for tuning.
    Every method raises `JudgeError` for what this model cannot be asked and the `ImageError`s of
    images that cannot be read.
    """

    @property
    def model(self) -> Any: ...

    @property
    def processor(self) -> Any: ...

    def token_scores(self, question: Question, k: int = 100) -> list[TokenScore]:
        """The `k` most likely first tokens of the answer, most likely first."""
        ...

    def word_embedding(self, word: str) -> Floats:
        """(width,) mean input embedding of the tokens of `word` as it stands after a space."""
        ...

    def visual_tokens(self, image: ImagePart) -> Floats:
        """(tokens, width) what the language model is given for `image` shown alone: the projector's
        output, of the width of word embeddings."""
        ...

    def layers(self, question: Question) -> list[Floats]:
        """The language model's hidden states, (prompt tokens, width) each: the input embeddings
        with the images in place, then what comes out of each layer."""
        ...


def check_images(judge: Judge, what: str, shows: int, instead: str) -> None:
    """Raise `JudgeError` for a judge that takes fewer images in a question than `what` shows.

    instead : what works with a judge that takes one image.
    """
    most = judge.can.max_images
    if most is not None and most < shows:
        sees = "Take a judge that does, or give this one eyes: `snellen doctor` says what was seen."
        raise JudgeError(
            f"{what} shows {_counted(shows)} in a question and {judge.name} {_takes(most)}",
            instead if most else sees,
        )


def why_closed(judge: Judge) -> tuple[str, str]:
    """Why a judge can be neither looked into nor tuned, and what to do; empty where it knows of
    nothing."""
    way = judge.can.opened_by
    return "torch does not run it" if way else "its weights are not in this process", way


def _counted(images: int) -> str:
    return f"{images} image{'s' * (images != 1)}"


def _takes(most: int) -> str:
    return f"takes at most {most}" if most else "does not look at images"


def unfit(question: Question, can: Capabilities) -> str:
    """Why a judge with these capabilities cannot answer; empty where it can.

    Every backend calls this first. It also opens each image file far enough to know its hash, so
    that one that is gone is a missing answer; pixels are decoded later, by whoever needs them.
    """
    images, options = len(question.images), len(question.options)
    if can.max_images is not None and images > can.max_images:
        return f"the question has {_counted(images)} and the judge {_takes(can.max_images)}"
    if can.max_options is not None and options > can.max_options:
        return f"the question has {options} options and the judge takes at most {can.max_options}"
    if question.prefill and not can.prefill:
        return (
            f"the judge cannot begin its answer with {question.prefill!r}: ask without a pre-fill"
        )
    try:
        for image in question.images:
            _ = image.hash
    except ImageError as error:
        return str(error)
    return ""
