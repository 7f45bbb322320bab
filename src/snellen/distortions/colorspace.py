"""sRGB to linear light and CIELAB and back, fast enough for training.

Tables stand in for the two slow powers: their error is below a tenth of a grey level (tested
against scikit-image).
Source: IEC 61966-2-1 (sRGB), CIE 15 (L*a*b*, white point D65).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snellen.distortions.planes import Planes

_Vector = NDArray[np.float32]

# 16 steps to a grey level, so that 8-bit values fall on table entries exactly.
_ENCODED_STEPS = 255 * 16
_LINEAR_STEPS = 1 << 14
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_XYZ_TO_RGB = np.linalg.inv(np.array(_RGB_TO_XYZ))
_WHITE = (0.95047, 1.0, 1.08883)  # D65, 2° observer


def _decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_TO_LINEAR: _Vector = _decode(np.arange(_ENCODED_STEPS + 1) / _ENCODED_STEPS).astype(np.float32)
# Indexed by the square root of light, along which sRGB is close to a straight line.
_TO_ENCODED: _Vector = _encode((np.arange(_LINEAR_STEPS + 1) / _LINEAR_STEPS) ** 2).astype(
    np.float32
)


def linear(planes: Planes) -> Planes:
    """sRGB values in [0, 1] to linear light in [0, 1]; any shape, clipped."""
    index = np.clip(planes, 0, 1) * np.float32(_ENCODED_STEPS) + np.float32(0.5)
    light: Planes = _TO_LINEAR[index.astype(np.intp)]
    return light


def encoded(light: Planes) -> Planes:
    """Linear light in [0, 1] to sRGB values in [0, 1]; any shape, clipped."""
    index = np.sqrt(np.clip(light, 0, 1)) * np.float32(_LINEAR_STEPS) + np.float32(0.5)
    values: Planes = _TO_ENCODED[index.astype(np.intp)]
    return values


def to_lab(planes: Planes) -> Planes:
    """sRGB planes (3, h, w) in [0, 1] to L* in [0, 100], a*, b*: (3, h, w)."""
    red, green, blue = linear(planes)
    compressed = []
    for weights, white in zip(_RGB_TO_XYZ, _WHITE, strict=True):
        part = sum(
            np.float32(weight / white) * plane
            for weight, plane in zip(weights, (red, green, blue), strict=True)
        )
        dark = np.float32(7.787) * part + np.float32(16 / 116)
        compressed.append(np.where(part > np.float32(0.008856), np.cbrt(part), dark))
    x, y, z = compressed
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def from_lab(lab: Planes) -> Planes:
    """L*, a*, b* planes (3, h, w) to sRGB planes in [0, 1]; what lies outside is clipped."""
    y = (lab[0] + 16) / 116
    parts = []
    for value, white in zip((y + lab[1] / 500, y, y - lab[2] / 200), _WHITE, strict=True):
        dark = (value - np.float32(16 / 116)) / np.float32(7.787)
        light = np.where(value > np.float32(0.2068966), value * value * value, dark)
        parts.append(np.float32(white) * np.maximum(light, 0))
    rgb = [
        sum(np.float32(weight) * part for weight, part in zip(row, parts, strict=True))
        for row in _XYZ_TO_RGB
    ]
    return encoded(np.stack(rgb))
