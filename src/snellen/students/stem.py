"""The stem of the network: what it looks at a picture with.

One 8 × 8 convolution of stride 4 on the block grid of JPEG, whose answers are given on twice: raw,
and divided by the local energy (as MSCN coefficients are in BRISQUE, Mittal 2012), because noise
and blocking live far below the contrast of edges, while contrast itself is part of quality and must
stay visible. Ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

UNIT = 2 / 255  # steps of 0–255 → a range of two, which with an offset is [-1, 1]


class Stem(nn.Module):
    """RGB, 0–255 → 64 channels at stride 4: raw answers, normalised answers, log energies.

    The 32 filters start as the DCT basis, of luma and of chroma: the basis in which JPEG loses
    what it loses, and in which noise and blur are plain. Three of them hold means; the others are
    kept free of any mean, so that local energy is local contrast and not brightness.
    """

    means, fine = 3, 29
    groups = (12, 9, 8)  # of the fine filters: low and high frequencies of luma, chroma

    def __init__(self) -> None:
        super().__init__()
        basis = dct_filters()
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
        raw = nn.functional.conv2d(x, filters * UNIT, offset, stride=4).float()
        fine = raw[:, self.means :]
        parts = torch.split(fine * fine, list(self.groups), 1)
        energies = self.pool(torch.cat([part.mean(1, keepdim=True) for part in parts], 1)) + 2e-5
        contrast = torch.rsqrt(energies.mean(1, keepdim=True))
        return raw, fine * contrast, torch.log(energies)

    def joined(self, raw: Tensor, normal: Tensor, energies: Tensor) -> Tensor:
        """What the trunk reads of the answers."""
        return torch.cat([self.raw(raw), self.normal(normal), self.energy(energies)], 1)


def dct_filters() -> Tensor:
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
