"""Pictures like photos, made on the spot: dead leaves (Lee, Mumford & Huang 2001) with texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def scene(seed: int, size: int = 256) -> NDArray[np.uint8]:
    """(size, size, 3): discs of all sizes over each other, each with its own colour and grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    pixels = np.zeros((size, size, 3))
    for _ in range(160):
        radius = min(8 / rng.power(1.2), size / 3)
        cx, cy = rng.uniform(-20, size + 20, 2)
        disc = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        colour = rng.uniform(0.1, 0.9) + rng.normal(0, 0.12, 3)
        shade = (x - cx) / size * rng.normal(0, 0.5) + (y - cy) / size * rng.normal(0, 0.5)
        grain = ndimage.gaussian_filter(rng.normal(0, 1, (size, size)), rng.uniform(0.7, 2.5))
        grain *= rng.uniform(0, 0.06) / grain.std()
        pixels[disc] = (colour + (shade + grain)[..., None])[disc]
    soft = ndimage.gaussian_filter(pixels, (0.5, 0.5, 0))  # no lens draws an edge in one pixel
    return (np.clip(soft, 0, 1) * 255).round().astype(np.uint8)
