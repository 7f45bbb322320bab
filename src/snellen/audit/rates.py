"""Shares and other ratios with intervals, where pictures of one reference are no separate evidence.

Everything is resampled by whole references: a statistic is a function of sums over pictures, so a
resample is one matrix product of how often each reference was drawn with its sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.stats.intervals import percentile_interval

Floats = npt.NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure with its 95 % interval; NaN where there is nothing to count.

    n : pictures (or ladders) behind it.
    """

    value: float
    low: float
    high: float
    n: int

    def plain(self) -> dict[str, Any]:
        """As JSON values; NaN becomes None."""
        known = {"value": self.value, "low": self.low, "high": self.high}
        found = {name: None if math.isnan(one) else one for name, one in known.items()}
        return {**found, "n": self.n}


NOTHING = Rate(math.nan, math.nan, math.nan, 0)


def share(hits: npt.ArrayLike, references: Sequence[str]) -> Rate:
    """The share of true among `hits` (n,), with an interval that holds at 0 and 1 too.

    Wilson's interval with the effective sample size of a cluster sample, Student's t with
    references − 1 degrees of freedom. Source: Wilson 1927; Korn & Graubard 1998 (effective size).
    Where all agree the size is the number of references: as if the pictures of one reference said
    one thing (ours).
    """
    from scipy.special import stdtrit

    values = np.asarray(hits, np.float64)
    n = values.size
    if not n:
        return NOTHING
    p = float(values.mean())
    _, codes = np.unique(np.asarray(references), return_inverse=True)
    m = int(codes.max()) + 1
    if m < 2:
        return Rate(p, 0.0, 1.0, n)
    residual = np.bincount(codes, values - p, m)
    variance = m / (m - 1) * float(residual @ residual) / n**2
    size = min(max(p * (1 - p) / variance, 1.0), n) if variance > 0 else float(m)
    z2 = float(stdtrit(m - 1, 0.975)) ** 2
    centre = (p + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * (p * (1 - p) + z2 / (4 * size)) / size) / (1 + z2 / size)
    return Rate(p, max(centre - half, 0.0), min(centre + half, 1.0), n)


def mean(values: npt.ArrayLike, references: Sequence[str]) -> Rate:
    """The mean of `values` (n,) over references: each reference's mean counts once.

    Student's t over references. NaN are left out; one reference gives no interval.
    """
    from scipy.special import stdtrit

    found = np.asarray(values, np.float64)
    known = np.isfinite(found)
    if not known.any():
        return NOTHING
    _, codes = np.unique(np.asarray(references)[known], return_inverse=True)
    means = np.bincount(codes, found[known]) / np.bincount(codes)
    n, value = int(known.sum()), float(means.mean())
    if means.size < 2:
        return Rate(value, math.nan, math.nan, n)
    error = float(means.std(ddof=1)) / math.sqrt(means.size)
    half = float(stdtrit(means.size - 1, 0.975)) * error
    return Rate(value, value - half, value + half, n)


def signed(values: npt.ArrayLike, references: Sequence[str]) -> Rate:
    """The mean of `values` (n,) in [−1, 1], such as taus or signs; NaN are left out.

    Its interval is that of `share` for (1 + value) / 2, so that it stays inside and has a width
    where all are 1.
    """
    found = np.asarray(values, np.float64)
    known = np.isfinite(found)
    kept = [name for name, good in zip(references, known, strict=True) if good]
    half = share((1 + found[known]) / 2, kept)
    return Rate(2 * half.value - 1, 2 * half.low - 1, 2 * half.high - 1, half.n)


class Resampling:
    """The same resamples of references for every statistic of one table, so that they compare.

    references : (n,) of each picture.
    """

    def __init__(self, references: Sequence[str], seed: int = 0) -> None:
        names, self._codes = np.unique(np.asarray(references), return_inverse=True)
        self.units = len(names)
        self._seed = seed

    @cached_property
    def _draws(self) -> Floats:
        """(1 + b, m): first the references as they are, then how often each was drawn."""
        rng = np.random.default_rng(self._seed)
        even = np.full(self.units, 1 / self.units)
        drawn = rng.multinomial(self.units, even, RESAMPLES)
        return np.vstack([np.ones(self.units), drawn])

    def sums(self, values: npt.ArrayLike) -> Floats:
        """(1 + b,) or (1 + b, k): the sum of `values` (n,) or (n, k), as it is and resampled."""
        columns = np.asarray(values, np.float64)
        totals = np.zeros((self.units, *columns.shape[1:]))
        np.add.at(totals, self._codes, columns)
        return np.asarray(self._draws @ totals)

    def ratio(self, part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
        """(1 + b, …): `sums` of one over those of the other; NaN where that is zero."""
        over = self.sums(whole)
        return np.asarray(self.sums(part) / np.where(over > 0, over, np.nan))

    def rate(self, values: Floats, n: int) -> Rate:
        """The figure and its interval from (1 + b,) values of a statistic."""
        if math.isnan(values[0]):
            return NOTHING
        usable = int(np.isfinite(values[1:]).sum())
        if self.units < 2 or usable < RESAMPLES // 2:
            return Rate(float(values[0]), math.nan, math.nan, n)
        low, high = percentile_interval(values[1:], self.units)
        return Rate(float(values[0]), low, high, n)
