"""From a scorer's scale to the scale of the MOS: linear, logistic and isotonic maps.

PLCC and RMSE are judged after a monotone map, because a scorer owes nobody the curve of a rating
scale. A map fitted on the labels it is judged on flatters: with 100 images and no relation at all
an isotonic map brings PLCC from 0 to about 0.2. So every map here can be cross-fitted: each image
is mapped by a fit that has not seen it nor any image of its cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from snellen.errors import InputError, TooFewRatings, UnknownName
from snellen.stats.arrays import Aligned, Floats, Ints, align, refuse_constant, standardise, vector

Kind = Literal["linear", "logistic4", "logistic5", "isotonic"]
Direction = Literal["auto", "increasing", "decreasing"]

#: Fewest images each map can be fitted on: one more than it has parameters.
_FEWEST: dict[str, int] = {"linear": 3, "logistic4": 5, "logistic5": 6, "isotonic": 3}


@dataclass(frozen=True)
class Mapping:
    """A fitted map; call it on scores (any shape, NaN stays NaN) to get values on the MOS scale.

    kind       : "linear", "logistic4", "logistic5" or "isotonic".
    parameters : linear (slope, intercept); logistic4 (b1, b2, b3, b4) of
                 (b1 − b2) / (1 + exp(−(x − b3) / |b4|)) + b2; logistic5 (b1 … b5) of
                 b1·(1/2 − 1 / (1 + exp(b2·(x − b3)))) + b4·x + b5; isotonic: the knots' scores,
                 then their values; straight lines between knots, constant beyond.
    monotone   : whether it is, over the scores it was fitted on; 5 parameters need not be.
    n          : images it was fitted on.
    rmse       : error on those same images, in units of the MOS (flattering).
    """

    kind: Kind
    parameters: tuple[float, ...]
    monotone: bool
    n: int
    rmse: float

    def __call__(self, scores: ArrayLike) -> Floats:
        return _evaluate(self.kind, np.array(self.parameters), np.asarray(scores, np.float64))


def fit_mapping(
    scores: ArrayLike, mos: ArrayLike, kind: Kind = "logistic4", *, direction: Direction = "auto"
) -> Mapping:
    """Least-squares map of a kind from `scores` to `mos`.

    scores, mos : (n,) as in `srcc`; missing pairs are left out.
    direction   : of an isotonic map only: "auto" takes the sign of the rank correlation.
    Raises `TooFewRatings` with no more images than parameters, `ConstantValues`, `NotFinite`.
    Source: VQEG 2000 and ITU-R BT.500 (4 parameters); Sheikh, Sabir & Bovik 2006 (5 parameters);
    Barlow et al. 1972 (isotonic).
    """
    _check(kind)
    data = align([scores], mos)
    return fit_aligned(data.scores[0], data.mos, kind, direction)


def cross_fit(
    scores: ArrayLike,
    mos: ArrayLike,
    kind: Kind = "logistic4",
    *,
    folds: int = 5,
    clusters: Sequence[Any] | ArrayLike | None = None,
    seed: int = 0,
) -> Floats:
    """(n,) each score mapped by a fit on the other folds; NaN where score or MOS is missing.

    Folds are dealt by cluster (all images of a reference together), at random from `seed`, the same
    for any order of the rows. Errors as in `fit_mapping`.
    """
    _check(kind)
    data = align([scores], mos, clusters)
    fold = deal_folds(data.clusters, folds, seed)
    result = np.full(vector(mos, "MOS values").size, np.nan)
    result[data.position] = out_of_fold(data.scores[0], data.mos, fold, kind)
    return result


def mapped(data: Aligned, kind: Kind, fold: Ints | None) -> Aligned:
    """`data` with its one scorer mapped to the MOS scale: out of fold, or in-sample if None."""
    _check(kind)
    x, y = data.scores[0], data.mos
    x = fit_aligned(x, y, kind)(x) if fold is None else out_of_fold(x, y, fold, kind)
    refuse_constant(x, f"scores after the {kind} map")
    return replace(data, scores=x[None])


def deal_folds(clusters: Ints, folds: int, seed: int) -> Ints:
    """(n,) fold of each image: clusters shuffled, then dealt round; sizes differ by one cluster."""
    m = int(clusters[-1]) + 1
    if folds < 2:
        raise InputError(f"{folds} folds were asked for", "Cross-fitting needs at least 2.")
    if m < folds:
        raise TooFewRatings(
            f"{m} independent images or clusters cannot be dealt into {folds} folds",
            f"Ask for at most {m} folds.",
        )
    fold = np.empty(m, np.intp)
    fold[np.random.default_rng(seed).permutation(m)] = np.arange(m) % folds
    return fold[clusters]


def out_of_fold(x: Floats, y: Floats, fold: Ints, kind: Kind) -> Floats:
    """(n,) each of `x` mapped by a fit on the images of the other folds."""
    result = np.empty_like(x)
    for k in np.unique(fold):
        inside = fold == k
        result[inside] = fit_aligned(x[~inside], y[~inside], kind)(x[inside])
    return result


def centre_by_fold(values: Floats, fold: Ints) -> Floats:
    """`values` (n,) less the mean of their fold."""
    means = np.bincount(fold, values) / np.bincount(fold)
    return np.asarray(values - means[fold])


def fit_aligned(x: Floats, y: Floats, kind: Kind, direction: Direction = "auto") -> Mapping:
    """`fit_mapping` for checked arrays: finite and of one length."""
    if x.size < _FEWEST[kind]:
        raise TooFewRatings(
            f"a {kind} map was to be fitted on {x.size} images, and it needs {_FEWEST[kind]}",
            "Use fewer folds, a map with fewer parameters, or rate more images.",
        )
    if kind == "linear":
        parameters = _linear(x, y)
    elif kind == "isotonic":
        parameters = _isotonic(x, y, direction)
    else:
        parameters = _logistic(x, y, kind)
    fitted = _evaluate(kind, parameters, x)
    steps = np.diff(fitted[np.argsort(x, kind="stable")])
    slack = 1e-9 * (np.ptp(fitted) + 1e-300)
    return Mapping(
        kind=kind,
        parameters=tuple(parameters.tolist()),
        monotone=bool(np.all(steps >= -slack) or np.all(steps <= slack)),
        n=x.size,
        rmse=float(np.sqrt(np.mean((fitted - y) ** 2))),
    )


def _check(kind: str) -> None:
    if kind not in _FEWEST:
        raise UnknownName("mapping", kind, _FEWEST)


def _evaluate(kind: Kind, p: Floats, x: Floats) -> Floats:
    from scipy.special import expit

    if kind == "linear":
        return np.asarray(p[0] * x + p[1])
    if kind == "logistic4":
        return np.asarray((p[0] - p[1]) * expit((x - p[2]) / abs(p[3])) + p[1])
    if kind == "logistic5":
        return np.asarray(p[0] * (0.5 - expit(-p[1] * (x - p[2]))) + p[3] * x + p[4])
    knots = p.size // 2
    return np.asarray(np.interp(x, p[:knots], p[knots:]))


def _linear(x: Floats, y: Floats) -> Floats:
    z, mean, scale = standardise(x)
    slope = float(z @ (y - y.mean())) / x.size / scale
    return np.array([slope, y.mean() - slope * mean])


def _isotonic(x: Floats, y: Floats, direction: Direction) -> Floats:
    """Knots of the pool-adjacent-violators fit, images with one score pooled first."""
    from scipy.optimize import isotonic_regression
    from scipy.stats import rankdata

    if direction == "auto":
        agree = np.corrcoef(rankdata(x), rankdata(y))[0, 1] if np.ptp(x) and np.ptp(y) else 1.0
        direction = "decreasing" if agree < 0 else "increasing"
    knots, group = np.unique(x, return_inverse=True)
    weight = np.bincount(group.reshape(-1))
    mean = np.bincount(group.reshape(-1), y) / weight
    fit = isotonic_regression(mean, weights=weight, increasing=direction == "increasing").x
    # Only the ends of each flat stretch matter to the line through the knots.
    inner = np.concatenate([[True], (fit[1:-1] != fit[:-2]) | (fit[1:-1] != fit[2:]), [True]])
    inner = inner[: knots.size]
    return np.concatenate([knots[inner], fit[inner]])


def _logistic(x: Floats, y: Floats, kind: Kind) -> Floats:
    """Least squares by separating the linear parameters from the two that are not.

    Given the centre and the width of the S, all else is a linear fit: so the search is over a small
    grid of those two, and the best point is then polished in all parameters at once. Scores are
    standardised first, so a scorer in thousandths is fitted as well as one in thousands.
    """
    from scipy.optimize import least_squares

    z, mean, scale = standardise(x)
    starts = [
        (float(centre), float(np.log(width)))
        for centre in np.unique(np.quantile(z, [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95]))
        for width in (0.1, 0.3, 0.6, 1.2, 3.0)
    ]
    shape = min(starts, key=lambda start: _linear_parameters(z, y, start, kind)[0])
    error, linear = _linear_parameters(z, y, shape, kind)

    # The ends of what data can show: a step of a hundredth of a deviation and a straight line of a
    # hundred deviations, centred anywhere near the scores. Both are legitimate fits; beyond them
    # parameters run away without changing the curve.
    middle = np.array([(z.min() + z.max()) / 2.0, 0.0])
    reach = np.array([np.ptp(z) / 2.0 + 10.0, np.log(100.0)])

    def residual(q: Floats) -> Floats:
        centre, log_width = middle + reach * np.tanh(q[:2])
        return np.asarray(_basis(z, centre, float(np.exp(log_width)), kind) @ q[2:] - y)

    def jacobian(q: Floats) -> Floats:
        bent = np.tanh(q[:2])
        inner = np.concatenate([middle + reach * bent, q[2:]])
        columns = _jacobian(z, inner, kind)
        columns[:, :2] *= reach * (1.0 - bent**2)
        return columns

    start = np.concatenate([np.arctanh((np.array(shape) - middle) / reach), linear])
    polished = least_squares(residual, start, jac=jacobian, method="lm", max_nfev=200)
    q = polished.x if 2.0 * polished.cost <= error else start
    centre, log_width = middle + reach * np.tanh(q[:2])
    centre, width = mean + scale * float(centre), scale * float(np.exp(log_width))
    if kind == "logistic4":
        return np.array([q[2] + q[3], q[3], centre, width])
    # amplitude·(S − 1/2) + slope·z + level, in the published signs and on the original scale
    return np.array([q[2], 1.0 / width, centre, q[4] / scale, q[3] - q[4] * mean / scale])


def _linear_parameters(
    z: Floats, y: Floats, shape: tuple[float, float], kind: Kind
) -> tuple[float, Floats]:
    """Squared error and the linear parameters of the best curve of centre and log width `shape`."""
    basis = _basis(z, shape[0], float(np.exp(shape[1])), kind)
    # Normal equations: three columns at most, and only a start is wanted.
    linear = np.linalg.lstsq(basis.T @ basis, basis.T @ y, rcond=None)[0]
    return float(np.sum((basis @ linear - y) ** 2)), linear


def _basis(z: Floats, centre: float, width: float, kind: Kind) -> Floats:
    """Columns multiplied by the linear parameters: S and 1, or S − 1/2, 1 and z."""
    from scipy.special import expit

    s = expit((z - centre) / width)
    if kind == "logistic4":
        return np.stack([s, np.ones_like(z)], axis=1)
    return np.stack([s - 0.5, np.ones_like(z), z], axis=1)


def _jacobian(z: Floats, q: Floats, kind: Kind) -> Floats:
    """Derivatives of the curve by centre, log width and the linear parameters."""
    from scipy.special import expit

    width = float(np.exp(q[1]))
    u = (z - q[0]) / width
    bell = expit(u) * expit(-u) * q[2]
    return np.concatenate(
        [np.stack([-bell / width, -bell * u], axis=1), _basis(z, q[0], width, kind)], axis=1
    )
