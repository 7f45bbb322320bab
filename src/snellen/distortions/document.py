"""What happens to paper in front of a printer or camera. Recipes ours.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from snellen.distortions.colorspace import encoded, linear
from snellen.distortions.planes import Planes, gaussian, smooth_field


def low_ink(planes: Planes, missing: float, rng: np.random.Generator) -> Planes:
    """Print gone pale: the share `missing` of all darkness, in streaks along one direction."""
    h, w = planes.shape[1:]
    streaks = rng.standard_normal(h, dtype=np.float32)
    streaks = ndimage.gaussian_filter1d(streaks, 2.0, mode="nearest")
    streaks = np.clip(np.float32(0.5) + streaks, 0, 1)[:, None]
    uneven = np.float32(0.6) * streaks + np.float32(0.4) * smooth_field(h, w, rng)
    left = 1 - np.float32(missing) * (np.float32(0.7) + np.float32(0.3) * uneven)
    paler: Planes = 1 - (1 - planes) * left
    return paler


def skewed_light(planes: Planes, stops: float, rng: np.random.Generator) -> Planes:
    """Light from one side: full there, falling to 2^−`stops` at the other, random direction."""
    across = _ramp(planes.shape[1], planes.shape[2], rng)
    return encoded(linear(planes) * np.exp2(np.float32(-stops) * across))


def tilted_defocus(planes: Planes, sigma: float, rng: np.random.Generator) -> Planes:
    """Sharp at one side, blurred with `sigma` pixels at the other: the page was tilted."""
    across = _ramp(planes.shape[1], planes.shape[2], rng)
    # Between four stages of blur, linear blending stands in for a filter that varies by pixel.
    stages = [planes, *(gaussian(planes, sigma * share) for share in (1 / 3, 2 / 3, 1))]
    place = across * np.float32(len(stages) - 1)
    blurred = np.zeros_like(planes)
    for number, stage in enumerate(stages):
        blurred += np.maximum(1 - np.abs(place - number), 0) * stage
    return blurred


def _ramp(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A plane (height, width) from 0 to 1 along a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * np.float32(np.cos(angle))
    slope = y + x
    ramp: NDArray[np.float32] = (slope - slope.min()) / (slope.max() - slope.min())
    return ramp
