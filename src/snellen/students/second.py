"""A second opinion: from statistics of the picture alone, not from what is where.

A few linear layers read what anybody could measure of the crops and the whole view, each a mean
over all places:

- *moments* of the stem's answers: how large, how peaked and how even each DCT coefficient is. That
  coefficients of natural pictures follow regular distributions which faults bend: Saad et al. 2012
  (BLIINDS-II);
- *scene statistics*: what `naturalness` measures of each crop (after BRISQUE and NIQE, Mittal et
  al. 2012, 2013), their mean and spread, and how far from pristine that is;
- *tones* of the whole view: which share of it is darker than each of some steps, and less
  colourful; and *clipping* at native resolution, for no network that averages sees a pixel that is
  exactly white.

Which statistics, and the layers that read them, are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snellen.distortions import FAMILIES
from snellen.students.naturalness import LUMA, Naturalness
from snellen.students.stem import Stem

MIDDLE = 3.3  # mean opinion over the severity table; learning starts from it
_WHOLE_LUMA = (1, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 208, 224, 232, 240, 248, 252, 254)
_WHOLE_COLOUR = (1, 4, 8, 16, 32, 64, 96, 128, 192)
_NATIVE = (1, 8, 48, 128, 208, 240, 254)  # of luma
_EVERY = 2  # rows of native pixels that are counted


class Seen(NamedTuple):
    """What has been computed of n crops of each of B pictures.

    answers : the stem's, see `Stem.answers`.
    whole   : (B, 3, w, w), 0–255.
    pictures: B; a number and no tensor, so that an exported file has it as a constant.
    luma, scene, distance : (B n, 1, s, s), (B, n, k) and (B,) of `Naturalness`; None without.
    """

    answers: tuple[Tensor, Tensor, Tensor]
    whole: Tensor
    pictures: int
    luma: Tensor | None = None
    scene: Tensor | None = None
    distance: Tensor | None = None


class SecondOpinion(nn.Module):
    """Statistics of a picture → its own score and family logits.

    wide            : all three kinds of statistics; False is moments alone, as versions 1 to 3 of
                      the built-in scorer have it.
    weight          : share of this opinion in the picture's score and log-probabilities, [0, 1].
    middle, inverse : mean of each statistic over the training pictures, and one over its deviation.
    """

    weight: Tensor
    middle: Tensor
    inverse: Tensor
    furthest = 4.0  # deviations: a picture stranger than any seen says no more than this
    of_moments = 5 * Stem.fine + 4 * len(Stem.groups) + 2 * Stem.means
    of_scene = 2 * Naturalness.width + 1
    of_tones = len(_WHOLE_LUMA) + len(_WHOLE_COLOUR) + 2 + 6
    of_clipping = len(_NATIVE)

    def __init__(self, wide: bool = True) -> None:
        super().__init__()
        self.wide = wide
        self.width = self.of_moments + (self.of_scene + self.of_tones + self.of_clipping) * wide
        first, then = (256, 128) if wide else (128, 64)
        self.register_buffer("weight", torch.tensor(0.0))
        self.register_buffer("middle", torch.zeros(self.width))
        self.register_buffer("inverse", torch.ones(self.width))
        self.layers = nn.Sequential(
            nn.Linear(self.width, first), nn.ReLU(), nn.Dropout(0.3 if wide else 0.2),
            nn.Linear(first, then), nn.ReLU(), nn.Linear(then, 1 + len(FAMILIES)),
        )  # fmt: skip

    def measure(self, seen: Seen) -> Tensor:
        """Statistics of each picture, (B, `width`)."""
        parts = [moments(*seen.answers, seen.pictures)]
        if self.wide:
            assert seen.luma is not None
            assert seen.scene is not None
            assert seen.distance is not None
            parts += [
                seen.scene.mean(1), _deviation(seen.scene), torch.log(seen.distance)[:, None],
                tones(seen.whole), clipping(seen.luma, seen.pictures),
            ]  # fmt: skip
        return torch.cat(parts, 1)

    def forward(self, statistics: Tensor) -> tuple[Tensor, Tensor]:
        """(B, `width`) → score (B,) in MOS units, family logits (B, 8)."""
        usual = (statistics - self.middle) * self.inverse
        out = self.layers(usual.clamp(-self.furthest, self.furthest))
        return MIDDLE + out[:, 0], out[:, 1:]


def moments(raw: Tensor, normal: Tensor, energies: Tensor, pictures: int) -> Tensor:
    """Of the stem's answers to n crops of each of B pictures → (B, `of_moments`)."""
    fine, tone = raw[:, Stem.means :], raw[:, : Stem.means]
    power = normal * normal
    measured = (
        fine.abs(), fine * fine, normal.abs(), power, power * power,
        energies, energies * energies, tone, tone * tone,
    )  # fmt: skip
    # All means at once: an exported file has fewer steps, each of which costs as much as its work.
    size, square, spread, ratio, fourth, energy, energy_2, level, level_2 = torch.split(
        _pooled(nn.functional.adaptive_avg_pool2d, measured, pictures).mean(1),
        [Stem.fine] * 5 + [len(Stem.groups)] * 2 + [Stem.means] * 2, 1,
    )  # fmt: skip
    peaks = _pooled(nn.functional.adaptive_max_pool2d, (-energies, energies), pictures).amax(1)
    lowest, highest = torch.split(peaks, len(Stem.groups), 1)
    return torch.cat(
        [
            torch.log(size + 1e-4),
            torch.log(square + 1e-7) - 2 * torch.log(size + 1e-4),
            spread,
            torch.log(ratio + 1e-3) - 2 * torch.log(spread + 1e-3),
            torch.log(fourth + 1e-3) - 2 * torch.log(ratio + 1e-3),
            energy, _root(energy_2 - energy * energy),
            -lowest, highest,
            level, _root(level_2 - level * level),
        ], 1,
    )  # fmt: skip


