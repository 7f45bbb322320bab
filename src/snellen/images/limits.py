"""How large an image may be, decided from its header before it costs anything.

A few bytes can claim ten thousand megapixels. So every format's size is checked against a limit
before its pixels are allocated, and JPEGs above it are decoded at a smaller scale where that helps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from snellen.errors import BrokenImage, ImageTooLarge, InputError
from snellen.images import jpeg

#: The largest decode in megapixels unless told otherwise. Ours: the largest sensors in common use
#: have 100, and an image of that size is read within 1.2 GB.
MAX_MEGAPIXELS = 100.0
#: No image above this is taken, whatever is asked for: its pixels alone would fill 3 GB. Ours.
ABSOLUTE_MEGAPIXELS = 1000.0

_MEGA = 1_000_000
# The longest file of so many pixels: RGBA of 16 bits, uncompressed; and some room for metadata.
_FILE_BYTES_PER_PIXEL = 8
_FILE_BYTES_BESIDES = 1 << 26
# Two bytes for each of three full-size components: what a progressive JPEG at the limit needs.
_COEFFICIENT_BYTES_PER_PIXEL = 6
# What reading takes at its peak: the decoder's copy, the result, the file. Measured, rounded up.
_GIGABYTES_PER_MEGAPIXEL = 0.012
_OR_LEAVE_IT = "Cut it into parts, or leave it out: it may be a decompression bomb."


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one image may cost.

    megapixels : the most pixels to decode, in millions; above 0, at most `ABSOLUTE_MEGAPIXELS`.
    admit      : called with the number of pixels that will be decoded; may wait (see `read`).
    Raises `InputError` for another number.
    """

    megapixels: float = MAX_MEGAPIXELS
    admit: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.megapixels <= ABSOLUTE_MEGAPIXELS:
            raise InputError(
                f"the limit on an image must be above 0 and at most {ABSOLUTE_MEGAPIXELS:g}"
                f" megapixels, got {self.megapixels:g}",
                f"Give a number such as {MAX_MEGAPIXELS:g}.",
            )

    @property
    def file_bytes(self) -> int:
        """Bytes of the longest file that an image within the limit may be."""
        return int(self.megapixels * _MEGA * _FILE_BYTES_PER_PIXEL) + _FILE_BYTES_BESIDES

    def check_file(self, size: int) -> None:
        """Raise `ImageTooLarge` for a file longer than any image within the limit, in bytes."""
        if size > self.file_bytes:
            raise ImageTooLarge(
                f"its {size / 1e9:.1f} GB are more than an image of {self.megapixels:g} MP takes",
                "Use a higher --max-megapixels, or leave it out.",
            )

    def check(self, width: int, height: int, memory_factor: float = 1.0) -> None:
        """Raise `ImageTooLarge` above the limit, `BrokenImage` where there are no pixels.

        memory_factor : how many times the usual memory the format's decoder takes for a pixel;
                        its limit is lower by as much.
        """
        if width < 1 or height < 1:
            raise BrokenImage(f"it says it is {width}×{height} px")
        if width * height * memory_factor > self.megapixels * _MEGA:
            raise self._too_large(width, height, memory_factor)
        if self.admit is not None:
            self.admit(math.ceil(width * height * memory_factor))

    def jpeg_scale(self, header: jpeg.JpegHeader, wanted: int) -> int:
        """The scale to decode a JPEG at: `wanted`, or the next that fits.

        Raises `ImageTooLarge` where none does.
        """
        width, height = header.width, header.height
        if width * height > ABSOLUTE_MEGAPIXELS * _MEGA:
            raise self._too_large(width, height)
        factor = header.coefficient_bytes / (width * height * _COEFFICIENT_BYTES_PER_PIXEL)
        if width * height * factor > self.megapixels * _MEGA:
            # A smaller scale spares no memory here: all coefficients are kept until the last scan.
            raise self._too_large(width, height, factor)
        for scale in jpeg.SCALES:
            pixels = -(-width // scale) * -(-height // scale)
            if scale >= wanted and pixels <= self.megapixels * _MEGA:
                if self.admit is not None:
                    self.admit(pixels)
                return scale
        raise self._too_large(width, height)

    def _too_large(self, width: int, height: int, memory_factor: float = 1.0) -> ImageTooLarge:
        megapixels = width * height / _MEGA
        size = f"{width}×{height} px ({megapixels:.0f} MP)"
        needed = math.ceil(megapixels * memory_factor)
        if needed > ABSOLUTE_MEGAPIXELS:
            most = ABSOLUTE_MEGAPIXELS / memory_factor
            return ImageTooLarge(
                f"{size} is over {most:.0f} MP, the most for any image of its kind", _OR_LEAVE_IT
            )
        return ImageTooLarge(
            f"{size} is over the limit of {self.megapixels / memory_factor:.4g} MP for its kind",
            f"Use --max-megapixels {needed} to take it, with about"
            f" {needed * _GIGABYTES_PER_MEGAPIXEL:.1f} GB of memory.",
        )
