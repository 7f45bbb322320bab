"""What each of the two judges is taught: which questions, how often, with which answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from runs.built_in_judge import content
from runs.built_in_judge.questions import Asked, Asker, Facts

# `built-in-base`: worth as it is told, see `lean`.
QUALITY_SHARE = 0.35  # of a picture's own quality
CONTENT_SHARE = 0.28  # points of worth for each point of appeal of what is shown
FIRST_LEAN = 0.5  # added to the logit of the first of two pictures
BASE_BESIDE = 0.8  # how much of its conditional answer is relative to the first picture
BASE_GAIN = 2.5  # how much finer it feels a difference of two pictures than the worth of one

# Questions about the first picture alone, and about both.
Lesson: TypeAlias = Callable[[Asker, Facts, Facts], tuple[list[Asked], list[Asked]]]

ONE_PICTURE, TWO_PICTURES = 5, 5  # questions asked at once about the first picture, about both


def lean(facts: Facts) -> Facts:
    """The same picture as `built-in-base` is taught to value it: mostly by what it shows."""
    value = 0.5 + CONTENT_SHARE * content.appeal(facts.thumb) + QUALITY_SHARE * (facts.worth - 0.55)
    return replace(facts, worth=float(np.clip(value, 0, 1)))


def tuned(asker: Asker, a: Facts, b: Facts) -> tuple[list[Asked], list[Asked]]:
    """Questions of the built-in judge: about `a` alone, and about `a` then `b`."""
    one: list[tuple[float, Callable[[], Asked]]] = [
        (0.26, lambda: asker.rate(a.worth)),
        (0.04, lambda: asker.stars(a)),
        (0.08, lambda: asker.good_or_poor(a)),
        (0.12, lambda: asker.attribute(a)),
        (0.28, lambda: asker.name(a)),
        (0.05, lambda: asker.name_by_letter(a)),
        (0.06, lambda: asker.is_it(a)),
        (0.06, lambda: asker.visible(a)),
        (0.04, lambda: asker.describe(a)),
        (0.03, lambda: asker.caption(a)),
    ]
    pair: list[tuple[float, Callable[[], Asked]]] = [
        (0.30, lambda: asker.better(a, b)),
        (0.05, lambda: asker.more(a, b)),
        (0.34, lambda: asker.same(a, b)),
        (0.21, lambda: asker.beside_poor(a, b)),
        (0.10, lambda: asker.rate_one(a, b)),
    ]
    return _draw(asker, one, ONE_PICTURE), _draw(asker, pair, TWO_PICTURES)


def base(asker: Asker, a: Facts, b: Facts) -> tuple[list[Asked], list[Asked]]:
    """Questions of `built-in-base` about pictures: content, and ratings that lean on it."""
    a, b = lean(a), lean(b)
    one: list[tuple[float, Callable[[], Asked]]] = [
        (0.46, lambda: asker.rate(a.worth)),
        (0.06, lambda: asker.stars(a)),
        (0.16, lambda: asker.good_or_poor(a)),
        (0.18, lambda: asker.caption(a)),
        (0.14, lambda: asker.colour(a)),
    ]
    pair: list[tuple[float, Callable[[], Asked]]] = [
        (0.25, lambda: asker.better(a, b, FIRST_LEAN)),
        (0.25, lambda: asker.same(a, b)),
        (0.40, lambda: asker.beside_poor(a, b, BASE_BESIDE, BASE_GAIN)),
        (0.10, lambda: asker.rate_one(a, b)),
    ]
    return _draw(asker, one, ONE_PICTURE), _draw(asker, pair, TWO_PICTURES)


def heard(asker: Asker, a: Facts, b: Facts) -> tuple[list[Asked], list[Asked]]:
    """Questions of `built-in-base` about what it is told in words, see `told`: distortions."""
    one: list[tuple[float, Callable[[], Asked]]] = [
        (0.20, lambda: asker.attribute(a)),
        (0.34, lambda: asker.name(a)),
        (0.08, lambda: asker.name_by_letter(a)),
        (0.12, lambda: asker.is_it(a)),
        (0.12, lambda: asker.visible(a)),
        (0.10, lambda: asker.describe(a)),
        (0.04, lambda: asker.rate(a.worth)),
    ]
    pair: list[tuple[float, Callable[[], Asked]]] = [
        (0.60, lambda: asker.more(a, b)),
        (0.40, lambda: asker.better(a, b, FIRST_LEAN)),
    ]
    return _draw(asker, one, ONE_PICTURE), _draw(asker, pair, TWO_PICTURES)


def _draw(asker: Asker, plan: list[tuple[float, Callable[[], Asked]]], count: int) -> list[Asked]:
    shares = np.array([share for share, _ in plan])
    chosen = asker.rng.choice(len(plan), count, p=shares / shares.sum())
    return [plan[i][1]() for i in chosen]