def _pooled(pool: Callable[..., Tensor], maps: Sequence[Tensor], pictures: int) -> Tensor:
    """Maps (B n, k, h, w) one after the other, each over its places → (B, n, all k)."""
    # To one position, which once exported is faster than a mean.
    values = torch.cat([pool(x, 1) for x in maps], 1)
    return values.reshape(pictures, -1, int(values.shape[1]))


def tones(whole: Tensor) -> Tensor:
    """(B, 3, w, w) → (B, `of_tones`): shares of the pixels below steps of luma, with a channel that
    is as high, or as low, as can be, and below steps of colourfulness; mean and spread of red,
    green and blue."""
    pixels = whole.flatten(2)
    red, green, blue = pixels.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    luma = (LUMA.to(pixels) @ pixels)[:, 0]
    mean = pixels.mean(2, keepdim=True)
    away = pixels - mean
    return torch.cat(
        [
            _below(luma, _WHOLE_LUMA), _below(255 - high, (0,)), _below(low, (0,)),
            _below(high - low, _WHOLE_COLOUR),
            mean[..., 0] / 128 - 1, torch.sqrt((away * away).mean(2) + 1e-6) / 64,
        ], 1,
    )  # fmt: skip


def clipping(luma: Tensor, pictures: int) -> Tensor:
    """(B n, 1, s, s) → (B, `of_clipping`): shares of the native pixels below steps of luma."""
    return _below(luma[:, :, ::_EVERY].reshape(pictures, -1), _NATIVE)


def _below(values: Tensor, steps: tuple[int, ...]) -> Tensor:
    """Share of values (B, P) at or below each of k steps → (B, k); just above one they count in
    part."""
    above = torch.tensor(steps)[:, None].to(values) + 1
    return (above - values[:, None]).clamp(0, 1).mean(2)


def _deviation(x: Tensor) -> Tensor:
    """Of x (B, n, k) over its n → (B, k)."""
    away = x - x.mean(1, keepdim=True)
    return torch.sqrt((away * away).mean(1) + 1e-6)


def _root(variance: Tensor) -> Tensor:
    return torch.sqrt(variance.clamp(min=1e-6))
