"""Small pictures made on the spot, with everything a distortion could act on, and short cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen import distortions

Pixels = NDArray[np.uint8]


def scene(height: int = 96, width: int = 128) -> Pixels:
    """Gradients, colours, texture, edges and a dark corner: (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    texture = np.random.Generator(np.random.PCG64(11)).normal(0, 14, (height, width))
    red = 40 + 170 * x / max(width - 1, 1)
    green = 60 + 140 * y / max(height - 1, 1)
    blue = 120 + 70 * np.sin(x / 7.0) * np.cos(y / 9.0)
    image = np.stack([red, green, blue], axis=2)
    image[x + y < (height + width) // 4] *= 0.3
    disk = (x - 0.65 * width) ** 2 + (y - 0.5 * height) ** 2 < (0.22 * height) ** 2
    image[disk] = 235, 225, 205
    image += (texture * ((x // 16 + y // 16) % 2))[:, :, None]
    return np.clip(image, 0, 255).astype(np.uint8)


def probe(height: int = 96, width: int = 128) -> Pixels:
    """Two ramps and a checkerboard, exact in integers; the reference values were made with it."""
    y, x = np.mgrid[0:height, 0:width]
    board = ((x // 8 + y // 8) % 2) * 160 + 40
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), board], 2).astype(np.uint8)


def psnr(one: Pixels, other: Pixels) -> float:
    """Peak signal-to-noise ratio in dB; infinite where nothing differs."""
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def apply(pixels: Any, name: str, level: int, seed: int = 1) -> Any:
    """`distortions.apply` with a seed, in fewer words."""
    return distortions.apply(pixels, name, level, seed=seed)


def generator(seed: int = 1) -> np.random.Generator:
    """What a recipe draws from."""
    return np.random.Generator(np.random.PCG64(seed))


def step_edge(height: int = 64, width: int = 96) -> Any:
    """Grey 60 at the left, 180 at the right."""
    edge = np.full((height, width, 3), 60, np.uint8)
    edge[:, width // 2 :] = 180
    return edge
