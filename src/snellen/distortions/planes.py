"""The ground the recipes stand on: plane layout, filters, resampling and curves.

A recipe works on *planes*: float32 of shape (3, h, w), RGB, nominally in [0, 1]. Colour planes lie
one after the other because every filter then runs over contiguous memory.
Everything here is numpy and scipy.ndimage/fft without BLAS, so that two machines differ by no more
than the last bits of a float, that is at most one grey level after rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Planes = NDArray[np.float32]

# ITU-R BT.601 luma, the weights of MATLAB's rgb2gray.
LUMA = (0.2989, 0.5870, 0.1140)


def gray(planes: Planes) -> NDArray[np.float32]:
    """Luma of `planes` (3, h, w) as (h, w), same scale."""
    red, green, blue = planes
    luma: NDArray[np.float32] = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return luma


def gaussian(planes: Planes, sigma: float) -> Planes:
    """Gaussian filter over the last two axes; window 2⌈2σ⌉+1, edges replicated.

    planes : (…, h, w). sigma : pixels.
    Source: MATLAB's imgaussfilt, which KADID-10k used.
    """
    radius = int(np.ceil(2 * sigma))
    if radius > 8:  # from here on the Fourier route is the faster one
        reach = np.arange(-radius, radius + 1, dtype=np.float64)
        line = np.exp(-(reach**2) / (2 * sigma**2))
        kernel = np.outer(line, line)
        return convolve(planes, kernel / kernel.sum())
    for axis in (-2, -1):
        planes = ndimage.gaussian_filter1d(planes, sigma, axis=axis, mode="nearest", radius=radius)
    return planes


def convolve(planes: Planes, kernel: NDArray[np.float64]) -> Planes:
    """Convolve the last two axes with an odd-sized `kernel` by FFT, edges replicated.

    planes : (…, h, w). kernel : (2a+1, 2b+1). Returns float32 of the shape of `planes`.
    """
    high, wide = (side // 2 for side in kernel.shape)
    h, w = planes.shape[-2:]
    shape = (
        fft.next_fast_len(h + 4 * high, real=True),
        fft.next_fast_len(w + 4 * wide, real=True),
    )
    edges = [(0, 0)] * (planes.ndim - 2) + [(high, high), (wide, wide)]
    padded = np.pad(planes, edges, mode="edge")
    spectrum = fft.rfft2(padded, shape) * fft.rfft2(kernel.astype(np.float32), shape)
    full = fft.irfft2(spectrum, shape)
    rows, columns = slice(2 * high, 2 * high + h), slice(2 * wide, 2 * wide + w)
    return np.ascontiguousarray(full[..., rows, columns], dtype=np.float32)


def nearest(planes: Planes, height: int, width: int) -> Planes:
    """Resize (…, h, w) to (…, height, width) by nearest neighbour, pixel centres aligned."""
    rows, columns = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.intp), old - 1)
        for new, old in zip((height, width), planes.shape[-2:], strict=True)
    )
    return planes[..., rows[:, None], columns[None, :]]


def midtone(planes: Planes, middle: float) -> Planes:
    """The curve through (0, 0), (½, middle), (1, 1), applied to values in [0, 1] and clipped.

    Three knots make any spline a parabola, so there is one such curve.
    """
    curved: Planes = np.clip(planes + (4 * middle - 2) * planes * (1 - planes), 0, 1)
    return curved


def to_uint8(planes: Planes) -> NDArray[np.uint8]:
    """Planes (3, h, w) in [0, 1] to an RGB image (h, w, 3) uint8, rounded, clipped."""
    scaled = np.clip(planes, 0, 1) * np.float32(255) + np.float32(0.5)
    return np.ascontiguousarray(scaled.astype(np.uint8).transpose(1, 2, 0))


def from_uint8(pixels: NDArray[np.uint8]) -> Planes:
    """RGB image (h, w, 3) uint8 to planes (3, h, w) float32 in [0, 1]."""
    planes: Planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    planes /= np.float32(255)
    return planes


def guided(planes: Planes, size: int, tolerance: float) -> Planes:
    """Smoothing that stops at edges: a self-guided filter with a box of `size` pixels.

    tolerance : variance, [0, 1] squared; what varies less within the box goes flat.
    Source: He, Sun & Tang 2010.
    """

    def mean(values: Planes) -> Planes:
        return np.asarray(ndimage.uniform_filter(values, (0, size, size), mode="nearest"))

    center = mean(planes)
    spread = np.maximum(mean(planes * planes) - center * center, 0)
    slope = spread / (spread + np.float32(tolerance))
    smoothed: Planes = mean(slope) * planes + mean(center - slope * center)
    return smoothed


def smooth_field(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random field (height, width) in [0, 1] with about five swells across: drifts, blotches."""
    coarse = rng.random((6, 6), dtype=np.float32)
    swells = ndimage.zoom(coarse, (height / 6, width / 6), order=3, mode="nearest", grid_mode=True)
    field: NDArray[np.float32] = np.clip(swells[:height, :width], 0, 1)
    return field
