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

A *second opinion* may stand beside it: `Moments` of the stem's answers, read by a few linear layers
that are trained alone and averaged with the network's word at the end (late fusion). And
`Naturalness` may bend the score down where a picture is unlike any photo, whatever its fault.

Outputs for a batch of B pictures with n crops of 64 px (4 cells a crop; sides are multiples of 32):
score (B,) in MOS units 1–5, log-variance (B,), family logits (B, 8), severity (B, 7) in 0–1 for
each family but `clean`, cells (B, n, 2, 2) in MOS units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snellen.distortions import FAMILIES
from snellen.students.naturalness import Naturalness

CELL = 32  # pixels a side of one cell of the map
_UNIT = 2 / 255  # steps of 0–255 → a range of two, which with an offset is [-1, 1]
MIDDLE = 3.3  # mean opinion over the severity table; learning starts from it


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
    """RGB, 0–255 → 64 channels at stride 4: raw answers, normalised answers, log energies.

    The 32 filters start as the DCT basis, of luma and of chroma: the basis in which JPEG loses
    what it loses, and in which noise and blur are plain. Three of them hold means; the others are
    kept free of any mean, so that local energy is local contrast and not brightness.
    """

    means, fine = 3, 29
    groups = (12, 9, 8)  # of the fine filters: low and high frequencies of luma, chroma

    def __init__(self) -> None:
        super().__init__()
        basis = _dct_filters()
        self.mean = nn.Parameter(basis[: self.means])
        self.detail = nn.Parameter(basis[self.means :])
        self.raw = nn.BatchNorm2d(self.means + self.fine, eps=1e-6)
        self.normal = nn.BatchNorm2d(self.fine)
        self.energy = nn.BatchNorm2d(len(self.groups))
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    @property
    def width(self) -> int:
        return self.means + 2 * self.fine + len(self.groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.joined(*self.answers(x))

    def answers(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Raw answers (N, 32, h, w), the fine ones over local energy (N, 29, …), log energies."""
        filters = torch.cat([self.mean, self.detail - self.detail.mean((2, 3), keepdim=True)])
        # Filters are of RGB in [-1, 1]; to fold that into them is faster than to scale the pixels.
        offset = -filters.sum((1, 2, 3))
        raw = nn.functional.conv2d(x, filters * _UNIT, offset, stride=4).float()
        fine = raw[:, self.means :]
        parts = torch.split(fine * fine, list(self.groups), 1)
        energies = self.pool(torch.cat([part.mean(1, keepdim=True) for part in parts], 1)) + 2e-5
        contrast = torch.rsqrt(energies.mean(1, keepdim=True))
        return raw, fine * contrast, torch.log(energies)

    def joined(self, raw: Tensor, normal: Tensor, energies: Tensor) -> Tensor:
        """What the trunk reads of the answers."""
        return torch.cat([self.raw(raw), self.normal(normal), self.energy(energies)], 1)


def _dct_filters() -> Tensor:
    """(32, 3, 8, 8): three means (Y, Cb, Cr), 12 low and 9 high luma, 8 chroma DCT filters."""
    place = torch.arange(8) + 0.5
    waves = torch.cos(torch.pi / 8 * torch.arange(8)[:, None] * place)
    waves = waves / waves.norm(dim=1, keepdim=True)

    def wave(u: int, v: int, colour: tuple[float, float, float]) -> Tensor:
        return torch.tensor(colour)[:, None, None] * torch.outer(waves[u], waves[v])

    luma, blue, red = (0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081)
    low = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2), (1, 2), (2, 1), (0, 3), (3, 0), (3, 3),
           (1, 3))  # fmt: skip
    high = ((0, 4), (4, 0), (4, 4), (0, 6), (6, 0), (6, 6), (0, 7), (7, 0), (7, 7))
    chroma = ((0, 1), (1, 0), (1, 1), (3, 3))
    return torch.stack(
        [wave(0, 0, colour) for colour in (luma, blue, red)]
        + [wave(u, v, luma) for u, v in low + high]
        + [wave(u, v, colour) for colour in (blue, red) for u, v in chroma]
    )


class Moments(nn.Module):
    """A second opinion from the statistics of natural scenes alone, not from what is where.

    Moments of the stem's answers over all crops: mean size and shape of each DCT coefficient, raw
    and over local energy, and the spread of energies. That coefficients of natural pictures follow
    regular distributions which faults bend: Saad et al. 2012 (BLIINDS-II), Mittal et al. 2012
    (BRISQUE). These moments, and the layers that read them, are ours.

    weight          : share of this opinion in the picture's score and log-probabilities, [0, 1].
    middle, inverse : mean of each moment over the training pictures, and one over its deviation.
    """

    weight: Tensor
    middle: Tensor
    inverse: Tensor
    width = 5 * _Stem.fine + 4 * len(_Stem.groups) + 2 * _Stem.means
    furthest = 4.0  # deviations: a picture stranger than any seen says no more than this

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(0.0))
        self.register_buffer("middle", torch.zeros(self.width))
        self.register_buffer("inverse", torch.ones(self.width))
        self.layers = nn.Sequential(
            nn.Linear(self.width, 128), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1 + len(FAMILIES)),
        )  # fmt: skip

    def measure(self, raw: Tensor, normal: Tensor, energies: Tensor, n: int) -> Tensor:
        """The stem's answers to n crops of each of B pictures → (B, `width`)."""

        # Pooled to one position, which is a mean and, once exported, faster than one.
        pool, top = nn.functional.adaptive_avg_pool2d, nn.functional.adaptive_max_pool2d

        def mean(x: Tensor) -> Tensor:
            return pool(x, 1).reshape(-1, n, x.shape[1]).mean(1)

        def deviation(x: Tensor) -> Tensor:
            return torch.sqrt((mean(x * x) - mean(x) ** 2).clamp(min=1e-6))

        def highest(x: Tensor) -> Tensor:
            peaks: Tensor = top(x, 1)
            return peaks.reshape(-1, n, x.shape[1]).amax(1)

        fine, tone = raw[:, _Stem.means :], raw[:, : _Stem.means]
        size, spread = mean(fine.abs()), mean(normal.abs())
        power = normal * normal
        ratio = mean(power)
        return torch.cat(
            [
                torch.log(size + 1e-4),
                torch.log(mean(fine * fine) + 1e-7) - 2 * torch.log(size + 1e-4),
                spread,
                torch.log(ratio + 1e-3) - 2 * torch.log(spread + 1e-3),
                torch.log(mean(power * power) + 1e-3) - 2 * torch.log(ratio + 1e-3),
                mean(energies), deviation(energies),
                -highest(-energies), highest(energies),
                mean(tone), deviation(tone),
            ], 1,
        )  # fmt: skip

    def forward(self, moments: Tensor) -> tuple[Tensor, Tensor]:
        """(B, `width`) → score (B,) in MOS units, family logits (B, 8)."""
        usual = (moments - self.middle) * self.inverse
        out = self.layers(usual.clamp(-self.furthest, self.furthest))
        return MIDDLE + out[:, 0], out[:, 1:]


class ScorerNetwork(nn.Module):
    """crops (B, n, s, s, 3) and whole (B, 64, 64, 3), uint8 → `Prediction`.

    widths : channels of the three stages at stride 8, 16, 32.
    depths : residual blocks of each stage.
    second : with a second opinion (`Moments`), untrained and of no weight at first.
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
        self.stem = _Stem()
        self.second = Moments() if second else None
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

    def forward(self, crops: Tensor, whole: Tensor) -> Prediction:
        images = to_planes(crops.flatten(0, 1))
        answers = self.stem.answers(images)
        said = self.judge(*self.looked(answers, crops, whole))
        if self.second is not None:
            score, families = self.second(self.second.measure(*answers, crops.shape[1]))
            weight = self.second.weight
            said = said._replace(
                score=said.score + weight * (score - said.score),
                families=said.families + weight * (families - said.families),
            )
        if self.natural is not None:
            said = said._replace(score=self.natural(said.score, images, crops.shape[1]))
        return said

    def look(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the cells (B, n, (s / 32)², C) and of the whole view (B, 2 C')."""
        return self.looked(self.stem.answers(to_planes(crops.flatten(0, 1))), crops, whole)

    def looked(
        self, answers: tuple[Tensor, Tensor, Tensor], crops: Tensor, whole: Tensor
    ) -> tuple[Tensor, Tensor]:
        batch, n = crops.shape[0], crops.shape[1]
        maps = self.trunk(self.stem.joined(*answers)).float()
        cells = maps.flatten(2).transpose(1, 2).reshape(batch, n, -1, maps.shape[1])
        context = self.context(to_planes(whole) * _UNIT - 1).float().flatten(2).transpose(1, 2)
        return cells, mean_and_deviation(context)

    def judge(self, cells: Tensor, context: Tensor) -> Prediction:
        """What `look` saw, judged as one picture; any number of crops will do."""
        side = math.isqrt(cells.shape[2])
        local = MIDDLE + self.cell_score(cells).float()[..., 0]
        features = torch.cat([mean_and_deviation(cells.flatten(1, 2)), context], 1)
        out = self.out(self.head(features)).float()
        k = len(FAMILIES)
        return Prediction(
            score=local.mean((1, 2)) + out[:, 0],
            log_variance=out[:, 1].clamp(-6, 2),
            families=out[:, 2 : 2 + k],
            severity=torch.sigmoid(out[:, 2 + k :]),
            cells=local.unflatten(2, (side, side)),
        )


def to_planes(images: Tensor) -> Tensor:
    """(N, h, w, 3) uint8 → (N, 3, h, w), 0–255."""
    return images.permute(0, 3, 1, 2).float()


def mean_and_deviation(x: Tensor) -> Tensor:
    """(B, cells, C) → (B, 2 C), over the cells."""
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1)
    return torch.cat([mean[:, 0], torch.sqrt(variance + 1e-4)], 1)
