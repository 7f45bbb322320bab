"""From a file to pixels: any supported format to 8-bit sRGB, or an error that says why not."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps

from snellen.errors import BrokenImage, NotAnImage, UnreadableImage
from snellen.images.identify import content_hash

MAX_MEGAPIXELS = 100.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded image, and what was done to get it.

    pixels        : (h, w, 3) uint8, sRGB, C-contiguous, oriented as it is meant to be seen.
    hash          : `content_hash` of the file's bytes.
    width, height : of the oriented original, in pixels, before any scaled decode.
    format        : of the content: JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF, HEIC.
    bytes         : length of the file.
    decoder       : what decoded it.
    scale         : 1, 2, 4 or 8: the original was decoded at 1/scale of its size.
    notes         : each conversion on the way to `pixels`, in order.
    """

    pixels: npt.NDArray[np.uint8]
    hash: str
    width: int
    height: int
    format: str
    bytes: int
    decoder: str
    scale: int = 1
    notes: tuple[str, ...] = ()


def read(
    source: Path | bytes, *, max_megapixels: float = MAX_MEGAPIXELS, jpeg_scale: int = 1
) -> Picture:
    """Decode one image."""
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"{source} cannot be opened: {error.strerror}") from None
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, orientation = image.format or "", image.getexif().get(274, 1)
            width, height = image.size
            if kind == "JPEG" and image.mode in ("RGB", "L") and orientation == 1:
                pixels = simplejpeg.decode_jpeg(data, min_factor=jpeg_scale)
                decoder = "simplejpeg"
            else:
                oriented = ImageOps.exif_transpose(image)
                width, height = oriented.size
                pixels, decoder = np.array(oriented.convert("RGB")), "pillow"
    except Image.UnidentifiedImageError:
        raise NotAnImage("its bytes are no image format known here") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise BrokenImage(f"its data are broken: {error}") from None
    return Picture(pixels, content_hash(data), width, height, kind, len(data), decoder)
