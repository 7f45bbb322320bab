"""How far a picture lies from natural photos: an opinion that needs no faults to learn from.

After NIQE (Mittal, Soundararajan & Bovik 2013, "Making a completely blind image quality analyzer"):
locally normalised luma (MSCN coefficients) of pristine photos, and the products of its neighbours,
follow a Gaussian model; a picture is as unnatural as its own model lies far from that one. What the
network learned of known faults says nothing of faults that nobody made on purpose, this does.

Ours: the crops of the view instead of all patches; sizes instead of fitted generalised Gaussians,
and two neighbours instead of four, which serve as well here and need no tables; the two covariances
are averaged in the axes in which the pristine one is the identity, and of the picture's own only
the diagonal is kept; and the place of this opinion: it lowers the network's, by more the further it
lies below. What that takes off the average picture is given back, so a picture that is more natural
than most may rise by as much.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, softplus

SIDE, SIGMA = 7, 7 / 6  # of the window that normalises, pixels
SHARP = 0.75  # crops of a pristine photo that tell: of its sharpest one's local deviation (NIQE)
SCALES = 2
NEAREST = 2.0  # squared distance under which all are as natural
LUMA = torch.tensor([[0.299, 0.587, 0.114]])  # of red, green and blue
_STEEP = 2.0  # of the bend where both opinions agree; opinions are on 1–5


class Naturalness(nn.Module):
    """Distance from pristine photos, as an opinion that bends the network's; in the units of the
    scale 1–5, though what is very unnatural lies below 1.

    middle     : (k,) mean of each feature over sharp crops of pristine photos.
    axes       : (k, k) features @ axes vary by one over those crops, independently.
    top, slope : opinion = top - slope · ln(distance).
    usual      : mean of what it takes off at full strength over validation pictures, given back so
                 that the scale stays where it was.
    strength   : how much of the way down the score is taken, [0, 1]; 0 leaves it alone.

    All are used as they are stored, for what an export transforms cannot be read back.
    """

    middle: Tensor
    axes: Tensor
    top: Tensor
    slope: Tensor
    usual: Tensor
    strength: Tensor
    luma: Tensor
    width = SCALES * 6

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", LUMA.clone())
        self.register_buffer("middle", torch.zeros(self.width))
        self.register_buffer("axes", torch.eye(self.width))
        self.register_buffer("top", torch.tensor(0.0))
        self.register_buffer("slope", torch.tensor(1.0))
        self.register_buffer("usual", torch.tensor(0.0))
        self.register_buffer("strength", torch.tensor(0.0))

    def luma_of(self, images: Tensor) -> Tensor:
        """(N, 3, s, s) → (N, 1, s, s), both 0–255."""
        _, colours, *sides = map(int, images.shape)  # numbers: constants of an exported file
        flat = images.reshape(-1, colours, math.prod(sides))
        return (self.luma @ flat).reshape(-1, 1, *sides)

    def features(self, luma: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, s, s), 0–255 → features (N, `width`), sharpness (N,): mean local deviation in
        steps of 0–255."""
        luma = luma - 127.5
        normal, deviation = _normalised(luma)
        found = [_sizes(normal)]
        for _ in range(1, SCALES):
            luma = avg_pool2d(luma, 2)
            found.append(_sizes(_normalised(luma)[0]))
        return torch.cat(found, 1), deviation.mean((1, 2, 3))

    def scene(self, luma: Tensor, pictures: int) -> Tensor:
        """Features of n crops of each of B `pictures`: (B n, 1, s, s) → (B, n, `width`)."""
        return self.features(luma)[0].reshape(pictures, -1, self.width)

    def distance(self, scene: Tensor) -> Tensor:
        """Of pictures from pristine photos; features of their crops (B, n, `width`) → (B,).

        What so few crops would be off by chance is taken away, so that fewer are not further; the
        spread counts one crop of a pristine photo more, so that a single crop has one.
        """
        standard = (scene - self.middle) @ self.axes
        n = scene.shape[1]
        mean = standard.mean(1)
        spread = ((standard - mean[:, None]) ** 2).mean(1) + 1 / n
        away = ((mean * mean - spread / n) * 2 / (1 + spread)).sum(1)
        return torch.sqrt(away.clamp(min=NEAREST))

    def opinion(self, distance: Tensor) -> Tensor:
        """(B,) → (B,), on the scale 1–5 but not bounded."""
        return self.top - self.slope * torch.log(distance)

    def forward(self, score: Tensor, distance: Tensor) -> Tensor:
        """The network's score (B,), lower where the picture is less natural than it is good."""
        return bent(score, self.opinion(distance), self.strength, self.usual)


def bent(score: Tensor, opinion: Tensor, strength: Tensor, usual: Tensor) -> Tensor:
    """`score` bent by `opinion`; strength and usual as `Naturalness` has them."""
    return score - strength * (bend(score, opinion) - usual)


def bend(score: Tensor, opinion: Tensor) -> Tensor:
    """How far `opinion` lies below `score`; where it lies above, next to nothing."""
    return softplus(score - opinion, beta=_STEEP)


def _normalised(luma: Tensor) -> tuple[Tensor, Tensor]:
    """MSCN coefficients where the whole window lies in the crop, and the local deviation."""
    down, across = (_band(int(side)).to(luma) for side in luma.shape[2:])
    mean = down @ luma @ across.T
    deviation = (down @ (luma * luma) @ across.T - mean * mean).clamp(min=0).sqrt()
    inner = SIDE // 2
    return (luma[..., inner:-inner, inner:-inner] - mean) / (deviation + 1), deviation


def _band(side: int) -> Tensor:
    """(side - 6, side): the window as a product of matrices, which runs faster than sliding it."""
    away = torch.arange(side) - torch.arange(side - SIDE + 1)[:, None] - SIDE // 2
    bell = torch.exp(-(away**2) / (2 * SIGMA**2)) * (away.abs() <= SIDE // 2)
    return bell / bell[:1].sum()


def _sizes(normal: Tensor) -> Tensor:
    """MSCN coefficients (N, 1, h, w) → their power and evenness, and for the products with the
    neighbour to the right and below the powers under and over zero: (N, 6)."""
    square = normal * normal
    size, power = normal.abs().mean((2, 3)), square.mean((2, 3))
    found = [power, size * size / (power + 1e-6)]
    for here, beside in (
        (normal[..., :-1], normal[..., 1:]),
        (normal[..., :-1, :], normal[..., 1:, :]),
    ):
        products = here * beside
        both = (products * products).mean((2, 3))
        above = (products.clamp(min=0) * products).mean((2, 3))
        found += [both - above, above]
    return torch.cat(found, 1)
