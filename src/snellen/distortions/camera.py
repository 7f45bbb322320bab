"""What cameras and the air do: exposure, sensor noise, coloured fringes, haze. Recipes ours.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator, and
returns planes of the same shape. Light is added and clipped where it physically is: in linear
light, before the sRGB curve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from snellen.distortions.colorspace import encoded, linear
from snellen.distortions.planes import Planes, smooth_field

_Field = NDArray[np.float32]


def under_exposure(planes: Planes, stops: float, rng: np.random.Generator) -> Planes:
    """Light divided by 2^`stops`, and what falls below the black level lost."""
    return encoded(linear(planes) * np.float32(2**-stops) - np.float32(_BLACK))


_BLACK = 0.002  # of full scale; raises shadows to nothing, as a camera's black point does


def over_exposure(planes: Planes, stops: float, rng: np.random.Generator) -> Planes:
    """Light times 2^`stops`, clipped channel by channel, so that bright colours turn as well."""
    return encoded(linear(planes) * np.float32(2**stops))


def sensor_noise(planes: Planes, gain: float, rng: np.random.Generator) -> Planes:
    """Photon and read noise of a Bayer sensor, spread by demosaicing.

    gain : of the signal at white, the share that one electron is; the variance of light x is
    gain·x + (3 gain)², three electrons of read noise. Red and blue, whose white-balance gain is
    higher, are noisier. Source of the model: Foi et al. 2008 (Poisson-Gaussian).
    """
    light = linear(planes)
    draw = rng.standard_normal(planes.shape[1:], dtype=np.float32)
    noisy = np.empty_like(light)
    for plane, (rows, columns, spread, balance), out in zip(light, _BAYER, noisy, strict=True):
        share = np.float32(gain * balance)
        deviation = np.sqrt(share * plane + np.float32(9) * share * share)
        sites = np.zeros_like(plane)
        for row, column in zip(rows, columns, strict=True):
            site = np.s_[row::2, column::2]
            sites[site] = draw[site] * deviation[site]
        out[:] = plane + ndimage.correlate(sites, spread, mode="mirror")
    return encoded(noisy)


_CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
_SQUARE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
# Per channel: rows and columns of its sites in the 2×2 cell, bilinear kernel, white-balance gain.
_BAYER = (
    ((0,), (0,), _SQUARE, 2.0),
    ((0, 1), (1, 0), _CROSS, 1.0),
    ((1,), (1,), _SQUARE, 1.6),
)


def chromatic_aberration(planes: Planes, spread: float, rng: np.random.Generator) -> Planes:
    """Red drawn larger and blue smaller than green, about the centre.

    spread : by how much, as a share of the distance from the centre.
    """
    return np.stack(
        [
            _scaled(planes[0], 1 + spread),
            planes[1],
            _scaled(planes[2], 1 - spread),
        ]
    )


def _scaled(plane: _Field, factor: float) -> _Field:
    """A plane (h, w) enlarged by `factor` about its centre, same size."""
    offsets = [(side - 1) / 2 * (1 - 1 / factor) for side in plane.shape]
    return np.asarray(
        ndimage.affine_transform(plane, [1 / factor] * 2, offsets, order=1, mode="nearest"),
        np.float32,
    )


def haze(planes: Planes, thickness: float, rng: np.random.Generator) -> Planes:
    """Whitish air before the scene, thicker towards the top, in drifts.

    thickness : optical depth at the far end. Source of the model: Koschmieder 1924.
    """
    return _veiled(planes, thickness, (0.72, 0.76, 0.80), (1.0, 1.0, 1.0), rng)


def underwater(planes: Planes, thickness: float, rng: np.random.Generator) -> Planes:
    """A veil from blue to green that swallows red first.

    thickness : optical depth of green at the far end. Source of the model: Jaffe 1990, with the
    veil's hue drawn at random between open sea and coast.
    """
    sea, coast = np.array([0.02, 0.22, 0.42]), np.array([0.05, 0.32, 0.22])
    red, green, blue = sea + rng.random() * (coast - sea)
    return _veiled(planes, thickness, (red, green, blue), (2.2, 1.0, 0.9), rng)


def _veiled(
    planes: Planes,
    thickness: float,
    veil: tuple[float, float, float],
    absorption: tuple[float, float, float],
    rng: np.random.Generator,
) -> Planes:
    """Light weakened by e^−depth and a `veil` (linear RGB) of its own light put before it."""
    h, w = planes.shape[1:]
    ramp = np.linspace(1, 0.45, h, dtype=np.float32)[:, None]
    depth = ramp * (np.float32(0.75) + np.float32(0.25) * smooth_field(h, w, rng))
    light = linear(planes)
    for plane, color, factor in zip(light, veil, absorption, strict=True):
        through = np.exp(np.float32(-thickness * factor) * depth)
        plane *= through
        plane += np.float32(color) * (1 - through)
    return encoded(light)
