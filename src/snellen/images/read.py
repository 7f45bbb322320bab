"""From a file to pixels: any supported format to 8-bit sRGB, or an error that says why not.

Everything that could go wrong with one file ends here as one `ImageError`: half a file, text named
.jpg, a folder, a pipe, a decompression bomb. Nothing is resampled, no setting of Pillow is changed,
and any number of threads may read at once.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from snellen.errors import (
    BrokenImage,
    ImageError,
    ImageTooLarge,
    InputError,
    NotAnImage,
    SnellenError,
    UnreadableImage,
)
from snellen.images import formats, jpeg
from snellen.images.identify import content_hash, printable_name
from snellen.images.layout import array_to_srgb, image_to_srgb
from snellen.images.limits import MAX_MEGAPIXELS, Limit
from snellen.images.orientation import TURNS, exif_orientation, swaps_sides, turn
from snellen.images.sources import AnyFile, Source, name_of

_GET_IT_AGAIN = "Get the file again from where it came."
_CONVERT = "Convert it to an ordinary JPEG or PNG."
# Pillow's words for a sound file that it cannot decode, in exceptions like those for damage.
_NOT_SUPPORTED = re.compile(r"unknown pixel mode|not available|unsupported", re.IGNORECASE)
_NAME_A_FILE = "Name an image file."


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded image, and what was done to get it.

    pixels        : (h, w, 3) uint8, sRGB, C-contiguous, oriented as it is meant to be seen.
    hash          : `content_hash` of the file's bytes.
    width, height : of the oriented original, in pixels, before any scaled decode.
    format        : of the content: JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF or HEIC.
    bytes         : length of the file.
    decoder       : what decoded it, with its version.
    scale         : 1, 2, 4 or 8: the pixels are those of a decode at 1/scale of the size.
    notes         : each conversion between the file and `pixels`, in order.
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


class DecodeBuffer:
    """Memory that JPEG after JPEG is decoded into: one for each thread, never shared.

    Large arrays are otherwise taken from and given back to the system for every image, which
    costs some 5 % of a 12-megapixel decode. The price: a `Picture` read into a buffer is valid
    only until the next `read` with the same buffer.
    """

    def __init__(self) -> None:
        self._memory: npt.NDArray[np.uint8] = np.empty(0, np.uint8)

    def take(self, size: int) -> npt.NDArray[np.uint8]:
        """A flat array of `size` bytes; its content is whatever was there before."""
        if self._memory.size < size:
            self._memory = np.empty(size, np.uint8)
        return self._memory[:size]


def read(
    source: AnyFile | bytes,
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
    jpeg_scale: int = 1,
    buffer: DecodeBuffer | None = None,
    admit: Callable[[int], None] | None = None,
) -> Picture:
    """Decode one image.

    source         : a file, the bytes of one, or what `find` gives of stores and archives.
    max_megapixels : the most pixels to decode, in millions, up to `ABSOLUTE_MEGAPIXELS`. A larger
                     JPEG is decoded at the largest of 1/2, 1/4 and 1/8 that fits, and a note says
                     so; a larger image of another format is refused.
    jpeg_scale     : 1, 2, 4 or 8: decode JPEGs at 1/scale of their size, which is faster and hides
                     noise and blocking; other formats are always decoded at full size.
    buffer         : memory to decode JPEGs into; the result is then valid until its next use.
    admit          : called with the number of pixels to decode, known from the header, before they
                     cost memory; it may wait (see `PixelBudget`), and may be asked twice.
    Raises `UnreadableImage`, `NotAnImage`, `BrokenImage`, `ImageTooLarge`; `MissingExtra` for HEIC
    without pillow-heif; `InputError` for options that make no sense.
    """
    if jpeg_scale not in jpeg.SCALES:
        raise InputError(f"the JPEG scale must be 1, 2, 4 or 8, got {jpeg_scale}")
    limit = Limit(max_megapixels, admit)
    try:
        return _read(source, limit, jpeg_scale, buffer)
    except ImageError as error:
        raise type(error)(f"{_where(source)}: {error.what}", error.fix) from None
    except MemoryError:
        raise ImageTooLarge(
            f"{_where(source)}: there is not enough memory for its pixels",
            "Read fewer images at once, or use a lower --max-megapixels.",
        ) from None


def _where(source: AnyFile | bytes) -> str:
    return "the given bytes" if isinstance(source, bytes) else name_of(source)


def _read(
    source: AnyFile | bytes, limit: Limit, scale: int, buffer: DecodeBuffer | None
) -> Picture:
    """`read` without the checks of its options and the name in its errors."""
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, Source):
        data = source.read_bytes(limit.file_bytes)
    else:
        data = _file_bytes(source, limit)
    kind = formats.identify_format(data)
    if kind is None:
        raise _not_an_image(data)
    digest, length = content_hash(data), len(data)
    notes = [] if isinstance(source, bytes) else _misnamed(source, kind)
    decoded = _decode_jpeg(data, limit, scale, buffer) if kind == "JPEG" else None
    if decoded is None:
        if kind == "JPEG":
            notes.append("unusual chroma sampling: decoded by Pillow, at full size")
        factor = formats.MEMORY_FACTORS.get(kind, 1.0)
        check_size = partial(limit.check, memory_factor=factor)
        with _pillow_errors(kind):
            loaded = formats.load(kind, data, check_size)
            del data  # a large file and its pixels need not be in memory together
            decoded = _from_pillow(loaded)
    width, height = decoded.size
    if swaps_sides(decoded.orientation):
        width, height = height, width
    return Picture(
        pixels=turn(decoded.pixels, decoded.orientation),
        hash=digest,
        width=width,
        height=height,
        format=kind,
        bytes=length,
        decoder=decoded.decoder,
        scale=decoded.scale,
        notes=(*notes, *decoded.notes, *_turned(decoded.orientation)),
    )


@dataclass(frozen=True, slots=True)
class _Decoded:
    """sRGB pixels as they lie in the file; `size` is (width, height) before any scaled decode."""

    pixels: npt.NDArray[np.uint8]
    size: tuple[int, int]
    orientation: int
    decoder: str
    scale: int
    notes: list[str]


def _decode_jpeg(
    data: bytes, limit: Limit, wanted: int, buffer: DecodeBuffer | None
) -> _Decoded | None:
    """The short path that nearly all photos take; None for the few JPEGs only Pillow decodes."""
    header = jpeg.parse_header(data)
    scale = limit.jpeg_scale(header, wanted)
    pixels = jpeg.decode(data, header, scale, buffer.take if buffer else None)
    if pixels is None:
        return None
    notes = []
    if scale > 1:
        why = "as asked" if scale == wanted else f"being over {limit.megapixels:g} MP"
        notes.append(f"decoded at 1/{scale} of its size, {why}")
    pixels, made = array_to_srgb(pixels, header.mode, header.icc)
    return _Decoded(
        pixels,
        (header.width, header.height),
        exif_orientation(header.exif),
        jpeg.DECODER,
        scale,
        notes + made,
    )


def _from_pillow(loaded: formats.Loaded) -> _Decoded:
    """Every other image, once Pillow holds its pixels."""
    pixels, made = image_to_srgb(loaded.image, loaded.icc, bits=loaded.bits)
    notes = [*loaded.notes, *made]
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        notes.append("this process lets Pillow accept truncated images")
    return _Decoded(pixels, loaded.image.size, loaded.orientation, formats.DECODER, 1, notes)


@contextmanager
def _pillow_errors(kind: str) -> Iterator[None]:
    """What Pillow's decoders raise, as errors of ours."""
    try:
        yield
    except (SnellenError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # of a part: a GIF's frame beyond its canvas
        raise ImageTooLarge(f"{kind} data are larger than they say ({error})") from None
    except Exception as error:  # decoders raise nearly anything on damaged data
        reason = " ".join(str(error).split()) or type(error).__name__
        if _NOT_SUPPORTED.search(reason):
            raise NotAnImage(f"{kind} of this kind is not read here ({reason})", _CONVERT) from None
        raise BrokenImage(f"{kind} data are damaged ({reason})", _GET_IT_AGAIN) from None


def _file_bytes(path: Path, limit: Limit) -> bytes:
    """The whole content of an ordinary file; never waits for a pipe or a device."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage(f"it is {_kind_of_file(status.st_mode)}", _NAME_A_FILE)
        limit.check_file(status.st_size)
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableImage("it is a link to a file that is not there") from None
        raise UnreadableImage("it is not there (any more)", "Check the path.") from None
    except PermissionError:
        raise UnreadableImage("no permission to read it", "Change its permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImage(f"it cannot be read ({reason})") from None


def _kind_of_file(mode: int) -> str:
    """What a path is that is no ordinary file."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def _not_an_image(data: bytes) -> NotAnImage:
    """Why bytes of no known format are refused, as far as it can be told."""
    if not data:
        return NotAnImage("it is empty (0 bytes)", _GET_IT_AGAIN)
    start = data[:64]
    if not data.strip(b"\0"):
        return NotAnImage(f"its {len(data)} bytes are all zero", _GET_IT_AGAIN)
    text = start.decode("utf-8", "ignore")
    if len(text.encode()) > len(start) - 4 and all(c.isprintable() or c.isspace() for c in text):
        words = " ".join(text.split())
        excerpt = repr(words[:32]) + ("…" if len(words) > 32 or len(data) > len(start) else "")
        return NotAnImage(f"it is text, not an image: {excerpt}", "Leave it out.")
    known = ", ".join(formats.EXTENSIONS)
    return NotAnImage(
        f"its bytes begin with {start[:8].hex(' ')}, which is none of {known}",
        "Convert it to one of these, or leave it out.",
    )


def _misnamed(path: AnyFile, kind: str) -> list[str]:
    """A note where the name promises another format than the content is."""
    ending = path.suffix.lower()
    if not ending or ending in formats.EXTENSIONS[kind]:
        return []
    return [f"the content is {kind}, the name ends in {printable_name(ending)}"]


def _turned(orientation: int) -> list[str]:
    """A note where the image is turned."""
    return [f"{TURNS[orientation]} (EXIF orientation {orientation})"] if orientation > 1 else []
