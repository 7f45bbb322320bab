"""From paths to pixels: find the files, read them safely, know them by their content."""

from snellen.images.budget import PixelBudget
from snellen.images.find import find, found_again
from snellen.images.found import Census, Found
from snellen.images.identify import content_hash, printable_name
from snellen.images.limits import ABSOLUTE_MEGAPIXELS, MAX_MEGAPIXELS
from snellen.images.prefetch import Ahead
from snellen.images.read import DecodeBuffer, Picture, read
from snellen.images.sources import AnyFile, Source, name_of

__all__ = [
    "ABSOLUTE_MEGAPIXELS",
    "MAX_MEGAPIXELS",
    "Ahead",
    "AnyFile",
    "Census",
    "DecodeBuffer",
    "Found",
    "Picture",
    "PixelBudget",
    "Source",
    "content_hash",
    "find",
    "found_again",
    "name_of",
    "printable_name",
    "read",
]
