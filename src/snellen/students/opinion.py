"""People's opinion from a student's score and features: a few ratings, a closed form.

    opinion = fit_opinion(scores, features, mos)
    opinion(new_scores, new_features)          # on the scale of `mos`

A monotone map of the score cannot change a ranking, so a part of the student has to be learned
again. It is the head, and the pull back to the distilled one is its prior (all ours):

    mos = mean + deviation · (b₀ + b₁ · score + f(features)) + noise

where `score` is the distilled score, b₁ is expected near ½ (a score that ranks as people do, with
noise), and f is a Gaussian process: what the rated pictures say against the distilled score, spread
to pictures that look alike in the student's own features and fading to nothing, that is to the
distilled score, where no rated picture is near. How much f may say is not chosen: it is averaged
over a grid, weighted by how well each explains the ratings (marginal likelihood; Rasmussen &
Williams 2006, § 2.2 and 5.4). All of it is one linear system in the number of ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.errors import ConstantValues, InputError, TooFewRatings
from snellen.stats.arrays import Floats

FEWEST = 10
"""Ratings under which nothing is learned: the slope alone would be noise (ours)."""
MOST = 2000
"""Ratings that shape the head; the work grows with their cube. More still make map and interval."""

_RATIOS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # variance of f over that of the noise
_SLOPE, _SLOPE_SD = 0.5, 0.3  # b₁ before any rating, in deviations of MOS a deviation of score
_NOISE = 0.5  # variance of noise that the prior of b is relative to, in variances of the MOS
_SHAPE, _SCALE = 2.0, 1.0  # of the inverse gamma prior of the noise's variance


@dataclass(frozen=True)
class Opinion:
    """A fitted head; call it on scores (n,) and normalised features (n, d).

    centres   : (m, d) features of the rated pictures.
    weights   : (m,) what each adds, in units of the MOS.
    slope, intercept : of the distilled score, likewise.
    width     : the kernel is exp(−‖a − b‖² / (2 · width)).
    share     : of what the line leaves, the part that f explains, as the grid believes: near 0 the
                features said nothing that the score did not.
    """

    centres: Floats
    weights: Floats
    slope: float
    intercept: float
    width: float
    share: float

    def __call__(self, scores: npt.ArrayLike, features: npt.ArrayLike) -> Floats:
        straight = self.intercept + self.slope * np.asarray(scores, np.float64)
        near = kernel(np.asarray(features, np.float64), self.centres, self.width)
        return np.asarray(straight + near @ self.weights)

    def arrays(self) -> dict[str, Any]:
        """All of it, for `numpy.savez`; `Opinion(**{…})` takes it back."""
        return {
            "centres": self.centres.astype(np.float32), "weights": self.weights,
            "slope": self.slope, "intercept": self.intercept,
            "width": self.width, "share": self.share,
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Any) -> Opinion:
        """The opposite of `arrays`, of a mapping or an opened .npz."""
        numbers = {name: float(arrays[name]) for name in ("slope", "intercept", "width", "share")}
        centres = np.asarray(arrays["centres"], np.float64)
        return cls(centres, np.asarray(arrays["weights"], np.float64), **numbers)


def fit_opinion(
    scores: npt.ArrayLike, features: npt.ArrayLike, mos: npt.ArrayLike, *, fewest: int = FEWEST
) -> Opinion:
    """The head that these ratings make.

    scores   : (n,) the distilled student's, any unit, higher is better.
    features : (n, d) normalised as the student's head normalises them.
    mos      : (n,) finite, any unit, higher is better.
    fewest   : ratings under which it refuses; fewer than usual only inside a cross-check.
    Raises `TooFewRatings` under `fewest`, `ConstantValues` where all ratings or scores are alike,
    `InputError` over `MOST`.
    """
    s, z, y = (np.asarray(part, np.float64) for part in (scores, features, mos))
    n = y.size
    if s.shape != (n,) or z.ndim != 2 or len(z) != n:
        raise InputError(f"{n} ratings, scores {s.shape} and features {z.shape} do not match")
    if n < fewest:
        raise TooFewRatings(
            f"{n} ratings are too few to calibrate with, which needs {fewest}", "Rate more images."
        )
    if n > MOST:
        raise InputError(f"{n} ratings are more than the {MOST} a head is fitted to")
    for values, name in ((y, "ratings"), (s, "scores")):
        if values.min() == values.max():
            raise ConstantValues(
                f"all {n} {name} are {values[0]:g}: there is nothing to learn from them",
                "Rate images of different quality, or check the column.",
            )
    middle, unit = float(s.mean()), float(s.std())
    mean, deviation = float(y.mean()), float(y.std())
    straight = np.stack([np.ones(n), (s - middle) / unit], axis=1)
    target = (y - mean) / deviation - _SLOPE * straight[:, 1]
    prior = np.diag([1.0, _SLOPE_SD**2 / _NOISE])
    width = typical_width(z)
    like = kernel(z, z, width)
    line_part = straight @ prior @ straight.T + np.eye(n)

    solved = [_solve(ratio * like + line_part, target) for ratio in _RATIOS]
    evidence = np.array(
        [
            -(n / 2 + _SHAPE) * np.log(_SCALE + float(target @ alpha) / 2) - log_determinant / 2
            for alpha, log_determinant in solved
        ]
    )
    belief = np.exp(evidence - evidence.max())
    belief /= belief.sum()
    alphas = np.array([alpha for alpha, _ in solved])
    line = prior @ straight.T @ (belief @ alphas)
    slope = float(deviation * (_SLOPE + line[1]) / unit)
    return Opinion(
        centres=z,
        weights=deviation * ((belief * _RATIOS) @ alphas),
        slope=slope,
        intercept=float(mean + deviation * line[0] - slope * middle),
        width=width,
        share=float(belief @ [ratio / (1 + ratio) for ratio in _RATIOS]),
    )


def typical_width(features: Floats) -> float:
    """Median squared distance between features (n, d): the kernel's width."""
    apart = _squared(features, features)[np.triu_indices(len(features), 1)]
    return float(np.median(apart)) or 1.0


def kernel(a: Floats, b: Floats, width: float) -> Floats:
    """(n, m) likeness of features (n, d) and (m, d), in (0, 1]."""
    return np.asarray(np.exp(-_squared(a, b) / (2 * width)))


def _squared(a: Floats, b: Floats) -> Floats:
    """(n, m) squared distances."""
    cross = a @ b.T
    apart = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * cross
    return np.asarray(np.maximum(apart, 0.0))


def _solve(matrix: Floats, target: Floats) -> tuple[Floats, float]:
    """matrix⁻¹ target of a positive definite matrix, and the logarithm of its determinant."""
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(matrix, lower=True)
    determinant = 2 * float(np.log(np.diag(factor[0])).sum())
    return np.asarray(cho_solve(factor, target)), determinant
