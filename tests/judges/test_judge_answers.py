"""Answers: a probability for every option or a reason, never both and never made up."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import InputError, MissingAnswer, UnknownName
from snellen.judges import Answer, Shown, ShownImage

AB = ("A", "B")
LOGITS = st.lists(st.floats(-50, 50), min_size=2, max_size=6)
SHOWN = Shown(
    (ShownImage("ab" * 32, 640, 480, 336, 252, 108, 2, "bicubic"),), 210, "P (PIL)", "<image> How?"
)


def options_of(values: list[float]) -> tuple[str, ...]:
    return tuple("ABCDEFGH"[: len(values)])


def test_probabilities_and_mass_of_a_known_case() -> None:
    answer = Answer.from_logprobs(AB, (math.log(0.6), math.log(0.2)))
    assert answer.mass == pytest.approx(0.8)
    assert answer.probabilities == pytest.approx((0.75, 0.25))
    assert answer["A"] == pytest.approx(0.75)
    assert answer.expected((1, 5)) == pytest.approx(2.0)


def test_an_option_of_probability_0_is_an_answer() -> None:
    answer = Answer.from_logprobs(AB, (math.log(0.5), -math.inf))
    assert answer.probabilities == (1.0, 0.0)
    assert answer.mass == pytest.approx(0.5)


@given(LOGITS, st.floats(-5, 0))
def test_probabilities_are_the_softmax_and_mass_the_sum(logits: list[float], log: float) -> None:
    total = math.log(math.fsum(math.exp(v) for v in logits))
    answer = Answer.from_logprobs(options_of(logits), [v - total + log for v in logits])
    assert answer.mass == pytest.approx(math.exp(log), rel=1e-6)
    assert math.fsum(answer.probabilities) == pytest.approx(1, abs=1e-12)
    assert answer.probabilities == pytest.approx([math.exp(v - total) for v in logits], abs=1e-9)


@given(LOGITS, st.floats(-1e3, 1e3))
def test_logits_need_no_offset_and_know_no_mass(logits: list[float], offset: float) -> None:
    one = Answer.from_logits(options_of(logits), logits)
    other = Answer.from_logits(options_of(logits), [v + offset for v in logits])
    assert one.mass is None
    assert one.probabilities == pytest.approx(other.probabilities, abs=1e-9)


def test_logits_far_apart_do_not_overflow() -> None:
    answer = Answer.from_logits(AB, (1e30, -1e30))
    assert answer.probabilities == (1.0, 0.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((math.nan, -1.0), "nan as the log-probability of 'A'"),
        ((-1.0, math.inf), "inf as the log-probability of 'B'"),
        ((-math.inf, -math.inf), "no probability to any option"),
        ((0.0, -0.5), "add up to 1.607"),
        ((900.0, -0.5), "not exclusive, or no probabilities"),
    ],
)
def test_what_is_no_distribution_is_missing(values: tuple[float, float], words: str) -> None:
    answer = Answer.from_logprobs(AB, values, shown=SHOWN, notes=["asked twice"])
    assert words in answer.missing
    assert (answer.logprobs, answer.mass) == ((), None)
    assert (answer.shown, answer.notes) == (SHOWN, ("asked twice",))


def test_probabilities_may_be_given_as_they_are() -> None:
    answer = Answer.from_probabilities(AB, (0.6, 0.2))
    assert (answer.mass, answer["A"]) == (pytest.approx(0.8), pytest.approx(0.75))
    assert Answer.from_probabilities(AB, (1, 0)).probabilities == (1.0, 0.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.5, -0.1), "-0.1 as a probability"),
        ((0.5, math.nan), "nan as the log-probability of 'B'"),
        ((0, 0), "no probability to any option"),
        ((0.7, 0.7), "add up to 1.4"),
        ((math.inf, 0.5), "inf as the log-probability"),
    ],
)
def test_what_are_no_probabilities_is_missing(values: tuple[float, float], words: str) -> None:
    assert words in Answer.from_probabilities(AB, values).missing


@pytest.mark.parametrize("values", [(math.nan, 0.0), (math.inf, 0.0), (-math.inf, -math.inf)])
def test_logits_that_say_nothing_are_missing(values: tuple[float, float]) -> None:
    assert Answer.from_logits(AB, values).missing


def test_rounding_of_half_precision_is_forgiven_and_no_more() -> None:
    assert Answer.from_logprobs(AB, (math.log(0.5), math.log(0.5005))).mass == 1.0
    assert Answer.from_logprobs(AB, (math.log(0.5), math.log(0.503))).missing


def test_a_missing_answer_has_no_number() -> None:
    answer = Answer.without(AB, "the server said 500")
    for read in (
        lambda: answer.probabilities,
        lambda: answer["A"],
        lambda: answer.expected((0, 1)),
    ):
        with pytest.raises(MissingAnswer, match="the server said 500"):
            read()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "either"),
        ({"logprobs": (-1.0, -1.0), "missing": "why"}, "either"),
        ({"missing": "why", "mass": 0.5}, "neither mass nor bounds"),
        ({"missing": "why", "at_most": ("A",)}, "neither mass nor bounds"),
        ({"logprobs": (-1.0,)}, "1 log-probabilities for 2 options"),
        ({"logprobs": (-1.0, math.nan)}, "no answer"),
        ({"logprobs": (-1.0, -1.0), "mass": 1.5}, "not in"),
        ({"logprobs": (-1.0, -1.0), "at_most": ("C",)}, "no options"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Answer(AB, **fields)  # type: ignore[arg-type]


def test_mistakes_of_the_caller_are_errors_not_missing_answers() -> None:
    with pytest.raises(InputError, match="3 values for 2 options"):
        Answer.from_logprobs(AB, (-1, -2, -3))
    with pytest.raises(InputError, match="needs its reason"):
        Answer.without(AB, "")
    answer = Answer.from_logits(AB, (0, 1))
    with pytest.raises(UnknownName, match="unknown option 'C'"):
        _ = answer["C"]
    with pytest.raises(InputError, match="3 weights for 2 options"):
        answer.expected((1, 2, 3))


@pytest.mark.parametrize(
    "answer",
    [
        Answer.from_logprobs(AB, (math.log(0.1), -math.inf)),
        Answer.from_logprobs(AB, (-0.25, -9.5), at_most=("B",), shown=SHOWN, notes=("late",)),
        Answer.from_logits(("très", "好"), (0.1, 0.7)),
        Answer.without(AB, "too many images", shown=SHOWN),
    ],
    ids=["zero", "full", "logits", "missing"],
)
def test_json_loses_nothing(answer: Answer) -> None:
    text = json.dumps(answer.plain(), allow_nan=False)
    assert Answer.from_plain(json.loads(text)) == answer
