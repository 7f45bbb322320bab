"""A judge and a method, as a scorer like any other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import replace
from pathlib import Path

from snellen.errors import SnellenError
from snellen.images import Picture
from snellen.judges import Judge, Memory, Question, check_images
from snellen.scorers.base import Score
from snellen.scoring.base import Method


class JudgeScorer:
    """Scores pictures by asking `judge` in the way of `method`.

    judge  : see `remembering` for asking it nothing twice.
    method : see `make_method`.
    Raises `JudgeError` where the judge cannot be asked such questions, saying what works.
    """

    def __init__(self, judge: Judge, method: Method) -> None:
        instead = "Use --method levels, contrast, attributes or two-words, which show one."
        check_images(judge, method.name, method.images, instead)
        self.judge = method.through(judge)
        self.method = method
        # A model here is asked by one thread at a time: several would only take each other's
        # cores. A server takes as many requests as there are threads.
        here = judge.can.readout == "logits"
        self._turn = threading.Lock() if here else nullcontext()

    @property
    def name(self) -> str:
        return f"{self.judge.name} · {self.method.name}"

    @contextmanager
    def remembering(self, path: Path) -> Iterator[JudgeScorer]:
        """The same scorer, with every answer kept in the file `path` and none asked twice."""
        with Memory(self.judge, path) as judge:
            twin = copy(self)  # with the same lock: a model is asked by one of both at a time
            twin.judge = judge
            yield twin

    def score(self, picture: Picture) -> Score:
        """Score one picture. Raises `MissingAnswer` where nothing can be read."""
        [scored] = self.score_many([picture])
        if isinstance(scored, SnellenError):
            raise scored
        return scored

    def score_many(self, pictures: Sequence[Picture]) -> list[Score | SnellenError]:
        """Score pictures in one batch of questions, so that a judge may share work.

        One score for each, in order, or the reason why there is none.
        """
        asked = [self._questions(picture) for picture in pictures]
        with self._turn:
            answers = iter(
                self.judge.answer(
                    [one for some in asked if not isinstance(some, SnellenError) for one in some]
                )
            )
        scores: list[Score | SnellenError] = []
        for picture, some in zip(pictures, asked, strict=True):
            if isinstance(some, SnellenError):
                scores.append(some)
                continue
            own = [next(answers) for _ in some]
            try:
                scores.append(self._told(self.method.score(own), picture))
            except SnellenError as error:
                scores.append(error)
        return scores

    def _questions(self, picture: Picture) -> list[Question] | SnellenError:
        """What to ask of a picture, or why the method cannot: one smaller than its copies need."""
        try:
            return self.method.questions(picture)
        except SnellenError as error:
            return error

    def _told(self, score: Score, picture: Picture) -> Score:
        """The score with what its method has to say of such a picture."""
        cautions = tuple(self.method.cautions(picture))
        return replace(score, notes=(*cautions, *score.notes)) if cautions else score
