"""The network behind the built-in scorer and, by default, behind every student.

It reads a *view* (`snellen.images.view`): a bag of native-resolution crops and one small whole
view. Three ideas carry it, all ours:

- the stem (`students.stem`) looks on the block grid of JPEG, and gives what it sees twice, raw and
  locally normalised;
- every cell of 32 × 32 pixels says a quality of its own, which is the map;
- the picture's score reads mean *and* spread of the cells' features, so that a local fault is not
  averaged away, and any number of crops will do.

A *second opinion* (`students.second`) may stand beside it, trained alone and averaged with the
network's word at the end (late fusion). And `Naturalness` may bend the score down where a picture
is unlike any photo, whatever its fault.

Outputs for a batch of B pictures with n crops of 64 px (4 cells a crop; sides are multiples of 32):
score (B,) in MOS units 1–5, log-variance (B,), family logits (B, 8), severity (B, 7) in 0–1 for
each family but `clean`, cells (B, n, 2, 2) in MOS units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snellen.distortions import FAMILIES
from snellen.students.naturalness import Naturalness
from snellen.students.second import MIDDLE, SecondOpinion, Seen
from snellen.students.stem import UNIT, Stem

CELL = 32  # pixels a side of one cell of the map


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


class ScorerNetwork(nn.Module):
    """crops (B, n, s, s, 3) and whole (B, 64, 64, 3), uint8 → `Prediction`.

    widths : channels of the three stages at stride 8, 16, 32.
    depths : residual blocks of each stage.
    second : with a second opinion, untrained and of no weight at first; it reads all statistics,
             and without naturalness, which measures some of them, moments alone.
    natural: with `Naturalness`, of no strength at first.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 128, 192),
        depths: tuple[int, int, int] = (1, 2, 1),
        second: bool = False,
        natural: bool = False,
    ) -> None:
        super().__init__()
        self.stem = Stem()
        self.second = SecondOpinion(wide=natural) if second else None
        self.natural = Naturalness() if natural else None
        layers: list[nn.Module] = []
        before = self.stem.width
        for width, depth in zip(widths, depths, strict=True):
            layers += [_conv(before, width, 2), *(_Residual(width) for _ in range(depth))]
            before = width
        self.trunk = nn.Sequential(*layers)
        self.cell_score = nn.Linear(before, 1, bias=False)
        # The whole view only speaks of tone and colour, so a few channels are enough.
        tone = 64
        self.context = nn.Sequential(_conv(3, 16, 2), _conv(16, 32, 2), _conv(32, tone, 2))
        features = 2 * (before + tone)
        self.head = nn.Sequential(
            nn.BatchNorm1d(features), nn.Linear(features, 160), nn.ReLU(), nn.Dropout(0.1)
        )
        self.out = nn.Linear(160, 2 + len(FAMILIES) + len(FAMILIES) - 1)
        nn.init.zeros_(self.cell_score.weight)

    def have_parts_of(self, weights: Mapping[str, Any]) -> None:
        """Have the second opinion and the naturalness that these weights are of, for earlier
        versions of the built-in scorer have less of them."""
        middle = weights.get("second.middle")
        wide = middle is not None and len(middle) > SecondOpinion.of_moments
        self.second = None if middle is None else SecondOpinion(wide)
        natural = any(name.startswith("natural.") for name in weights)
        self.natural = Naturalness() if natural else None
        self.train(self.training)

    def forward(self, crops: Tensor, whole: Tensor) -> Prediction:
        seen = self.see(crops, whole)
        said = self.judge(*self.look(seen))
        if self.second is not None:
            score, families = self.second(self.second.measure(seen))
            weight = self.second.weight
            said = said._replace(
                score=said.score + weight * (score - said.score),
                families=said.families + weight * (families - said.families),
            )
        if self.natural is not None:
            assert seen.distance is not None
            said = said._replace(score=self.natural(said.score, seen.distance))
        return said

    def see(self, crops: Tensor, whole: Tensor) -> Seen:
        """What all parts start from, computed once."""
        pictures, _, *sides = map(int, crops.shape)  # numbers: constants of an exported file
        images = to_planes(crops.reshape(-1, *sides))
        seen = Seen(self.stem.answers(images), to_planes(whole), pictures)
        if self.natural is not None:
            luma = self.natural.luma_of(images)
            scene = self.natural.scene(luma, pictures)
            seen = seen._replace(luma=luma, scene=scene, distance=self.natural.distance(scene))
        return seen

    def look(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Features of the cells (B, n, (s / 32)², C) and of the whole view (B, 2 C')."""
        maps = self.trunk(self.stem.joined(*seen.answers)).float()
        width, *sides = map(int, maps.shape[1:])
        places = math.prod(sides)
        cells = maps.reshape(-1, width, places).transpose(1, 2)
        cells = cells.reshape(seen.pictures, -1, places, width)
        context = self.context(seen.whole * UNIT - 1).float().flatten(2).transpose(1, 2)
        return cells, mean_and_deviation(context)

    def judge(self, cells: Tensor, context: Tensor) -> Prediction:
        """What `look` saw, judged as one picture; any number of crops will do."""
        pictures, _, places, width = map(int, cells.shape)
        side = math.isqrt(places)
        local = MIDDLE + self.cell_score(cells).float()[..., 0]
        features = torch.cat([mean_and_deviation(cells.reshape(pictures, -1, width)), context], 1)
        out = self.out(self.head(features)).float()
        k = len(FAMILIES)
        return Prediction(
            score=local.mean((1, 2)) + out[:, 0],
            log_variance=out[:, 1].clamp(-6, 2),
            families=out[:, 2 : 2 + k],
            severity=torch.sigmoid(out[:, 2 + k :]),
            cells=local.reshape(pictures, -1, side, side),
        )


def to_planes(images: Tensor) -> Tensor:
    """(N, h, w, 3) uint8 → (N, 3, h, w), 0–255."""
    return images.permute(0, 3, 1, 2).float()


def mean_and_deviation(x: Tensor) -> Tensor:
    """(B, cells, C) → (B, 2 C), over the cells."""
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1)
    return torch.cat([mean[:, 0], torch.sqrt(variance + 1e-4)], 1)
