"""Conformal prediction: intervals that hold whatever the errors look like.

    half = conformal_quantile(errors, 0.95)       # errors made on images not learned from
    (prediction - half, prediction + half)

The next error is as likely to fall on any rank among n exchangeable ones, so the one of rank k
bounds it with probability k / (n + 1): no normality, no model. What is asked for mostly falls
between two ranks, (n + 1) · coverage, and rounding it up makes few errors cover too much: 97.3 %
for 95 % of 36. So the value is read off between the two (ours).
Source: Vovk, Gammerman & Shafer 2005; for regression Lei et al. 2018; the place between ranks is
type 6 of Hyndman & Fan 1996.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from snellen.errors import TooFewRatings
from snellen.stats.arrays import Floats, vector
from snellen.stats.intervals import check_confidence


def conformal_quantile(errors: npt.ArrayLike, coverage: float = 0.95) -> float:
    """Half the width of an interval that holds `coverage` of new values.

    errors   : (n,) absolute errors |value − prediction| on images that the prediction has not
               learned from: of a held-out split (split conformal), or left out one by one or fold
               by fold (the jackknife and cross-conformal intervals, whose coverage is nominal in
               practice and guaranteed only to about 1 − 2 · (1 − coverage); Barber et al. 2021).
    Returns the error at place (n + 1) · coverage of the sorted ones, on a straight line between two
    ranks. Coverage then lies between those of the ranks whatever the errors look like, and is at
    least the nominal one where large errors are rarer than small ones (a falling density there:
    their distribution function is concave, so the line between two errors covers more than the
    same line between their coverages).
    Raises `TooFewRatings` where n is under `fewest_for(coverage)`: only the infinite interval would
    be honest; `InputError` for a coverage outside (0, 1), `NotFinite` for an infinite error.
    """
    check_confidence(coverage)
    known = vector(errors, "errors")
    known = np.sort(np.abs(known[~np.isnan(known)]))
    if known.size < fewest_for(coverage):
        raise TooFewRatings(
            f"a conformal interval of {coverage:.0%} was to be made from {known.size} errors, and"
            f" it needs {fewest_for(coverage)}",
            "Rate more images, or ask for less coverage.",
        )
    # The small number undoes rounding: 20 · 0.95 must not become 19.000000000000004.
    place = (known.size + 1) * coverage
    above = math.ceil(place - 1e-9)
    low, high = known[max(above - 2, 0)], known[above - 1]
    return float(min(high, low + (place - above + 1) * (high - low)))


def fewest_for(coverage: float) -> int:
    """Fewest errors that can bound the next one with this probability: 19 for 95 %."""
    check_confidence(coverage)
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def covered(
    low: npt.ArrayLike, high: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[float, float, float]:
    """Share of `values` (n,) inside [low, high], and its 95 % Wilson interval (Wilson 1927).

    Values that are NaN are left out. Raises `TooFewRatings` where none is left.
    """
    truth: Floats = vector(values, "values")
    known = ~np.isnan(truth)
    n = int(known.sum())
    if not n:
        raise TooFewRatings("no value to check the intervals with", "Keep some ratings apart.")
    inside = (np.asarray(low)[known] <= truth[known]) & (truth[known] <= np.asarray(high)[known])
    share, z2 = float(inside.mean()), 1.959964**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * share * (1 - share) / n + z2**2 / (4 * n * n)) / (1 + z2 / n)
    return share, max(0.0, centre - half), min(1.0, centre + half)
