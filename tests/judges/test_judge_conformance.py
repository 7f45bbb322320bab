"""The conformance suite: good judges pass it, and each broken promise is caught by its check."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from judge_scripts import by_brightness, logits, silent

from snellen.errors import BrokenPromise, UnknownName
from snellen.judges import Answer, Capabilities, Judge, Question, ScriptedJudge, unfit
from snellen.judges.conformance import CHECKS, Check, check, examine
from snellen.judges.demo import sharpness

ROOMY = Capabilities("logits", max_images=3, max_options=9)
LIMITED = Capabilities("logits", max_images=2, max_options=9, prefill=False)


class Wrapped:
    """A good judge with one method spoiled."""

    def __init__(
        self,
        change: Callable[[Sequence[Question], list[Answer]], object],
        can: Capabilities = ROOMY,
        name: str = "wrapped",
    ) -> None:
        self._change = change
        self._good = ScriptedJudge(by_brightness, can=can)
        self.can = can
        self.name = name

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        return self._change(questions, self._good.answer(questions))  # type: ignore[return-value]


def kept(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return answers


@pytest.mark.parametrize(
    "make",
    [
        lambda: ScriptedJudge(by_brightness),
        lambda: ScriptedJudge(by_brightness, can=LIMITED),
        lambda: ScriptedJudge(logits, can=Capabilities("given", mass=False)),
        lambda: Wrapped(kept),
    ],
    ids=["script", "limited", "no-mass", "logits"],
)
@pytest.mark.parametrize("promise", CHECKS, ids=str)
def test_good_judges_keep_every_promise(promise: Check, make: Callable[[], Judge]) -> None:
    promise(make)


def test_the_demonstration_conforms() -> None:
    results = {o.check.name: o.result for o in check(lambda: ScriptedJudge(sharpness))}
    assert set(results.values()) == {"kept", "not applicable"}
    assert results["order"] == "kept"
    assert results["images"] == "not applicable"


def test_a_judge_that_draws_is_not_asked_to_repeat_itself() -> None:
    chance = random.Random(0)

    def draw(question: Question) -> str:
        return chance.choice(question.options)

    results = examine(lambda: ScriptedJudge(draw, "draw", Capabilities("text", samples=True)))
    named = {outcome.check.name: outcome.result for outcome in results}
    assert {named[name] for name in ("order", "single", "permuted")} == {"not applicable"}
    assert "broken" not in named.values()


# --- spoiled judges: what is done to a good judge's answers, and the check that must catch it ----

COUNTER = itertools.count()


def raising(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    if any(answer.missing for answer in answers):
        raise RuntimeError("one of them is bad")
    return answers


def backwards(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    by_options = {q.options: a for q, a in zip(questions, answers, strict=True)}  # mixes them up
    return [by_options[question.options] for question in questions]


def by_place(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [
        a if a.missing else Answer.from_logprobs(a.options, (-1.0, *[-3.0] * (len(a.options) - 1)))
        for a in answers
    ]


def drifting(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    shift = 0.01 * next(COUNTER)
    return [
        a
        if a.missing
        else Answer.from_logprobs(a.options, (a.logprobs[0] - shift, *a.logprobs[1:]))
        for a in answers
    ]


def by_batch(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return answers if len(questions) > 1 else by_place(questions, answers)


def guessing(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [
        Answer.from_logits(a.options, [0.0] * len(a.options)) if a.missing else a for a in answers
    ]


def other_image(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [
        a
        if not a.shown.images
        else replace(a, shown=replace(a.shown, images=(replace(a.shown.images[0], hash="0" * 64),)))
        for a in answers
    ]


def other_size(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    def shrunk(answer: Answer) -> Answer:
        images = tuple(replace(image, width=336, height=336) for image in answer.shown.images)
        return replace(answer, shown=replace(answer.shown, images=images))

    return [shrunk(answer) for answer in answers]


def without_mass(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [a if a.missing else replace(a, mass=None) for a in answers]


def deduplicated(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [a for q, a in dict(zip(questions, answers, strict=True)).items()]


def vague(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
    return [Answer.without(a.options, "something failed") if a.missing else a for a in answers]


SPOILED = [
    ("order", backwards),
    ("permuted", by_place),
    ("deterministic", drifting),
    ("single", by_batch),
    ("images", guessing),
    ("options", guessing),
    ("gone", guessing),
    ("gone", raising),
    ("gone", vague),
    ("images", vague),
    ("not-an-image", guessing),
    ("shown", other_image),
    ("shown", other_size),
    ("probabilities", without_mass),
    ("repeated", deduplicated),
    ("empty", lambda questions, answers: answers or None),
    ("answers", lambda questions, answers: answers[1:]),
    ("answers", lambda questions, answers: tuple(answers)),
    ("answers", lambda questions, answers: [a.plain() for a in answers]),
    ("json", lambda questions, answers: [replace(a, notes=[]) for a in answers]),
]


@pytest.mark.parametrize(("name", "change"), SPOILED, ids=[f"{n}-{c.__name__}" for n, c in SPOILED])
def test_each_broken_promise_is_caught(
    name: str, change: Callable[[Sequence[Question], list[Answer]], object]
) -> None:
    [promise] = [one for one in CHECKS if one.name == name]
    with pytest.raises(BrokenPromise):
        promise(lambda: Wrapped(change))


def test_a_judge_that_never_answers_does_not_pass() -> None:
    with pytest.raises(BrokenPromise, match="answers are missing: the script does not know"):
        check(lambda: ScriptedJudge(silent))


def test_names_must_be_printable_and_stay() -> None:
    [promise] = [one for one in CHECKS if one.name == "name"]
    for name in ("", "two\nlines", "x" * 500):
        with pytest.raises(BrokenPromise, match="the name is"):
            promise(lambda name=name: Wrapped(kept, name=name))
    with pytest.raises(BrokenPromise, match="when the judge is made again"):
        promise(lambda: Wrapped(kept, name=f"n{next(COUNTER)}"))


@pytest.mark.parametrize("honest", [True, False])
def test_a_prefill_is_honoured_or_refused(honest: bool) -> None:
    [promise] = [one for one in CHECKS if one.name == "prefill"]
    can = Capabilities("logits", prefill=False)

    class Drops(Wrapped):
        def answer(self, questions: Sequence[Question]) -> list[Answer]:
            plain = [replace(question, prefill="") for question in questions]
            return self._good.answer(questions if honest else plain)

    if honest:
        promise(lambda: Drops(kept, can))
    else:
        with pytest.raises(BrokenPromise, match="a question with a pre-fill was answered"):
            promise(lambda: Drops(kept, can))


def test_all_that_is_broken_is_told_at_once() -> None:
    with pytest.raises(BrokenPromise) as caught:
        check(lambda: Wrapped(by_place))
    assert caught.value.what.startswith("the judge breaks 1 of 19 promises:\n- permuted: The order")
    outcomes = check(lambda: Wrapped(by_place), leave_out=["permuted"])
    assert len(outcomes) == len(CHECKS) - 1


def test_leaving_out_needs_a_known_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'permuted'"):
        check(lambda: Wrapped(kept), leave_out=["permutated"])


def test_the_tolerance_is_what_it_says() -> None:
    def nudged(questions: Sequence[Question], answers: list[Answer]) -> list[Answer]:
        shift = 1e-3 * (next(COUNTER) % 2)
        return [
            a
            if a.missing
            else Answer.from_logprobs(a.options, (a.logprobs[0] - shift, *a.logprobs[1:]))
            for a in answers
        ]

    check(lambda: Wrapped(nudged), tolerance=2e-3)
    with pytest.raises(BrokenPromise):
        check(lambda: Wrapped(nudged), tolerance=1e-5)


def test_unfit_looks_for_what_any_judge_must_refuse() -> None:
    from judge_scripts import rate

    assert unfit(rate(1), Capabilities("logits")) == ""
    assert "does not look at images" in unfit(rate(1), Capabilities("logits", max_images=0))
