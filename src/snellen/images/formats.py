"""Which format some bytes are, and decoding every format but JPEG.

The content decides, never the file's name. The plug-in classes of Pillow are used directly:
`Image.open` would try formats we do not read, and warns instead of refusing when an image is huge.
Sizes are known before anything of that size is allocated.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    __version__,
)

from snellen.errors import BrokenImage, MissingExtra
from snellen.images.orientation import TURNS, exif_orientation

#: The usual endings of each format's file names.
EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "HEIC": (".heic", ".heif", ".hif"),
}

DECODER = f"pillow {__version__}"

#: How many times the usual memory a pixel costs: a WebP is held in two canvases besides.
MEMORY_FACTORS = {"WEBP": 4 / 3}

_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)

# Their decoders turn zeros into grey. Ours: no compressed data end in so many, a disk's block.
_WITHOUT_CHECKS = frozenset(("WEBP", "AVIF", "HEIC"))
_ZEROS = bytes(4096)
# Pillow turns TIFF and pillow-heif HEIC; GIF and BMP have no orientation.
_EXIF_TURNS = frozenset(("JPEG", "PNG", "WEBP", "AVIF"))
_ORIENTATION_TAG, _BITS_PER_SAMPLE_TAG = 274, 258

# Pillow tells of damaged metadata in TIFF, Exif and APNG by Python warnings, which a run over
# many files cannot act on. The list of filters is the process's, so it is set once, here, and not
# around each read, where threads would undo each other's setting.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Tiff|Png)ImagePlugin")


def identify_format(data: bytes) -> str | None:
    """The format of the content, a key of `EXTENSIONS`; None where it is none of them."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and len(data) >= 14:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _heif_kind(data)
    return None


def _heif_kind(data: bytes) -> str | None:
    """AVIF or HEIC by the brands of an ISO base media file (ISO/IEC 14496-12 §4.3)."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None


def canvas(kind: str, data: bytes) -> tuple[int, int] | None:
    """Width and height from the first bytes, for formats whose decoder allocates on opening.

    None for the other formats, where opening costs nothing, and for a header of no known form.
    """
    if kind == "PNG" and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if kind == "GIF" and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if kind == "WEBP":
        return _webp_canvas(data)
    return None


def _webp_canvas(data: bytes) -> tuple[int, int] | None:
    """Sides of a WebP from its first chunk (RFC 9649 §2.5–2.7)."""
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def check_png(data: bytes) -> None:
    """Raise `BrokenImage` unless every critical chunk of a PNG is whole, IEND included.

    Pillow skips the checksums of image data, and reads a file without its end in silence.
    Source: ISO/IEC 15948 §5.3–5.6; the names of critical chunks begin with a capital.
    """
    view, at = memoryview(data), 8
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        if name[:1].isupper() and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(
            view[end - 4 : end], "big"
        ):
            raise BrokenImage(f"PNG data are damaged (checksum of {name.decode('latin-1')!r})")
        if name == b"IEND":
            return
        at = end
    raise BrokenImage("PNG ends before its last chunk")


class _Tiff(TiffImagePlugin.TiffImageFile):
    """Pillow's TIFF reader without its warning over 89 MP: the limit here is `read`'s."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        super().load_prepare()


def _avif(file: io.BytesIO) -> ImageFile.ImageFile:
    from PIL import AvifImagePlugin  # whose decoder is large: loaded when there is one

    return AvifImagePlugin.AvifImageFile(file)


def _heic(file: io.BytesIO) -> ImageFile.ImageFile:
    """The primary image of a HEIC file, turned as its container says."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise MissingExtra("pillow-heif", "heic", "read HEIC images") from None
    image: ImageFile.ImageFile = HeifImageFile(file)
    return image


_OPENERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": _avif,
    "TIFF": _Tiff,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "HEIC": _heic,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """An image as Pillow holds it, whole.

    bits        : a channel in the file, where that is more than Pillow's mode tells; else 8.
    icc         : its colour profile; empty where it has none.
    orientation : how it still has to be turned, 1–8.
    notes       : what was left out or done on the way.
    """

    image: Image.Image
    bits: int
    icc: bytes
    orientation: int
    notes: list[str]


def load(kind: str, data: bytes, check_size: Callable[[int, int], None]) -> Loaded:
    """Decode the first image of a file, all of it or an error.

    kind       : a key of `EXTENSIONS`; JPEG too, for the few that simplejpeg refuses.
    check_size : called with width and height before they cost memory; raises to refuse them.
    Raises whatever Pillow raises for damaged data, `BrokenImage` for damage that Pillow overlooks,
    and `MissingExtra` for HEIC without pillow-heif.
    """
    if (size := canvas(kind, data)) is not None:
        check_size(*size)
    if kind == "PNG":
        check_png(data)
    elif kind in _WITHOUT_CHECKS and data.endswith(_ZEROS):
        raise BrokenImage(f"{kind} data end in zeros, as those of an unfinished copy do")
    file = io.BytesIO(data)
    image = _OPENERS[kind](file)
    check_size(*image.size)
    notes = ["the first of several frames or pages"] if getattr(image, "is_animated", False) else []
    bits = 8
    if kind == "PNG":
        bits = data[24]
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(_BITS_PER_SAMPLE_TAG, (8,))[0]
        if turn := TURNS.get(image.tag_v2.get(_ORIENTATION_TAG, 1)):
            notes.append(turn)
    image.load()
    file.close()  # gives the file's bytes back before the pixels are converted
    info = image.info
    orientation = exif_orientation(info.get("exif", b"")) if kind in _EXIF_TURNS else 1
    return Loaded(image, bits, info.get("icc_profile") or b"", orientation, notes)
