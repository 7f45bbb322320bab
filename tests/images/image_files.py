"""Real image files for the tests of this folder, made with Pillow or byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]


def photo(height: int = 61, width: int = 83) -> Array:
    """A small picture with slopes, edges and noise, no two corners or sides of it alike."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = 128 + 100 * np.sin(x / 5) * np.cos(y / 7)
    pixels = np.stack([red, green, blue], axis=-1)
    pixels[: height // 4, : width // 3] = (250, 20, 30)
    pixels += np.random.default_rng(7).normal(0, 6, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def encode(image: Image.Image | Array, kind: str, **options: Any) -> bytes:
    """`image` as the bytes of a file of that kind."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(samples: Array, *, bits: int, colour_type: int, extra: bytes = b"") -> bytes:
    """A PNG of (h, w, channels) samples of 8 or 16 bits; `extra` chunks come before the data."""
    height, width, _ = samples.shape
    rows = samples.astype(">u2" if bits == 16 else "u1")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(raw))
        + png_chunk(b"IEND", b"")
    )


def tiff(samples: Array, *, photometric: int, sample_format: int = 1, **tags: int) -> bytes:
    """An uncompressed little-endian TIFF of (h, w, channels) samples of any type, in one strip."""
    height, width, channels = samples.shape
    bits = samples.dtype.itemsize * 8
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, tags.get("bits", bits)),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, samples.nbytes),
        (339, 3, 1, sample_format),
    ]
    if channels > 1:  # four shorts do not fit into an entry: they lie behind the directory
        at = 8 + samples.nbytes + 2 + 12 * len(entries) + 4
        entries[2] = (258, 3, channels, at)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    directory += struct.pack("<I", 0) + struct.pack("<H", bits) * (channels if channels > 1 else 0)
    start = struct.pack("<4sI", b"II*\0", 8 + samples.nbytes)
    return start + samples.astype(samples.dtype.newbyteorder("<")).tobytes() + directory


# Colorants of Display P3 and sRGB adapted to D50, from the ICC's registry, and sRGB's curve.
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def icc_profile(
    name: str,
    colorants: tuple[tuple[float, ...], ...] = SRGB,
    curve: tuple[float, ...] = SRGB_CURVE,
    *,
    space: bytes = b"RGB ",
) -> bytes:
    """A version-4 ICC profile of three colorants and a curve, or of a curve for grey.

    curve : one number, a gamma, or five, the parametric curve of type 3.  Source: ICC.1:2022.
    """

    def fixed(*numbers: float) -> bytes:
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    text = name.encode("utf-16-be")
    described = b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(text), 28) + text
    kind = {1: 0, 5: 3}[len(curve)]
    curved = b"para" + struct.pack(">IHH", 0, kind, 0) + fixed(*curve)
    tags = {b"desc": described, b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249)}
    if space == b"GRAY":
        tags[b"kTRC"] = curved
    else:
        for channel, colorant in zip((b"r", b"g", b"b"), colorants, strict=True):
            tags[channel + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*colorant)
            tags[channel + b"TRC"] = curved
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        body += bytes(-len(body) % 4)
        table += struct.pack(">4sII", tag, at + len(bodies), len(body))
        bodies += body
    header = struct.pack(
        ">I4sI4s4s4s12s4s", 128 + len(table) + len(bodies), b"", 0x04300000, b"mntr", space,
        b"XYZ ", bytes(12), b"acsp",
    )  # fmt: skip
    header = header.ljust(68, b"\0") + fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + bodies


def flat_jpeg(
    height: int = 16,
    width: int = 16,
    *,
    sampling: tuple[int, ...] = (0x22, 0x11, 0x11),
    frame: int = 0xC0,
    precision: int = 8,
) -> bytes:
    """A JPEG of middle grey, 16×16 px whatever its header claims, byte by byte.

    Its Huffman tables have one code each, 0, so that every block is two zero bits.
    sampling  : horizontal and vertical factor of each component, a nibble each.
    frame     : the marker of the frame, 0xC0 for baseline.  Source: ITU-T T.81 annex B.
    """

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    components = b"".join(bytes([i + 1, factors, 0]) for i, factors in enumerate(sampling))
    one_code = bytes([1] + [0] * 15 + [0])
    scan = bytes([len(sampling)]) + b"".join(bytes([i + 1, 0]) for i in range(len(sampling)))
    blocks = sum((factors >> 4) * (factors & 15) for factors in sampling)
    padding = -2 * blocks % 8
    bits = (1 << padding) - 1
    return (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\1" * 64)
        + segment(frame, struct.pack(">BHHB", precision, height, width, len(sampling)) + components)
        + segment(0xC4, b"\x00" + one_code + b"\x10" + one_code)
        + segment(0xDA, scan + b"\0\x3f\0")
        + bits.to_bytes((2 * blocks + padding) // 8, "big")
        + b"\xff\xd9"
    )
