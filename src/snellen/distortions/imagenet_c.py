"""ImageNet-C's zoom blur, spatter, saturate and fog, which Q-Debias takes its degraded copies from.

Source: Hendrycks & Dietterich 2019, their parameters at all five severities; for pictures of any
size and without OpenCV. Every recipe takes planes (3, h, w) float32 in [0, 1], the severity 1–5 and
a seeded generator, and returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from snellen.distortions.planes import Planes

# The copies that Q-Debias (arXiv 2411.12791) shows beside the image: name and level.
Q_DEBIAS = (("zoom-blur", 3), ("spatter", 3), ("saturate", 3), ("fog", 4))

_Field = NDArray[np.float32]

_ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # up to, step
# mean and standard deviation of the field, its blur, threshold, strength (water) or blur (mud)
_WATER = ((0.65, 0.3, 4, 0.69, 0.6), (0.65, 0.3, 3, 0.68, 0.6), (0.65, 0.3, 2, 0.68, 0.5))
_MUD = ((0.65, 0.3, 1, 0.65, 1.5), (0.67, 0.4, 1, 0.65, 1.5))
_SATURATE = ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2))  # factor, added
_FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))  # thickness, decay

_TURQUOISE = (175 / 255, 238 / 255, 238 / 255)  # pale, the colour of ImageNet-C's water
_BROWN = (63 / 255, 42 / 255, 20 / 255)


def zoom_blur(planes: Planes, severity: float, rng: np.random.Generator) -> Planes:
    """Mean of the picture and its centre zoomed in by ever more; nothing random."""
    stop, step = _ZOOM[int(severity) - 1]
    factors = np.arange(1, stop, step)
    total = planes.copy()
    for factor in factors:
        total += np.stack([_zoomed(plane, factor) for plane in planes])
    mean: Planes = total / np.float32(len(factors) + 1)
    return mean


def _zoomed(plane: _Field, factor: float) -> _Field:
    """The centre ⌈side/factor⌉ of a plane (h, w), stretched by `factor` bilinearly, trimmed."""
    scales, offsets = [], []
    for side in plane.shape:
        crop = int(np.ceil(side / factor))
        grown = round(crop * factor)
        # Corner pixels of crop and enlargement coincide, as scipy's zoom has it.
        scale = (crop - 1) / max(grown - 1, 1)
        scales.append(scale)
        offsets.append((side - crop) // 2 + (grown - side) // 2 * scale)
    return np.asarray(
        ndimage.affine_transform(plane, scales, offsets, order=1, mode="nearest"), np.float32
    )


def spatter(planes: Planes, severity: float, rng: np.random.Generator) -> Planes:
    """Drops of water (severity 1–3) or mud (4–5) on the lens."""
    wet = int(severity) <= len(_WATER)
    table = _WATER if wet else _MUD
    mean, spread, blur, threshold, strength = table[int(severity) - 1 - (0 if wet else len(_WATER))]
    field = mean + spread * rng.standard_normal(planes.shape[1:], dtype=np.float32)
    liquid = ndimage.gaussian_filter(field, blur, mode="nearest")
    liquid[liquid < threshold] = 0
    if wet:
        return planes + _water(liquid, strength) * _column(_TURQUOISE)
    mud = ndimage.gaussian_filter((liquid > threshold).astype(np.float32), strength, mode="nearest")
    mud[mud < 0.8] = 0
    muddy: Planes = planes * (1 - mud) + mud * _column(_BROWN)
    return muddy


def _column(color: tuple[float, float, float]) -> Planes:
    return np.array(color, np.float32)[:, None, None]


def _water(liquid: _Field, strength: float) -> _Field:
    """Light thrown by drops: the field times an embossed map of the distance to their borders.

    liquid : (h, w), 0 between drops. Returns (h, w), at most `strength`.
    """
    drops = (np.clip(liquid, 0, 1) * 255).astype(np.uint8)
    borders = _borders(drops)
    if not borders.any():  # no drop at all
        return np.zeros_like(liquid)
    distance = np.minimum(ndimage.distance_transform_edt(~borders), 20)
    level = ndimage.uniform_filter(distance, 3, mode="mirror").astype(np.uint8)
    relief = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)
    embossed = ndimage.correlate(_equalized(level).astype(np.float32), relief, mode="mirror")
    glint = ndimage.uniform_filter(np.clip(embossed, 0, 255), 3, mode="mirror")
    light = drops * glint
    shine: _Field = light * np.float32(strength / max(light.max(), 1e-6))
    return shine


def _borders(image: NDArray[np.uint8], low: float = 50, high: float = 150) -> NDArray[np.bool_]:
    """Canny edges of (h, w): thin ridges of the gradient over `low` that touch one over `high`."""
    down, right = (ndimage.sobel(image.astype(np.int32), axis, mode="nearest") for axis in (0, 1))
    strength = np.abs(down) + np.abs(right)
    # A ridge is no weaker than its two neighbours across the edge, in one of four directions.
    steep, flat = np.abs(down) > 2.4142 * np.abs(right), np.abs(right) > 2.4142 * np.abs(down)
    same_sign = (down >= 0) == (right >= 0)
    padded = np.pad(strength, 1)
    h, w = strength.shape
    ridge = np.zeros(strength.shape, bool)
    for (dy, dx), where in (
        ((1, 0), steep),
        ((0, 1), flat),
        ((1, 1), ~steep & ~flat & same_sign),
        ((1, -1), ~steep & ~flat & ~same_sign),
    ):
        ahead = padded[1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
        behind = padded[1 - dy : 1 - dy + h, 1 - dx : 1 - dx + w]
        ridge |= where & (strength > behind) & (strength >= ahead)
    labels, count = ndimage.label(ridge & (strength > low), np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[labels[ridge & (strength > high)]] = True
    strong[0] = False
    kept: NDArray[np.bool_] = strong[labels]
    return kept


def _equalized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Histogram equalisation of (h, w) as OpenCV does it: the darkest value in use goes to 0."""
    counts = np.bincount(image.ravel(), minlength=256)
    first = int(np.flatnonzero(counts)[0])
    rest = image.size - counts[first]
    if rest == 0:
        return image
    table = np.cumsum(counts) - counts[: first + 1].sum()
    even: NDArray[np.uint8] = np.clip(np.rint(table * 255 / rest), 0, 255).astype(np.uint8)[image]
    return even


