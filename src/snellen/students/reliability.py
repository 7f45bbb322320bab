"""How a method's score becomes a label, and how far the teacher's own doubt lets it count.

    levels_of(score), reliability_of(score)

A label of reliability 1 is learned in full, one of 0 not at all. What an audit found of the teacher
is multiplied in by `labelling` (`audit.Reliability.weight`). All of it is ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from snellen.scorers.base import Score
from snellen.stats import LEVELS, soft_levels

_PLAIN_SPREAD = 12.5  # points: half a level, where a teacher says nothing of its doubt


def decidedness(probabilities: Sequence[float]) -> float:
    """1 − entropy / log K of K probabilities: 1 when one option has all, 0 when all are alike."""
    entropy = -math.fsum(p * math.log(p) for p in probabilities if p > 0)
    return min(1.0, max(0.0, 1 - entropy / math.log(len(probabilities))))


def levels_of(score: Score) -> list[float]:
    """Five levels, worst first: those the judge was asked for, or as many as mean and deviation
    of the score make."""
    mixed = np.zeros(len(LEVELS))
    for item in score.evidence:
        if not item.weight:
            continue
        said = {
            option.casefold(): p for option, p in zip(item.options, item.probabilities, strict=True)
        }
        if set(said) != set(LEVELS):
            return five_levels(score.value, score.spread)
        mixed += item.weight * np.array([said[level] for level in LEVELS])
    total = float(mixed.sum())
    if not total:
        return five_levels(score.value, score.spread)
    found: list[float] = (mixed / total).tolist()
    return found


def reliability_of(score: Score) -> float:
    """How decided the answers were that made the score, each as it counts; of a score without
    evidence, how decided its levels are."""
    counting = [item for item in score.evidence if item.weight and item.probabilities]
    if not counting:
        return decidedness(levels_of(score))
    total = math.fsum(item.weight for item in counting)
    return math.fsum(item.weight * decidedness(item.probabilities) for item in counting) / total


def five_levels(value: float, spread: float | None) -> list[float]:
    """A score of 0–100 as five levels, worst first, for methods that do not ask for levels.

    spread : standard deviation, points; half a level where the method says none.
    """
    std = _PLAIN_SPREAD if spread is None or not math.isfinite(spread) else spread
    found: list[float] = soft_levels([value], [std], scale=(0.0, 100.0))[0].tolist()
    return found
