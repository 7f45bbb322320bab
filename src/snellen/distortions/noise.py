"""Noise: KADID-10k types 11–15.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from snellen.distortions.planes import Planes

# Inverse of the BT.601 studio-range matrix (MATLAB's ycbcr2rgb), for values in [0, 1].
_YCBCR_TO_RGB = (
    (255 / 219, 0.0, 1.402 * 255 / 224),
    (255 / 219, -0.344136 * 255 / 224, -0.714136 * 255 / 224),
    (255 / 219, 1.772 * 255 / 224, 0.0),
)


def _normal(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    noise = rng.standard_normal(planes.shape, dtype=np.float32)
    noise *= np.float32(np.sqrt(variance))
    return noise


def white_noise(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """Gaussian noise of `variance`, every channel on its own. Source: KADID-10k type 11."""
    return planes + _normal(planes, variance, rng)


def white_noise_ycbcr(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """Gaussian noise of `variance` on Y, Cb and Cr. Source: KADID-10k type 12.

    The way back to RGB is linear, so the noise alone is converted and added.
    """
    y, cb, cr = _normal(planes, variance, rng)
    return np.stack(
        [
            plane + np.float32(a) * y + np.float32(b) * cb + np.float32(c) * cr
            for plane, (a, b, c) in zip(planes, _YCBCR_TO_RGB, strict=True)
        ]
    )


def impulse_noise(planes: Planes, density: float, rng: np.random.Generator) -> Planes:
    """A share `density` of all channel values set to 0 or 1, half each. Source: KADID-10k type 13."""
    draw = rng.random(planes.shape, dtype=np.float32)
    noisy = planes.copy()
    noisy[draw < np.float32(density / 2)] = 0
    noisy[draw > np.float32(1 - density / 2)] = 1
    return noisy


def multiplicative_noise(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """x + x·n with uniform n of mean 0 and `variance`.

    Source: KADID-10k type 14, MATLAB's imnoise("speckle"), whose noise is uniform, not Gaussian.
    """
    noise = rng.random(planes.shape, dtype=np.float32)
    noise -= np.float32(0.5)
    return planes * (1 + np.float32(np.sqrt(12 * variance)) * noise)


def denoise(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """Gaussian noise of `variance`, then a denoiser that smears texture and leaves blotches.

    Source: KADID-10k type 15 for the variances; its denoiser is a network (DnCNN, each channel on
    its own). Ours instead is a guided filter (He et al. 2010), each channel guiding itself: flat
    where the local variance is below that of the noise, edges kept.
    """
    noisy = np.clip(planes + _normal(planes, variance, rng), 0, 1)
    for size, tolerance in ((5, 2.0), (9, 0.5)):
        noisy = _guided(noisy, size, np.float32(tolerance * variance))
    return noisy


def _guided(planes: Planes, size: int, tolerance: np.float32) -> Planes:
    """Self-guided filter with a box of `size` pixels; variances well below `tolerance` go flat."""
    filtered = np.empty_like(planes)
    for plane, out in zip(planes, filtered, strict=True):
        mean = ndimage.uniform_filter(plane, size, mode="nearest")
        power = ndimage.uniform_filter(plane * plane, size, mode="nearest")
        spread = np.maximum(power - mean * mean, 0)
        slope = spread / (spread + tolerance)
        offset = mean - slope * mean
        slope = ndimage.uniform_filter(slope, size, mode="nearest")
        out[:] = slope * plane + ndimage.uniform_filter(offset, size, mode="nearest")
    return filtered
