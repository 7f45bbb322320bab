"""What a student is taught by: the teacher's levels and its preferences, in one Gaussian picture.

A student says a mean μ and a deviation σ of opinion for each picture, in MOS units 1–5. The five
levels are what a normal distribution leaves around 1 … 5, and a preference is Thurstone's: how
often a draw from one picture's opinion beats a draw from the other's. So points and pairs pull on
the same two numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EDGES = (1.5, 2.5, 3.5, 4.5)
_LEAST = 1e-6  # probability; keeps logarithms and square roots of nothing finite


def levels_of(score: Tensor, log_variance: Tensor) -> Tensor:
    """(B, 5) probabilities of the levels under N(score, exp(log_variance)), the ends open."""
    deviation = torch.exp(log_variance / 2)
    edges = torch.tensor(_EDGES, dtype=score.dtype)
    below = _normal_cdf((edges - score[:, None]) / deviation[:, None])
    padded = torch.nn.functional.pad(below, (1, 1))
    padded[:, -1] = 1.0
    return padded.diff(dim=1).clamp(min=_LEAST)


def points_loss(score: Tensor, log_variance: Tensor, levels: Tensor, weight: Tensor) -> Tensor:
    """Mean of KL(teacher's levels (B, 5) ‖ student's), weighted (B,)."""
    own = torch.log(levels_of(score, log_variance))
    teacher = torch.log(levels.clamp(min=_LEAST))
    divergence = (levels * (teacher - own)).sum(1)
    return _weighted(divergence, weight)


def pairs_loss(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], p: Tensor, weight: Tensor
) -> Tensor:
    """Mean fidelity loss 1 − √(p p̂) − √((1 − p)(1 − p̂)), weighted (m,).

    first, second : score and log-variance (m,) of each pair's pictures.
    p             : (m,) teacher's probability that the first is better.
    p̂ = Φ((μ₁ − μ₂) / √(σ₁² + σ₂²)).  Source: fidelity loss, Tsai et al. 2007, as used for quality
    by Zhang et al. 2021; Thurstone 1927.
    """
    gap = first[0] - second[0]
    spread = torch.sqrt(torch.exp(first[1]) + torch.exp(second[1]))
    own = _normal_cdf(gap / spread).clamp(_LEAST, 1 - _LEAST)
    fidelity = 1 - torch.sqrt(p * own + _LEAST**2) - torch.sqrt((1 - p) * (1 - own) + _LEAST**2)
    return _weighted(fidelity, weight)


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=_LEAST)


def _normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))
