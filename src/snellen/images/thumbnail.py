"""Thumbnail: a small JPEG of a picture, to be looked at, never scored.

Made while a picture is scored, so it must cost next to nothing: a regular sample of the pixels, at
most four times too large, is averaged down. The cost does not grow with the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

SIDE = 128  # longest side in pixels
QUALITY = 50
_OVERSAMPLE = 4


def make_thumbnail(pixels: npt.NDArray[np.uint8], side: int = SIDE) -> bytes:
    """JPEG bytes of `pixels` (h, w, 3) uint8, the longest side at most `side`; never enlarged."""
    step = max(1, max(pixels.shape[:2]) // (side * _OVERSAMPLE))
    sample = np.ascontiguousarray(pixels[::step, ::step])
    factor = -(-max(sample.shape[:2]) // side)
    if factor > 1:
        sample = np.asarray(Image.fromarray(sample).reduce(factor))
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(sample), quality=QUALITY, colorsubsampling="420"
    )
    return data
