"""A student as one ONNX file that `snellen score --with FILE` runs, in floats.

    pack(open_student("student"), Path("student.onnx"))

Body, distilled head, calibrated head and interval are one graph; the card goes into its metadata.
The contract of the file is in `snellen.scorers.student`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import InputError
from snellen.students.export import write_onnx
from snellen.students.head import StudentNetwork
from snellen.students.model import StudentModel
from snellen.students.opinion import Opinion

_Z95 = 1.959964  # the reader of the file makes its 95 % interval of 1.96 times the spread
_CARD = ("name", "version", "body", "teacher", "distilled", "calibration", "licence")


class OpinionHead(nn.Module):
    """`Opinion` as a module: distilled score (B,), points, and features (B, d) → points (B,)."""

    centres: Tensor
    weights: Tensor

    def __init__(self, opinion: Opinion) -> None:
        super().__init__()
        self.register_buffer("centres", torch.from_numpy(opinion.centres).float())
        self.register_buffer("weights", torch.from_numpy(opinion.weights).float())
        self.slope, self.intercept, self.width = opinion.slope, opinion.intercept, opinion.width

    def forward(self, score: Tensor, features: Tensor) -> Tensor:
        squares = (features * features).sum(1)[:, None] + (self.centres * self.centres).sum(1)
        apart = (squares - 2 * features @ self.centres.T).clamp(min=0)
        near = torch.exp(-apart / (2 * self.width))
        return self.intercept + self.slope * score + near @ self.weights


class OnScale(nn.Module):
    """A student in points of 0–100: views of B pictures → score and spread (B,), and the rest.

    half_width : half the width of the calibrated interval, points; None where the network's own
           deviation stands (not calibrated: it says how sure the teacher was, not how right).
    """

    def __init__(self, network: StudentNetwork, opinion: Opinion | None, half_width: float | None):
        super().__init__()
        self.network = network
        self.opinion = None if opinion is None else OpinionHead(opinion)
        self.half_width = half_width

    def forward(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, ...]:
        """score, spread, [families, severity,] cells; see `students.network` for the shapes."""
        found = self.network(crops, whole)
        distilled, cells = _points(found.score), _points(found.cells)
        score, spread = distilled, torch.exp(found.log_variance / 2) * 25
        if self.opinion is not None:
            score = self.opinion(distilled, found.features)
            cells = cells * self.opinion.slope
        if self.half_width is not None:
            spread = torch.zeros_like(score) + self.half_width / _Z95
        # The map keeps its own contrast but agrees with the score on the average.
        cells = cells + (score - cells.mean((1, 2, 3)))[:, None, None, None]
        if found.families is None or found.severity is None:
            return score, spread, cells
        families = torch.softmax(found.families, 1)
        return score, spread, families, found.severity.amax(1) * 4, cells


class _OnePicture(nn.Module):
    """`OnScale` without the batch: crops (n, s, s, 3), whole (w, w, 3)."""

    def __init__(self, model: OnScale) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, ...]:
        return tuple(part[0] for part in self.model(crops[None], whole[None]))


def on_scale(student: StudentModel) -> OnScale:
    """The student with its calibration, as one module in evaluation mode."""
    calibration = student.card.get("calibration")
    half = calibration["interval"]["half_width"] if calibration else None
    return OnScale(student.network, student.opinion, half).eval()


def pack(
    student: StudentModel, path: Path, *, name: str | None = None, licence: str | None = None
) -> dict[str, Any]:
    """Write the ONNX file; returns its card.

    name    : what scores made with it are called; the student's own without.
    licence : of the teacher's weights, where the card does not say yet.
    Raises `InputError` where the file cannot lie there.
    """
    if path.suffix.lower() != ".onnx":
        raise InputError(f"cannot export to {path}", "End the name in .onnx.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.parent} for {path.name}", "Make it first.")
    card = {key: student.card[key] for key in _CARD if key in student.card}
    card |= {"name": name or student.name, "version": student.identity()[:8]}
    if licence:
        card["licence"] = licence
    faults = student.network.body.faults(torch.zeros(1, student.network.body.width)) is not None
    outputs = ["score", "spread", *(["families", "severity"] if faults else []), "cells"]
    write_onnx(_OnePicture(on_scale(student)).eval(), path, card, outputs, student.policy)
    return card


def _points(opinion: Tensor) -> Tensor:
    """Mean opinion 1–5 → 0–100."""
    return (opinion - 1) * 25
