"""JPEG: what the header says, and the fastest decode there is.

Nearly every photo is a JPEG, so this path is kept short: the markers are read here, without
Pillow, and the pixels come from libjpeg-turbo through simplejpeg in one call. Its strict mode turns
libjpeg's warnings ("premature end", "corrupt data") into errors; Pillow would keep silent about
them and give grey pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg

from snellen.errors import BrokenImage, NotAnImage

DECODER = f"simplejpeg {'.'.join(map(str, simplejpeg.__version_info__))}"
SCALES = (1, 2, 4, 8)

_CONVERT = "Convert it to an ordinary JPEG or PNG."
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # TEM and RST0–7 carry no length
_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))  # what libjpeg-turbo decodes
_OTHER_FRAMES = frozenset((0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF))
_PROGRESSIVE = frozenset((0xC2, 0xCA))
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a JPEG says of itself before its pixels begin.

    width, height     : as stored, in pixels, before any turning.
    mode              : in Pillow's words "L" grey, "RGB", or "CMYK", which may be YCCK.
    exif, icc         : the metadata blocks; empty where there are none.
    adobe             : whether an Adobe marker is there; CMYK is then stored inverted.
    coefficient_bytes : what the decoder must hold of the whole image besides the output, for a
                        progressive or multi-scan file; else 0.
    """

    width: int
    height: int
    mode: str
    exif: bytes
    icc: bytes
    adobe: bool
    coefficient_bytes: int


def parse_header(data: bytes) -> JpegHeader:
    """Read the markers of a JPEG up to its first scan.

    Raises `BrokenImage` where the file ends or contradicts itself first, `NotAnImage` for the
    kinds of JPEG that no common decoder takes (lossless, hierarchical, 12 bits).
    Source: ITU-T T.81 annex B; the ICC segments after ICC.1:2022 annex B.4.
    """
    frame: tuple[int, bytes] | None = None
    exif, adobe = b"", False
    icc: dict[int, bytes] = {}
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while at >= 0 and data[at : at + 1] == b"\xff":  # any number of fill bytes may come first
            at += 1
        if at < 0 or at + 3 > len(data):
            raise BrokenImage("JPEG ends inside its header, before any pixels")
        marker = data[at]
        if marker in _STANDALONE or marker == 0:
            at += 1
            continue
        if marker == 0xD9:
            raise BrokenImage("JPEG has a header and no pixels")
        (length,) = struct.unpack_from(">H", data, at + 1)
        body = data[at + 3 : at + 1 + length]
        if length < 2 or len(body) < length - 2:
            raise BrokenImage("JPEG ends inside its header, before any pixels")
        at += 1 + length
        if marker in _FRAMES and frame is None:
            frame = marker, body
        elif marker in _OTHER_FRAMES:
            raise NotAnImage("it is a lossless or hierarchical JPEG", _CONVERT)
        elif marker == 0xE1 and not exif and body.startswith(b"Exif\0\0"):
            exif = body
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            icc[body[12]] = body[14:]
        elif marker == 0xEE and body.startswith(b"Adobe"):
            adobe = True
        elif marker == 0xDA:
            break
    if frame is None:
        raise BrokenImage("JPEG has no frame header, so its size is unknown")
    profile = b"".join(icc[number] for number in sorted(icc))
    in_scan = body[0] if body else 0
    return _header(*frame, in_scan=in_scan, exif=exif, icc=profile, adobe=adobe)


def _header(
    marker: int, frame: bytes, *, in_scan: int, exif: bytes, icc: bytes, adobe: bool
) -> JpegHeader:
    """The header from a frame segment (T.81 §B.2.2) and what was gathered before the scan."""
    try:
        precision, height, width, count = struct.unpack_from(">BHHB", frame)
        factors = [divmod(frame[7 + 3 * i], 16) for i in range(count)]
    except (struct.error, IndexError):
        raise BrokenImage("JPEG has a damaged frame header") from None
    if precision != 8:
        raise NotAnImage(f"it is a JPEG of {precision} bits a sample", _CONVERT)
    if not (width and height and all(h and v for h, v in factors)):
        raise BrokenImage(f"JPEG says it is {width}×{height} px")
    if count not in _MODES:
        raise NotAnImage(f"it is a JPEG of {count} components", _CONVERT)
    coefficients = 0
    if marker in _PROGRESSIVE or in_scan < count:
        # Decoders keep two bytes a coefficient of all components until the last scan is read.
        widest = max(h for h, _ in factors) * max(v for _, v in factors)
        coefficients = 2 * width * height * sum(h * v for h, v in factors) // widest
    return JpegHeader(width, height, _MODES[count], exif, icc, adobe, coefficients)


def decode(
    data: bytes,
    header: JpegHeader,
    scale: int = 1,
    allocate: Callable[[int], npt.NDArray[np.uint8]] | None = None,
) -> npt.NDArray[np.uint8] | None:
    """The pixels of an 8-bit JPEG, all of them or an error.

    scale    : 1, 2, 4 or 8; the result has ⌈side / scale⌉ pixels a side.
    allocate : gives a flat uint8 array of so many bytes to decode into, instead of a new one.
    Returns (h, w, 3) uint8 RGB, from grey too; (h, w, 4) for CMYK, where 0 is no ink.
    None for a valid JPEG of a chroma sampling that simplejpeg refuses and Pillow takes.
    Raises `BrokenImage`.
    """
    height, width = -(-header.height // scale), -(-header.width // scale)
    space = "CMYK" if header.mode == "CMYK" else "RGB"
    buffer = allocate(height * width * len(space)) if allocate else None
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data,
            colorspace=space,
            # The scale is honoured only together with the least sides that are wanted.
            min_height=height if scale > 1 else 0,
            min_width=width if scale > 1 else 0,
            min_factor=scale,
            buffer=buffer,
        )
    except ValueError as error:
        if "subsampling" in str(error):
            return None
        raise BrokenImage(f"JPEG data are damaged ({error})") from None
    if space == "CMYK" and header.adobe:
        np.subtract(255, pixels, out=pixels)
    return pixels
