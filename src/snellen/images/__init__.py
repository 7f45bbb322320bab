"""From paths to pixels: find the files, read them safely, know them by their content."""

from snellen.images.budget import PixelBudget
from snellen.images.find import Census, Found, find
from snellen.images.identify import content_hash, printable_name
from snellen.images.limits import ABSOLUTE_MEGAPIXELS, MAX_MEGAPIXELS
from snellen.images.read import DecodeBuffer, Picture, read

__all__ = [
    "ABSOLUTE_MEGAPIXELS",
    "MAX_MEGAPIXELS",
    "Census",
    "DecodeBuffer",
    "Found",
    "Picture",
    "PixelBudget",
    "content_hash",
    "find",
    "printable_name",
    "read",
]
