"""Make an image worse on purpose: one catalogue, named families, five levels, seeded.

from snellen import distortions
worse = distortions.apply(pixels, "jpeg", 4, seed=distortions.seed_of(pixels, "jpeg", 4))
"""

from __future__ import annotations

from snellen.distortions.catalogue import FAMILIES, Distortion, Family, catalogue, get
from snellen.distortions.degrading import apply, compose, seed_of
from snellen.distortions.severity import Opinion, opinion

__all__ = [
    "FAMILIES",
    "Distortion",
    "Family",
    "Opinion",
    "apply",
    "catalogue",
    "compose",
    "get",
    "opinion",
    "seed_of",
]