def saturate(planes: Planes, severity: float, rng: np.random.Generator) -> Planes:
    """HSV saturation times a factor plus an offset, clipped: 1–2 fade, 3–5 glare; not random."""
    factor, added = _SATURATE[int(severity) - 1]
    value = planes.max(axis=0)
    span = value - planes.min(axis=0)
    saturation = span / np.maximum(value, np.float32(1e-6))
    wanted = np.clip(np.float32(factor) * saturation + np.float32(added), 0, 1)
    # Each channel's place between the largest (0) and the smallest (1); grey counts as red.
    place = np.where(span > 0, (value - planes) / np.maximum(span, np.float32(1e-6)), 1)
    place[0][span <= 0] = 0
    changed: Planes = value * (1 - wanted * place)
    return changed


def fog(planes: Planes, severity: float, rng: np.random.Generator) -> Planes:
    """A cloud added to the picture, then the whole scaled back to its former maximum."""
    thickness, decay = _FOG[int(severity) - 1]
    h, w = planes.shape[1:]
    cloud = np.float32(thickness) * plasma(max(h, w), decay, rng)[:h, :w]
    peak = planes.max()
    foggy: Planes = (planes + cloud) * (peak / (peak + np.float32(thickness)))
    return foggy


def plasma(side: int, decay: float, rng: np.random.Generator) -> _Field:
    """A cloud of at least `side` × `side` values in [0, 1], by the diamond-square algorithm.

    decay : the random part shrinks by it at every halving; larger is smoother.
    """
    size = 1 << max(1, int(np.ceil(np.log2(side))))
    cloud = np.zeros((size, size), np.float32)
    step, wibble = size, 100.0

    def jolt(mean: _Field) -> _Field:
        noise = rng.uniform(-wibble, wibble, mean.shape).astype(np.float32)
        jolted: _Field = mean / 4 + np.float32(wibble) * noise
        return jolted

    while step >= 2:
        half = step // 2
        corners = cloud[::step, ::step]
        rows = corners + np.roll(corners, -1, axis=0)
        cloud[half::step, half::step] = jolt(rows + np.roll(rows, -1, axis=1))
        centres = cloud[half::step, half::step]
        across = corners + np.roll(corners, -1, axis=1)
        along = corners + np.roll(corners, -1, axis=0)
        cloud[::step, half::step] = jolt(centres + np.roll(centres, 1, axis=0) + across)
        cloud[half::step, ::step] = jolt(centres + np.roll(centres, 1, axis=1) + along)
        step, wibble = half, wibble / decay
    cloud -= cloud.min()
    scaled: _Field = cloud / max(cloud.max(), np.float32(1e-6))
    return scaled
