"""What a teacher is asked about some pictures, or pairs of them, and the rows that come of it.

Here is all that needs a judge; which pictures are asked about, and what becomes of the rows, is
`labelling`'s. So the same can be done in another process, on another machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from snellen.audit.reliability import Reliability
from snellen.errors import ImageError, MissingAnswer
from snellen.images import AnyFile, Picture, read
from snellen.judges import Answer, ImagePart, Judge, Question
from snellen.scoring.base import Method
from snellen.scoring.pairs import pair_questions, read_pair
from snellen.students.reliability import levels_of, reliability_of

Row = dict[str, Any]
Pair = tuple[str, str]

_CHUNK = 8  # pictures, or pairs, asked about together


@dataclass
class Spent:
    """What asking about pictures took: questions, images shown, prompt tokens (None where the judge
    does not count them), and seconds of asking what no file of answers knew."""

    questions: int = 0
    images: int = 0
    tokens: int | None = 0
    seconds: float = 0.0


class Asks(Protocol):
    """Who asks the teacher: this process, or workers elsewhere. Rows come in any order."""

    def pictures(self, todo: Sequence[tuple[str, AnyFile]]) -> Iterator[tuple[str, Row]]:
        """The row of each picture: its score, levels, spread… or why it is missing.

        todo : content hash and place of each.
        """
        ...

    def pairs(
        self, todo: Sequence[tuple[Pair, tuple[AnyFile, AnyFile]]]
    ) -> Iterator[tuple[Pair, Row]]:
        """The row of each pair: probability that the first is better… or why it is missing."""
        ...


class Teacher:
    """A judge that is asked in the way of a method.

    audit : what an audit found of the judge; labels are weighed by it.
    """

    def __init__(self, judge: Judge, method: Method, audit: Reliability | None = None) -> None:
        self.judge, self.method = judge, method
        self.spent = Spent()
        self._trust = _Trust(audit)

    def pictures(self, todo: Sequence[tuple[str, AnyFile]]) -> Iterator[tuple[str, Row]]:
        for some in _chunks(todo):
            yield from self._pictures(some)

    def pairs(
        self, todo: Sequence[tuple[Pair, tuple[AnyFile, AnyFile]]]
    ) -> Iterator[tuple[Pair, Row]]:
        for some in _chunks(todo):
            parts = [(ImagePart(first), ImagePart(second)) for _, (first, second) in some]
            answers = self.judge.answer([one for pair in parts for one in pair_questions(*pair)])
            for place, (pair, _) in enumerate(some):
                yield pair, _pair_row(*answers[2 * place : 2 * place + 2])

    def _pictures(self, some: Sequence[tuple[str, AnyFile]]) -> Iterator[tuple[str, Row]]:
        """Ask about some pictures together."""
        asked: dict[str, list[Question]] = {}
        trust: dict[str, float] = {}
        for name, path in some:
            try:
                picture = read(path)
            except ImageError as error:
                yield name, {"missing": str(error)}
                continue
            asked[name] = self.method.questions(picture)
            trust[name] = self._trust.of(picture)
        began = time.perf_counter()
        before = self._asked()
        answers = iter(self.judge.answer([one for few in asked.values() for one in few]))
        if self._asked() > before:
            self.spent.seconds += time.perf_counter() - began
        for name, questions in asked.items():
            said = [next(answers) for _ in questions]
            self._count(questions, said)
            yield name, self._row(said, trust[name])

    def _row(self, answers: list[Answer], trust: float) -> Row:
        try:
            score = self.method.score(answers)
        except MissingAnswer as error:
            return {"missing": str(error)}
        return {
            "score": score.value,
            "levels": levels_of(score),
            "spread": score.spread,
            "reliability": reliability_of(score),
            "audit": trust,
            "missing": None,
        }

    def _asked(self) -> int:
        """Questions that went to the model, where the judge remembers and so counts them."""
        return int(getattr(self.judge, "asked", 0))

    def _count(self, questions: Iterable[Question], answers: Iterable[Answer]) -> None:
        for question, answer in zip(questions, answers, strict=True):
            self.spent.questions += 1
            self.spent.images += len(question.images)
            known = self.spent.tokens is not None and answer.shown.tokens is not None
            self.spent.tokens = self.spent.tokens + answer.shown.tokens if known else None  # type: ignore[operator]


def _pair_row(forward: Answer, backward: Answer) -> Row:
    verdict = read_pair(forward, backward)
    if verdict.missing:
        return {"missing": verdict.missing}
    assert verdict.forward is not None
    assert verdict.backward is not None
    return {
        "missing": None,
        "p": verdict.preference,
        "forward": verdict.forward,
        "backward": verdict.backward,
        "reliability": verdict.reliability,
        "disagreement": abs(verdict.forward - verdict.backward),
    }


class _Trust:
    """What the audit says of a picture, through the built-in scorer's families."""

    def __init__(self, audit: Reliability | None) -> None:
        self._audit = audit
        if audit is not None:
            from snellen.scorers import load_scorer

            self._scorer = load_scorer()

    def of(self, picture: Picture) -> float:
        if self._audit is None:
            return 1.0
        return self._audit.weight(self._scorer.score(picture).families)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
