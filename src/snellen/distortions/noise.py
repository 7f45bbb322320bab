"""Noise: KADID-10k types 11–15.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
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
    """A share `density` of all channel values set to 0 or 1, half each.

    Source: KADID-10k type 13.
    """
    draw = rng.random(planes.shape, dtype=np.float32)
    noisy: Planes = planes.copy()
    noisy[draw < np.float32(density / 2)] = 0
    noisy[draw > np.float32(1 - density / 2)] = 1
    return noisy


def multiplicative_noise(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """x + x·n with uniform n of mean 0 and `variance`.

    Source: KADID-10k type 14, MATLAB's imnoise("speckle"), whose noise is uniform, not Gaussian.
    """
    noise = rng.random(planes.shape, dtype=np.float32)
    noise -= np.float32(0.5)
    noisy: Planes = planes * (1 + np.float32(np.sqrt(12 * variance)) * noise)
    return noisy


def denoise(planes: Planes, variance: float, rng: np.random.Generator) -> Planes:
    """Gaussian noise of `variance`, then a denoiser that smears texture and leaves blotches.

    Source: KADID-10k type 15 for the variances; its denoiser is a network (MATLAB's DnCNN, each
    channel on its own, trained up to σ = .22). Ours instead: à trous wavelets with a local Wiener
    gain in each scale (Mihçak et al. 1999), which likewise believes in no noise above σ = .22.
    """
    noisy = np.clip(planes + _normal(planes, variance, rng), 0, 1)
    sigma = min(np.sqrt(variance), _STRONGEST)
    return np.stack([_shrunk(plane, sigma) for plane in noisy])


_STRONGEST = 0.22
# Standard deviation of unit white noise in the scales of the B3-spline transform (Starck 1998).
_SCALE_NOISE = (0.8908, 0.2007, 0.0855, 0.0412)


def _shrunk(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """One channel (h, w) with white noise of `sigma` shrunk in four wavelet scales."""
    clean = np.zeros_like(plane)
    for scale, unit in enumerate(_SCALE_NOISE):
        smooth = _spline(_spline(plane, 2**scale, axis=0), 2**scale, axis=1)
        detail = plane - smooth
        power = ndimage.uniform_filter(detail * detail, 7 + 2 * scale, mode="nearest")
        # 1.3: the local power is noisy itself, and what exceeds the mean by chance must go too.
        noise = np.float32(1.3 * (sigma * unit) ** 2)
        clean += detail * np.maximum(power - noise, 0) / np.maximum(power, np.float32(1e-12))
        plane = smooth
    return clean + plane


def _spline(plane: NDArray[np.float32], step: int, axis: int) -> NDArray[np.float32]:
    """The B3 spline (1, 4, 6, 4, 1)/16 along `axis` of (h, w), its taps `step` pixels apart."""
    reach = [(0, 0), (0, 0)]
    reach[axis] = 2 * step, 2 * step
    padded = np.pad(plane, reach, mode="edge")
    h, w = plane.shape
    taps = range(0, 5 * step, step)
    one, two, three, four, five = (
        padded[tap : tap + h] if axis == 0 else padded[:, tap : tap + w] for tap in taps
    )
    near, center = np.float32(1 / 4) * (two + four), np.float32(3 / 8) * three
    smooth: NDArray[np.float32] = np.float32(1 / 16) * (one + five) + near + center
    return smooth
