"""A judge that remembers: nothing is asked twice, and any run resumes.

    judge = Memory(load_judge("hf:…"), Path("answers.db"))

What was asked before comes from the file; the rest goes to the judge and into the file, batch by
batch. Any number of processes may use one file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snellen.errors import ImageError, InputError
from snellen.judges.answer import Answer
from snellen.judges.protocol import Capabilities, Describes, Judge
from snellen.judges.question import Question
from snellen.judges.store import AnswerStore
from snellen.runs import Closing

BATCH = 32
"""Questions asked and written at a time: so many are lost when the process is killed. Four images
of the eight questions of training-free debiasing, some seconds of a model on a CPU. Ours."""


class Memory(Closing):
    """Wraps a judge and is one: the same name, the same capabilities, the same answers.

    judge : whose answers are remembered. Its `name` is half of the key, so a judge that answers
            differently must be named differently. Answers of a judge that draws (`can.samples`)
            are not remembered, as a draw is no fact.
    path  : SQLite file; see `AnswerStore` for what it raises.
    batch : questions asked and then written at a time.

    A missing answer is not remembered: asked again, the same question may succeed.
    `remembered` and `asked` count the questions that were answered from the file and by the judge.
    """

    def __init__(self, judge: Judge, path: Path, *, batch: int = BATCH) -> None:
        if batch < 1:
            raise InputError(f"a batch of {batch} questions", "Ask at least one at a time.")
        self.judge = judge
        self.store = AnswerStore(path)
        self.remembered = 0
        self.asked = 0
        self._batch = batch

    @property
    def name(self) -> str:
        return self.judge.name

    @property
    def can(self) -> Capabilities:
        return self.judge.can

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order; a question that comes twice is asked once.

        Raises `AnswerFileError` where the file fails.
        """
        if self.can.samples:
            self.asked += len(questions)
            return self.judge.answer(questions)
        keys, reasons = zip(*map(_key, questions), strict=True) if questions else ((), ())
        wanted = {key: one for key, one in zip(keys, questions, strict=True) if key}
        found = self.store.get(self.name, list(wanted.values()))
        self.remembered += sum(key in found for key in keys)
        new = [question for key, question in wanted.items() if key not in found]
        for start in range(0, len(new), self._batch):
            batch = new[start : start + self._batch]
            answers = self.judge.answer(batch)
            self.asked += len(batch)
            pairs = list(zip(batch, answers, strict=True))
            self.store.put(self.name, [(q, a) for q, a in pairs if not a.missing])
            found.update((question.key, answer) for question, answer in pairs)
        return [
            found[key] if key else Answer.without(question.options, reason)
            for key, reason, question in zip(keys, reasons, questions, strict=True)
        ]

    def describe(self) -> Mapping[str, str]:
        """What the judge says of itself, and how much was remembered."""
        own = self.judge.describe() if isinstance(self.judge, Describes) else {}
        told = f"{self.remembered} answers from {self.store.path}, {self.asked} asked of the judge"
        return {**own, "memory": told}

    def close(self) -> None:
        """Close the file."""
        self.store.close()


def _key(question: Question) -> tuple[str, str]:
    """The question's key; or an empty one and the reason why a file of it cannot be read."""
    try:
        return question.key, ""
    except ImageError as error:
        return "", str(error)
