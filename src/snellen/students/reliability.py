"""How a method's score becomes a label, and how far it is trusted: its own doubt and an audit.

    levels_of(score), reliability_of(score) · audit.trust(families)

A label of 1 is learned in full, one of 0 not at all. All of it is ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snellen.errors import DataError
from snellen.scorers.base import FAMILIES, Score
from snellen.stats import LEVELS, soft_levels

_VERSION = 1  # of reliability.json
_PLAIN_SPREAD = 12.5  # points: half a level, where a teacher says nothing of its doubt


def decidedness(probabilities: Sequence[float]) -> float:
    """1 − entropy / log K of K probabilities: 1 when one option has all, 0 when all are alike."""
    entropy = -math.fsum(p * math.log(p) for p in probabilities if p > 0)
    return min(1.0, max(0.0, 1 - entropy / math.log(len(probabilities))))


@dataclass(frozen=True)
class Audit:
    """What `snellen audit` found of one judge: how reliably it sees each family of distortion.

    judge, method : who was audited.
    reliability   : family → 0–1; of `clean`, how often a pristine picture is left alone.
    """

    judge: str
    method: str
    reliability: Mapping[str, float]

    def trust(self, families: Mapping[str, float]) -> float:
        """Σ P(family | picture) · reliability(family), with P from a scorer that names families.

        1 where the scorer names none: nothing is then known against the judge.
        """
        total = math.fsum(families.values())
        if not total:
            return 1.0
        return math.fsum(p * self.reliability[name] for name, p in families.items()) / total


def read_audit(path: Path) -> Audit:
    """The reliability.json of an audit. Raises `DataError` for anything else."""
    fix = "Give the reliability.json that `snellen audit` wrote."
    try:
        found = json.loads(path.read_text("utf-8"))
        version = found["version"]
        families = {name: float(found["families"][name]["reliability"]) for name in FAMILIES}
        audit = Audit(str(found["judge"]), str(found["method"]), families)
    except FileNotFoundError:
        raise DataError(f"no audit at {path}", fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no audit of reliability ({type(error).__name__}: {error})", fix
        ) from None
    if version != _VERSION:
        raise DataError(
            f"{path} has version {version}, this version of Snellen reads {_VERSION}",
            "Run the audit again with this version.",
        )
    bad = [name for name, value in families.items() if not 0 <= value <= 1]
    if bad:
        raise DataError(f"{path}: the reliability of {bad[0]} is {families[bad[0]]}", fix)
    return audit


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
