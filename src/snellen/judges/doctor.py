"""What is wrong with a judge, and what to do about it: the questions of `snellen doctor`.

Each test asks the judge a few plain questions about pictures made on the spot, says what it saw,
and gives the fix where something is wrong. It tests the judge as a means of measuring, not whether
its opinions are right: that is the audit's work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from snellen.errors import JudgeError
from snellen.judges import conformance
from snellen.judges.answer import Answer
from snellen.judges.image import ImagePart
from snellen.judges.probes import picture
from snellen.judges.protocol import Judge, SpellsOptions
from snellen.judges.question import Question, choice, predicate, score

Verdict: TypeAlias = Literal["good", "mind", "bad", "unknown"]
"""good; mind: works, but know this; bad: numbers are not to be trusted; unknown: it cannot be told.
"""

LEVELS = ("bad", "poor", "fair", "good", "excellent")
PREFILL = "The quality of the image is"
_LOW_MASS, _NO_MASS = 0.5, 0.01  # under these: mind, bad. Ours.
_SAME = 1e-9  # of probabilities; answers this near were not computed from different prompts
_SHARED = 1.2  # times as fast: less is not worth a word
_SIZE = (448, 320)  # of the pictures, in pixels: as large as most models look at without tiling


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test found.

    name    : what was tested.
    verdict : see `Verdict`.
    saw     : one sentence, with the figures.
    fix     : what to do; empty when there is nothing to do.
    """

    name: str
    verdict: Verdict
    saw: str
    fix: str = ""


@dataclass
class _Patient:
    """A judge with the questions that several tests share, asked once."""

    judge: Judge
    timer: Callable[[], float] = time.perf_counter
    images: list[ImagePart] = field(
        default_factory=lambda: [ImagePart(picture(seed, *_SIZE)) for seed in (1, 2, 3)]
    )

    def rate(self, image: ImagePart, prefill: str) -> list[Question]:
        """The commonest questions about quality, in the forms that the methods use."""
        text = "How would you rate the quality of this image?"
        return [
            score(image, text, levels=LEVELS, prefill=prefill),
            choice(image, "Rate the quality.", options=("good", "poor"), prefill=prefill),
        ]

    def rates(self, prefill: str) -> list[Answer]:
        """Answers to `rate` of every image; the two of an image follow each other."""
        return self.judge.answer([q for image in self.images for q in self.rate(image, prefill)])


def examine(
    judge: Judge, *, full: bool = False, timer: Callable[[], float] = time.perf_counter
) -> list[Finding]:
    """Every finding, in the order of the tests; stops after the first where nothing is answered.

    full  : run the whole conformance suite too, some 150 questions.
    timer : seconds on any clock, for the test of speed.
    """
    patient = _Patient(judge, timer)
    first = _answers(patient)
    if first.verdict == "bad":
        return [first]
    findings = [first, *(test(patient) for test in _TESTS)]
    return [*findings, _conformance(patient)] if full else findings


def _prefill_of(patient: _Patient) -> str:
    return PREFILL if patient.judge.can.prefill else ""


def _answers(patient: _Patient) -> Finding:
    answers = patient.rates(_prefill_of(patient))
    missing = [answer for answer in answers if answer.missing]
    saw = f"{len(answers) - len(missing)} of {len(answers)} plain questions answered"
    if not missing:
        return Finding("answers", "good", saw)
    verdict: Verdict = "bad" if len(missing) == len(answers) else "mind"
    return Finding("answers", verdict, f"{saw}; {missing[0].missing}", "See the reason given.")


