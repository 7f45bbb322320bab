"""Colorfulness: KADID-10k types 4–8.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from snellen.distortions.colorspace import from_lab, to_lab
from snellen.distortions.planes import Planes, from_uint8, gaussian, gray, to_uint8


def color_diffusion(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Colours run out: a*, b* blurred with σ = 1.5·amount + 2 pixels, then times `amount`.

    Source: KADID-10k type 4.
    """
    lab = to_lab(planes)
    lab[1:] = gaussian(lab[1:], 1.5 * amount + 2) * np.float32(amount)
    return from_lab(lab)


def color_shift(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """The green channel moved by `amount` pixels where there are edges.

    Source: KADID-10k type 5: direction random, right and down; blended by the edge map, which is
    the gradient of luma, blurred with σ = 4 and stretched between its 1st and 99th percentile.
    """
    down, right = np.gradient(gray(planes))
    edges = gaussian(np.hypot(down, right), 4.0)
    low, high = np.percentile(edges, (1, 99))
    if high <= low:  # no edge anywhere, so nothing would move
        return planes
    edges = np.clip((edges - np.float32(low)) / np.float32(high - low), 0, 1)

    direction = rng.random(2)
    dy, dx = np.rint(direction / np.hypot(*direction) * amount).astype(int)
    green = planes[1]
    h, w = green.shape
    rows, columns = np.maximum(np.arange(h) - dy, 0), np.maximum(np.arange(w) - dx, 0)
    moved = green[rows[:, None], columns[None, :]]
    shifted = planes.copy()
    shifted[1] = green + edges * (moved - green)
    return shifted


def color_quantization(planes: Planes, colors: float, rng: np.random.Generator) -> Planes:
    """A palette of so many `colors`, with error diffusion.

    Source: KADID-10k type 6, MATLAB's rgb2ind, which dithers. Palette ours: median cut.
    """
    image = Image.fromarray(to_uint8(planes))
    palette = image.quantize(int(colors), method=Image.Quantize.MEDIANCUT)
    reduced = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return from_uint8(np.asarray(reduced.convert("RGB")))


def saturation_hsv(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """HSV saturation times `factor`; below 0 colours turn to their complements.

    Source: KADID-10k type 7. With hue and value kept, saturation scales each channel's distance
    from the largest, so no conversion is needed.
    """
    value = planes.max(axis=0)
    return value - np.float32(factor) * (value - planes)


def saturation_lab(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """a* and b* times `factor`. Source: KADID-10k type 8; factor 1 changes nothing."""
    lab = to_lab(planes)
    lab[1:] *= np.float32(factor)
    return from_lab(lab)
