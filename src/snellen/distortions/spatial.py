"""Jitter (KADID's "spatial" group): types 19–23.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape.
Sizes of patches and blocks are in pixels and their number does not grow with the picture, as in
KADID-10k, whose pictures are 512×384.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from snellen.distortions.planes import Planes, gaussian, nearest

_PATCH = 16  # side of a moved patch
_BLOCK = 32  # side of a colour block
_REACH = 8  # how far a patch moves at most


def jitter(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Every pixel taken from a place scattered around its own, five times over.

    amount : standard deviation of one displacement, pixels, each axis.
    Source: KADID-10k type 19, five bicubic warps. Ours: the displacements are independent and add
    up (σ·√5); one bilinear warp of small ones, two of larger, come within .3 dB of the five on a
    photo.
    """
    h, w = planes.shape[1:]
    rounds = 1 if amount < 0.15 else 2
    for _ in range(rounds):
        offsets = rng.standard_normal((2, h, w), dtype=np.float32)
        offsets *= np.float32(amount * np.sqrt(5 / rounds))
        offsets[0] += np.arange(h, dtype=np.float32)[:, None]
        offsets[1] += np.arange(w, dtype=np.float32)[None, :]
        planes = np.stack(
            [ndimage.map_coordinates(plane, offsets, order=1, mode="nearest") for plane in planes]
        )
    return planes


def non_eccentricity_patch(planes: Planes, patches: float, rng: np.random.Generator) -> Planes:
    """So many 16×16 `patches` copied to a place up to 8 pixels away. Source: KADID-10k type 20."""
    h, w = planes.shape[1:]
    side = min(_PATCH, h, w)
    moved: Planes = planes.copy()
    for _ in range(int(patches)):
        y, x = rng.integers(0, (h - side + 1, w - side + 1))
        dy, dx = rng.integers(-_REACH, _REACH + 1, size=2)
        to_y, to_x = np.clip(y + dy, 0, h - side), np.clip(x + dx, 0, w - side)
        patch = moved[:, y : y + side, x : x + side].copy()
        moved[:, to_y : to_y + side, to_x : to_x + side] = patch
    return moved


def pixelate(planes: Planes, strength: float, rng: np.random.Generator) -> Planes:
    """Nearest neighbour down to .95 − strength^.6 of the size, and up again.

    Source: KADID-10k type 21.
    """
    h, w = planes.shape[1:]
    scale = 0.95 - strength**0.6
    small = nearest(planes, max(1, int(np.ceil(h * scale))), max(1, int(np.ceil(w * scale))))
    return nearest(small, h, w)


def quantization(planes: Planes, thresholds: float, rng: np.random.Generator) -> Planes:
    """Grey levels of all channels cut at so many `thresholds`, each part sent to its upper one.

    Source: KADID-10k type 22 (MATLAB's multithresh and imquantize); the ends are those of the
    picture, because there it was stretched to the full range first. Ours: a few steps of Lloyd's
    method from even spacing, for MATLAB's simplex search, which starts there and hardly gets on
    with so many thresholds. (The true optimum gives rare highlights one wide class: too harsh.)
    """
    levels = np.clip(planes * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
    cuts = near_even_thresholds(np.bincount(levels.ravel(), minlength=256), int(thresholds))
    values = np.concatenate([[planes.min()], cuts[1:] / 255, [planes.max()]]).astype(np.float32)
    table = values[np.searchsorted(cuts, np.arange(256), side="left")]
    quantized: Planes = table[levels]
    return quantized


def banding(planes: Planes, steps: float, rng: np.random.Generator) -> Planes:
    """Smooth gradients broken into so many `steps` from black to white, detail kept. Ours."""
    smooth = gaussian(planes, 3.0)
    stairs = np.rint(smooth * np.float32(steps - 1)) / np.float32(steps - 1)
    banded: Planes = stairs + (planes - smooth)
    return banded


def near_even_thresholds(
    counts: NDArray[np.int64], thresholds: int, rounds: int = 3
) -> NDArray[np.float64]:
    """`thresholds` between the lowest and highest value in use, ascending, in bins.

    counts : (256,) histogram. Each of `rounds` puts every threshold midway between the means of its
    two classes, which lowers the variance inside classes (Lloyd 1982); many rounds end in a local
    optimum of Otsu's criterion.
    """
    used = np.flatnonzero(counts)
    ends = np.linspace(used[0], used[-1], thresholds + 2)
    cuts = ends[1:-1]
    for _ in range(rounds):
        classes = np.searchsorted(cuts, used, side="left")
        mass = np.bincount(classes, counts[used], minlength=thresholds + 1)
        total = np.bincount(classes, counts[used] * used, minlength=thresholds + 1)
        bounds = np.concatenate([ends[:1], cuts, ends[-1:]])
        middles = (bounds[:-1] + bounds[1:]) / 2  # stand in for the mean of an empty class
        means = np.where(mass > 0, total / np.maximum(mass, 1), middles)
        cuts = (means[:-1] + means[1:]) / 2
    return cuts


def color_block(planes: Planes, blocks: float, rng: np.random.Generator) -> Planes:
    """So many 32×32 `blocks` of one random colour each. Source: KADID-10k type 23."""
    h, w = planes.shape[1:]
    side = min(_BLOCK, h, w)
    blocked: Planes = planes.copy()
    for _ in range(int(blocks)):
        y, x = rng.integers(0, (h - side + 1, w - side + 1))
        color = rng.random(3, dtype=np.float32)
        blocked[:, y : y + side, x : x + side] = color[:, None, None]
    return blocked
