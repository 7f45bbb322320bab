"""Methods of one image: what they ask, and what their answers are worth, to the last digit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from asking import judge, picture
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import InputError, JudgeError, MissingAnswer, UnknownName
from snellen.judges import Answer, Question
from snellen.scoring import METHODS, JudgeScorer, make_method
from snellen.scoring.attributes import SIDES, Attributes
from snellen.scoring.base import read_levels
from snellen.scoring.levels import WORDS, Levels
from snellen.scoring.two_words import TwoWords, read_two

LEVELS = {"bad": 0.1, "poor": 0.1, "fair": 0.2, "good": 0.4, "excellent": 0.2}
probabilities = st.lists(st.floats(0.001, 1), min_size=5, max_size=5).map(
    lambda raw: [value / math.fsum(raw) for value in raw]
)


def test_levels_ask_as_q_align_does_and_give_the_mean() -> None:
    [question] = Levels().questions(picture())
    assert question.text == "Rate the quality of the image."
    assert question.prefill == "The quality of the image is"
    assert question.options == ("bad", "poor", "fair", "good", "excellent")
    answer = Answer.from_probabilities(question.options, list(LEVELS.values()))
    # ¼·.1 + ½·.2 + ¾·.4 + 1·.2, and the variance of the levels about it
    score = Levels().score([answer])
    assert score.value == pytest.approx(62.5)
    assert score.spread == pytest.approx(30.1039, abs=1e-4)
    assert score.low == pytest.approx(62.5 - 1.959964 * 30.1039, abs=1e-3)
    assert score.high == 100
    assert (score.severity, score.problem) == (None, "")


def test_evidence_holds_what_was_asked_and_adds_up_to_the_score() -> None:
    scored = JudgeScorer(judge(lambda q: LEVELS), Levels()).score(picture())
    [evidence] = scored.evidence
    assert evidence.text == "Rate the quality of the image."
    assert dict(zip(evidence.options, evidence.probabilities, strict=True)) == pytest.approx(LEVELS)
    assert evidence.weight == 1.0
    assert evidence.mass == pytest.approx(1.0)
    assert evidence.contribution == pytest.approx(scored.value)


@given(probabilities)
def test_a_mean_of_levels_lies_on_the_scale_and_turns_with_it(p: list[float]) -> None:
    answer = Answer.from_probabilities(WORDS, p)
    rising = [0, 0.25, 0.5, 0.75, 1]
    value, spread = read_levels(answer, rising)
    assert 0 <= value <= 1
    assert 0 <= spread <= 0.5 + 1e-9  # the widest there is: half at each end
    turned, same = read_levels(answer, [1 - weight for weight in rising])
    assert turned == pytest.approx(1 - value)
    assert same == pytest.approx(spread)


def test_words_and_weights_of_a_user() -> None:
    method = Levels(("awful", "so-so", "superb"), (0, 0.6, 1))
    answer = Answer.from_probabilities(method.words, (0.2, 0.5, 0.3))
    assert method.score([answer]).value == pytest.approx(60)
    assert method.name != Levels(("awful", "so-so", "superb")).name


@pytest.mark.parametrize("weights", [(0, 1), (0, 0.5, 0.4), (-1, 0, 1), (0, 0.5, math.nan)])
def test_weights_that_are_no_scale_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="no scale of 3 levels"):
        Levels(("a", "b", "c"), weights)


def test_two_words_divide_the_logits_by_a_hundred() -> None:
    answer = Answer.from_logits(("good", "poor"), (13.25, 16.125))
    assert TwoWords().score([answer]).value == pytest.approx(100 / (1 + math.exp(2.875 / 100)))
    assert TwoWords(temperature=1).score([answer]).value == pytest.approx(
        100 / (1 + math.exp(2.875))
    )


@given(st.floats(-40, 40), st.floats(-40, 40))
def test_two_words_are_fair_and_their_temperature_changes_no_order(one: float, two: float) -> None:
    def read(odds: float, temperature: float = 1.0) -> tuple[float, float]:
        return read_two(Answer.from_logits(("good", "poor"), (odds, 0.0)), temperature)

    value, spread = read(one)
    turned, same = read(-one)
    assert value + turned == pytest.approx(1)
    assert spread == pytest.approx(same, abs=1e-9)
    if one < two - 1e-6:
        assert read(one, 100.0)[0] < read(two, 100.0)[0]


def test_a_word_given_exactly_nothing_decides() -> None:
    answer = Answer.from_probabilities(("good", "poor"), (0.7, 0.0))
    assert TwoWords().score([answer]).value == 100


def test_attributes_ask_each_side_and_tell_them_apart() -> None:
    def say(question: Question) -> dict[str, float]:
        good = "sharpness" not in question.text
        return {word: float(word == ("good" if good else "bad")) for word in question.options}

    scored = JudgeScorer(judge(say), make_method("attributes")).score(picture())
    said = {one.label: one.value for one in scored.evidence}
    assert said == {side: 0 if side == "sharpness" else 75 for side in SIDES}
    assert scored.value == pytest.approx(75 * 5 / 6)
    with pytest.raises(UnknownName, match="side of quality"):
        Attributes(("sharpnes",))


def test_answers_that_are_missing_are_left_out_widen_the_interval_and_are_told() -> None:
    answers = [Answer.from_probabilities(WORDS, list(LEVELS.values()))] * 6
    whole = Attributes().score(answers)
    some = Attributes().score([Answer.without(WORDS, "the server is gone"), *answers[1:]])
    assert some.value == pytest.approx(whole.value)
    assert some.spread > whole.spread
    assert some.notes == ("1 of 6 answers are missing (the server is gone)",)
    assert [one.missing for one in some.evidence] == ["the server is gone"] + [""] * 5
    assert math.fsum(one.contribution for one in some.evidence) == pytest.approx(some.value)
    with pytest.raises(MissingAnswer, match="no answer can be read: the server is gone"):
        Attributes().score([Answer.without(WORDS, "the server is gone")] * 6)


def test_one_batch_gives_one_result_for_each_picture() -> None:
    asked: list[int] = []

    class Counting:
        def __init__(self) -> None:
            self.name, self.can = "counting", judge(lambda q: LEVELS).can

        def answer(self, questions: Sequence[Question]) -> list[Answer]:
            asked.append(len(questions))
            middle = Answer.without(WORDS, "not that one")
            given = judge(lambda q: LEVELS).answer(questions)
            return [middle if place == 1 else one for place, one in enumerate(given)]

    found = JudgeScorer(Counting(), Levels()).score_many([picture(seed) for seed in range(3)])
    assert asked == [3]
    assert isinstance(found[1], MissingAnswer)
    assert [getattr(found[place], "value", None) for place in (0, 2)] == pytest.approx([62.5] * 2)


def test_every_method_is_made_by_name_asks_the_same_again_and_has_a_name_of_its_own() -> None:
    names = set()
    for name in METHODS:
        method = make_method(name)
        names.add(method.name)
        first, again = (method.questions(picture()) for _ in range(2))
        assert [question.key for question in first] == [question.key for question in again]
        assert max(len(question.images) for question in first) == method.images
    assert len(names) == len(METHODS)


def test_unknown_methods_and_parameters_name_what_there_is() -> None:
    with pytest.raises(UnknownName, match="levels"):
        make_method("level")
    with pytest.raises(InputError, match=r"no parameter 'copies'.*words"):
        make_method("levels", copies=3)


def test_a_judge_of_one_image_is_refused_with_what_works() -> None:
    with pytest.raises(JudgeError, match=r"shows 2 images.*at most 1.*--method levels"):
        JudgeScorer(judge(lambda q: LEVELS, most=1), make_method("debias"))
    JudgeScorer(judge(lambda q: LEVELS, most=1), make_method("contrast"))
