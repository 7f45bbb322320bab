"""The types of distortion of the public sets, by their own names, and the family of each.

Families are the eight labels of `snellen.distortions.catalogue`; which type belongs to which is
ours, made from the type lists of the sets (the perception study arXiv 2512.09573 merges the four
sets into eight labels without printing its table).
"""

from __future__ import annotations

from typing import TypeAlias

from snellen.distortions.catalogue import Family

Type: TypeAlias = tuple[str, Family]  # the set's own name, our family

# Folder of the release → type.  Sheikh, Sabir & Bovik 2006.
LIVE: dict[str, Type] = {
    "jp2k": ("JPEG2000 compression", "compression"),
    "jpeg": ("JPEG compression", "compression"),
    "wn": ("white noise", "noise"),
    "gblur": ("Gaussian blur", "blur"),
    "fastfading": ("JPEG2000 over a fast fading channel", "compression"),
}

# `dst_type` of the workbook → type.  Larson & Chandler 2010.
CSIQ: dict[str, Type] = {
    "noise": ("additive white Gaussian noise", "noise"),
    "fnoise": ("additive pink Gaussian noise", "noise"),
    "blur": ("Gaussian blur", "blur"),
    "contrast": ("global contrast decrement", "contrast"),
    "jpeg": ("JPEG compression", "compression"),
    "jpeg 2000": ("JPEG2000 compression", "compression"),
}

# Number in the file name → type.  Ponomarenko et al. 2015, table 1.
TID2013: dict[int, Type] = {
    1: ("additive Gaussian noise", "noise"),
    2: ("additive noise in colour components", "colorfulness"),
    3: ("spatially correlated noise", "noise"),
    4: ("masked noise", "noise"),
    5: ("high frequency noise", "noise"),
    6: ("impulse noise", "noise"),
    7: ("quantization noise", "noise"),
    8: ("Gaussian blur", "blur"),
    9: ("image denoising", "noise"),
    10: ("JPEG compression", "compression"),
    11: ("JPEG2000 compression", "compression"),
    12: ("JPEG transmission errors", "compression"),
    13: ("JPEG2000 transmission errors", "compression"),
    14: ("non eccentricity pattern noise", "jitter"),
    15: ("local block-wise distortions", "jitter"),
    16: ("mean shift", "brightness"),
    17: ("contrast change", "contrast"),
    18: ("change of colour saturation", "colorfulness"),
    19: ("multiplicative Gaussian noise", "noise"),
    20: ("comfort noise", "noise"),
    21: ("lossy compression of noisy images", "noise"),
    22: ("colour quantization with dither", "colorfulness"),
    23: ("chromatic aberrations", "colorfulness"),
    24: ("sparse sampling and reconstruction", "jitter"),
}

# Number in the file name → type.  Lin, Hosu & Saupe 2019.
KADID10K: dict[int, Type] = {
    1: ("Gaussian blur", "blur"),
    2: ("lens blur", "blur"),
    3: ("motion blur", "blur"),
    4: ("colour diffusion", "colorfulness"),
    5: ("colour shift", "colorfulness"),
    6: ("colour quantization", "colorfulness"),
    7: ("colour saturation in HSV", "colorfulness"),
    8: ("colour saturation in Lab", "colorfulness"),
    9: ("JPEG2000 compression", "compression"),
    10: ("JPEG compression", "compression"),
    11: ("white noise", "noise"),
    12: ("white noise in colour component", "noise"),
    13: ("impulse noise", "noise"),
    14: ("multiplicative noise", "noise"),
    15: ("denoise", "noise"),
    16: ("brighten", "brightness"),
    17: ("darken", "brightness"),
    18: ("mean shift", "brightness"),
    19: ("jitter", "jitter"),
    20: ("non-eccentricity patch", "jitter"),
    21: ("pixelate", "jitter"),
    22: ("quantization", "jitter"),
    23: ("colour block", "jitter"),
    24: ("high sharpen", "contrast"),
    25: ("contrast change", "contrast"),
}

# (type, level) of KADID-10k whose parameter changes nothing: such images are clean.
KADID10K_UNCHANGED = frozenset({(1, 1), (3, 1), (8, 1), (18, 3), (25, 3)})
