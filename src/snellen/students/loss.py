"""A student inside torch: a differentiable score, a loss, and a metric.

    loss = QualityLoss("student-calibrated")
    (loss(restored) + pixel_loss).backward()       # restored: (B, 3, H, W) in [0, 1]

    metric = QualityMetric("student-calibrated")
    metric.update(images); metric.compute()        # mean score, points of 0–100

The score is that of the exported file, but for the small whole view: there the file averages a
sample of the pixels and this averages all of them, so that every pixel has a gradient.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from snellen.errors import InputError
from snellen.images.view import ViewPolicy, make_view
from snellen.students.model import StudentModel, open_student
from snellen.students.packing import on_scale


class QualityScore(nn.Module):
    """images (B, 3, H, W), float sRGB in [0, 1] → (B,) points of 0–100, higher is better.

    Not clipped, so that a gradient is never lost; the student's own weights are frozen.
    student : folder, "built-in", or an opened student.
    Raises `InputError` for images of another form, or smaller than one crop.
    """

    def __init__(self, student: str | Path | StudentModel = "built-in") -> None:
        super().__init__()
        opened = student if isinstance(student, StudentModel) else open_student(student)
        self.policy = opened.policy
        self.model = on_scale(opened).requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        size = self.policy.size
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise InputError(
                f"images are {images.dtype} of shape {tuple(images.shape)}",
                "Give (B, 3, H, W) floats in [0, 1].",
            )
        height, width = images.shape[2:]
        if min(height, width) < size:
            raise InputError(
                f"images of {width}×{height} are smaller than the {size} px that a student looks"
                " at",
                f"Give images of at least {size}×{size}.",
            )
        pixels = images * 255
        crops = torch.stack(
            [
                pixels[:, :, y : y + size, x : x + size]
                for x, y in _corners(height, width, self.policy)
            ],
            1,
        )
        whole = nn.functional.adaptive_avg_pool2d(pixels, self.policy.whole)
        score: Tensor = self.model(crops.permute(0, 1, 3, 4, 2), whole.permute(0, 2, 3, 1))[0]
        return score


class QualityLoss(QualityScore):
    """What is missing to the best score: the mean over the batch of 1 − score / 100.

    Falls as quality rises; below 0 where the student says more than 100. Beside a loss that keeps
    the content, as any score alone can be pleased by pictures of nothing.
    """

    def forward(self, images: Tensor) -> Tensor:
        return (1 - super().forward(images) / 100).mean()


class QualityMetric:
    """Mean score over many batches, with the three methods of a torchmetrics metric.

    higher_is_better, is_differentiable : as torchmetrics names them.
    """

    higher_is_better = True
    is_differentiable = True

    def __init__(self, student: str | Path | StudentModel = "built-in") -> None:
        self.score = QualityScore(student)
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.count = 0.0, 0

    def update(self, images: Tensor) -> None:
        """Score a batch (B, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            self.total += float(self.score(images).clamp(0, 100).sum())
        self.count += len(images)

    def compute(self) -> Tensor:
        """Mean score of all images so far, 0–100. Raises `InputError` before the first."""
        if not self.count:
            raise InputError("no image has been scored yet", "Call update() first.")
        return torch.tensor(self.total / self.count)

    def __call__(self, images: Tensor) -> Tensor:
        """Mean score of this batch alone; it is counted as well."""
        before = self.total, self.count
        self.update(images)
        return torch.tensor((self.total - before[0]) / (self.count - before[1]))


@cache
def _corners(height: int, width: int, policy: ViewPolicy) -> tuple[tuple[int, int], ...]:
    """Left and top of each crop, as `images.view` places them."""
    boxes = make_view(np.zeros((height, width, 3), np.uint8), policy).boxes
    return tuple((int(x), int(y)) for x, y in boxes[:, :2])
