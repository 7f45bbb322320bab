"""Blur: KADID-10k types 1–3.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snellen.distortions.planes import Planes, convolve, gaussian


def gaussian_blur(planes: Planes, sigma: float, rng: np.random.Generator) -> Planes:
    """Gaussian filter of `sigma` pixels. Source: KADID-10k type 1; nothing random."""
    return gaussian(planes, sigma)


def lens_blur(planes: Planes, radius: float, rng: np.random.Generator) -> Planes:
    """Out of focus: a disk of `radius` pixels. Source: KADID-10k type 2; nothing random."""
    return convolve(planes, disk(radius))


def motion_blur(planes: Planes, length: float, rng: np.random.Generator) -> Planes:
    """Camera moved along a straight line of `length` pixels, at a random angle.

    Source: KADID-10k type 3, with MATLAB's fspecial("motion"); length 1 changes nothing.
    """
    return convolve(planes, line(length, rng.uniform(0, np.pi)))


def disk(radius: float) -> NDArray[np.float64]:
    """Disk kernel of `radius` pixels that sums to 1; border pixels weigh by the area covered."""
    reach = int(np.ceil(radius - 0.5))
    fine = 32  # samples a side of each pixel
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = steps[:, None] ** 2 + steps[None, :] ** 2 <= radius**2
    side = 2 * reach + 1
    kernel = inside.reshape(side, fine, side, fine).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum())


def line(length: float, angle: float) -> NDArray[np.float64]:
    """Line kernel that sums to 1: weight 1 on a segment, falling to 0 one pixel beside it.

    length : pixels, at least 1. angle : radians. Source: MATLAB's fspecial("motion").
    """
    half = (length - 1) / 2
    reach = int(np.ceil(half))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    along = x * np.cos(angle) - y * np.sin(angle)
    across = x * np.sin(angle) + y * np.cos(angle)
    beyond = np.maximum(np.abs(along) - half, 0)
    weight = np.maximum(1 - np.hypot(across, beyond), 0)
    return np.asarray(weight / weight.sum())
