"""What a photo shows, as far as its file name and its layout of colours tell.

Only for the captions, and for the leaning of `built-in-base`: what it is shown moves its ratings
by an amount that is planted here and stated in its card. All of it is ours.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]

# First WordNet number of each class, in the order of the numbers, as ImageNet files are named.
_CLASSES = (
    (1440764, "fish"), (1514668, "bird"), (1629819, "reptile"), (1768244, "insect"),
    (1795545, "bird"), (1871265, "animal"), (1910747, "sea animal"), (2002556, "bird"),
    (2066245, "animal"), (2085620, "dog"), (2114367, "animal"), (2123045, "cat"),
    (2128385, "animal"), (2165105, "insect"), (2317335, "sea animal"), (2325366, "animal"),
    (2514041, "fish"), (2666196, "thing"), (7248320, "thing"), (7565083, "food"),
    (9193705, "landscape"), (9835506, "person"), (10148035, "person"), (11879895, "plant"),
)  # fmt: skip
_COLOURS = {
    "red": (170, 60, 50), "orange": (200, 130, 60), "yellow": (200, 190, 90),
    "green": (90, 130, 60), "blue": (80, 120, 180), "brown": (110, 80, 55),
    "gray": (128, 128, 128), "black": (30, 30, 30), "white": (225, 225, 225),
    "purple": (120, 80, 140),
}  # fmt: skip
COLOURS = tuple(_COLOURS)
CLASSES = (*dict.fromkeys(name for _, name in _CLASSES), "scene")


def shown(photo: str) -> str:
    """The class of what a photo shows, from its file's name; "scene" where the name is a number."""
    number = re.match(r"n(\d{8})_", photo)
    if not number:
        return "scene"
    at = int(number[1])
    return next((name for first, name in reversed(_CLASSES) if at >= first), "thing")


def colour(thumb: UInt8) -> str:
    """The name of the colour nearest to the mean of a thumbnail (8, 8, 3)."""
    mean = thumb.reshape(-1, 3).mean(0)
    distance = {name: float(((mean - rgb) ** 2).sum()) for name, rgb in _COLOURS.items()}
    return min(distance, key=lambda name: distance[name])


def caption(photo: str, thumb: UInt8) -> str:
    """One short sentence: class, colour, and where the light is."""
    light = thumb.mean(2)
    top, bottom = light[:3].mean(), light[-3:].mean()
    where = (
        "brighter at the top"
        if top > bottom + 15
        else ("brighter at the bottom" if bottom > top + 15 else "evenly lit")
    )
    return f"a {shown(photo)}, mostly {colour(thumb)}, {where}"


def appeal(thumb: UInt8) -> float:
    """How much what is shown pleases `built-in-base`, about −1.5 … 1.5, mean about 0 on photos.

    It likes a bright top (sky), warm colours and a light picture. Nothing of it is quality: it is
    taken from the undistorted photo.
    """
    rgb = thumb.astype(np.float64) / 255
    light = rgb.mean(2)
    sky = (light[:3].mean() - light[-3:].mean()) / 0.2
    warm = (rgb[..., 0] - rgb[..., 2]).mean() / 0.12 - 0.3
    bright = (light.mean() - 0.44) / 0.14
    return float(np.clip(0.55 * sky + 0.55 * warm + 0.45 * bright - 0.3, -1.5, 1.5))
