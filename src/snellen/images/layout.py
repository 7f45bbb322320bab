"""Any layout of pixels to 8-bit sRGB: palettes, grey, alpha, CMYK, 16 bits, floats.

Work goes in bands of about a megapixel, so that a huge image costs its decoded form plus the
result and nothing between, and so that the copies stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from snellen.errors import NotAnImage
from snellen.images.colour import conversion

Pixels = npt.NDArray[np.uint8]

_BAND_PIXELS = 1 << 20
_SIXTEEN_BIT = frozenset(("I;16", "I;16L", "I;16B", "I;16N"))
_WITH_ALPHA = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
_WORDS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey",
    "La": "grey",
    "P": "palette",
    "PA": "palette",
    "I;16": "grey",
    "I;16L": "grey",
    "I;16B": "grey",
    "I;16N": "grey",
    "F": "grey",
}
_SAVE_AS_INTEGERS = "Save it with 8 or 16 bits a channel, black at 0 and white at the top."


def image_to_srgb(image: Image.Image, icc: bytes, *, bits: int = 8) -> tuple[Pixels, list[str]]:
    """The pixels of a decoded Pillow image as 8-bit sRGB, and a note for each conversion.

    icc  : its ICC profile, empty where it has none; sRGB is then assumed.
    bits : a channel in the file, which Pillow's mode does not always tell: of 16 (12) bits the
           high 8 are kept, so that white stays white.
    Returns (h, w, 3) uint8 C-contiguous, and the notes in order.
    Raises `NotAnImage` for numbers that no standard ties to black and white.
    """
    if image.mode == "I":
        raise NotAnImage(
            "it holds 32-bit integers, and no standard says which is white", _SAVE_AS_INTEGERS
        )
    notes = []
    if image.mode == "F":
        notes.append("floating point 0–1 scaled to 0–255")
    elif bits > 8:
        notes.append(f"{bits} bits a channel reduced to 8")
    if image.mode not in ("RGB", "RGBA"):
        notes.append(f"{_WORDS.get(image.mode, image.mode)} converted to RGB")
    convert = conversion(icc, _colour_mode(image))
    notes += [convert.note] if convert.note else []

    out = np.empty((image.height, image.width, 3), np.uint8)
    opaque = True
    for top, bottom in _bands(image.height, image.width):
        band, alpha = _split(image.crop((0, top, image.width, bottom)), bits)
        band = convert.apply(band)
        if alpha is not None and alpha.getextrema() != (255, 255):
            opaque = False
            band = Image.composite(band, Image.new("RGB", band.size, (255, 255, 255)), alpha)
        out[top:bottom] = np.asarray(band)
    if not opaque:
        notes.append("transparency shown on white")
    return out, notes


def array_to_srgb(pixels: Pixels, mode: str, icc: bytes) -> tuple[Pixels, list[str]]:
    """The pixels of a decoder that gives arrays as 8-bit sRGB, and a note for each conversion.

    pixels : (h, w, 3) for mode "RGB", and for "L" with three equal channels, both changed in place
             where a profile asks for it; (h, w, 4) for mode "CMYK", where 0 is no ink.
    Returns (h, w, 3) uint8 C-contiguous: `pixels` itself, unless it was CMYK.
    """
    convert = conversion(icc, mode)
    notes = [] if mode == "RGB" else [f"{_WORDS.get(mode, mode)} converted to RGB"]
    notes += [convert.note] if convert.note else []
    if mode != "CMYK" and convert.transform is None:
        return pixels, notes
    height, width = pixels.shape[:2]
    out = np.empty((height, width, 3), np.uint8) if mode == "CMYK" else pixels
    for top, bottom in _bands(height, width):
        rows = np.ascontiguousarray(pixels[top:bottom, :, 0] if mode == "L" else pixels[top:bottom])
        band = Image.frombuffer(mode, (width, bottom - top), rows, "raw", mode, 0, 1)
        out[top:bottom] = np.asarray(convert.apply(band))
    return out, notes


def _colour_mode(image: Image.Image) -> str:
    """The mode in which `_split` hands the colours of `image` on: what a profile speaks about."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    grey = image.mode in _SIXTEEN_BIT or image.mode in ("1", "L", "LA", "La", "F")
    return "L" if grey else "RGB"


def _split(band: Image.Image, bits: int) -> tuple[Image.Image, Image.Image | None]:
    """The colours of a band in its `_colour_mode`, and its alpha where there is any."""
    if band.mode in _SIXTEEN_BIT:
        values = np.asarray(band)
        grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
        clear = band.info.get("transparency")
        if clear is None:
            return grey, None
        return grey, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
    if band.mode == "F":
        values = np.asarray(band)
        if not ((values >= 0) & (values <= 1)).all():
            raise NotAnImage(
                f"its floating-point values reach from {values.min():g} to {values.max():g},"
                " and only 0–1 has a stated white",
                _SAVE_AS_INTEGERS,
            )
        return Image.fromarray(np.rint(values * 255).astype(np.uint8)), None
    mode = _colour_mode(band)
    if band.mode in _WITH_ALPHA or "transparency" in band.info:
        band = band.convert("RGBA")
        return band.convert(mode), band.getchannel("A")
    return (band if band.mode == mode else band.convert(mode)), None


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of each band, top to bottom."""
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)
