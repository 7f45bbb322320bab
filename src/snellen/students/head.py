"""The head of a student: from a picture's features to quality and its spread."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snellen.students.body import Body, BuiltInBody
from snellen.students.network import MIDDLE

_HIDDEN = 160
_NARROW, _WIDE = -6.0, 2.0  # of the log-variance, as in the built-in scorer


class QualityHead(nn.Module):
    """features (B, d) → score (B,) in MOS units 1–5 and log-variance (B,).

    The score is the mean of what the cells say, each by one linear rule (that is the map), plus
    what a small network says of the picture's features. `centre` and `scale` (d,) normalise the
    features; calibration uses the same normalised features.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, width: int, cell_width: int, hidden: int = _HIDDEN) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.cell = nn.Linear(cell_width, 1, bias=False)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, 2)
        nn.init.zeros_(self.cell.weight)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def normalise(self, features: Tensor) -> Tensor:
        return (features - self.centre) / self.scale

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        own = self.outer(torch.relu(self.inner(self.normalise(features))))
        cells = self.of_cells(features[:, : self.cell.in_features])
        return cells + own[:, 0], own[:, 1].clamp(_NARROW, _WIDE)

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
    head = QualityHead(body.width, body.cell_width)
    if isinstance(body, BuiltInBody):
        norm, inner = body.network.head[0], body.network.head[1]
        assert isinstance(norm, nn.BatchNorm1d)
        assert isinstance(inner, nn.Linear)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        head = QualityHead(body.width, body.cell_width, inner.out_features)
        with torch.no_grad():
            head.centre.copy_(norm.running_mean)
            head.scale.copy_(torch.sqrt(norm.running_var + norm.eps))
            # The normalisation's own factor and offset go into the layer behind it.
            head.inner.weight.copy_(inner.weight * norm.weight)
            head.inner.bias.copy_(inner.bias + inner.weight @ norm.bias)
            head.outer.weight.copy_(body.network.out.weight[:2])
            head.outer.bias.copy_(body.network.out.bias[:2])
            head.cell.weight.copy_(body.network.cell_score.weight)
    return head
