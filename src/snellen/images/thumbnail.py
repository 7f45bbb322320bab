"""Thumbnail: a small JPEG of a picture, to be looked at, never scored.

Made while a picture is scored, so it must cost next to nothing: every pixel of it is the mean of
four samples, and nothing else of the picture is touched.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg

SIDE = 128  # longest side in pixels
QUALITY = 50

UInt8 = npt.NDArray[np.uint8]


def make_thumbnail(pixels: UInt8, side: int = SIDE) -> bytes:
    """JPEG bytes of `pixels` (h, w, 3) uint8, the longest side at most `side`; never enlarged."""
    factor = -(-max(pixels.shape[:2]) // side)
    small = pixels if factor == 1 else _shrink(pixels, factor)
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small), quality=QUALITY, colorsubsampling="420"
    )
    return data


def _shrink(pixels: UInt8, factor: int) -> UInt8:
    """`pixels` (h, w, 3) at 1/factor of its size, at least one pixel a side."""
    height, width = (max(1, length // factor) for length in pixels.shape[:2])
    down, across = (_places(factor, length) for length in pixels.shape[:2])
    whole = np.ascontiguousarray(pixels).view("V3")[..., 0]  # steps over whole pixels, not samples
    rows = (whole[at::factor][:height] for at in down)
    lines = (_mean(*(_bytes(row[:, at::factor][:, :width]) for at in across)) for row in rows)
    return _mean(*lines).reshape(height, width, 3)


def _bytes(whole: npt.NDArray[np.void]) -> UInt8:
    """Pixels that lie apart, one after the other: (h, w) of three bytes each → (h, 3 w)."""
    return np.ascontiguousarray(whole).view(np.uint8)


def _places(factor: int, length: int) -> tuple[int, int]:
    """Where the two samples of a cell lie: at a quarter and at three quarters of it."""
    return min(factor // 4, length - 1), min(3 * factor // 4, length - 1)


def _mean(a: UInt8, b: UInt8) -> UInt8:
    """(a + b) / 2 rounded down, without leaving bytes."""
    return (a & b) + ((a ^ b) >> 1)
