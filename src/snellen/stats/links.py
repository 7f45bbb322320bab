"""What a distance on the scale means for an answer: the three likelihoods of paired comparisons.

Each gives, per compared pair and for the distance between its two items, the log-likelihood of the
answers and its derivatives; `snellen.stats.scaling` climbs them on the graph of all pairs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snellen.stats.pairs import Comparisons
from snellen.stats.votes import Floats


@dataclass(frozen=True)
class Local:
    """Log-likelihood of each pair's answers and its derivatives, all (pairs,).

    value         : log-likelihood.
    slope         : first derivative by the distance, first item minus second.
    curvature     : minus the second derivative, ≥ 0.
    tie_slope, tie_curvature : the same by the log of the tie factor; 0 where there is none.
    cross         : minus the mixed derivative.
    """

    value: Floats
    slope: Floats
    curvature: Floats
    tie_slope: Floats
    tie_curvature: Floats
    cross: Floats


class Link(ABC):
    """Base of the three: ties are half a win for either item, and there is no tie factor.

    per_jod : distance at which three of four untied answers prefer the better item.
    """

    per_jod: ClassVar[float]
    has_tie: ClassVar[bool] = False
    tie_start: float = 0.0

    def __init__(self, pairs: Comparisons) -> None:
        self.wins = pairs.wins_first + pairs.ties / 2
        self.losses = pairs.wins_second + pairs.ties / 2
        self.zero = np.zeros(len(pairs))

    @abstractmethod
    def at(self, gap: Floats, tie: float) -> Local:
        """The likelihood at distances `gap` (pairs,) and the log `tie` of the tie factor."""

    @staticmethod
    @abstractmethod
    def probability(gap: Floats) -> Floats:
        """Probability of preferring the first item over the second, `gap` above it."""


class Logistic(Link):
    """Bradley–Terry: P(first) = 1 / (1 + e^−gap)."""

    per_jod = float(np.log(3.0))

    def at(self, gap: Floats, tie: float) -> Local:
        from scipy.special import expit, log_expit

        total = self.wins + self.losses
        p = expit(gap)
        # log σ(−gap) = log σ(gap) − gap
        value = total * log_expit(gap) - self.losses * gap
        zero = self.zero
        return Local(value, self.wins - total * p, total * p * (1 - p), zero, zero, zero)

    @staticmethod
    def probability(gap: Floats) -> Floats:
        from scipy.special import expit

        return np.asarray(expit(gap))


class Normal(Link):
    """Thurstone case V: P(first) = Φ(gap), the unit being the spread of a difference."""

    per_jod = 0.6744897501960817  # Φ⁻¹(0.75)

    def at(self, gap: Floats, tie: float) -> Local:
        from scipy.special import log_ndtr

        below, above = log_ndtr(gap), log_ndtr(-gap)
        density = -0.5 * gap**2 - 0.5 * np.log(2 * np.pi)
        # The inverse Mills ratios φ/Φ, through logarithms: far out both parts underflow.
        first, second = np.exp(density - below), np.exp(density - above)
        zero = self.zero
        return Local(
            self.wins * below + self.losses * above,
            self.wins * first - self.losses * second,
            self.wins * first * (first + gap) + self.losses * second * (second - gap),
            zero,
            zero,
            zero,
        )

    @staticmethod
    def probability(gap: Floats) -> Floats:
        from scipy.special import ndtr

        return np.asarray(ndtr(gap))


class Davidson(Link):
    """Bradley–Terry with ties: first : second : tie as e^(gap/2) : e^(−gap/2) : ν."""

    per_jod = Logistic.per_jod
    has_tie = True

    def __init__(self, pairs: Comparisons) -> None:
        super().__init__(pairs)
        self.ties = pairs.ties
        # Between equals a tie has the probability ν / (2 + ν): start from the share of ties.
        tied, decided = float(self.ties.sum()), float((self.wins + self.losses).sum())
        decided -= tied
        self.tie_start = float(np.log(2 * tied / decided))

    def at(self, gap: Floats, tie: float) -> Local:
        exponents = np.stack([gap / 2, -gap / 2, np.full_like(gap, tie)])
        top = exponents.max(axis=0)
        parts = np.exp(exponents - top)
        total = parts.sum(axis=0)
        log_total = top + np.log(total)
        first, second, tied = parts / total
        n = self.wins + self.losses
        lead = first - second
        # wins and losses hold half the ties each: wins − losses is free of them.
        margin = self.wins - self.losses
        value = margin * gap / 2 + self.ties * tie - n * log_total
        return Local(
            value,
            (margin - n * lead) / 2,
            n * (first + second - lead**2) / 4,
            self.ties - n * tied,
            n * tied * (1 - tied),
            -n * lead * tied / 2,
        )

    @staticmethod
    def probability(gap: Floats) -> Floats:
        return Logistic.probability(gap)
