"""What people said of each KADID-10k distortion: mean opinion and its spread, type by type.

A photo degraded with KADID-10k's own recipe and level can be expected to be judged like KADID-10k's
copies of that type and level: a human rating prior for pictures that nobody has rated.
Source: Lin, Hosu & Saupe 2019, published scores ("DMOS", 1–5, higher is better, some 30 ratings a
picture); mean and standard deviation over the 81 contents, computed from them.
"""

from __future__ import annotations

from typing import NamedTuple


class Opinion(NamedTuple):
    """Mean opinion on KADID-10k's scale, 1 (very annoying) to 5 (imperceptible)."""

    mean: float
    std: float  # over contents, not over raters


def opinion(name: str, level: int) -> Opinion | None:
    """What people said of distortion `name` at `level` (1–5); None where nobody was asked."""
    levels = _KADID10K.get(name)
    return Opinion(*levels[level - 1]) if levels else None


# name: (mean, std) at levels 1 to 5
_KADID10K: dict[str, tuple[tuple[float, float], ...]] = {
    "gaussian-blur": ((4.61, 0.13), (4.38, 0.22), (2.91, 0.43), (1.87, 0.27), (1.30, 0.14)),
    "lens-blur": ((3.86, 0.36), (2.65, 0.41), (1.76, 0.25), (1.44, 0.17), (1.30, 0.15)),
    "motion-blur": ((4.60, 0.13), (4.10, 0.34), (2.85, 0.43), (2.18, 0.35), (1.67, 0.26)),
    "color-diffusion": ((4.50, 0.18), (2.60, 0.43), (1.76, 0.37), (1.61, 0.36), (1.39, 0.30)),
    "color-shift": ((4.23, 0.40), (2.55, 0.52), (1.92, 0.40), (1.85, 0.45), (1.86, 0.50)),
    "color-quantization": ((4.11, 0.31), (3.97, 0.35), (3.72, 0.40), (3.20, 0.41), (2.42, 0.40)),
    "saturation-hsv": ((2.75, 0.32), (2.33, 0.27), (2.26, 0.32), (2.24, 0.26), (2.03, 0.31)),
    "saturation-lab": ((4.58, 0.14), (3.33, 0.37), (2.65, 0.44), (1.82, 0.38), (1.52, 0.31)),
    "jpeg2000": ((4.55, 0.16), (4.20, 0.45), (3.87, 0.61), (2.44, 0.68), (1.39, 0.25)),
    "jpeg": ((4.34, 0.22), (4.25, 0.23), (3.87, 0.31), (1.95, 0.32), (1.35, 0.18)),
    "white-noise": ((3.89, 0.37), (3.39, 0.42), (3.05, 0.37), (2.71, 0.32), (2.30, 0.27)),
    "white-noise-ycbcr": ((4.47, 0.20), (3.68, 0.41), (3.17, 0.42), (2.69, 0.32), (2.38, 0.29)),
    "impulse-noise": ((3.58, 0.38), (2.93, 0.32), (2.61, 0.24), (2.31, 0.20), (2.13, 0.18)),
    "multiplicative-noise": ((4.40, 0.27), (3.58, 0.49), (3.08, 0.50), (2.64, 0.43), (2.12, 0.35)),
    "denoise": ((3.67, 0.33), (2.73, 0.39), (2.20, 0.35), (1.65, 0.24), (1.47, 0.18)),
    "brighten": ((4.51, 0.16), (4.29, 0.23), (3.63, 0.34), (2.70, 0.47), (1.81, 0.38)),
    "darken": ((4.60, 0.13), (4.53, 0.14), (4.23, 0.23), (3.53, 0.29), (2.22, 0.41)),
    "mean-shift": ((4.22, 0.30), (4.52, 0.18), (4.60, 0.14), (4.37, 0.19), (3.90, 0.30)),
    "jitter": ((4.42, 0.20), (4.09, 0.29), (3.24, 0.46), (1.85, 0.32), (1.34, 0.17)),
    "non-eccentricity-patch": (
        (4.33, 0.31),
        (3.94, 0.50),
        (3.77, 0.55),
        (3.46, 0.64),
        (3.26, 0.65),
    ),
    "pixelate": ((3.89, 0.45), (3.10, 0.48), (2.90, 0.45), (2.79, 0.50), (1.50, 0.26)),
    "quantization": ((4.17, 0.45), (3.93, 0.59), (3.69, 0.59), (3.37, 0.64), (2.80, 0.68)),
    "color-block": ((2.69, 0.39), (2.36, 0.30), (2.30, 0.26), (2.13, 0.23), (2.04, 0.23)),
    "high-sharpen": ((3.58, 0.41), (2.64, 0.44), (2.14, 0.37), (1.61, 0.25), (1.34, 0.16)),
    "contrast-change": ((3.42, 0.34), (3.86, 0.28), (4.29, 0.25), (4.14, 0.27), (3.32, 0.38)),
}
