"""Colorfulness: KADID-10k types 4–8.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
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
    shifted: Planes = planes.copy()
    shifted[1] = green + edges * (moved - green)
    return shifted


def color_quantization(planes: Planes, colors: float, rng: np.random.Generator) -> Planes:
    """A palette of so many `colors`, with error diffusion.

    Source: KADID-10k type 6: MATLAB's rgb2ind, a minimum-variance palette and dithering.
    """
    pixels = to_uint8(planes)
    palette = Image.new("P", (1, 1))
    # Pillow fills a short palette up with black; repeating a colour keeps that out.
    shades = minimum_variance_palette(pixels, int(colors))
    palette.putpalette(np.resize(shades, (256, 3)).tobytes())
    reduced = Image.fromarray(pixels).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return from_uint8(np.asarray(reduced.convert("RGB")))


def minimum_variance_palette(pixels: NDArray[np.uint8], colors: int) -> NDArray[np.uint8]:
    """At most `colors` colours (n, 3) for an RGB image (h, w, 3).

    The box with the largest squared error is cut where that error falls most, until there are
    enough. Colours are first merged to five bits a channel. Source: Wu 1991.
    """
    keys = (pixels >> 3).astype(np.intp) @ np.array([1024, 32, 1])
    counts = np.bincount(keys.ravel(), minlength=1 << 15)
    used = np.flatnonzero(counts)
    shades = np.stack([used >> 10, used >> 5 & 31, used & 31], axis=1) * 8.0 + 3.5
    weights = counts[used].astype(np.float64)

    boxes = [_cut(shades, weights, np.arange(len(used)))]
    while len(boxes) < colors:
        worst = max(range(len(boxes)), key=lambda box: boxes[box][0])
        gain, left, right = boxes[worst]
        if gain <= 0:  # every box holds one colour
            break
        boxes[worst] = _cut(shades, weights, left)
        boxes.append(_cut(shades, weights, right))
    means = [
        np.average(shades[members], axis=0, weights=weights[members])
        for members in (np.concatenate(box[1:]) for box in boxes)
    ]
    return np.rint(means).astype(np.uint8)


def _cut(
    shades: NDArray[np.float64], weights: NDArray[np.float64], members: NDArray[np.intp]
) -> tuple[float, NDArray[np.intp], NDArray[np.intp]]:
    """The best cut of a box across one channel: squared error it saves, and the two parts."""
    best = 0.0, members, members[:0]
    for channel in range(3):
        ordered = members[np.argsort(shades[members, channel], kind="stable")]
        weight = weights[ordered]
        mass = np.cumsum(weight)
        total = np.cumsum(weight[:, None] * shades[ordered], axis=0)
        left = (total[:-1] ** 2).sum(axis=1) / mass[:-1]
        right = ((total[-1] - total[:-1]) ** 2).sum(axis=1) / (mass[-1] - mass[:-1])
        saved = left + right - (total[-1] ** 2).sum() / mass[-1]
        values = shades[ordered, channel]
        saved[values[1:] == values[:-1]] = 0  # a cut goes between two values
        if len(saved) and saved.max() > best[0]:
            at = int(saved.argmax()) + 1
            best = float(saved[at - 1]), ordered[:at], ordered[at:]
    return best


def saturation_hsv(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """HSV saturation times `factor`; below 0 colours turn to their complements.

    Source: KADID-10k type 7. With hue and value kept, saturation scales each channel's distance
    from the largest, so no conversion is needed.
    """
    value = planes.max(axis=0)
    scaled: Planes = value - np.float32(factor) * (value - planes)
    return scaled


def saturation_lab(planes: Planes, factor: float, rng: np.random.Generator) -> Planes:
    """a* and b* times `factor`. Source: KADID-10k type 8; factor 1 changes nothing."""
    lab = to_lab(planes)
    lab[1:] *= np.float32(factor)
    return from_lab(lab)
