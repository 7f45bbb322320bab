"""Brightness and contrast: KADID-10k types 16–18, 24 and 25.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator that it
does not use, and returns planes of the same shape; clipping and rounding are the caller's.
"""

from __future__ import annotations

import numpy as np

from snellen.distortions.colorspace import from_lab, to_lab
from snellen.distortions.planes import Planes, gaussian, midtone


def brighten(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Middle grey raised by `amount`/2: two parts on RGB, one part on lightness.

    Source: KADID-10k type 16.
    """
    middle = 0.5 + amount / 2
    lab = to_lab(planes)
    lab[0] = 100 * midtone(lab[0] / 100, middle)
    both = 2 * midtone(planes, middle) + from_lab(lab)
    brighter: Planes = both * np.float32(1 / 3)
    return brighter


def darken(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Middle grey lowered by `amount`/2. Source: KADID-10k type 17."""
    return midtone(planes, 0.5 - amount / 2)


def mean_shift(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """`amount` added everywhere. Source: KADID-10k type 18.

    KADID-10k's script stretches every result to the full range; whether its mean shift clips
    before that is not known, so that the stretch is left out here (ours).
    """
    shifted: Planes = planes + np.float32(amount)
    return shifted


def high_sharpen(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Unsharp mask on lightness, σ = 3 pixels, times `amount`. Source: KADID-10k type 24."""
    lab = to_lab(planes)
    lab[0] += np.float32(amount) * (lab[0] - gaussian(lab[0], 3.0))
    return from_lab(lab)


def contrast_change(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Contrast up (`amount` > 0) or down: a curve through (¼, ¼ − a/4) and (¾, ¾ + a/4).

    With the ends fixed these four knots leave one cubic. Source: KADID-10k type 25.
    """
    bend = np.float32(-16 * amount / 3)
    bent: Planes = planes + bend * planes * (planes - np.float32(0.5)) * (planes - 1)
    return bent
