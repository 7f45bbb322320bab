"""The head of a student: from a picture's features to quality and its spread."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snellen.students.body import Body, BuiltInBody
from snellen.students.naturalness import bent
from snellen.students.second import MIDDLE, SecondOpinion

_HIDDEN = 160
_NARROW, _WIDE = -6.0, 2.0  # of the log-variance, as in the built-in scorer
_FURTHEST = SecondOpinion.furthest


class QualityHead(nn.Module):
    """features (B, d) → score (B,) in MOS units 1–5 and log-variance (B,).

    The score is the mean of what the cells say, each by one linear rule (that is the map), plus
    what a small network says of the pooled features. Where the body measures more (the built-in
    scorer's statistics), a second opinion on that is averaged in with its `weight`; and naturalness
    bends what comes of it with its `strength` (`students.naturalness`).
    `centre` and `scale` (d,) normalise the features; calibration uses the same normalised ones.
    """

    centre: Tensor
    scale: Tensor
    weight: Tensor
    strength: Tensor
    usual: Tensor

    def __init__(self, body: Body, hidden: int = _HIDDEN, second: nn.Module | None = None) -> None:
        super().__init__()
        self.pooled, self.natural = body.pooled, body.natural
        self.measured = body.width - body.natural
        self.register_buffer("centre", torch.zeros(body.width))
        self.register_buffer("scale", torch.ones(body.width))
        self.register_buffer("weight", torch.tensor(0.0))
        self.register_buffer("strength", torch.tensor(0.0), persistent=self.natural)
        self.register_buffer("usual", torch.tensor(0.0), persistent=self.natural)
        self.cell = nn.Linear(body.cell_width, 1, bias=False)
        self.inner = nn.Linear(body.pooled, hidden)
        self.outer = nn.Linear(hidden, 2)
        self.second = second
        nn.init.zeros_(self.cell.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def normalise(self, features: Tensor) -> Tensor:
        usual = (features - self.centre) / self.scale
        # What is measured beside the cells has long tails; it was learned from clipped like this.
        return torch.cat(
            [usual[:, : self.pooled], usual[:, self.pooled :].clamp(-_FURTHEST, _FURTHEST)], 1
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        usual = self.normalise(features)
        own = self.outer(torch.relu(self.inner(usual[:, : self.pooled])))
        score = self.of_cells(features[:, : self.cell.in_features]) + own[:, 0]
        if self.second is not None:
            other = MIDDLE + self.second(usual[:, self.pooled : self.measured])[:, 0]
            score = score + self.weight * (other - score)
        if self.natural:
            score = bent(score, features[:, -1], self.strength, self.usual)
        return score, own[:, 1].clamp(_NARROW, _WIDE)

    def of_cells(self, cells: Tensor) -> Tensor:
        """(…, C) → (…) MOS units: what a cell says alone."""
        said: Tensor = self.cell(cells)[..., 0]
        return MIDDLE + said


class Prediction(NamedTuple):
    """What a student says of a batch of B pictures with n crops.

    score, log_variance : (B,) MOS units 1–5.
    features            : (B, d) normalised.
    families, severity  : as `students.body.Body.faults`, None where nobody taught any.
    cells               : (B, n, p, p) MOS units.
    """

    score: Tensor
    log_variance: Tensor
    features: Tensor
    families: Tensor | None
    severity: Tensor | None
    cells: Tensor


class StudentNetwork(nn.Module):
    """A body with a head. Always in evaluation mode: batch statistics would make a picture's score
    depend on its neighbours."""

    def __init__(self, body: Body, head: QualityHead) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.eval()

    def forward(self, crops: Tensor, whole: Tensor) -> Prediction:
        """crops (B, n, s, s, 3) and whole (B, w, w, 3), 0–255; see `images.view`."""
        cells, features = self.body.look(crops, whole)
        score, log_variance = self.head(features)
        faults = self.body.faults(features)
        side = math.isqrt(cells.shape[2])
        return Prediction(
            score,
            log_variance,
            self.head.normalise(features),
            None if faults is None else faults[0],
            None if faults is None else faults[1],
            self.head.of_cells(cells).reshape(*cells.shape[:2], side, side),
        )


def start_head(body: Body) -> QualityHead:
    """The head that training starts from: the built-in scorer's own, or one that knows nothing."""
    head = QualityHead(body)
    if isinstance(body, BuiltInBody):
        norm, inner, second = body.network.head[0], body.network.head[1], body.network.second
        natural = body.network.natural
        assert isinstance(norm, nn.BatchNorm1d)
        assert isinstance(inner, nn.Linear)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        layers = None if second is None else copy.deepcopy(second.layers)
        head = QualityHead(body, inner.out_features, layers)
        with torch.no_grad():
            head.centre[: body.pooled].copy_(norm.running_mean)
            head.scale[: body.pooled].copy_(torch.sqrt(norm.running_var + norm.eps))
            if second is not None:
                head.centre[body.pooled : head.measured].copy_(second.middle)
                head.scale[body.pooled : head.measured].copy_(1 / second.inverse)
                head.weight.copy_(second.weight)
            if natural is not None:
                head.centre[-1] = MIDDLE
                head.strength.copy_(natural.strength)
                head.usual.copy_(natural.usual)
            # The normalisation's own factor and offset go into the layer behind it.
            head.inner.weight.copy_(inner.weight * norm.weight)
            head.inner.bias.copy_(inner.bias + inner.weight @ norm.bias)
            head.outer.weight.copy_(body.network.out.weight[:2])
            head.outer.bias.copy_(body.network.out.bias[:2])
            head.cell.weight.copy_(body.network.cell_score.weight)
    return head