def _spelling(patient: _Patient) -> Finding:
    name, judge = "options", patient.judge
    if not isinstance(judge, SpellsOptions):
        return Finding(name, "unknown", "the judge does not say how it spells options")
    image, begin = patient.images[0], _prefill_of(patient)
    words = ("Yes", "No"), ("A", "B"), LEVELS, ("Good", "Poor"), ("blur", "noise", "compression")
    long: list[str] = []
    refused: list[str] = []
    for options in words:
        try:
            spelled = judge.spell(choice(image, "Which?", options=options, prefill=begin))
        except JudgeError as error:
            refused.append(error.what)
            continue
        long += [f"{word} ({len(tokens)})" for word, tokens in spelled.items() if len(tokens) > 1]
    if refused:
        fix = "Ask with other words for these options."
        return Finding(name, "bad", "options that cannot be told apart: " + "; ".join(refused), fix)
    if long:
        saw = f"of several tokens: {', '.join(long)}; they are scored as whole words, more slowly"
        return Finding(name, "mind", saw, "Where speed matters, choose words of one token.")
    return Finding(name, "good", "every word of the usual questions is one token")


def _mass(patient: _Patient) -> Finding:
    name = "mass"
    if not patient.judge.can.mass:
        return Finding(name, "unknown", "the judge does not know what other words would have got")
    begin = _prefill_of(patient)
    with_, without = _mean_mass(patient.rates(begin)), _mean_mass(patient.rates(""))
    saw = f"the options hold {with_:.3f} of the probability"
    if begin:
        saw += f" after the pre-fill {begin!r}, {without:.3f} without"
    best = max(with_, without)
    if best >= _LOW_MASS:
        return Finding(name, "good", saw)
    fix = "Say the options in the question, or begin the answer so that one of them comes next."
    return Finding(name, "bad" if best < _NO_MASS else "mind", saw, fix)


def _mean_mass(answers: Sequence[Answer]) -> float:
    """Mean of the masses; 0 where there is none, since no option was heard at all."""
    masses = [answer.mass or 0.0 for answer in answers]
    return float(np.mean(masses)) if masses else 0.0


def _repeats(patient: _Patient) -> Finding:
    name = "determinism"
    if patient.judge.can.samples:
        fix = "Ask often and average, or use a judge whose probabilities can be read."
        return Finding(name, "mind", "the judge draws its answers", fix)
    begin = _prefill_of(patient)
    first = patient.rates(begin)
    again = _difference(first, patient.rates(begin))
    alone = _difference(
        first,
        [
            patient.judge.answer([q])[0]
            for image in patient.images
            for q in patient.rate(image, begin)
        ],
    )
    saw = f"probabilities differ by {again:.1e} when asked again, by {alone:.1e} when asked alone"
    if max(again, alone) <= conformance.TOLERANCE:
        return Finding(name, "good", saw)
    fix = "Use a higher precision (float32), or do not compare answers of different batches."
    return Finding(name, "mind" if max(again, alone) < 0.01 else "bad", saw, fix)


def _prefill(patient: _Patient) -> Finding:
    name, judge = "pre-fill", patient.judge
    if not judge.can.prefill:
        fix = "Use questions without one (`levels` and `pairs` have such forms), or another judge."
        return Finding(name, "mind", "the judge cannot begin its own answer", fix)
    moved = _difference(patient.rates(PREFILL), patient.rates(""))
    if moved > _SAME:
        return Finding(name, "good", f"it moves probabilities by up to {moved:.3f}")
    if judge.can.readout == "given":
        return Finding(name, "unknown", "it changes nothing, as may be with answers that are given")
    fix = "The server drops it in silence: use a server that continues the last message."
    return Finding(name, "bad", "answers are the same with and without it", fix)


def _sees(patient: _Patient) -> Finding:
    answers = patient.rates(_prefill_of(patient))
    moved = max(
        _difference(answers[:2], answers[start : start + 2]) for start in range(2, len(answers), 2)
    )
    if moved > _SAME:
        return Finding("sight", "good", f"other images move probabilities by up to {moved:.3f}")
    fix = "The images do not reach the model: check its chat template or the server's log."
    return Finding("sight", "bad", "three different images get the same answers", fix)


