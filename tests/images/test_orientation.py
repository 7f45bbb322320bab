"""The orientation tag is found where it is, and read as upright wherever it makes no sense."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import photo
from PIL import Image

from snellen.images.orientation import exif_orientation, turn


def block(
    value: int, *, endian: str = "<", kind: int = 3, count: int = 1, others: int = 2
) -> bytes:
    """An EXIF block with an orientation behind some other tags."""
    mark = b"II*\0" if endian == "<" else b"MM\0*"
    entries = [struct.pack(f"{endian}HHII", 256 + i, 4, 1, 99) for i in range(others)]
    form = "HHIHH" if kind == 3 else "HHII"
    values = (value, 0) if kind == 3 else (value,)
    entries.append(struct.pack(f"{endian}{form}", 274, kind, count, *values))
    start = struct.pack(f"{endian}I", 8)
    return mark + start + struct.pack(f"{endian}H", len(entries)) + b"".join(entries)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_the_tag_is_read(value: int, endian: str, kind: int) -> None:
    exif = block(value, endian=endian, kind=kind)
    assert exif_orientation(exif) == exif_orientation(b"Exif\0\0" + exif) == value


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"no TIFF at all",
        block(0),
        block(9),
        block(6, kind=2),
        block(6, count=2),
        block(6)[:-3],
        block(6)[:9],
        b"II*\0\xff\xff\xff\x7f",
        Image.Exif().tobytes(),
    ],
)
def test_nonsense_is_upright(exif: bytes) -> None:
    assert exif_orientation(exif) == 1


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_orientation(tail: bytes) -> None:
    assert exif_orientation(b"II*\0" + tail) in range(1, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_a_picture_puts_its_top_left_corner_where_exif_says(orientation: int) -> None:
    pixels = photo(200, 30)
    turned = turn(pixels, orientation)
    # EXIF 2.32: which visual row and column the stored first row and first column are.
    rows, columns = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
        5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    edges = {
        "top": turned[0],
        "bottom": turned[-1],
        "left": turned[:, 0],
        "right": turned[:, -1],
    }
    first_row = edges[rows] if columns in ("left", "top") else edges[rows][::-1]
    first_column = edges[columns] if rows in ("top", "left") else edges[columns][::-1]
    assert np.array_equal(first_row, pixels[0])
    assert np.array_equal(first_column, pixels[:, 0])
