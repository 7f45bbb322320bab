"""Adaptive logit weighting on a judge whose tokens, logits and embeddings are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import judge, picture

from snellen.errors import InputError, JudgeError, MissingAnswer
from snellen.judges import Answer, Capabilities, ImagePart, Question, TokenScore
from snellen.judges.protocol import Floats
from snellen.scoring import JudgeScorer, make_method
from snellen.scoring.weighted import FAULT, PRAISE, PREFILL, TokenWeigher, cosine

UP, ASIDE = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


class Open:
    """Shows three tokens: one of praise, one of fault, one of neither."""

    name = "open"
    can = Capabilities(readout="logits", embeddings=True)
    model: Any = None
    processor: Any = None

    def __init__(self, praise: float = 4.0, fault: float = 1.0, fails: str = "") -> None:
        self.praise, self.fault, self.fails, self.asked = praise, fault, fails, 0

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        raise AssertionError("it is read, not asked")

    def token_scores(self, question: Question, k: int = 100) -> list[TokenScore]:
        assert question.prefill == PREFILL
        self.asked += 1
        if self.fails:
            raise JudgeError(self.fails, "Wait.")
        tokens = [
            TokenScore(" superb", self.praise, UP + ASIDE),
            TokenScore(" the", 9.0, ASIDE),
            TokenScore(" awful", self.fault, -UP),
        ]
        return tokens[:k]

    def word_embedding(self, word: str) -> Floats:
        return UP if word in PRAISE else -UP

    def visual_tokens(self, image: ImagePart) -> Floats:
        raise NotImplementedError

    def layers(self, question: Question) -> list[Floats]:
        raise NotImplementedError


def test_the_score_is_the_sum_of_logits_weighed_by_cosines() -> None:
    scored = JudgeScorer(Open(), make_method("weighted", temperature=2.0)).score(picture())
    total = 4 * math.sqrt(0.5) + 9 * 0 + 1 * -1  # cosines with the direction from fault to praise
    assert scored.value == pytest.approx(100 / (1 + math.exp(-total / 2)))


def test_praise_raises_it_fault_lowers_it_and_the_temperature_changes_no_order() -> None:
    judges = [Open(praise, fault) for praise, fault in ((1, 5), (1, 1), (5, 1))]
    for temperature in (1.0, 100.0):
        method = make_method("weighted", temperature=temperature)
        values = [JudgeScorer(one, method).score(picture()).value for one in judges]
        assert values == sorted(values)
        assert values[0] < values[1] < values[2]


def test_only_the_most_likely_are_weighed() -> None:
    first = JudgeScorer(Open(), make_method("weighted", top=1, temperature=1.0)).score(picture())
    assert first.value == pytest.approx(100 / (1 + math.exp(-4 * math.sqrt(0.5))))


def test_it_is_remembered_like_any_answer(tmp_path: Path) -> None:
    box = Open()
    scorer = JudgeScorer(box, make_method("weighted"))
    values = []
    for _ in range(2):
        with scorer.remembering(tmp_path / "answers.db") as remembering:
            values.append(remembering.score(picture()).value)
    assert box.asked == 1
    assert values[0] == values[1] == scorer.score(picture()).value


def test_a_judge_that_shows_no_logits_is_refused_with_what_works() -> None:
    with pytest.raises(JudgeError, match=r"does not show its logits.*--method levels"):
        JudgeScorer(judge(lambda q: {}), make_method("weighted"))


def test_what_the_model_cannot_be_asked_is_a_reason() -> None:
    scorer = JudgeScorer(Open(fails="the model is being tuned"), make_method("weighted"))
    with pytest.raises(MissingAnswer, match="being tuned"):
        scorer.score(picture())


@pytest.mark.parametrize("options", [{"top": 0}, {"temperature": 0.0}])
def test_senseless_parameters_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make_method("weighted", **options)


def test_words_are_25_a_side_and_none_is_on_both() -> None:
    assert len(PRAISE) == len(FAULT) == 25
    assert len({*PRAISE, *FAULT}) == 50
    assert cosine(np.ones(3, np.float32), np.zeros(3, np.float32)) == 0
    assert TokenWeigher(Open(), 7).name == "open, first 7 tokens weighed"