def _pairs(patient: _Patient) -> Finding:
    name, (one, other, _) = "two images", patient.images
    text = "Which image has a better visual quality, the first (A) or the second (B)?"
    there, back = patient.judge.answer(
        [
            choice(one, other, text, options=("A", "B")),
            choice(other, one, text, options=("A", "B")),
        ]
    )
    if there.missing or back.missing:
        fix = "Use methods of one image (`levels`), or another judge for `debias` and `pairs`."
        return Finding(name, "mind", there.missing or back.missing, fix)
    lean = abs(there["A"] - back["B"])
    saw = f"one picture is the better with {there['A']:.3f} when first, {back['B']:.3f} when second"
    if lean < 0.5:
        return Finding(name, "good", saw)
    return Finding(name, "mind", saw, "It leans towards a place: always ask in both orders.")


def _order(patient: _Patient) -> Finding:
    name, judge = "option order", patient.judge
    if judge.can.samples:
        return Finding(name, "unknown", "the judge draws its answers")
    asked = [q for image in patient.images for q in patient.rate(image, _prefill_of(patient))]
    turned = [question.permuted(range(len(question.options))[::-1]) for question in asked]
    moved = _difference(judge.answer(asked), judge.answer(turned))
    saw = f"turning the options round moves probabilities by {moved:.1e}"
    if moved <= conformance.TOLERANCE:
        return Finding(name, "good", saw)
    if judge.can.lists:
        return Finding(name, "mind", saw, "It shows the options to the model: ask in both orders.")
    return Finding(name, "bad", saw, "Report this to the maker of the judge.")


def _speed(patient: _Patient) -> Finding:
    """Questions that begin with the same images, together and one by one; new images each time, so
    that nothing is remembered."""
    judge, begin = patient.judge, _prefill_of(patient)

    def questions(seed: int) -> list[Question]:
        one = ImagePart(picture(seed, *_SIZE))
        return [*patient.rate(one, begin), *patient.rate(one, ""), predicate(one, "Is it sharp?")]

    batch, single = questions(11), questions(12)
    start = patient.timer()
    judge.answer(batch)
    together = patient.timer() - start
    for question in single:
        judge.answer([question])
    alone = patient.timer() - start - together
    rate = len(batch) / max(together, 1e-9)
    saw = f"{rate:.3g} questions a second about one image"
    if alone > _SHARED * together:
        saw += f"; asked together {alone / together:.1f} times as fast as one by one"
    if rate >= 0.1:
        return Finding("speed", "good", saw)
    fix = "Use a smaller model or a GPU, and a memory so that nothing is asked twice."
    return Finding("speed", "mind", saw, fix)


def _conformance(patient: _Patient) -> Finding:
    outcomes = conformance.examine(lambda: patient.judge)
    broken = [outcome for outcome in outcomes if outcome.result == "broken"]
    kept = sum(outcome.result == "kept" for outcome in outcomes)
    saw = f"{kept} of {len(outcomes)} promises kept, {len(outcomes) - kept - len(broken)} not asked"
    if not broken:
        return Finding("conformance", "good", saw)
    told = "; ".join(f"{outcome.check}: {outcome.why}" for outcome in broken)
    return Finding("conformance", "bad", f"{saw}; {told}", "Report this to the maker of the judge.")


def _difference(first: Sequence[Answer], second: Sequence[Answer]) -> float:
    """Largest difference of an option's probability; where only one answered, 1."""
    largest = 0.0
    for one, other in zip(first, second, strict=True):
        if bool(one.missing) != bool(other.missing):
            return 1.0
        if not one.missing:
            largest = max(largest, *(abs(one[o] - other[o]) for o in one.options))
    return largest


_TESTS: tuple[Callable[[_Patient], Finding], ...] = (
    _spelling,
    _mass,
    _repeats,
    _order,
    _prefill,
    _sees,
    _pairs,
    _speed,
)
