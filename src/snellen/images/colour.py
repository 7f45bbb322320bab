"""ICC profiles: which colours the numbers mean, and turning them into sRGB.

Little CMS, which comes with Pillow, does the arithmetic. Building a transform takes milliseconds
and every photo of a camera carries the same profile, so transforms are kept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# Ours: makers' sRGB profiles differ by the rounding of their curves, up to 2 levels out of 255;
# the nearest other space in use (Display P3) differs by more than 40.
_SAME_COLOUR = 2
_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


@dataclass(frozen=True, slots=True)
class Conversion:
    """How pixels of one mode and profile become sRGB.

    transform : None where the numbers already are sRGB, or nothing says that they are not.
    note      : what a `Picture` says about it; empty where there is nothing to say.
    """

    transform: ImageCms.ImageCmsTransform | None = None
    note: str = ""

    def apply(self, image: Image.Image) -> Image.Image:
        """`image` in mode RGB, as sRGB; the same object where nothing is to be done."""
        if self.transform is None:
            return image if image.mode == "RGB" else image.convert("RGB")
        converted = ImageCms.applyTransform(image, self.transform)
        assert converted is not None  # None only with inPlace
        return converted


@lru_cache(maxsize=64)
def conversion(icc: bytes, mode: str) -> Conversion:
    """The conversion to sRGB for pixels of Pillow's `mode` ("L", "RGB", "CMYK", "LAB").

    icc : the embedded profile; where it is empty, broken or of another colour space the pixels
          are taken as sRGB (CMYK: the plain complement); of the latter two a note tells.
    The intent is relative colorimetric with black point compensation, as in print and browsers.
    Source: ICC.1:2022; Little CMS 2.
    """
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    if not icc:
        if mode != "LAB":
            return Conversion()
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return Conversion(_transform(lab, mode, srgb))
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name = _printable(ImageCms.getProfileDescription(profile))
        if profile.profile.xcolor_space != _SPACES[mode]:
            space = profile.profile.xcolor_space.strip()
            return Conversion(note=f"ICC profile ignored: it is for {space}, the pixels are {mode}")
        transform = _transform(profile, mode, srgb)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return Conversion(note="ICC profile ignored: it is broken")
    if mode == "RGB" and _changes_little(transform):
        return Conversion()
    return Conversion(transform, f"ICC profile {name!r} converted to sRGB")


def _transform(
    source: ImageCms.ImageCmsProfile,
    mode: str,
    srgb: ImageCms.ImageCmsProfile,
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(source, srgb, mode, "RGB", _INTENT, flags=_FLAGS)


def _changes_little(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform leaves a lattice over the whole RGB cube as it is, but for rounding."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return int(np.abs(moved.astype(np.int16) - cube).max()) <= _SAME_COLOUR


def _printable(description: str) -> str:
    """A profile's own name on one line, at most 60 characters."""
    return "".join(c if c.isprintable() else " " for c in description).strip()[:60] or "unnamed"
