"""Scaling and its traces: ringing and three ways of enlarging a small picture. Recipes ours.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator that it
does not use, and returns planes of the same shape.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import special

from snellen.distortions.planes import Planes, convolve, gaussian, guided

_Method = Image.Resampling
_LOBES = 4  # half width of the ringing kernel, waves at the cutoff


def ringing(planes: Planes, cutoff: float, rng: np.random.Generator) -> Planes:
    """A sharp-edged low-pass filter: detail above `cutoff` gone, ripples beside every edge.

    cutoff : cycles a pixel, below ½. Source of the kernel: Wang et al. 2021 (Real-ESRGAN).
    """
    reach = int(np.ceil(_LOBES / cutoff))
    distance = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    # Without a taper the cut at the rim would make broad areas paler or darker.
    taper = np.cos(np.pi / 2 * np.clip(2 * distance / reach - 1, 0, 1)) ** 2
    distance[reach, reach] = 1  # stands in for 0, where the kernel's limit is known
    angular = 2 * np.pi * cutoff
    kernel = taper * angular * special.j1(angular * distance) / (2 * np.pi * distance)
    kernel[reach, reach] = angular**2 / (4 * np.pi)
    return convolve(planes, kernel / kernel.sum())


def upscaling_bicubic(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """Reduced by `factor` and enlarged again, both bicubic."""
    return _resized(planes, factor, _Method.BICUBIC, _Method.BICUBIC)


def upscaling_nearest(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """Averaged down by `factor` and enlarged again into squares."""
    return _resized(planes, factor, _Method.BOX, _Method.NEAREST)


def upscaling_smooth(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """Enlarged as by a timid super-resolution network: crisp outlines, no texture.

    Reduced by `factor` and enlarged, then smoothed within edges and sharpened across them.
    """
    small = _resized(planes, factor, _Method.BICUBIC, _Method.LANCZOS)
    flat = guided(small, size=2 * round(factor) + 3, tolerance=0.002)
    sharper: Planes = flat + np.float32(1.2) * (flat - gaussian(flat, factor / 2))
    return sharper


def _resized(planes: Planes, factor: float, down: _Method, up: _Method) -> Planes:
    h, w = planes.shape[1:]
    small = max(1, round(w / factor)), max(1, round(h / factor))
    return np.stack(
        [
            np.asarray(Image.fromarray(plane).resize(small, down).resize((w, h), up))
            for plane in planes
        ]
    )
