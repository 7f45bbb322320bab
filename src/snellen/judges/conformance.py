"""Does a judge keep the promises of its kind? One suite for ours and for anybody's.

    from snellen.judges import conformance

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
    def test_keeps_the_promise(check):
        check(my_judge)                      # or, without pytest: conformance.check(my_judge)

`my_judge` makes the judge: a function without arguments. The questions are plain ones about small
pictures made on the spot (noise, gradients, stripes) and need nothing from the network; what a
judge's model makes of them does not matter. A promise that cannot be asked of a judge (no limit on
images, say) is reported as not applicable, never as kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from snellen.errors import BrokenPromise, UnknownName
from snellen.judges.answer import Answer
from snellen.judges.probes import picture, plain_questions
from snellen.judges.protocol import Judge
from snellen.judges.question import Question, choice

MakeJudge: TypeAlias = Callable[[], Judge]
TOLERANCE = 1e-4
"""How far probabilities may differ that should be the same: batches of another shape add floats in
another order."""
_NAME_LENGTH = 400  # characters; a name is printed, and kept in every file of answers


class NotApplicable(Exception):
    """A promise that cannot be asked of this judge, and why."""


@dataclass(frozen=True)
class Subject:
    """The judge under test. `make` is called anew only where two judges are compared."""

    make: MakeJudge
    tolerance: float = TOLERANCE

    @cached_property
    def judge(self) -> Judge:
        return self.make()

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """`answer`, with what every call promises: no exception, one answer each, their options."""
        return _ask(self.judge, questions)

    def same(self, one: Answer, other: Answer, when: str) -> None:
        """Two answers to the same question agree, option by option, in mass and in missing."""
        if bool(one.missing) != bool(other.missing):
            raise BrokenPromise(
                f"{when}: one is missing ({one.missing or other.missing}), one is not"
            )
        if one.missing:
            return
        for option in one.options:
            if abs(one[option] - other[option]) > self.tolerance:
                raise BrokenPromise(
                    f"{when}: {option!r} has {one[option]:.6f} and then {other[option]:.6f}"
                )
        if one.mass is None or other.mass is None:
            return
        if abs(one.mass - other.mass) > self.tolerance:
            raise BrokenPromise(f"{when}: the mass is {one.mass:.6f} and then {other.mass:.6f}")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise.

    name    : short, for `leave_out` and test ids.
    promise : a sentence.
    body    : raises `BrokenPromise` or `NotApplicable`.
    """

    name: str
    promise: str
    body: Callable[[Subject], None]

    def __call__(self, make: MakeJudge, tolerance: float = TOLERANCE) -> Outcome:
        """Ask it of the judge that `make` makes. Raises `BrokenPromise`."""
        return self.of(Subject(make, tolerance))

    def of(self, subject: Subject) -> Outcome:
        try:
            self.body(subject)
        except NotApplicable as why:
            return Outcome(self, "not applicable", str(why))
        return Outcome(self, "kept", "")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check; `why` is empty where the promise was kept."""

    check: Check
    result: Literal["kept", "broken", "not applicable"]
    why: str


def examine(
    make: MakeJudge, *, tolerance: float = TOLERANCE, leave_out: Collection[str] = ()
) -> list[Outcome]:
    """The outcome of every check; raises `UnknownName` for a name in `leave_out` that is none."""
    for name in leave_out:
        if name not in {check.name for check in CHECKS}:
            raise UnknownName("conformance check", name, [check.name for check in CHECKS])
    subject = Subject(make, tolerance)
    return [_outcome(check, subject) for check in CHECKS if check.name not in leave_out]


def check(
    make: MakeJudge, *, tolerance: float = TOLERANCE, leave_out: Collection[str] = ()
) -> list[Outcome]:
    """Run every check; give the outcomes when all are kept or not applicable.

    make      : makes the judge, the same one each time.
    tolerance : of probabilities that should be the same.
    leave_out : names of checks not to run, for a promise that is knowingly not kept.
    Raises `BrokenPromise`, naming every promise that is not kept and how.
    """
    outcomes = examine(make, tolerance=tolerance, leave_out=leave_out)
    broken = [outcome for outcome in outcomes if outcome.result == "broken"]
    if broken:
        told = "\n".join(f"- {one.check.name}: {one.check.promise} {one.why}" for one in broken)
        raise BrokenPromise(f"the judge breaks {len(broken)} of {len(outcomes)} promises:\n{told}")
    return outcomes


def _outcome(check: Check, subject: Subject) -> Outcome:
    try:
        return check.of(subject)
    except BrokenPromise as error:
        return Outcome(check, "broken", error.what)


def _ask(judge: Judge, questions: Sequence[Question]) -> list[Answer]:
    try:
        answers = judge.answer(questions)
    except Exception as error:
        raise BrokenPromise(
            f"answer() raised {type(error).__name__} ({error}) on {len(questions)} questions,"
            f" the first being {questions[0].text!r}"
            if questions
            else f"answer([]) raised {type(error).__name__} ({error})"
        ) from error
    if not isinstance(answers, list) or not all(isinstance(one, Answer) for one in answers):
        raise BrokenPromise("answer() gave something else than a list of Answers")
    if len(answers) != len(questions):
        raise BrokenPromise(f"answer() gave {len(answers)} answers to {len(questions)} questions")
    for question, answer in zip(questions, answers, strict=True):
        if answer.options != question.options:
            raise BrokenPromise(f"options {question.options} were answered as {answer.options}")
    return answers


# --- checks -----------------------------------------------------------------------------------


def _plain(subject: Subject) -> list[Question]:
    can = subject.judge.can
    return plain_questions(prefill=can.prefill, images=can.max_images)


def _name(subject: Subject) -> None:
    name = subject.judge.name
    if not name or not name.isprintable() or len(name) > _NAME_LENGTH:
        raise BrokenPromise(f"the name is {name!r}")
    again = subject.make().name
    if again != name:
        raise BrokenPromise(f"the name was {name!r} and is {again!r} when the judge is made again")


def _empty(subject: Subject) -> None:
    subject.ask([])


def _answers(subject: Subject) -> None:
    answers = subject.ask(_plain(subject))
    if all(answer.missing for answer in answers):
        raise BrokenPromise(f"all {len(answers)} answers are missing: {answers[0].missing}")


def _probabilities(subject: Subject) -> None:
    for answer in subject.ask(_plain(subject)):
        if answer.missing:
            continue
        if abs(math.fsum(answer.probabilities) - 1) > 1e-9:
            raise BrokenPromise(f"probabilities {answer.probabilities} do not add up to 1")
        if answer.mass is None and subject.judge.can.mass:
            raise BrokenPromise("the mass is None, while can.mass says that it is known")
        if answer.mass is not None and not subject.judge.can.mass:
            raise BrokenPromise(
                f"the mass is {answer.mass}, while can.mass says that none is known"
            )


def _order(subject: Subject) -> None:
    if subject.judge.can.samples:
        raise NotApplicable("the judge draws its answers")
    questions = _plain(subject)
    answers = subject.ask(questions)
    backwards = subject.ask(questions[::-1])[::-1]
    for question, one, other in zip(questions, answers, backwards, strict=True):
        subject.same(one, other, f"{question.text!r} in a batch, and in the batch backwards")


def _single(subject: Subject) -> None:
    if subject.judge.can.samples:
        raise NotApplicable("the judge draws its answers")
    questions = _plain(subject)
    for question, together in zip(questions, subject.ask(questions), strict=True):
        [alone] = subject.ask([question])
        subject.same(together, alone, f"{question.text!r} in a batch, and alone")


def _deterministic(subject: Subject) -> None:
    if subject.judge.can.samples:
        raise NotApplicable("the judge draws its answers")
    questions = _plain(subject)
    first, second = subject.ask(questions), subject.ask(questions)
    third = _ask(subject.make(), questions)
    for question, one, two, three in zip(questions, first, second, third, strict=True):
        subject.same(one, two, f"{question.text!r} asked twice")
        subject.same(one, three, f"{question.text!r} asked of the judge made again")


def _repeated(subject: Subject) -> None:
    if subject.judge.can.samples:
        raise NotApplicable("the judge draws its answers")
    question = _plain(subject)[0]
    one, two, three = subject.ask([question] * 3)
    subject.same(one, two, "the same question twice in a batch")
    subject.same(one, three, "the same question three times in a batch")


def _permuted(subject: Subject) -> None:
    can = subject.judge.can
    if can.samples or can.lists:
        raise NotApplicable(f"the judge {'draws' if can.samples else 'shows the options'}")
    questions = _plain(subject)
    turned = [question.permuted(range(len(question.options))[::-1]) for question in questions]
    straight = [question.permuted(range(len(question.options))) for question in questions]
    pairs = zip(questions, subject.ask(straight), subject.ask(turned), strict=True)
    for question, one, other in pairs:
        subject.same(one, other, f"{question.text!r} with its options in another order")


def _too_many_images(subject: Subject) -> None:
    most = subject.judge.can.max_images
    if most is None:
        raise NotApplicable("the judge takes any number of images")
    images = [picture(seed, 16, 16) for seed in range(most + 1)]
    _missing_beside_others(
        subject, choice(*images, "Which is best?", options=("first", "last")), str(most)
    )


def _too_many_options(subject: Subject) -> None:
    most = subject.judge.can.max_options
    if most is None:
        raise NotApplicable("the judge takes any number of options")
    options = [f"word{number}" for number in range(most + 1)]
    _missing_beside_others(subject, choice(picture(1), "Which word?", options=options), str(most))


def _prefill(subject: Subject) -> None:
    asked = choice(picture(1), "How is it?", options=("Good", "Poor"), prefill="The quality is ")
    [answer] = subject.ask([asked])
    if subject.judge.can.prefill and answer.missing:
        raise BrokenPromise(f"can.prefill is true and the answer is missing: {answer.missing}")
    if not subject.judge.can.prefill and not answer.missing:
        raise BrokenPromise("can.prefill is false and a question with a pre-fill was answered")


def _gone(subject: Subject) -> None:
    gone = Path("no such folder", "gone.png")
    _missing_beside_others(subject, choice(gone, "How?", options=("Good", "Poor")), "gone.png")


def _not_an_image(subject: Subject) -> None:
    if subject.judge.can.readout == "given":
        raise NotApplicable("a judge that states probabilities need not look at the image")
    for data in (b"", b"these are words and no image", b"\x89PNG\r\n\x1a\n" + bytes(64)):
        _missing_beside_others(subject, choice(data, "How?", options=("Good", "Poor")))


def _extreme_sizes(subject: Subject) -> None:
    for width, height in ((1, 1), (1, 10_000), (10_000, 1)):
        asked = choice(picture(1, width, height), "How is it?", options=("Good", "Poor"))
        _beside_others(subject, asked)


def _unusual_words(subject: Subject) -> None:
    for options in (
        ("très bon", "好", "очень плохо"),
        ("good", "goodness"),
        ("a", "a b"),
        ("1", "10"),
    ):
        _beside_others(subject, choice(picture(2), "Quelle qualité ? 好吗", options=options))


def _text_only(subject: Subject) -> None:
    _beside_others(subject, choice("Is grass green or blue?", options=("green", "blue")))


def _plain_round_trip(subject: Subject) -> None:
    for answer in subject.ask(_plain(subject)):
        text = json.dumps(answer.plain(), allow_nan=False)
        if Answer.from_plain(json.loads(text)) != answer:
            raise BrokenPromise(f"an answer is not the same after JSON: {text}")


def _shown(subject: Subject) -> None:
    questions = _plain(subject)
    for question, answer in zip(questions, subject.ask(questions), strict=True):
        given = [image.hash for image in question.images]
        shown = [image.hash for image in answer.shown.images]
        if shown and shown != given:
            raise BrokenPromise(f"{question.text!r}: shown are other images than were given")
        for part, image in zip(question.images, answer.shown.images, strict=False):
            height, width, _ = part.pixels().shape
            if (image.width, image.height) != (width, height):
                raise BrokenPromise(
                    f"an image of {width}×{height} is told as {image.width}×{image.height}"
                )


def _beside_others(subject: Subject, odd: Question) -> Answer:
    """Ask an odd question between plain ones, which must not suffer; gives its answer."""
    plain = _plain(subject)[:2]
    before = subject.ask(plain)
    first, answer, second = subject.ask([plain[0], odd, plain[1]])
    if not subject.judge.can.samples:
        for one, other in zip(before, (first, second), strict=True):
            subject.same(one, other, f"a plain question beside {odd.text!r} {odd.options}")
    return answer


def _missing_beside_others(subject: Subject, odd: Question, said: str = "") -> None:
    answer = _beside_others(subject, odd)
    if not answer.missing:
        raise BrokenPromise(f"a question that cannot be answered was: {odd.text!r}, {odd.images}")
    if said not in answer.missing:
        raise BrokenPromise(f"the reason does not say {said!r}: {answer.missing}")


CHECKS: tuple[Check, ...] = (
    Check("name", "It has one printable name, the same when made again.", _name),
    Check("empty", "An empty batch gives an empty list.", _empty),
    Check("answers", "It answers plain questions.", _answers),
    Check("probabilities", "Probabilities add up to 1; the mass is known as said.", _probabilities),
    Check("order", "Answers come in the order of the questions.", _order),
    Check("single", "A question gets the same answer alone and in a batch.", _single),
    Check("deterministic", "A question gets the same answer again.", _deterministic),
    Check("repeated", "A question may be in a batch more than once.", _repeated),
    Check("permuted", "The order of the options does not matter.", _permuted),
    Check("images", "More images than it takes are a missing answer.", _too_many_images),
    Check("options", "More options than it takes are a missing answer.", _too_many_options),
    Check("prefill", "A pre-fill is honoured, or the answer is missing.", _prefill),
    Check("gone", "A file that is gone is a missing answer that names it.", _gone),
    Check("not-an-image", "Bytes that are no image are a missing answer.", _not_an_image),
    Check("extreme-sizes", "1×1 and 1×10,000 px disturb no other question.", _extreme_sizes),
    Check("unusual-words", "Words of any script, nested words: no exception.", _unusual_words),
    Check("text-only", "A question without images disturbs no other.", _text_only),
    Check("json", "An answer is the same after JSON.", _plain_round_trip),
    Check("shown", "What was shown is told of the right images.", _shown),
)
"""Every promise, in the order they are asked."""
