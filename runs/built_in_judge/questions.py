"""What is asked about one picture or two, and what the right answer is: soft, over words.

Opinions become a *worth* in 0–1 (1 = nothing was done to the photo). Levels are a normal
distribution around the worth, comparisons a logistic of the difference; so answers carry how sure
one can be, and "good against poor" read from the five levels is monotone in the worth.
All numbers in this file are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from runs.built_in_judge import content
from runs.built_in_judge import wordings as w
from runs.built_in_scorer.proxy import PRISTINE
from snellen.scorers.base import FAMILIES, SEVERITY_WORDS

SPREAD = 0.15  # of the levels around the worth
CLEAR = 0.07  # difference of worth at which two pictures of ten still fool a person
SEEN = 0.10  # harm that half of all people see
BESIDE = 0.4  # how much of a conditional answer is relative to the first picture
FAULTS = FAMILIES[:-1]


@dataclass(frozen=True)
class Facts:
    """What is known of one picture.

    worth    : 0–1 of its opinion; `built-in-base` is told another one, see `lean`.
    families : (8,) soft label. severity : (7,) harm of each family but clean, 0–1.
    photo    : its content. thumb : (8, 8, 3) layout of the undistorted photo.
    """

    worth: float
    families: NDArray[np.float32]
    severity: NDArray[np.float32]
    photo: str
    thumb: NDArray[np.uint8]


@dataclass(frozen=True)
class Asked:
    """One question with its answer.

    text, prefill : as a `Question` has them. answer : word → probability, sums to 1; or
    said : a whole sentence instead.
    """

    text: str
    prefill: str
    answer: Mapping[str, float] = field(default_factory=dict)
    said: str = ""


def worth(opinion: float) -> float:
    """0–1 from an opinion of 1–5."""
    return float(np.clip((opinion - 1) / (PRISTINE - 1), 0, 1))


def logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(x, -30, 30))))


def levels(value: float, words: Sequence[str] = w.LEVELS) -> dict[str, float]:
    """Probabilities of levels, best first, for a worth."""
    centres = np.linspace(1, 0, len(words))
    weight = np.exp(-((centres - value) ** 2) / (2 * SPREAD**2))
    return dict(zip(words, (weight / weight.sum()).tolist(), strict=True))


def two(first: str, second: str, p: float) -> dict[str, float]:
    return {first: p, second: 1 - p}


def beside(first: float, second: float, share: float = BESIDE, gain: float = 1.0) -> float:
    """Worth of the second picture once the first was called poor.

    A share of it is relative: beside a picture that is as good as itself, and poor, it is not
    good. gain : how much finer differences are felt than worths.
    """
    relative = float(np.clip(0.4 + gain * (second - first), 0, 1))
    return (1 - share) * second + share * relative


class Asker:
    """Draws questions; its generator is the only chance in it.

    rng      : generator. held_out : draw only wordings that were never trained on.
    """

    def __init__(self, rng: np.random.Generator, *, held_out: bool = False) -> None:
        self.rng, self.held_out = rng, held_out

    def pick(self, wordings: Sequence[w.Wording], held: str = "") -> w.Wording:
        if self.held_out and held:
            wordings = w.HELD_OUT[held]
        return wordings[self.rng.integers(len(wordings))]

    def shuffled(self, words: Sequence[str], last: str = "or") -> str:
        """ "a, b or c", in any order."""
        order = [words[i] for i in self.rng.permutation(len(words))]
        joined = ", ".join(order[:-1])
        return f"{joined} {last} {order[-1]}" if self.rng.random() < 0.6 else ", ".join(order)

    # One picture

    def rate(self, worth: float, wordings: Sequence[w.Wording] = w.RATE) -> Asked:
        text, prefill = self.pick(wordings, "rate")
        return Asked(text.format(levels=self.shuffled(w.LEVELS)), prefill, levels(worth))

    def stars(self, facts: Facts) -> Asked:
        return Asked(*self.pick(w.RATE_IN_STARS), levels(facts.worth, w.STARS))

    def good_or_poor(self, facts: Facts) -> Asked:
        p = logistic((facts.worth - 0.5) / 0.11)
        return Asked(*self.pick(w.GOOD_OR_POOR), two("good", "poor", p))

    def attribute(self, facts: Facts) -> Asked:
        """The level of one side of quality, from the harm of its family."""
        i = int(self.rng.integers(len(FAULTS)))
        names = w.ATTRIBUTES[FAULTS[i]]
        what = names[self.rng.integers(len(names))]
        text, prefill = self.pick(w.ATTRIBUTE)
        text = text.format(what=what, levels=self.shuffled(w.LEVELS))
        return Asked(text, prefill.format(what=what), levels(1 - float(facts.severity[i])))

    def name(self, facts: Facts) -> Asked:
        """The distortion by its family's name, among all eight or a few of them."""
        names = w.FAMILY_NAMES[self.rng.integers(len(w.FAMILY_NAMES))]
        text, prefill = self.pick(w.NAME, "name")
        if "{options}" not in text:
            names = FAMILIES
        keep = self._some(facts) if "{options}" in text else np.arange(len(FAMILIES))
        p = facts.families[keep] / facts.families[keep].sum()
        chosen = [names[i] for i in keep]
        answer = dict(zip(chosen, p.tolist(), strict=True))
        return Asked(text.format(options=self.shuffled(chosen)), prefill, answer)

    def name_by_letter(self, facts: Facts) -> Asked:
        text, prefill = self.pick(w.NAME_BY_LETTER)
        keep = self.rng.permutation(self._some(facts))
        letters = "abcdefgh"[: len(keep)]
        lettered = " ".join(
            f"{letter.upper()}. {FAMILIES[i]}" for letter, i in zip(letters, keep, strict=True)
        )
        p = facts.families[keep] / facts.families[keep].sum()
        answer = dict(zip(letters, p.tolist(), strict=True))
        return Asked(text.format(lettered=lettered), prefill, answer)

    def _some(self, facts: Facts) -> NDArray[np.int64]:
        """Families to offer: mostly all, else the most probable one and some others."""
        if self.rng.random() < 0.75:
            return np.arange(len(FAMILIES))
        top = int(facts.families.argmax())
        others = [i for i in range(len(FAMILIES)) if i != top]
        count = int(self.rng.integers(1, 6))
        return np.array([top, *self.rng.choice(others, count, replace=False)])

    def is_it(self, facts: Facts) -> Asked:
        """Yes or no: one fault, or any."""
        i = int(self.rng.integers(len(FAULTS) + 2))
        if i >= len(FAULTS):
            text, prefill = self.pick(w.IS_IT_DISTORTED)
            harm = float(facts.severity.max())
        else:
            names = w.ADJECTIVES[FAULTS[i]]
            text, prefill = self.pick(w.IS_IT)
            text = text.format(what=names[self.rng.integers(len(names))])
            harm = float(facts.severity[i])
        return Asked(text, prefill, two("yes", "no", logistic((harm - SEEN) / 0.025)))

    def visible(self, facts: Facts) -> Asked:
        text, prefill = self.pick(w.VISIBLE)
        harm = float(facts.severity.max())
        return Asked(
            text.format(options=self.shuffled(SEVERITY_WORDS)),
            prefill,
            levels(harm, SEVERITY_WORDS[::-1]),
        )

    def describe(self, facts: Facts) -> Asked:
        return Asked(*self.pick(w.DESCRIBE), said=description(facts))

    def caption(self, facts: Facts) -> Asked:
        return Asked(*self.pick(w.CAPTION), said=content.caption(facts.photo, facts.thumb))

    def colour(self, facts: Facts) -> Asked:
        return Asked(*self.pick(w.COLOUR), {content.colour(facts.thumb): 1.0})

    # Two pictures

    def better(self, a: Facts, b: Facts, lean: float = 0.0) -> Asked:
        """Which is better; `lean` is added to the first one's logit."""
        p = logistic((a.worth - b.worth) / CLEAR + lean)
        draw = self.rng.random()
        if self.held_out or draw < 0.5:
            text, prefill = self.pick(w.BETTER_LETTER, "pair")
            letters = "A." in text
            return Asked(text, prefill, two("a", "b", p) if letters else two("first", "second", p))
        if draw < 0.75:
            return Asked(*self.pick(w.BETTER_WORD), two("first", "second", p))
        if draw < 0.88:
            return Asked(*self.pick(w.WORSE_WORD), two("second", "first", p))
        return Asked(*self.pick(w.IS_FIRST_BETTER), two("yes", "no", p))

    def more(self, a: Facts, b: Facts) -> Asked:
        """Which has more of one fault."""
        i = int(np.maximum(a.severity, b.severity).argmax())
        names = w.ADJECTIVES[FAULTS[i]]
        text, prefill = self.pick(w.MORE)
        p = logistic(float(a.severity[i] - b.severity[i]) / CLEAR)
        text = text.format(what=names[self.rng.integers(len(names))])
        return Asked(text, prefill, two("first", "second", p))

    def same(self, a: Facts, b: Facts) -> Asked:
        p = 0.99 if a.photo == b.photo else 0.01
        return Asked(*self.pick(w.SAME, "same"), two("yes", "no", p))

    def beside_poor(self, a: Facts, b: Facts, share: float = BESIDE, gain: float = 1.0) -> Asked:
        """The second picture once the first was called poor, in two words or in levels."""
        value = beside(a.worth, b.worth, share, gain)
        if self.rng.random() < 0.65:
            p = logistic((value - 0.5) / 0.11)
            return Asked(*self.pick(w.SECOND_BESIDE_POOR), two("good", "poor", p))
        text, prefill = self.pick(w.SECOND_IN_LEVELS)
        return Asked(text.format(levels=self.shuffled(w.LEVELS)), prefill, levels(value))

    def rate_one(self, a: Facts, b: Facts) -> Asked:
        """Either of two pictures, by itself."""
        if self.rng.random() < 0.5:
            return self.rate(a.worth, w.RATE_FIRST)
        return self.rate(b.worth, w.RATE_SECOND)


def description(facts: Facts) -> str:
    """One short sentence that names up to two faults and how strong they are."""
    order = np.argsort(-facts.severity)[:2]
    faults = [
        f"{_how(float(facts.severity[i]))}{w.ADJECTIVES[FAULTS[i]][0]}"
        for i in order
        if facts.severity[i] >= SEEN
    ]
    return f"the image is {' and '.join(faults) if faults else 'clean'}."


def _how(harm: float) -> str:
    return "slightly " if harm < 0.3 else "strongly " if harm > 0.65 else ""
