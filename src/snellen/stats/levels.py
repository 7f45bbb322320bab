"""Soft five-level distributions: how votes of a given mean and spread fall on "bad" to "excellent".

    levels = soft_levels(mos, std)            # (n, 5), each row sums to 1 and keeps its MOS
    expected_score(levels)                    # the MOS again

Training a model on these instead of on the nearest level keeps what raters disagreed about.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from snellen.errors import InputError, StatsError
from snellen.stats.votes import Floats

LEVELS = ("bad", "poor", "fair", "good", "excellent")
"""The five grades of ITU-R BT.500, in the order of the columns here."""

_CENTRES = np.arange(1.0, 6.0)
# So near to the middle of the scale both sides of the mean's equation vanish.
_ROUNDING = 1e-12  # of a probability
_MIDDLE = 1e-8
_STEEPEST = 750.0  # tilt at which e^-tilt is 0 in floating point
_HALVINGS = 70


def soft_levels(
    mos: npt.ArrayLike,
    std: npt.ArrayLike,
    scale: tuple[float, float] = (1.0, 5.0),
    density: Literal["cdf", "pdf"] = "cdf",
    smallest_std: float = 0.2,
) -> Floats:
    """Probabilities (n, 5) of the five levels, from bad to excellent, that keep each MOS.

    mos, std     : (n,) mean and standard deviation of the votes, in the units of `scale`; a row
                   with NaN in its MOS is NaN, one without a std gets the two nearest levels.
    scale        : its ends; they become the centres of the levels bad and excellent.
    density      : the normal distribution's mass within half a level about each ("cdf", better for
                   small spreads) or its density at each ("pdf", better for large ones).
    smallest_std : in levels; under it the MOS is shared between its two nearest levels alone, since
                   the five points of so narrow a normal tell nothing.

    The raw p lose mass beyond the ends and with it the mean; α p + β with Σ = 1 and Σ c p = MOS
    mends both. Where β makes some level negative, DeQA cuts it off and lets sum and mean slip; here
    p · e^(λ c) takes its place, which is never negative and keeps both exactly (ours). At the
    middle of the scale, where DeQA's α is 0 / 0, its limit is taken (ours).
    Raises `StatsError` for MOS outside the scale or negative spreads.
    Source: You et al., "Teaching Large Language Models to Regress Accurate Image Quality Scores
    using Score Distribution" (DeQA-Score), CVPR 2025, § 3.2 and its appendix.
    """
    if density not in ("cdf", "pdf"):
        raise InputError(f"density is {density!r}", 'Give "cdf" or "pdf".')
    if not scale[0] < scale[1]:
        raise InputError(f"the scale {scale} has no inside", "Give its lower end first.")
    per_level = (scale[1] - scale[0]) / 4
    mean = 1 + (np.atleast_1d(np.asarray(mos, dtype=np.float64)) - scale[0]) / per_level
    spread = np.atleast_1d(np.asarray(std, dtype=np.float64)) / per_level
    if mean.shape != spread.shape or mean.ndim != 1:
        raise InputError(
            f"mos and std have the shapes {mean.shape} and {spread.shape}",
            "Give two columns of the same length.",
        )
    outside = (mean < 1) | (mean > 5)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise StatsError(
            f"the MOS in row {row + 1} is off the scale {scale[0]:g} to {scale[1]:g}",
            "Give the ends of the rating scale.",
        )
    if (spread < 0).any():
        row = int(np.flatnonzero(spread < 0)[0])
        raise StatsError(f"the std in row {row + 1} is negative", "Spreads are 0 or more.")
    found = _two_nearest(mean)
    wide = np.flatnonzero(spread >= smallest_std)  # NaN is not
    wide = wide[np.isfinite(mean[wide])]
    if len(wide):
        # Within the middle's reach α is taken at its edge: it changes by nothing measurable there.
        shifted = np.where(np.abs(mean[wide] - 3) < _MIDDLE, 3 + _MIDDLE, mean[wide])
        raw = _normal_levels(shifted, spread[wide], density)
        found[wide] = _keep_mean(raw, shifted)
    return found


def expected_score(levels: npt.ArrayLike, scale: tuple[float, float] = (1.0, 5.0)) -> Floats:
    """(n,) the mean of distributions (n, 5), bad to excellent, in the units of `scale`."""
    table = np.asarray(levels, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(LEVELS):
        raise InputError(f"levels have the shape {table.shape}", "Give (n, 5).")
    return np.asarray(scale[0] + (table @ _CENTRES - 1) * (scale[1] - scale[0]) / 4)


def _normal_levels(mean: Floats, spread: Floats, density: str) -> Floats:
    """(n, 5) raw mass or density of each level; sums are not 1."""
    from scipy.special import ndtr

    gap = (_CENTRES - mean[:, None]) / spread[:, None]
    if density == "pdf":
        # Relative to the nearest level: far ends underflow, and α takes any factor out again.
        nearest = (gap**2).min(axis=1, keepdims=True)
        return np.asarray(np.exp((nearest - gap**2) / 2))
    half = 0.5 / spread[:, None]
    return np.asarray(ndtr(gap + half) - ndtr(gap - half))


def _keep_mean(raw: Floats, mean: Floats) -> Floats:
    """(n, 5) α p + β; or p · e^(λ c), normalised, in rows where some α p + β is negative."""
    mass, moment = raw.sum(axis=1), raw @ _CENTRES
    alpha = (mean - 3) / (moment - 3 * mass)
    beta = (1 - alpha * mass) / 5
    found = np.asarray(alpha[:, None] * raw + beta[:, None])
    # A level of nothing but rounding counts as negative, so that both directions choose alike.
    rows = np.flatnonzero((found < _ROUNDING).any(axis=1) | (alpha <= 0))
    with np.errstate(divide="ignore"):
        logs = np.log(raw[rows])
    low, high = np.full(len(rows), -_STEEPEST), np.full(len(rows), _STEEPEST)
    for _ in range(_HALVINGS):  # the mean grows with λ
        tilt = (low + high) / 2
        below = _tilted(logs, tilt) @ _CENTRES < mean[rows]
        low, high = np.where(below, tilt, low), np.where(below, high, tilt)
    found[rows] = _tilted(logs, (low + high) / 2)
    return found


def _tilted(logs: Floats, tilt: Floats) -> Floats:
    exponents = logs + tilt[:, None] * _CENTRES
    parts = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return np.asarray(parts / parts.sum(axis=1, keepdims=True))


def _two_nearest(mean: Floats) -> Floats:
    """(n, 5) the mean shared between the levels on its two sides; NaN rows stay NaN."""
    return np.where(
        np.isnan(mean)[:, None], np.nan, np.maximum(0.0, 1 - np.abs(_CENTRES - mean[:, None]))
    )
