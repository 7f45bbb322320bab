"""From questions to a model in this process and back: alike ones together, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from snellen.errors import JudgeError
from snellen.judges.answer import Answer, Shown
from snellen.judges.protocol import Capabilities, unfit
from snellen.judges.question import Question
from snellen.judges.transformers_options import Tokens, option_logprobs
from snellen.judges.transformers_prefix import Prompt

# Questions that are prepared together, of which the pixels are in memory.
_WINDOW = 64


@dataclass(frozen=True, eq=False)
class Ready:
    """A question with everything that the model needs.

    place : in the request. spelled : option → the token sequences that say it.
    """

    place: int
    question: Question
    spelled: Mapping[str, tuple[Tokens, ...]]
    prompt: Prompt
    shown: Shown

    @property
    def ways(self) -> list[Tokens]:
        """The sequences of all options."""
        return [way for ways in self.spelled.values() for way in ways]

    def read(self, logprobs: Mapping[Tokens, float], notes: tuple[str, ...] = ()) -> Answer:
        """The answer, of the log-probability of each sequence."""
        found = option_logprobs(self.spelled, logprobs)
        return Answer.from_logprobs(self.question.options, found, shown=self.shown, notes=notes)

    def missing(self, reason: str, notes: tuple[str, ...] = ()) -> Answer:
        return Answer.without(self.question.options, reason, shown=self.shown, notes=notes)


def answer_all(
    questions: Sequence[Question],
    can: Capabilities,
    prepare: Callable[[int, Question], Ready | Answer],
    read: Callable[[list[Ready]], Mapping[int, Answer]],
) -> list[Answer]:
    """One answer for each question, in their order; those with the same images together.

    prepare : (place, question) → it ready, or the missing answer that says why not.
    read    : questions that are ready → place → answer.
    """
    answers: dict[int, Answer] = {}
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, question in enumerate(questions):
        why = unfit(question, can)
        if why:
            answers[place] = Answer.without(question.options, why)
        else:
            hashes = tuple(image.hash for image in question.images)
            alike.setdefault(hashes, []).append(place)
    order = [place for places in alike.values() for place in places]
    for start in range(0, len(order), _WINDOW):
        ready: list[Ready] = []
        for place in order[start : start + _WINDOW]:
            item = prepare(place, questions[place])
            if isinstance(item, Answer):
                answers[place] = item
            else:
                ready.append(item)
        answers.update(read(ready))
    return [answers[place] for place in range(len(questions))]


def check_length(tokens: int, most: int | None) -> None:
    """Raise `JudgeError` for a prompt that is longer than what the model was made for."""
    if most and tokens > most:
        raise JudgeError(
            f"the question takes {tokens} tokens and the model has room for {most}",
            "Ask about fewer or smaller images.",
        )
