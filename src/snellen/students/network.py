"""The network behind the built-in scorer and, by default, behind every student.

It reads a *view* (`snellen.images.view`): a bag of native-resolution crops and one small whole
view. Three ideas carry it, all ours:

- the stem is one 8 × 8 convolution of stride 4 on the block grid of JPEG, and its answers are
  given to the trunk twice: raw, and divided by the local energy (as MSCN coefficients are in
  BRISQUE, Mittal 2012), because noise and blocking live far below the contrast of edges, while
  contrast itself is part of quality and must stay visible;
- every cell of 32 × 32 pixels says a quality of its own, which is the map;
- the picture's score reads mean *and* spread of the cells' features, so that a local fault is not
  averaged away, and any number of crops will do.

Outputs for a batch of B pictures with n crops of 96 px (9 cells a crop):
score (B,) in MOS units 1–5, log-variance (B,), family logits (B, 8), severity (B, 7) in 0–1 for
each family but `clean`, cells (B, n, 3, 3) in MOS units.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

FAMILIES = (
    "blur",
    "noise",
    "compression",
    "brightness",
    "contrast",
    "colorfulness",
    "jitter",
    "clean",
)
CELL = 32  # pixels a side of one cell of the map
_MIDDLE = 3.3  # mean opinion over the severity table; learning starts from it


class Prediction(NamedTuple):
    """What the network says of a batch; see the module for shapes and units."""

    score: Tensor
    log_variance: Tensor
    families: Tensor
    severity: Tensor
    cells: Tensor


def _conv(cin: int, cout: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class _Stem(nn.Module):
    """RGB in [-1, 1] → raw answers, locally normalised answers and log energy, at stride 4.

    The first filter is left out of the normalised half to make room for the energy: 2 × width
    channels in all, because inference engines lay channels out in blocks of 16.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, width, 8, 4, 2)
        self.raw = nn.BatchNorm2d(width)
        self.normal = nn.BatchNorm2d(width - 1)
        self.energy = nn.BatchNorm2d(1)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        answers = self.filters(x).float()
        energy = self.pool((answers * answers).mean(1, keepdim=True)) + 1e-5
        return torch.cat(
            [
                self.raw(answers),
                self.normal(answers[:, 1:] * torch.rsqrt(energy)),
                self.energy(torch.log(energy)),
            ],
            1,
        )


class ScorerNetwork(nn.Module):
    """crops (B, n, 96, 96, 3) and whole (B, 64, 64, 3), uint8 → `Prediction`.

    widths : channels of the stem and of the three stages at stride 8, 16, 32.
    depths : residual blocks of the three stages.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (32, 64, 128, 192),
        depths: tuple[int, int, int] = (1, 2, 1),
    ) -> None:
        super().__init__()
        stem, *stages = widths
        self.stem = _Stem(stem)
        layers: list[nn.Module] = []
        before = 2 * stem
        for width, depth in zip(stages, depths, strict=True):
            layers += [_conv(before, width, 2), *(_Residual(width) for _ in range(depth))]
            before = width
        self.trunk = nn.Sequential(*layers)
        self.cell_score = nn.Conv2d(before, 1, 1, bias=False)
        # The whole view only speaks of tone and colour, so a few channels are enough.
        tone = 64
        self.context = nn.Sequential(_conv(3, 16, 2), _conv(16, 32, 2), _conv(32, tone, 2))
        features = 2 * (before + tone)
        self.head = nn.Sequential(
            nn.BatchNorm1d(features), nn.Linear(features, 160), nn.ReLU(), nn.Dropout(0.1)
        )
        self.out = nn.Linear(160, 2 + len(FAMILIES) + len(FAMILIES) - 1)
        nn.init.zeros_(self.cell_score.weight)

    def forward(self, crops: Tensor, whole: Tensor) -> Prediction:
        batch, n = crops.shape[0], crops.shape[1]
        maps = self.trunk(self.stem(_to_unit(crops.flatten(0, 1))))
        cells = _MIDDLE + self.cell_score(maps).float().reshape(batch, n, *maps.shape[-2:])
        maps = maps.float().reshape(batch, n, maps.shape[1], -1).transpose(1, 2).flatten(2)
        context = self.context(_to_unit(whole)).float().flatten(2)
        features = torch.cat([*_mean_and_deviation(maps), *_mean_and_deviation(context)], 1)
        out = self.out(self.head(features)).float()
        local = cells.flatten(1).mean(1)
        k = len(FAMILIES)
        return Prediction(
            score=local + out[:, 0],
            log_variance=out[:, 1].clamp(-6, 2),
            families=out[:, 2 : 2 + k],
            severity=torch.sigmoid(out[:, 2 + k :]),
            cells=cells,
        )


def _to_unit(images: Tensor) -> Tensor:
    """(N, h, w, 3) uint8 → (N, 3, h, w) in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() * (2 / 255) - 1


def _mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """Over the last axis of (B, C, cells)."""
    mean = x.mean(2, keepdim=True)
    variance = ((x - mean) ** 2).mean(2)
    return mean[..., 0], torch.sqrt(variance + 1e-4)
