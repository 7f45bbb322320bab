"""EXIF orientation: which way up an image is, and turning its pixels that way.

Pillow can read the tag too, but its EXIF parser reads all of them, and issues Python warnings about
damaged ones.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
from PIL import Image

_TAG = 0x0112
_INTEGER_TYPES = {3: "H", 4: "I"}  # TIFF types SHORT and LONG; some writers use the second

_BAND_ROWS = 64
_METHODS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: What each orientation needs, in words for a `Picture`'s notes.
TURNS = {
    2: "mirrored left to right",
    3: "turned by 180°",
    4: "mirrored top to bottom",
    5: "mirrored along the main diagonal",
    6: "turned by 90° clockwise",
    7: "mirrored along the other diagonal",
    8: "turned by 90° anticlockwise",
}


def exif_orientation(exif: bytes) -> int:
    """The orientation 1–8 that an EXIF block asks for; 1, upright, where it says nothing sensible.

    exif : the block, with or without its leading `Exif\\0\\0`.
    Source: EXIF 2.32 §4.6.4 A, tag 274, inside a TIFF 6.0 directory.
    """
    if exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    endian = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(exif[:4]))
    if endian is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{endian}I", exif, 4)
        (entries,) = struct.unpack_from(f"{endian}H", exif, start)
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(f"{endian}HHI", exif, at)
            if tag == _TAG:
                if count != 1 or kind not in _INTEGER_TYPES:
                    return 1
                value: int = struct.unpack_from(f"{endian}{_INTEGER_TYPES[kind]}", exif, at + 8)[0]
                return value if 1 <= value <= 8 else 1
    except struct.error:  # the directory points outside the block
        return 1
    return 1


def swaps_sides(orientation: int) -> bool:
    """Whether width and height change places."""
    return orientation >= 5


def turn(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """`pixels` (h, w, 3) as they are meant to be seen, C-contiguous; the same array for 1.

    Band by band through Pillow, whose transposition moves whole pixels and stays in the cache:
    half the time of copying a transposed numpy view.
    """
    if orientation == 1:
        return pixels
    height, width = pixels.shape[:2]
    sideways, last_first = swaps_sides(orientation), orientation in (3, 4, 6, 7)
    turned = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        band = Image.fromarray(pixels[top:bottom]).transpose(_METHODS[orientation])
        first, last = (height - bottom, height - top) if last_first else (top, bottom)
        place = turned[:, first:last] if sideways else turned[first:last]
        place[...] = np.asarray(band)
    return turned
