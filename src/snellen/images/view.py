"""View: what a network is shown of a picture.

Quality lives in pixels, so a picture is never shrunk to fit: the network sees *native-resolution
crops* on a regular grid, and beside them one small *whole* view for exposure, contrast and colour.
Nothing is random: the same pixels give the same view.

Policy `native-grid-1`:
- the grid has about `crops` cells and follows the picture's shape (9 crops: 3 × 3, 4 × 2, …);
- one square crop sits in the middle of each cell, its corner on a multiple of 8 pixels, so that
  the block grid of JPEG always falls on the same place of the crop;
- a side shorter than a crop is filled by mirroring (noted as `mirrored`);
- the whole view squeezes the picture to a square by averaging a regular sample of at most
  3 × 3 pixels from each cell (noted as `sampled-box`): its cost does not grow with the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK = 8  # JPEG's block size; crops start on its multiples
SMALL_SIDE = 64  # under this a picture is scored, and marked as small
_TAPS = 3  # samples a side that the whole view takes from each of its cells

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ViewPolicy:
    """How a picture is shown.

    crops : how many native crops to aim for: the dial between speed and accuracy.
    size  : side of a crop in pixels, a multiple of 8.
    whole : side of the whole view in pixels.
    """

    crops: int = 9
    size: int = 64
    whole: int = 64

    name = "native-grid-1"


@dataclass(frozen=True, slots=True)
class View:
    """The pixels a network is shown.

    crops : (n, size, size, 3) uint8, native resolution.
    boxes : (n, 4) int, x, y, width, height of each crop in the picture (width and height are
            less than the crop's where it was mirrored); read-only.
    whole : (whole, whole, 3) uint8.
    record: what to write down beside a score.
    """

    crops: UInt8
    boxes: npt.NDArray[np.int64]
    whole: UInt8
    record: dict[str, Any]


def make_view(pixels: UInt8, policy: ViewPolicy | None = None) -> View:
    """Cut the view of `pixels`.

    pixels : (h, w, 3) uint8 sRGB, h and w at least 1.
    """
    policy = policy or ViewPolicy()
    height, width = pixels.shape[:2]
    (rows, columns), boxes = _layout(height, width, policy)
    crops = np.empty((len(boxes), policy.size, policy.size, 3), np.uint8)
    for crop, (x, y, w, h) in zip(crops, boxes.tolist(), strict=True):
        cut = pixels[y : y + h, x : x + w]
        crop[:] = cut if (h, w) == crop.shape[:2] else mirror(cut, policy.size)
    record: dict[str, Any] = {
        "policy": policy.name,
        "input": [width, height],
        "grid": [columns, rows],
        "crop": policy.size,
        "whole": policy.whole,
        "resampler": "crops: none; whole: sampled-box",
    }
    if min(height, width) < policy.size:
        record["mirrored"] = True
    if min(height, width) < SMALL_SIDE:
        record["small"] = True
    return View(crops, boxes, whole_view(pixels, policy.whole), record)


@lru_cache(maxsize=1024)
def _layout(
    height: int, width: int, policy: ViewPolicy
) -> tuple[tuple[int, int], npt.NDArray[np.int64]]:
    """Rows and columns of the grid, and the boxes of the crops, for a picture of this size."""
    rows, columns = _grid(policy.crops, height, width)
    tops = _starts(height, rows, policy.size)
    lefts = _starts(width, columns, policy.size)
    w, h = min(width, policy.size), min(height, policy.size)
    boxes = np.array([(x, y, w, h) for y in tops for x in lefts], dtype=np.int64)
    boxes.setflags(write=False)  # shared by all views of this size
    return (rows, columns), boxes


def whole_view(pixels: UInt8, size: int) -> UInt8:
    """Squeeze `pixels` (h, w, 3) to (size, size, 3) by averaging a regular sample of each cell."""
    places, count = _places(*pixels.shape[:2], size)
    # One gather of whole pixels; each tap is then a plane, and planes add up fast.
    planes = np.take(pixels.reshape(-1, 3), places, axis=0).reshape(count, size, size, 3)
    total: npt.NDArray[np.uint16] = planes.sum(axis=0, dtype=np.uint16)
    mean: UInt8 = ((total + count // 2) // count).astype(np.uint8)
    return mean


@lru_cache(maxsize=8)  # pictures of a folder are of few sizes; 300 KB each of 64 pixels a side
def _places(height: int, width: int, size: int) -> tuple[npt.NDArray[np.int64], int]:
    """Which pixels each cell averages, tap by tap; and how many taps there are."""
    rows, down = _samples(height, size)
    columns, across = _samples(width, size)
    rows, columns = rows.reshape(size, down).T, columns.reshape(size, across).T
    places = rows[:, None, :, None] * width + columns[None, :, None, :]
    flat = places.reshape(-1)
    flat.setflags(write=False)  # shared by threads
    return flat, down * across


def mirror(cut: UInt8, size: int) -> UInt8:
    """Fill (size, size, 3) from the smaller `cut` (h, w, 3) by mirroring, edge pixels repeated."""
    height, width = cut.shape[:2]
    return cut[_bounce(height, size)][:, _bounce(width, size)]


def _bounce(length: int, size: int) -> npt.NDArray[np.int64]:
    """0 1 2 2 1 0 0 1 … : `size` indices into `length` pixels, there and back again."""
    ramp = np.arange(size) % (2 * length)
    return np.minimum(ramp, 2 * length - 1 - ramp)


def _grid(crops: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the grid: near `crops` cells, and near-square ones."""

    def cost(rows: int, columns: int) -> tuple[float, int]:
        stretch = abs(math.log((width / columns) / (height / rows)))
        return (stretch + 3 * abs(math.log(rows * columns / crops)), rows)

    pairs = [(r, c) for r in range(1, crops + 1) for c in range(1, crops // r + 1)]
    return min(pairs, key=lambda pair: cost(*pair))


def _starts(length: int, cells: int, size: int) -> list[int]:
    """Where the crops of one axis start: middle of each cell, on the block grid, inside."""
    last = max(0, length - size)
    starts = []
    for i in range(cells):
        middle = (2 * i + 1) * length // (2 * cells)
        start = min(max(0, middle - size // 2), last)
        starts.append(start - start % BLOCK)
    return sorted(set(starts))


def _samples(length: int, size: int) -> tuple[npt.NDArray[np.int64], int]:
    """Indices into `length` pixels: `taps` in each of `size` cells; and how many taps."""
    taps = max(1, min(_TAPS, length // size))
    n = size * taps
    return ((2 * np.arange(n) + 1) * length) // (2 * n), taps
